// The world map: one number an economy, in round classes, with a legend that says where there is none.

import { s } from "/static/js/dom.js";
import { bounds, scale } from "/static/js/colour.js";
import { figure } from "/static/js/figure.js";
import { byUnit, num } from "/static/js/format.js";
import { responsive } from "/static/js/resize.js";
import { BORDERS, SMALL, fitted, shapes } from "/static/js/shapes.js";
import { hideTip, showTip } from "/static/js/tips.js";

let count = 0;

/**
 * worldMap(el, {label, unit, kind, onSelect, names, source, filename, format, termName, level}).
 * names: {iso3: name}; format(value): text. Returns {update(values, {bounds, detail}), select(iso3), figure}:
 * values: Map iso3 -> number; bounds keeps the classes fixed; detail(iso3) gives further lines for the tip.
 */
export function worldMap(el, { label, unit, kind = "diverging", onSelect = null, names = {}, source = "", filename = "map", format = null, termName = null, level = 2 }) {
  const frame = figure(el, { title: label, unit, source: `${source} ${BORDERS}`.trim(), filename, termName, level });
  const hatch = `hatch-${(count += 1)}`;
  const svg = s("svg", { role: "img", tabindex: "0", "aria-label": `${label}: map. Arrow keys step through the economies.` });
  frame.body.append(svg);
  const state = { values: new Map(), limits: bounds(kind, [1]), fixed: false, detail: null, selected: null, active: null, kind, write: format ?? byUnit(unit) };
  let areas = new Map(); // iso3 -> [nodes]
  let world = null;
  let legendKey = "";
  let legend = null;
  let wide = 0;
  const nameOf = (code) => names[code] ?? world?.features.find((f) => f.iso3 === code)?.properties.name ?? code;

  shapes().then((loaded) => { world = loaded; responsive(frame.body, draw); },
    (error) => frame.setMessage(`The map could not be drawn: ${error.message} The list and the table show the same numbers.`));

  function draw(width) {
    wide = width;
    const { projection, path, height } = fitted(width);
    const compact = width < 520;
    const base = compact ? height + 52 : height;
    svg.setAttribute("viewBox", `0 0 ${width} ${base + (compact ? 0 : 44)}`);
    areas = new Map();
    const land = s("g");
    for (const feature of world.features) {
      const d = path(feature);
      if (!d) continue;
      const known = feature.iso3 in names || state.values.has(feature.iso3);
      const node = s("path", { d, class: known ? "land economy" : "land" });
      node.code = feature.iso3;
      node.title_ = feature.properties.name;
      if (known) keep(feature.iso3, node);
      else node.setAttribute("fill", `url(#${hatch})`);
      land.append(node);
    }
    for (const [code, place] of Object.entries(SMALL)) {
      if (!(code in names) && !state.values.has(code)) continue;
      const [x, y] = projection(place);
      const node = s("circle", { cx: x, cy: y, r: compact ? 2.6 : 4, class: "land economy" });
      node.code = code;
      keep(code, node);
      land.append(node);
    }
    const pattern = s("pattern", { id: hatch, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      s("rect", { width: 6, height: 6, class: "hatch-ground" }), s("line", { x1: 0, y1: 0, x2: 0, y2: 6, class: "hatch-line" }));
    legend = s("g", { transform: `translate(0 ${compact ? height + 8 : height + 6})` });
    svg.replaceChildren(s("defs", {}, pattern), land, legend);
    legendKey = "";
    paint();
    mark();
  }

  function keep(code, node) {
    node.dataset.iso3 = code;
    areas.set(code, [...(areas.get(code) ?? []), node]);
  }

  function paint() {
    const colours = scale(state.kind, state.limits);
    for (const [code, nodes] of areas) {
      const fill = colours.colour(state.values.get(code)) ?? `url(#${hatch})`;
      for (const node of nodes) if (node.fill_ !== fill) { node.setAttribute("fill", fill); node.fill_ = fill; }
    }
    const key = colours.classes.map((c) => c.colour + c.to).join();
    if (legend && key !== legendKey) { drawLegend(colours.classes); legendKey = key; }
  }

  function drawLegend(classes) {
    const room = Math.min(wide - 4, 560);
    const step = (room - 96) / classes.length;
    const short = (x) => num(x, Math.abs(x) >= 1 || x === 0 ? 0 : Math.abs(x) >= 0.1 ? 1 : Math.abs(x) >= 0.01 ? 2 : 3, state.kind === "diverging");
    const parts = classes.map((c, i) => s("rect", { x: 2 + i * step, y: 2, width: step - 1.5, height: 11, fill: c.colour }));
    const every = step < 46 ? 2 : 1;
    classes.slice(0, -1).forEach((c, i) => {
      // little room: every second bound, the same ones on both sides of zero
      if (every === 2 && (state.kind === "diverging" ? ![0, 2, 5, 7].includes(i) : i % 2)) return;
      parts.push(s("text", { class: "note", x: 2 + (i + 1) * step - 1, y: 27, "text-anchor": "middle", "font-size": 11, text: short(c.to) }));
    });
    const x = 2 + classes.length * step + 12;
    parts.push(s("rect", { x, y: 2, width: 16, height: 11, fill: `url(#${hatch})` }),
      s("text", { class: "note", x: x + 21, y: 12, text: "no data" }));
    legend.replaceChildren(...parts);
  }

  function mark() {
    for (const [code, nodes] of areas) for (const node of nodes) {
      node.classList.toggle("selected", code === state.selected);
      node.classList.toggle("active", code === state.active);
    }
  }

  function tip(code, name, x, y) {
    if (!code || !areas.has(code)) return showTip(x, y, [name ?? code, "No row of its own: part of the rest of the world."]);
    const value = state.values.get(code);
    return showTip(x, y, [nameOf(code), value === undefined ? "no data" : state.write(value), ...(state.detail?.(code) ?? [])]);
  }

  svg.addEventListener("pointermove", (event) => {
    const node = event.target;
    if (node.classList?.contains("land")) tip(node.code, node.title_, event.clientX, event.clientY);
    else hideTip();
  });
  svg.addEventListener("pointerleave", hideTip);
  svg.addEventListener("click", (event) => { if (areas.has(event.target.code)) pick(event.target.code); });
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      const codes = [...areas.keys()].sort((a, b) => nameOf(a).localeCompare(nameOf(b), "en"));
      const at = codes.indexOf(state.active ?? state.selected);
      state.active = codes[(at + step + codes.length) % codes.length];
      mark();
      const box = areas.get(state.active)[0].getBoundingClientRect();
      tip(state.active, null, box.x + box.width / 2, box.y + box.height / 2);
      svg.setAttribute("aria-label", `${nameOf(state.active)}: ${state.write(state.values.get(state.active))}`);
    } else if ((event.key === "Enter" || event.key === " ") && state.active) {
      event.preventDefault();
      pick(state.active);
    }
  });
  svg.addEventListener("blur", () => { state.active = null; mark(); hideTip(); });

  function pick(code) {
    state.selected = code;
    mark();
    onSelect?.(code);
  }

  return {
    figure: frame,
    update(values, options = {}) {
      const added = [...values.keys()].some((code) => !areas.has(code)) && world;
      Object.assign(state, { values, detail: options.detail ?? state.detail, kind: options.kind ?? state.kind, write: options.format ?? state.write });
      state.limits = options.bounds ?? bounds(state.kind, [...values.values()]);
      if (added && !Object.keys(names).length) draw(wide);
      else paint();
      frame.setTable([{ key: "country", label: "Code" }, { key: "name", label: "Economy", header: true }, { key: "value", label: unit, numeric: true, format: state.write }],
        () => [...values].map(([country, value]) => ({ country, name: nameOf(country), value })).sort((a, b) => a.value - b.value));
    },
    select(code) { state.selected = code; mark(); },
    setSource(text) { frame.setSource(`${text} ${BORDERS}`.trim()); },
  };
}
