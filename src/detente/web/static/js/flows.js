// Flows between economies as arcs on the map: wider is more, orange is less, blue is more than before.

import { s } from "/static/js/dom.js";
import { gain, loss } from "/static/js/colour.js";
import { figure } from "/static/js/figure.js";
import { byUnit } from "/static/js/format.js";
import { responsive } from "/static/js/resize.js";
import { BORDERS, fitted, shapes } from "/static/js/shapes.js";
import { hideTip, showTip } from "/static/js/tips.js";

/**
 * flowsMap(el, {label, unit, names, source, filename, format, level}).
 * Returns {update([{from, to, value}]), figure}; from and to are ISO3, sellers and buyers.
 */
export function flowsMap(el, { label, unit, names = {}, source = "", filename = "flows", format = null, termName = null, level = 2 }) {
  const frame = figure(el, { title: label, unit, source: `${source} ${BORDERS}`.trim(), filename, termName, level });
  const svg = s("svg", { role: "img", "aria-label": `${label}: arcs on a map; the table below has the numbers` });
  frame.body.append(svg);
  const write = format ?? byUnit(unit);
  const nameOf = (code) => names[code] ?? code;
  let world = null;
  let flows = [];
  let wide = 0;

  shapes().then((loaded) => { world = loaded; responsive(frame.body, draw); },
    (error) => frame.setMessage(`The map could not be drawn: ${error.message} The table shows the same numbers.`));

  function draw(width = wide) {
    wide = width;
    if (!world || !width) return;
    const { projection, path, height } = fitted(width);
    const land = s("g", {}, world.features.map((f) => s("path", { d: path(f) ?? "", class: "land", fill: "var(--land)" })));
    const most = Math.max(...flows.map((f) => Math.abs(f.value)), 1e-12);
    const thick = d3.scaleSqrt([0, most], [0.6, Math.max(5, width / 90)]);
    const arcs = [...flows].sort((a, b) => Math.abs(b.value) - Math.abs(a.value)).map((flow) => arc(flow, projection, thick));
    const used = new Set(flows.flatMap((f) => [f.from, f.to]));
    const dots = [...used].map((code) => [code, world.centre(code)]).filter(([, place]) => place).map(([code, place]) => {
      const [x, y] = projection(place);
      return s("g", {}, s("circle", { cx: x, cy: y, r: 2.2, fill: "var(--ink)" }),
        used.size <= 14 ? s("text", { class: "halo", x: x + 5, y: y + 4, "font-size": width < 520 ? 10 : 12, text: nameOf(code) }) : null);
    });
    const key = [[gain(), "more"], [loss(), "less"]].map(([colour, text], i) => s("g", { transform: `translate(${4 + i * 70} ${height + 12})` },
      s("line", { x1: 0, x2: 18, y1: 0, y2: 0, stroke: colour, "stroke-width": 5 }), s("text", { class: "note", x: 24, y: 4, text })));
    svg.setAttribute("viewBox", `0 0 ${width} ${height + 24}`);
    svg.replaceChildren(land, ...arcs.filter(Boolean), ...dots, ...key, s("text", { class: "note", x: 150, y: height + 16, text: "from seller to buyer" }));
  }

  function arc(flow, projection, thick) {
    const [a, b] = [world.centre(flow.from), world.centre(flow.to)];
    if (!a || !b || flow.from === flow.to) return null;
    const [[x1, y1], [x2, y2]] = [projection(a), projection(b)];
    const [dx, dy] = [x2 - x1, y2 - y1];
    const bend = 0.22;
    const [cx, cy] = [(x1 + x2) / 2 + dy * bend, (y1 + y2) / 2 - dx * bend];
    const node = s("path", { class: "arc", d: `M${x1} ${y1}Q${cx} ${cy} ${x2} ${y2}`, stroke: flow.value < 0 ? loss() : gain(), "stroke-width": thick(Math.abs(flow.value)), "stroke-opacity": 0.75 });
    node.addEventListener("pointermove", (e) => showTip(e.clientX, e.clientY, [`${nameOf(flow.from)} to ${nameOf(flow.to)}`, write(flow.value)]));
    node.addEventListener("pointerleave", hideTip);
    return node;
  }

  return {
    figure: frame,
    update(next) {
      flows = next;
      draw();
      frame.setTable([{ key: "seller", label: "Seller", header: true }, { key: "buyer", label: "Buyer" }, { key: "value", label: unit, numeric: true, format: write }],
        () => flows.map((f) => ({ seller: nameOf(f.from), buyer: nameOf(f.to), value: f.value })));
    },
  };
}
