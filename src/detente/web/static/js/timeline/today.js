// What changed on the day, in words, with links to the ledger.

import { h, $ } from "/static/js/dom.js";

const SHOWN = 6;

const item = (change) => h("li", {}, h("a", { href: change.url, text: change.words }));

/** The list of changes; more than a few fold away. */
export function showChanges(changes) {
  const node = $("#today-changes");
  if (!changes.length) {
    node.replaceChildren(h("p", { class: "soft", text: "Nothing changed on this day; the law is that of the last change." }));
    return;
  }
  const first = changes.slice(0, SHOWN);
  const rest = changes.slice(SHOWN);
  node.replaceChildren(h("ul", {}, first.map(item)),
    ...(rest.length ? [h("details", {}, h("summary", { text: `${rest.length} more changes of this day` }), h("ul", {}, rest.map(item)))] : []));
}
