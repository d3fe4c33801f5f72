// Explanations: [data-term] gets the definition of variables.py on hover, focus and tap; charts use showTip.

import { h, pageData } from "/static/js/dom.js";

const terms = pageData("terms") ?? {};
let box = null;

function tipBox() {
  if (!box) {
    box = h("div", { class: "tip", id: "tip", role: "tooltip", hidden: true });
    document.body.append(box);
  }
  return box;
}

/** Shows lines of text near a point of the window; the first line is bold. */
export function showTip(x, y, lines) {
  const tip = tipBox();
  tip.replaceChildren(...lines.filter(Boolean).map((line, i) => h("div", {}, i === 0 ? h("b", { text: line }) : line)));
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const left = Math.max(8, Math.min(x + 14, window.innerWidth - width - 8));
  const top = y + 18 + height > window.innerHeight ? Math.max(8, y - height - 12) : y + 18;
  tip.style.left = `${left}px`;
  tip.style.top = `${top}px`;
}

export function hideTip() {
  if (box) box.hidden = true;
}

function open(node) {
  const found = terms[node.dataset.term];
  if (!found) return;
  const { left, bottom } = node.getBoundingClientRect();
  const title = found.symbol ? `${found.title} (${found.symbol})` : found.title;
  showTip(left - 14, bottom - 10, [title, found.definition, found.unit ? `Unit: ${found.unit}` : null]);
  node.setAttribute("aria-describedby", "tip");
}

function close(node) {
  hideTip();
  node.removeAttribute("aria-describedby");
}

const of = (event) => (event.target instanceof Element ? event.target.closest("[data-term]") : null);

/** Listens on the whole page, so terms drawn later work as well. */
export function startTips() {
  for (const [begin, end] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
    document.addEventListener(begin, (event) => { const node = of(event); if (node) open(node); });
    document.addEventListener(end, (event) => { const node = of(event); if (node) close(node); });
  }
  document.addEventListener("click", (event) => { const node = of(event); if (node) open(node); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });
  window.addEventListener("scroll", hideTip, { passive: true });
}
