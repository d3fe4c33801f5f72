// Ranked horizontal bars around zero, with an optional range and a ghost of an earlier value.

import { attrs, s } from "/static/js/dom.js";
import { gain, loss } from "/static/js/colour.js";
import { figure } from "/static/js/figure.js";
import { byUnit } from "/static/js/format.js";
import { responsive } from "/static/js/resize.js";

// a finger needs more than a mouse
const ROW = window.matchMedia("(pointer: coarse)").matches ? 28 : 22;
const BASE = ROW / 2 + 4;
const px = (x) => Math.round(x * 10) / 10;

/** Which rows are drawn: both ends of the order, or those furthest from zero. */
function drawn(rows, limit, pick) {
  if (!limit || rows.length <= limit) return { shown: rows, cut: -1, hidden: 0 };
  if (pick === "largest") {
    const far = new Set([...rows].sort((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, limit));
    return { shown: rows.filter((row) => far.has(row)), cut: -1, hidden: rows.length - limit };
  }
  const bottom = Math.floor(limit / 2);
  return { shown: [...rows.slice(0, limit - bottom), ...rows.slice(rows.length - bottom)], cut: limit - bottom, hidden: rows.length - limit };
}

/**
 * rankedBars(el, {label, unit, href, limit, onSelect, source, filename, format, termName, level, sort, labels, pick}).
 * pick: with more rows than limit, both "ends" or the "largest" either way. labels: the part of the width for names. href(key): a link for the label. Returns {update(rows, {limit, domain}), select(key), figure};
 * rows: [{key, label, value, low?, high?, before?}]; drawn largest first unless sort is false.
 */
export function rankedBars(el, { label, unit, href = null, limit = 0, onSelect = null, source = "", filename = "ranking", format = null, termName = null, level = 2, sort = true, labels = 0.34, pick = "ends" }) {
  const frame = figure(el, { title: label, unit, source, filename, termName, level });
  const svg = s("svg", { role: "group", "aria-label": `${label}: bars, largest first` });
  frame.body.append(svg);
  const state = { rows: [], limit, domain: null, selected: null, width: 0, write: format ?? byUnit(unit) };
  const axis = s("line", { class: "zero" });
  const gap = s("text", { class: "note", "text-anchor": "middle", "font-size": 12 });
  svg.append(axis, gap);
  const pool = [];

  function line(i) {
    if (pool[i]) return pool[i];
    const name = s("text", { class: "bar-label", "font-size": 13, y: BASE });
    const target = s("rect", { height: ROW, fill: "none", "pointer-events": "all" });
    const link = href ? s("a", {}, target, name) : name;
    const parts = { group: s("g", { class: "bar-row" }), name, link, target, bar: s("rect", { y: 4, height: ROW - 8, rx: 1.5 }), range: s("line", { class: "bar-range", y1: ROW / 2, y2: ROW / 2 }),
      ghost: s("line", { class: "ghost", y1: 2, y2: ROW - 2 }), value: s("text", { class: "bar-value num", "font-size": 12.5, y: BASE }) };
    parts.group.append(parts.bar, parts.range, parts.ghost, link, parts.value);
    if (onSelect) parts.group.addEventListener("click", (event) => { if (!event.target.closest("a")) onSelect(parts.key); });
    svg.append(parts.group);
    return (pool[i] = parts);
  }

  function draw(width = state.width) {
    state.width = width;
    if (!width) return;
    const ordered = sort ? [...state.rows].sort((a, b) => (b.value ?? -Infinity) - (a.value ?? -Infinity)) : state.rows;
    const { shown, cut, hidden } = drawn(ordered, state.limit, pick);
    const names = Math.min(440 * labels, Math.max(116, width * labels));
    const all = shown.flatMap((r) => [r.value, r.low, r.high, r.before]).filter(Number.isFinite);
    const [least, most] = state.domain ?? [Math.min(0, ...all), Math.max(0, ...all)];
    const widest = Math.max(...shown.map((r) => state.write(r.value).length), 5) * 7.2 + 6;
    const x = d3.scaleLinear([least, most === least ? least + 1 : most], [names + (least < 0 ? widest : 6), width - (most > 0 ? widest : 6)]);
    const [plus, minus] = [gain(), loss()];
    shown.forEach((row, i) => {
      const parts = line(i);
      const y = i * ROW + (cut >= 0 && i >= cut ? ROW * 0.9 : 0);
      const value = Number.isFinite(row.value) ? row.value : 0;
      parts.key = row.key;
      parts.group.dataset.key = row.key;
      attrs(parts.group, { display: "inline", transform: `translate(0 ${y})` });
      parts.group.classList.toggle("selected", row.key === state.selected);
      const room = Math.floor(names / 6.9);
      const text = row.label.length > room ? `${row.label.slice(0, room - 1)}…` : row.label;
      if (parts.name.textContent !== text) parts.name.textContent = text;
      const written = state.write(row.value);
      if (href) attrs(parts.target, { width: px(names) });
      if (href) attrs(parts.link, { href: href(row.key), "aria-label": `${row.label}: ${written}` });
      attrs(parts.bar, { x: px(x(Math.min(0, value))), width: px(Math.max(0.5, Math.abs(x(value) - x(0)))), fill: value < 0 ? minus : plus });
      const ranged = Number.isFinite(row.low) && Number.isFinite(row.high);
      attrs(parts.range, ranged ? { display: "inline", x1: px(x(row.low)), x2: px(x(row.high)) } : { display: "none" });
      const ghosted = Number.isFinite(row.before);
      attrs(parts.ghost, ghosted ? { display: "inline", x1: px(x(row.before)), x2: px(x(row.before)) } : { display: "none" });
      const ends_ = [value, ranged ? row.low : value, ranged ? row.high : value, ghosted ? row.before : value];
      if (parts.value.textContent !== written) parts.value.textContent = written;
      attrs(parts.value, { x: px(value < 0 ? x(Math.min(...ends_)) - 5 : x(Math.max(...ends_)) + 5), "text-anchor": value < 0 ? "end" : "start" });
    });
    for (const parts of pool.slice(shown.length)) attrs(parts.group, { display: "none" });
    const height = shown.length * ROW + (cut >= 0 ? ROW * 0.9 : 0) + 2;
    attrs(gap, { display: cut >= 0 ? "inline" : "none", x: px(x(0)), y: cut * ROW + BASE - 1 });
    const between = `… ${hidden} in between …`;
    if (gap.textContent !== between) gap.textContent = between;
    attrs(axis, { x1: px(x(0)), x2: px(x(0)), y2: height });
    attrs(svg, { viewBox: `0 0 ${width} ${height}` });
  }

  responsive(frame.body, draw);
  return {
    figure: frame,
    update(rows, options = {}) {
      Object.assign(state, { rows, limit: options.limit ?? state.limit, domain: options.domain ?? null, write: options.format ?? state.write });
      draw();
      const columns = [{ key: "key", label: "Code" }, { key: "label", label: "Name", header: true }, { key: "value", label: unit, numeric: true, format: state.write }];
      if (rows.some((r) => Number.isFinite(r.before))) columns.push({ key: "before", label: "at page start", numeric: true, format: state.write });
      if (rows.some((r) => Number.isFinite(r.low))) columns.push({ key: "low", label: "lowest", numeric: true, format: state.write }, { key: "high", label: "highest", numeric: true, format: state.write });
      frame.setTable(columns, () => [...rows].sort((a, b) => b.value - a.value));
    },
    select(key) { state.selected = key; draw(); },
  };
}
