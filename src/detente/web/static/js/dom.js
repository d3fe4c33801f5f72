// Elements without innerHTML: data only ever becomes text or an attribute.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") node.textContent = value;
    else if (name === "on") for (const [event, f] of Object.entries(value)) node.addEventListener(event, f);
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "value" || name === "checked" || name === "disabled" || name === "selected") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

/** An HTML element: h("p", {class: "soft", text: "..."}, child, ...). */
export const h = (tag, props, ...children) => fill(document.createElement(tag), props, children);

/** The same for SVG. */
export const s = (tag, props, ...children) => fill(document.createElementNS(SVG, tag), props, children);

export const $ = (selector, root = document) => root.querySelector(selector);

/** A term with its explanation from variables.py on hover, focus or tap. */
export const term = (name, text) => h("button", { type: "button", class: "term", data: { term: name }, text });

/** JSON a page brought along in <script type="application/json" id="...">. */
export function pageData(id) {
  const node = document.getElementById(id);
  return node ? JSON.parse(node.textContent) : null;
}

/** Sets attributes that differ; an unchanged one costs no layout. */
export function attrs(node, values) {
  for (const [name, value] of Object.entries(values)) {
    const text = String(value);
    if (node.getAttribute(name) !== text) node.setAttribute(name, text);
  }
}

/** Runs f at once, then at most once a frame with the last arguments, however often it is called. */
export function perFrame(f) {
  let waiting = null;
  let held = false;
  const release = () => {
    if (waiting === null) { held = false; return; }
    const args = waiting;
    waiting = null;
    requestAnimationFrame(release);
    f(...args);
  };
  return (...args) => {
    if (held) { waiting = args; return; }
    held = true;
    requestAnimationFrame(release);
    f(...args);
  };
}

/** Runs f when calls have stopped for `ms`. */
export function debounce(f, ms) {
  let timer = 0;
  const later = (...args) => { clearTimeout(timer); timer = setTimeout(() => f(...args), ms); };
  later.cancel = () => clearTimeout(timer);
  return later;
}
