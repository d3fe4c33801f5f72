// Country shapes, loaded once: features with ISO3 ids, and places for economies too small to be seen.

import { getJSON } from "/static/js/api.js";

/** Economies drawn as a circle as well: [longitude, latitude]. */
export const SMALL = {
  SGP: [103.82, 1.35], HKG: [114.17, 22.32], MLT: [14.4, 35.9], LUX: [6.13, 49.8], BRN: [114.7, 4.6], CYP: [33.2, 35.05],
};

export const BORDERS = "Shapes and borders: Natural Earth; they imply no opinion of ours. Small economies are circles.";

let loading = null;

/** {features, borders, centre(iso3)}; the promise is shared by all maps of a page. */
export function shapes() {
  loading ??= Promise.all([getJSON("/static/vendor/countries-50m.json"), getJSON("/static/vendor/iso3.json")]).then(([topology, iso3]) => {
    const { features } = topojson.feature(topology, topology.objects.countries);
    for (const feature of features) feature.iso3 = iso3[feature.id] ?? null;
    const byCode = new Map(features.filter((f) => f.iso3).map((f) => [f.iso3, f]));
    return { features, centre: (code) => SMALL[code] ?? CENTRES[code] ?? (byCode.has(code) ? d3.geoCentroid(byCode.get(code)) : null) };
  });
  loading.catch(() => { loading = null; });
  return loading;
}

// where the centroid of all parts lies off the mainland, or arcs should start near where people live
const CENTRES = { USA: [-97, 39], FRA: [2.5, 46.7], NOR: [9.5, 61], CAN: [-98, 54], RUS: [55, 57], NLD: [5.3, 52.1], PRT: [-8, 39.6], ESP: [-3.7, 40.2], CHL: [-71, -33], NZL: [173, -41], ROW: [28, 4] };

/** The world without the poles, fitted to a width; {projection, path, height}. */
export function fitted(width) {
  const projection = d3.geoEqualEarth().rotate([-11, 0]);
  const frame = { type: "MultiPoint", coordinates: [[-126, 50], [-167, 66], [-168, 55], [-110, 20], [-180, 66], [179, -37], [153, -30], [-40, 82.5], [-70, -55.5]] };
  projection.fitExtent([[2, 2], [width - 2, width]], frame);
  const [[, top], [, bottom]] = d3.geoPath(projection).bounds(frame);
  const [x, y] = projection.translate();
  projection.translate([x, y - top + 4]);
  return { projection, path: d3.geoPath(projection), height: Math.ceil(bottom - top + 8) };
}
