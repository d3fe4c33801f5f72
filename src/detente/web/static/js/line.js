// Step lines over dates, direct labels at the right, and a cursor that can be dragged.

import { attrs, s } from "/static/js/dom.js";
import { lineColours } from "/static/js/colour.js";
import { figure } from "/static/js/figure.js";
import { byUnit, date, num } from "/static/js/format.js";
import { responsive } from "/static/js/resize.js";

const time = (iso) => Date.UTC(...iso.split("-").map((x, i) => Number(x) - (i === 1 ? 1 : 0)));
const HEIGHT = 300;

/** Moves labels apart so that none overlap, keeping their order. */
function apart(ys, gap, top, bottom) {
  const order = ys.map((y, i) => [y, i]).sort((a, b) => a[0] - b[0]);
  let last = top - gap;
  for (const item of order) { item[0] = Math.max(item[0], last + gap); last = item[0]; }
  let limit = bottom;
  for (const item of [...order].reverse()) { item[0] = Math.min(item[0], limit); limit = item[0] - gap; }
  const out = [];
  for (const [y, i] of order) out[i] = y;
  return out;
}

/**
 * stepLine(el, {label, unit, onPick, source, filename, format, termName, level, marks, end}).
 * marks: [{date, label}] thin lines for events; end: the day until which the last values hold.
 * Returns {update(series), cursor(isoDate), figure}; series: [{key, label, points: [[isoDate, value]],
 * band?: [[isoDate, low, high]], colour?}], a value holds until the next point.
 */
