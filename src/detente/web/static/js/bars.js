// Ranked horizontal bars around zero, with an optional range and a ghost of an earlier value.

import { s } from "/static/js/dom.js";
import { gain, loss } from "/static/js/colour.js";
import { figure } from "/static/js/figure.js";
import { byUnit } from "/static/js/format.js";
import { responsive } from "/static/js/resize.js";

const ROW = 22;

/** Largest and smallest ones; the middle is left out where there are more than `limit`. */
function ends(rows, limit) {
  if (!limit || rows.length <= limit) return { shown: rows, cut: -1, hidden: 0 };
  const bottom = Math.floor(limit / 2);
  return { shown: [...rows.slice(0, limit - bottom), ...rows.slice(rows.length - bottom)], cut: limit - bottom, hidden: rows.length - limit };
}

/**
 * rankedBars(el, {label, unit, href, limit, onSelect, source, filename, format, termName, level, sort, labels}).
 * labels: the part of the width for names. href(key): a link for the label. Returns {update(rows, {limit, domain}), select(key), figure};
 * rows: [{key, label, value, low?, high?, before?}]; drawn largest first unless sort is false.
 */
export function rankedBars(el, { label, unit, href = null, limit = 0, onSelect = null, source = "", filename = "ranking", format = null, termName = null, level = 2, sort = true, labels = 0.34 }) {
  const frame = figure(el, { title: label, unit, source, filename, termName, level });
  const svg = s("svg", { role: "group", "aria-label": `${label}: bars, largest first` });
  frame.body.append(svg);
  const state = { rows: [], limit, domain: null, selected: null, write: format ?? byUnit(unit) };
  const axis = s("line", { class: "zero" });
  const gap = s("text", { class: "note", "text-anchor": "middle", "font-size": 12 });
  svg.append(axis, gap);
  const pool = [];

  function line(i) {
    if (pool[i]) return pool[i];
    const name = s("text", { class: "bar-label", "font-size": 13, y: 15 });
    const link = href ? s("a", {}, name) : name;
    const parts = { group: s("g", { class: "bar-row" }), name, link, bar: s("rect", { y: 4, height: ROW - 8, rx: 1.5 }), range: s("line", { class: "bar-range", y1: ROW / 2, y2: ROW / 2 }),
      ghost: s("line", { class: "ghost", y1: 2, y2: ROW - 2 }), value: s("text", { class: "bar-value num", "font-size": 12.5, y: 15 }) };
    parts.group.append(parts.bar, parts.range, parts.ghost, link, parts.value);
    if (onSelect) parts.group.addEventListener("click", (event) => { if (!event.target.closest("a")) onSelect(parts.key); });
    svg.append(parts.group);
    return (pool[i] = parts);
  }

  function draw(width = frame.body.clientWidth) {
    if (!width) return;
    const ordered = sort ? [...state.rows].sort((a, b) => (b.value ?? -Infinity) - (a.value ?? -Infinity)) : state.rows;
    const { shown, cut, hidden } = ends(ordered, state.limit);
    const names = Math.min(440 * labels, Math.max(84, width * labels));
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
      parts.group.removeAttribute("display");
      parts.group.setAttribute("transform", `translate(0 ${y})`);
      parts.group.classList.toggle("selected", row.key === state.selected);
      const room = Math.floor(names / 6.9);
      const text = row.label.length > room ? `${row.label.slice(0, room - 1)}…` : row.label;
      if (parts.name.textContent !== text) parts.name.textContent = text;
      if (href) { const to = href(row.key); if (to) parts.link.setAttribute("href", to); else parts.link.removeAttribute("href"); parts.link.setAttribute("aria-label", `${row.label}: ${state.write(row.value)}`); }
      parts.bar.setAttribute("x", x(Math.min(0, value)));
      parts.bar.setAttribute("width", Math.max(0.5, Math.abs(x(value) - x(0))));
      parts.bar.setAttribute("fill", value < 0 ? minus : plus);
      const ranged = Number.isFinite(row.low) && Number.isFinite(row.high);
      parts.range.setAttribute("display", ranged ? "inline" : "none");
      if (ranged) { parts.range.setAttribute("x1", x(row.low)); parts.range.setAttribute("x2", x(row.high)); }
      const ghosted = Number.isFinite(row.before);
      parts.ghost.setAttribute("display", ghosted ? "inline" : "none");
      if (ghosted) { parts.ghost.setAttribute("x1", x(row.before)); parts.ghost.setAttribute("x2", x(row.before)); }
      const ends_ = [value, ranged ? row.low : value, ranged ? row.high : value, ghosted ? row.before : value];
      parts.value.textContent = state.write(row.value);
      parts.value.setAttribute("x", value < 0 ? x(Math.min(...ends_)) - 5 : x(Math.max(...ends_)) + 5);
      parts.value.setAttribute("text-anchor", value < 0 ? "end" : "start");
    });
    for (const parts of pool.slice(shown.length)) parts.group.setAttribute("display", "none");
    const height = shown.length * ROW + (cut >= 0 ? ROW * 0.9 : 0) + 2;
    gap.setAttribute("display", cut >= 0 ? "inline" : "none");
    gap.setAttribute("x", x(0));
    gap.setAttribute("y", cut * ROW + 14);
    gap.textContent = `… ${hidden} in between …`;
    axis.setAttribute("x1", x(0));
    axis.setAttribute("x2", x(0));
    axis.setAttribute("y2", height);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("height", height);
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
