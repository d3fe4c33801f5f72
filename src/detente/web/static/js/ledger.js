// The ledger's filters act at once, without a reload; "/" goes to the search box.

import { getJSON, newest, showError } from "/static/js/api.js";
import { $, debounce, h } from "/static/js/dom.js";
import { date } from "/static/js/format.js";

const form = $("#filters");
const [found, rows, pages] = [$("#found"), $("#rows"), $("#pages")];
const work = newest();

const asked = () => new URLSearchParams([...new FormData(form)].filter(([, value]) => value.trim() !== ""));

function row(r) {
  return h("tr", {},
    h("th", { scope: "row" }, h("a", { href: r.url, text: r.title }), h("br"), h("code", { class: "soft", text: r.id })),
    h("td", { "data-label": "Kind" }, r.kind, r.instrument ? [h("br"), h("span", { class: "soft small", text: r.instrument })] : null),
    h("td", { "data-label": "Imposed by", text: r.imposer_name || "–" }),
    h("td", { "data-label": "Status" }, r.status ? h("span", { class: `tag status-${r.status.replaceAll(" ", "-")}`, text: r.status }) : "–"),
    h("td", { class: "num", "data-label": "Dates" }, r.first || "–", r.last && r.last !== r.first ? [" to", h("br"), ` ${r.last}`] : null),
    h("td", { "data-label": "Evidence" }, r.evidence, r.sources > 1 ? h("span", { class: "soft small", text: ` of ${r.sources}` }) : null));
}

function table(list) {
  const heads = ["Record", "Kind", "Imposed by", "Status", "Dates", "Evidence"];
  return h("div", { class: "table-box", tabindex: "0", role: "region", "aria-label": "Records" },
    h("table", { class: "records stacked" }, h("thead", {}, h("tr", {}, heads.map((text) => h("th", { scope: "col", text })))), h("tbody", {}, list.map(row))));
}

function empty() {
  return h("div", { class: "empty" }, h("p", { text: "No record fits. Fewer words, or another day?" }), h("p", {}, h("a", { class: "button", href: "/ledger", text: "Show all records" })));
}

function step(text, query, page) {
  const next = new URLSearchParams(query);
  next.set("page", page);
  return h("a", { class: "button", href: `/ledger?${next}`, text });
}

async function show() {
  const query = asked();
  rows.setAttribute("aria-busy", "true");
  const { value, error, stale } = await work((signal) => getJSON(`/api/ledger?${query}`, { signal }));
  if (stale) return;
  rows.removeAttribute("aria-busy");
  for (const control of form.elements) control.removeAttribute("aria-invalid");
  $("#filter-error")?.remove();
  if (error) {
    form.elements[error.field]?.setAttribute?.("aria-invalid", "true");
    showError(rows, error, show);
    return;
  }
  const { meta } = value;
  history.replaceState(null, "", query.size ? `/ledger?${query}` : "/ledger");
  found.replaceChildren(h("strong", { text: String(meta.total) }), ` record${meta.total === 1 ? "" : "s"}${meta.pages > 1 ? `, page 1 of ${meta.pages}` : ""}; status as of ${date(meta.day)}`);
  rows.replaceChildren(value.rows.length ? table(value.rows) : empty());
  pages.replaceChildren(...(meta.pages > 1 ? [step("Next", query, 2)] : []));
}

const soon = debounce(show, 180);
form.addEventListener("input", (event) => (event.target.name === "text" ? soon() : show()));
form.addEventListener("submit", (event) => { event.preventDefault(); soon.cancel(); show(); });
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  event.preventDefault();
  form.elements.text.focus();
});
