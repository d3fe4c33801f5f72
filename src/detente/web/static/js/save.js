// Drawings and texts as files, made in the browser.

import { s } from "/static/js/dom.js";

const KEPT = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "opacity",
  "fill-opacity", "stroke-opacity", "font-size", "font-family", "font-weight", "text-anchor", "paint-order", "visibility", "display"];

function save(blob, filename) {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = filename;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A text as a download. */
export const saveText = (text, filename, type = "text/plain") => save(new Blob([text], { type: `${type};charset=utf-8` }), filename);

// the sheet does not travel with the file, so what it says is written into attributes
function inlined(svg) {
  const copy = svg.cloneNode(true);
  const [from, to] = [[svg, ...svg.querySelectorAll("*")], [copy, ...copy.querySelectorAll("*")]];
  from.forEach((node, i) => {
    const style = getComputedStyle(node);
    for (const name of KEPT) {
      const value = style.getPropertyValue(name);
      if (value && !value.startsWith("url(")) to[i].setAttribute(name, value);
    }
    to[i].removeAttribute("class");
    to[i].removeAttribute("style");
    to[i].removeAttribute("tabindex");
  });
  return copy;
}

function wrap(text, most) {
  const lines = [""];
  for (const word of String(text).split(/\s+/)) {
    const last = lines[lines.length - 1];
    if (last.length + word.length > most) lines.push(word);
    else lines[lines.length - 1] = last ? `${last} ${word}` : word;
  }
  return lines.filter(Boolean);
}

// the drawing with its title, unit and source on the page's ground
function document_(body, { title, unit, source }) {
  const svg = body.querySelector("svg");
  if (!svg) return null;
  const { width, height } = svg.getBoundingClientRect();
  const sheet = getComputedStyle(document.body);
  const [ink, ground, font] = [sheet.color, getComputedStyle(document.documentElement).getPropertyValue("--surface").trim(), sheet.fontFamily];
  const most = Math.floor(width / 6);
  const foot = wrap(source, most);
  const head = wrap(title, Math.floor(width / 9.5));
  const top = 16 + head.length * 22 + 22;
  const total = top + height + 16 + foot.length * 14 + 8;
  const text = (x, y, size, weight, words) => s("text", { x, y, "font-size": size, "font-weight": weight, fill: ink, "font-family": font, text: words });
  const inner = inlined(svg);
  inner.setAttribute("x", "16");
  inner.setAttribute("y", String(top));
  inner.setAttribute("width", String(width));
  inner.setAttribute("height", String(height));
  const out = s("svg", { xmlns: "http://www.w3.org/2000/svg", width: width + 32, height: total, viewBox: `0 0 ${width + 32} ${total}` },
    s("rect", { width: width + 32, height: total, fill: ground }),
    head.map((line, i) => text(16, 26 + i * 22, 17, 650, line)), text(16, 26 + head.length * 22 - 2, 12.5, 400, unit),
    inner, foot.map((line, i) => text(16, top + height + 20 + i * 14, 10.5, 400, line)));
  return { width: width + 32, height: total, text: new XMLSerializer().serializeToString(out) };
}

/** The drawing in `body` as an SVG file. */
export function saveSVG(body, about, name) {
  const made = document_(body, about);
  if (made) saveText(made.text, `${name}.svg`, "image/svg+xml");
}

/** The drawing in `body` as a PNG file at twice its size. */
export function savePNG(body, about, name) {
  const made = document_(body, about);
  if (!made) return;
  const url = URL.createObjectURL(new Blob([made.text], { type: "image/svg+xml;charset=utf-8" }));
  const image = new Image();
  image.onload = () => {
    const canvas = document.createElement("canvas");
    canvas.width = 2 * made.width;
    canvas.height = 2 * made.height;
    const pen = canvas.getContext("2d");
    pen.scale(2, 2);
    pen.drawImage(image, 0, 0);
    URL.revokeObjectURL(url);
    canvas.toBlob((blob) => blob && save(blob, `${name}.png`), "image/png");
  };
  image.src = url;
}
