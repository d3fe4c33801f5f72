// What changed on the day: the event the press named it by, and every record with a link to the ledger.

import { h, $ } from "/static/js/dom.js";
import { EVENTS } from "/static/js/timeline/events.js";

const SHOWN = 4;

function byRecord(changes) {
  const groups = new Map();
  for (const change of changes) groups.set(change.record, [...(groups.get(change.record) ?? []), change]);
  return [...groups.values()];
}

// "US reciprocal tariff; Nigeria, April 2025: ended" and its sisters share what comes before the first mark
function nameOf(group) {
  const [first] = group;
  if (group.length === 1) return first.words;
  const title = first.words.split("; ")[0].split(": ")[0];
  return `${title} (${group.length} changes)`;
}

/** The name the press gave to the day, if it gave one. */
export function showEvent(day) {
  const found = EVENTS.find(([at]) => at === day);
  $("#today-event").textContent = found ? found[1] : "";
  $("#today-event").hidden = !found;
}

/** Links to the records that changed; the single changes fold away. */
export function showChanges(changes) {
  const node = $("#today-changes");
  node.classList.remove("stale");
  if (!changes.length) {
    node.replaceChildren(h("p", { class: "soft", text: "Nothing changed on this day." }));
    return;
  }
  const groups = byRecord(changes);
  const links = groups.slice(0, SHOWN).map((group) => h("li", {}, h("a", { href: group[0].url, text: nameOf(group) })));
  const all = changes.length > groups.length || groups.length > SHOWN
    ? h("details", {}, h("summary", { text: `All ${changes.length} changes of this day` }),
      h("ul", { class: "columns" }, changes.map((c) => h("li", {}, h("a", { href: c.url, text: c.words })))))
    : null;
  node.replaceChildren(h("ul", { class: "records" }, links), ...(all ? [all] : []));
}
