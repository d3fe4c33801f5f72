// Several names as chips, with a list to add from.

import { h } from "/static/js/dom.js";

/**
 * picker(label, values, groups, nameOf, onChange, tidy) -> element. groups: [[heading, [[value, text], ...]], ...].
 * onChange gets the new list, put right by tidy(values, added); the element keeps the focus where the user was.
 */
export function picker(label, values, groups, nameOf, onChange, tidy = (list) => list) {
  let chosen = [...values];
  const chips = h("ul", { class: "chips", "aria-label": label });
  const add = h("select", { "aria-label": `Add to ${label.toLowerCase()}` });
  const box = h("div", { class: "picker" }, h("span", { class: "label", text: label }), h("div", { class: "picker-row" }, chips, add));

  function draw() {
    chips.replaceChildren(...chosen.map((value) => h("li", { class: "chip" }, nameOf(value),
      h("button", { type: "button", "aria-label": `Remove ${nameOf(value)} from ${label.toLowerCase()}`, text: "×", on: { click: () => { set(chosen.filter((v) => v !== value)); add.focus(); } } }))));
    add.replaceChildren(h("option", { value: "", text: chosen.length ? "add …" : "choose …" }),
      ...groups.map(([heading, options]) => h("optgroup", { label: heading }, options.filter(([value]) => !chosen.includes(value)).map(([value, text]) => h("option", { value, text })))));
    box.classList.toggle("none", !chosen.length);
  }
  function set(next) {
    chosen = next;
    draw();
    onChange(next);
  }
  add.addEventListener("change", () => { if (add.value) set(tidy([...chosen, add.value], add.value)); add.focus(); });
  draw();
  return box;
}
