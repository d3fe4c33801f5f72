// Colour scales: few classes with round bounds, readable with any colour vision, on light and dark.

import { isDark } from "/static/js/resize.js";

// orange to blue through a neutral that recedes into the ground
const DIVERGING = {
  light: ["#7f3b08", "#c0620f", "#e8993f", "#f7cf9b", "#ecebe6", "#bcd5ea", "#76aad6", "#2f74b3", "#0b3a75"],
  dark: ["#ffc084", "#ef9440", "#b8672a", "#70492f", "#3b444d", "#35546f", "#3a7bb2", "#62abe6", "#b5dcff"],
};
// cividis in six steps; more is darker on light ground and lighter on dark ground
const SEQUENTIAL = {
  light: ["#fbf1bd", "#e0cd6c", "#b6a771", "#8a8678", "#5d6470", "#33456c", "#04204c"],
  dark: ["#1f3a6b", "#3f4d6b", "#5f6470", "#868379", "#b5a872", "#dfcb65", "#fdea73"],
};
const LINES = {
  light: ["#0b5c8f", "#c0620f", "#5b3a8e", "#2b8260", "#b0305c", "#6b6f2a", "#4c5865", "#8a5a2b"],
  dark: ["#74b9e8", "#f2a25c", "#b79bea", "#6fcaa3", "#f08bab", "#cfcf6a", "#b4bfca", "#d9ab7f"],
};
const theme = () => (isDark() ? "dark" : "light");

/** Colours for lines and categories, most distinct first. */
export const lineColours = () => LINES[theme()];
export const gain = () => DIVERGING[theme()][7];
export const loss = () => DIVERGING[theme()][1];

// round numbers 1, 2, 5, 10, 20, 50 ... by their place in that row; 1 is number 0
const round = (k) => Number(([1, 2, 5][((k % 3) + 3) % 3] * 10 ** Math.floor(k / 3)).toPrecision(1));
function roundAbove(x) {
  let k = 3 * Math.floor(Math.log10(x)) - 1;
  while (round(k) < x * 0.9999) k += 1;
  return k;
}

function quantile(values, q) {
  const sorted = values.filter(Number.isFinite).map(Math.abs).sort((a, b) => a - b);
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] : 0;
}

/** Round class bounds for values; give the values of all dates for a scale that stays put. */
export function bounds(kind, values) {
  const top = roundAbove(quantile(values, kind === "diverging" ? 0.97 : 0.95) || 1);
  if (kind === "sequential") return [5, 4, 3, 2, 1, 0].map((n) => round(top - n));
  const half = [6, 4, 2, 0].map((n) => round(top - n));
  return [...half.map((x) => -x).reverse(), ...half];
}

/** {colour(value), classes: [{from, to, colour}]} for bounds; null and NaN give null. */
export function scale(kind, limits) {
  const colours = (kind === "diverging" ? DIVERGING : SEQUENTIAL)[theme()];
  const index = (x) => { let i = 0; while (i < limits.length && x >= limits[i]) i += 1; return i; };
  // the middle class of a diverging scale is closed on both sides
  const middle = limits.length / 2;
  const at = (x) => (kind === "diverging" && x === limits[middle - 1] ? middle : index(x));
  return {
    colour: (x) => (x === null || x === undefined || Number.isNaN(x) ? null : colours[at(x)]),
    classes: colours.map((colour, i) => ({ colour, from: i === 0 ? null : limits[i - 1], to: i === limits.length ? null : limits[i] })),
  };
}

/** Black or white, whichever is easier to read on a colour. */
export function inkOn(colour) {
  const light = (c) => { const x = c / 255; return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4; };
  const { r, g, b } = d3.rgb(colour);
  const y = 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  return (y + 0.05) / 0.057 > 1.05 / (y + 0.05) ? "#10151b" : "#ffffff"; // 0.057: the dark ink's own light, and 0.05
}
