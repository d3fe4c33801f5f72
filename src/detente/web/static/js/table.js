// A table that sorts by its headings and scrolls in its own box.

import { h, term } from "/static/js/dom.js";

const missing = (x) => x === null || x === undefined || x === "" || Number.isNaN(x);

function compare(a, b) {
  if (missing(a) || missing(b)) return missing(a) - missing(b);
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en");
}

function cell(column, row) {
  const value = row[column.key];
  // writers of numbers take digits second, so only one that asks for the row gets it
  const text = missing(value) ? "–" : !column.format ? String(value) : column.format.length > 1 ? column.format(value, row) : column.format(value);
  const href = column.href?.(row);
  const content = href ? h("a", { href, text }) : text;
  return h(column.header ? "th" : "td", { class: column.numeric ? "number" : null, scope: column.header ? "row" : null }, content);
}

/**
 * columns: [{key, label, format?, numeric?, term?, href?(row), header?}]; rows: plain objects.
 * Returns {update(rows)}; the order chosen by the reader is kept.
 */
export function sortableTable(el, columns, rows, { caption = null, label = null, sort = null } = {}) {
  let data = rows;
  let order = sort; // {key, down}
  const body = h("tbody");
  const heads = columns.map((column) => {
    const name = column.term ? h("span", {}, h("button", { type: "button", class: "sort", text: column.label }), " ", term(column.term, "?")) : h("button", { type: "button", class: "sort", text: column.label });
    const head = h("th", { scope: "col", class: column.numeric ? "number" : null }, name);
    head.querySelector("button.sort").addEventListener("click", () => {
      const down = order?.key === column.key ? !order.down : Boolean(column.numeric);
      order = { key: column.key, down };
      fill();
    });
    return head;
  });
  function fill() {
    const shown = order ? [...data].sort((a, b) => {
      const [x, y] = [a[order.key], b[order.key]];
      return missing(x) || missing(y) ? compare(x, y) : compare(x, y) * (order.down ? -1 : 1);
    }) : data;
    columns.forEach((column, i) => {
      if (order?.key === column.key) heads[i].setAttribute("aria-sort", order.down ? "descending" : "ascending");
      else heads[i].removeAttribute("aria-sort");
    });
    // rows are kept and only cells that differ are written: a table of a hundred rows follows a slider
    while (body.rows.length > shown.length) body.lastElementChild.remove();
    shown.forEach((row, i) => {
      const old = body.rows[i];
      if (!old) { body.append(h("tr", {}, columns.map((column) => cell(column, row)))); return; }
      columns.forEach((column, k) => {
        const [now, next] = [old.cells[k], cell(column, row)];
        if (!now.isEqualNode(next)) now.replaceWith(next);
      });
    });
  }
  const box = h("div", { class: "table-box", tabindex: "0", role: "region", "aria-label": label ?? caption ?? "Table" },
    h("table", {}, caption ? h("caption", { text: caption }) : null, h("thead", {}, h("tr", {}, heads)), body));
  el.replaceChildren(box);
  fill();
  return { update(next) { data = next; fill(); } };
}
