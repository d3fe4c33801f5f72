// Numbers and dates as people read them. Missing is an en dash, minus is a real minus.

const cache = new Map();
function digits(n) {
  if (!cache.has(n)) cache.set(n, new Intl.NumberFormat("en-US", { minimumFractionDigits: n, maximumFractionDigits: n }));
  return cache.get(n);
}
const missing = (x) => x === null || x === undefined || Number.isNaN(x);

/** A number with `n` decimals; `sign` puts a plus before gains. Nothing is shown as "-0.00". */
export function num(x, n = 2, sign = false) {
  if (missing(x)) return "–";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  const text = digits(n).format(Math.abs(x));
  if (!/[1-9]/.test(text)) return text;
  return (x < 0 ? "−" : sign ? "+" : "") + text;
}

/** A change in percent: +0.12%. */
export const pct = (x, n = 2) => (missing(x) ? "–" : `${num(x, n, true)}%`);

/** A rate in percent, unsigned: 12.3%. */
export const rate = (x, n = 1) => (missing(x) ? "–" : `${num(x, n)}%`);

/** A difference of two rates: +1.2 points. */
export const points = (x, n = 1) => (missing(x) ? "–" : `${num(x, n, true)} pts`);

/** USD billion: $12.3bn; small amounts keep their digits. */
export function usdBn(x, { sign = false, n = null } = {}) {
  if (missing(x)) return "–";
  const size = Math.abs(x);
  const text = num(size, n ?? (size >= 100 ? 0 : size >= 10 ? 1 : 2));
  const mark = !/[1-9]/.test(text) ? "" : x < 0 ? "−" : sign ? "+" : "";
  return `${mark}$${text}bn`;
}
export const usdBnChange = (x) => usdBn(x, { sign: true });

/** A country's name inside a sentence: the United States, Japan. */
export const withThe = (name) => (/^(United |Netherlands|Philippines|Rest of)/.test(name ?? "") ? `the ${name.replace(/^Rest/, "rest")}` : name);

/** With a capital at the start. */
export const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);

const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/** 2025-04-10 as 10 April 2025. */
export function date(iso) {
  const [y, m, d] = String(iso).split("-").map(Number);
  return d ? `${d} ${MONTHS[m - 1]} ${y}` : String(iso);
}

/** 2025-04-10 as 10 Apr 2025. */
export function shortDate(iso) {
  const [y, m, d] = String(iso).split("-").map(Number);
  return d ? `${d} ${MONTHS[m - 1].slice(0, 3)} ${y}` : String(iso);
}

/** The writer for a unit as the tables name it. */
export function byUnit(unit) {
  if (unit === "percent" || /change in percent/.test(unit ?? "")) return pct;
  if (unit === "% rate" || unit === "percent of import value") return rate;
  if (unit === "USD billion, change") return usdBnChange;
  if (/^USD billion/.test(unit ?? "")) return usdBn;
  return (x) => num(x, 2);
}
