// A path with its band: the numbers at once, the band when the server has it.

import { getJSON } from "/static/js/api.js";

const AGAIN_MS = 2000;

const later = (ms) => new Promise((done) => { setTimeout(done, ms); });

/** A quarter's name for people: 2025Q2 as 2025 Q2. */
export const quarterName = (text) => text.replace("Q", " Q");

/** Points of one economy of an answer for a step line. */
export const pathPoints = (answer, code) => {
  const i = answer.countries.indexOf(code);
  return answer.first.map((day, q) => [day, answer.values[q][i]]);
};

/** Its band, or nothing where there is none yet. */
export const pathBand = (answer, code) => {
  const i = answer.countries.indexOf(code);
  return answer.low ? answer.first.map((day, q) => [day, answer.low[q][i], answer.high[q][i]]) : [];
};

/** What is said about the band of an economy under a chart. */
export function bandWords(answer, name) {
  const b = answer.bands;
  if (b.status === "ready") return `Band, ${name}: the middle ${b.high_percentile - b.low_percentile}% of ${b.done} draws of how fast buyers change suppliers, and how far.`;
  if (b.status === "working") return `The band of ${name} is being worked out: ${b.words}.`;
  return "No band: it could not be worked out now.";
}

/** What a path is and is not, for the source line of a chart. */
export const pathSource = (meta) => `Own calculation: ${meta.world}, model ${meta.model}, horizon ${meta.horizon}, elasticities ${meta.theta}, ledger ${meta.ledger}. What these measures alone would have done, quarter by quarter, everything else equal; not observations. After ${meta.law_assumed_after} the last law is taken to stay.`;

/**
 * Asks for a path and shows it; asks again until its band is there. `show(answer)` is called with each
 * answer as long as `wanted()`. Throws what the first request throws; a later one that fails ends it.
 */
export async function followPath(address, show, wanted = () => true) {
  const url = `${address}&bands=true`;
  let answer = await getJSON(url);
  if (wanted()) show(answer);
  while (answer.bands.status === "working") {
    await later(AGAIN_MS);
    if (!wanted()) return;
    if (document.hidden) continue;
    try { answer = await getJSON(url); } catch { return; }
    if (wanted()) show(answer);
  }
}