export function stepLine(el, { label, unit, onPick = null, source = "", filename = "line", format = null, termName = null, level = 2, marks = [], height = HEIGHT, end = null }) {
  const frame = figure(el, { title: label, unit, source, filename, termName, level });
  const svg = s("svg", { role: "img", "aria-label": `${label}: lines over dates; the table below has the numbers` });
  frame.body.append(svg);
  let write = format ?? byUnit(unit);
  const state = { series: [], at: null, width: 0 };
  let view = null;

  function draw(width = state.width) {
    state.width = width;
    if (!width || !state.series.length) { svg.replaceChildren(); view = null; return; }
    const compact = width < 480;
    const right = Math.min(width * 0.4, Math.max(...state.series.map((r) => r.label.length)) * 6.8 + 62);
    const [left, top, bottom] = [38, 10, height - 26];
    const dates = [...state.series.flatMap((r) => [r.points[0][0], r.points.at(-1)[0]]), ...(end ? [end] : [])];
    const values = state.series.flatMap((r) => [...r.points, ...(r.band ?? [])].flatMap((p) => p.slice(1))).filter(Number.isFinite);
    const x = d3.scaleUtc([Math.min(...dates.map(time)), Math.max(...dates.map(time))], [left, width - right]);
    const y = d3.scaleLinear([Math.min(0, ...values), Math.max(...values, 1e-9)], [bottom, top]).nice(5);
    const axis = s("g", { class: "axis" });
    const ticks = y.ticks(5);
    const decimals = Math.max(0, -Math.floor(Math.log10(ticks[1] - ticks[0] || 1) + 1e-9));
    for (const t of ticks) {
      axis.append(s("line", { class: "gridline", x1: left, x2: width - right, y1: y(t), y2: y(t) }),
        s("text", { x: left - 6, y: y(t) + 4, "text-anchor": "end", text: num(t, decimals) }));
    }
    for (const t of x.ticks(compact ? 4 : 8)) {
      axis.append(s("line", { x1: x(t), x2: x(t), y1: bottom, y2: bottom + 4 }),
        s("text", { x: x(t), y: bottom + 17, "text-anchor": "middle", text: d3.utcFormat(t.getUTCMonth() ? "%b" : "%Y")(t) }));
    }
    for (const mark of marks) {
      const at = x(time(mark.date));
      if (at >= left && at <= width - right) axis.append(s("line", { x1: at, x2: at, y1: top, y2: bottom, "stroke-dasharray": "1 3", stroke: "currentColor", opacity: 0.45 }));
    }
    const path = d3.line().curve(d3.curveStepAfter).defined((p) => Number.isFinite(p[1])).x((p) => x(time(p[0]))).y((p) => y(p[1]));
    const colours = lineColours();
    const area = d3.area().curve(d3.curveStepAfter).defined((p) => Number.isFinite(p[1])).x((p) => x(time(p[0]))).y0((p) => y(p[1])).y1((p) => y(p[2]));
    const last = x.domain()[1].toISOString().slice(0, 10);
    const rows = state.series.map((row, i) => {
      const colour = row.colour ?? colours[i % colours.length];
      const text = s("text", { class: "halo", "font-size": 12.5, fill: colour, x: width - right + 10 });
      text.style.fill = colour;
      const dot = s("circle", { r: 4, fill: colour, display: "none" });
      const lead = s("path", { fill: "none", stroke: colour, opacity: 0.5 });
      const band = row.band?.length ? [s("path", { class: "band", d: area([...row.band, [last, ...row.band.at(-1).slice(1)]]), fill: colour, opacity: 0.18 })] : [];
      return { row, colour, text, dot, lead, band, line: s("path", { class: "series", d: path([...row.points, [last, row.points.at(-1)[1]]]), stroke: colour }) };
    });
    const cursor = s("line", { class: "cursor-line", y1: top - 6, y2: bottom, display: "none" });
    const grab = s("rect", { x: left, y: 0, width: Math.max(0, width - right - left), height: bottom, fill: "transparent" });
    if (onPick) grab.style.cursor = "ew-resize";
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.replaceChildren(axis, ...rows.flatMap((r) => r.band), ...rows.map((r) => r.line), ...rows.map((r) => r.lead), cursor, ...rows.map((r) => r.dot), ...rows.map((r) => r.text), grab);
    view = { x, y, rows, cursor, top, bottom, left, right: width - right, grab };
    place();
  }

  const byDate = d3.bisector((p) => p[0]);
  function valueAt(points, iso, n = 1) {
    const i = byDate.right(points, iso) - 1;
    return i < 0 ? null : points[i][n];
  }

  function place() {
    if (!view) return;
    const at = state.at ? Math.max(view.left, Math.min(view.right, view.x(time(state.at)))) : null;
    attrs(view.cursor, at === null ? { display: "none" } : { display: "inline", x1: at, x2: at });
    const shown = view.rows.map((r) => (state.at ? valueAt(r.row.points, state.at) : r.row.points.at(-1)[1]));
    const ends = view.rows.map((r) => view.y(r.row.points.at(-1)[1] ?? 0));
    const ys = apart(ends, 15, view.top + 4, view.bottom);
    view.rows.forEach((r, i) => {
      const text = `${r.row.label} ${write(shown[i])}`;
      if (r.text.textContent !== text) r.text.textContent = text;
      attrs(r.text, { y: ys[i] + 4 });
      attrs(r.lead, { d: `M${view.right} ${ends[i]}L${view.right + 8} ${ys[i]}` });
      const drawn = at !== null && Number.isFinite(shown[i]);
      attrs(r.dot, drawn ? { display: "inline", cx: at, cy: view.y(shown[i]) } : { display: "none" });
    });
  }

  function pick(event) {
    if (!view || !onPick) return;
    const box = svg.getBoundingClientRect();
    const scale = box.width / svg.viewBox.baseVal.width || 1;
    onPick(view.x.invert((event.clientX - box.x) / scale).toISOString().slice(0, 10));
  }
  svg.addEventListener("pointerdown", (event) => { if (event.target === view?.grab && onPick) { svg.setPointerCapture(event.pointerId); pick(event); } });
  svg.addEventListener("pointermove", (event) => { if (svg.hasPointerCapture(event.pointerId)) pick(event); });
  if (onPick) svg.style.touchAction = "pan-y";

  responsive(frame.body, draw);
  return {
    figure: frame,
    /** New lines, and how their numbers are written from now on. */
    update(series, writer = write) {
      write = writer;
      state.series = series.filter((r) => r.points.length);
      draw();
      const columns = series.flatMap((r) => [[r.key, r.label, r.points, 1], ...(r.band?.length ? [[`${r.key}_low`, `${r.label}, low`, r.band, 1], [`${r.key}_high`, `${r.label}, high`, r.band, 2]] : [])]);
      frame.setTable([{ key: "date", label: "Date", header: true, format: date }, ...columns.map(([key, name]) => ({ key, label: name, numeric: true, format: write }))],
        () => [...new Set(series.flatMap((r) => r.points.map((p) => p[0])))].sort().map((day) => ({ date: day, ...Object.fromEntries(columns.map(([key, , points, n]) => [key, valueAt(points, day, n)])) })));
    },
    cursor(iso) { state.at = iso; place(); },
  };
}
