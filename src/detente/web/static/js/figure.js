// The frame of every chart: title, unit, drawing, source, table twin, downloads.

import { h, term } from "/static/js/dom.js";
import { savePNG, saveSVG, saveText } from "/static/js/save.js";
import { sortableTable } from "/static/js/table.js";

/** Rows as CSV with plain numbers. */
export function csv(columns, rows) {
  const quote = (x) => {
    const text = x === null || x === undefined ? "" : String(x);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const line = (cells) => cells.map(quote).join(",");
  return [line(columns.map((c) => c.key)), ...rows.map((row) => line(columns.map((c) => row[c.key])))].join("\n") + "\n";
}

/**
 * Draws the frame into `el`. `termName` explains the unit's variable on hover; `filename` names downloads.
 * `drawn` is false where the body is a table, which has nothing to save as a picture.
 * Returns {body, setTable(columns, rows | () => rows), setTitle, setUnit, setSource, setBusy, setMessage}.
 */
export function figure(el, { title, unit = "", source = "", filename = "figure", termName = null, level = 2, drawn = true }) {
  const heading = h(`h${level}`, { class: "fig-title", text: title });
  const unitText = termName ? term(termName, unit) : h("span", { text: unit });
  const unitLine = h("p", { class: "fig-unit" }, unitText);
  const message = h("div", { hidden: true, "aria-live": "polite" });
  const body = h("div", { class: "fig-body" });
  const sourceLine = h("p", { class: "fig-source", text: source });
  let table = { columns: [], rows: () => [] };
  let shown = null;
  let name = filename;

  const about = () => ({ title: heading.textContent, unit: unitText.textContent, source: sourceLine.textContent });
  const tool = (text, what, run) => h("button", { type: "button", text, "aria-label": `Download ${what}`, title: `Download ${what}`, on: { click: run } });
  const tools = h("div", { class: "fig-tools no-print", role: "group", "aria-label": "Downloads" },
    drawn ? tool("PNG", "as PNG image", () => savePNG(body, about(), name)) : null,
    drawn ? tool("SVG", "as SVG drawing", () => saveSVG(body, about(), name)) : null,
    tool("CSV", "numbers as CSV", () => saveText(csv(table.columns, table.rows()), `${name}.csv`, "text/csv")));
  const tableBox = h("div");
  const details = h("details", { class: "fig-table" }, h("summary", { text: "Show as table" }), tableBox);
  details.addEventListener("toggle", fillTable);

  function fillTable() {
    if (!details.open) return;
    if (shown?.columns === table.columns) shown.view.update(table.rows());
    else shown = { columns: table.columns, view: sortableTable(tableBox, table.columns, table.rows(), { label: heading.textContent }) };
  }

  el.replaceChildren(h("figure", { class: "fig" }, h("figcaption", { class: "fig-head" }, heading, unitLine), message, body, details,
    h("div", { class: "fig-foot" }, sourceLine, tools)));
  return {
    body,
    /** Rows may be a function, called only when somebody looks or downloads. */
    setTable(columns, rows) {
      table = { columns: sameColumns(table.columns, columns) ? table.columns : columns, rows: typeof rows === "function" ? rows : () => rows };
      fillTable();
    },
    setTitle(text) { if (heading.textContent !== text) heading.textContent = text; },
    setUnit(text, name = null) {
      if (unitText.textContent !== text) unitText.textContent = text;
      if (name) unitText.dataset.term = name;
    },
    setSource(text) { if (sourceLine.textContent !== text) sourceLine.textContent = text; },
    setFilename(text) { name = text; },
    setBusy(busy) { body.setAttribute("aria-busy", String(Boolean(busy))); },
    /** A sentence instead of, or above, the drawing; null takes it away. */
    setMessage(text) {
      message.hidden = !text;
      message.replaceChildren(...(text ? [h("p", { class: "message", text })] : []));
    },
  };
}

function sameColumns(a, b) {
  return a.length === b.length && a.every((c, i) => c.key === b[i].key && c.label === b[i].label && c.format === b[i].format);
}
