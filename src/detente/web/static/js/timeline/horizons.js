// The panel under the slider: a day's answers so far, after a year and in the long run, and the path as lines.

import { showError } from "/static/js/api.js";
import { $, h } from "/static/js/dom.js";
import { date, shortDate, withThe } from "/static/js/format.js";
import { stepLine } from "/static/js/line.js";
import { bandWords, followPath, pathBand, pathSource, quarterName } from "/static/js/path.js";
import { VARIABLES, compares, number, variableOf } from "/static/js/timeline/variables.js";

const FEWEST = 8; // quarters drawn
const SHOWN = ["USA", "CHN", "CAN", "MEX", "JPN", "KOR", "DEU"];

/** horizonsPanel(data, paths, {marks, onPick}) -> {choose(state), paint(state, place, day, since)}. */
export function horizonsPanel(data, paths, { marks, onPick }) {
  const cells = new Map();
  let lines = null;
  let drawn = "";
  let turn = 0;

  /** A variable with a path: the one shown, or real income where that is a rate of the law. */
  const pathed = (state) => { const v = variableOf(state.variable); return paths.knows(v.column) ? v : VARIABLES[0]; };
  const codes = (state) => [...new Set([...(state.focus && data.names[state.focus] ? [state.focus] : []), ...SHOWN])];
  const start = (since) => (since === "previous" ? data.dates[0] : since);

  function table(state) {
    const body = $("#horizon-rows");
    cells.clear();
    body.replaceChildren(...codes(state).map((code) => {
      const row = ["so_far", "year", "long"].map(() => h("td", { class: "number" }));
      cells.set(code, row);
      return h("tr", { class: code === state.focus ? "chosen" : null }, h("th", { scope: "row" }, h("a", { href: `/countries/${code}`, text: data.names[code] })), row);
    }));
  }

  /** Lines against the day compared with; the band of the economy in focus follows. */
  function chart(state) {
    const variable = pathed(state);
    const since = start(state.since);
    const answer = paths.path(variable.column);
    lines ??= stepLine($("#path-lines"), { label: "", unit: "", marks, onPick, filename: "path", height: 240, termName: variable.term, format: variable.write, end: answer.last.at(-1), source: pathSource(answer.meta), level: 3 });
    const level = VARIABLES.find((v) => v.column === variable.column);
    const base = paths.stood(variable.column, since);
    // from how the world stood when the day compared with began
    const from = Math.max(0, Math.min(paths.quarter(variable.column, since) - 1, answer.first.length - FEWEST));
    const points = (code) => {
      const i = answer.countries.indexOf(code);
      return answer.first.map((day, q) => [day, answer.values[q][i] === null ? null : number(level, answer.values[q][i], base[i])]).slice(from);
    };
    lines.figure.setTitle(`${level.label}, quarter by quarter`);
    lines.figure.setUnit(`${level.unit}${level.relative ? ` against ${shortDate(since)}` : ""}`, level.term);
    const banded = codes(state)[0];
    const chosen = [...new Set([...SHOWN, banded])]; // the same colours whoever is in focus
    const show = (band) => lines.update(chosen.map((code) => ({ key: code, label: data.names[code], points: points(code), band: code === banded ? band : [] })), level.write);
    show([]);
    $("#path-band").textContent = "";
    const mine = (turn += 1);
    const query = new URLSearchParams({ variable: variable.column, countries: banded, since });
    followPath(`/api/path?${query}`, (found) => {
      $("#path-band").textContent = bandWords(found, withThe(data.names[banded]));
      if (found.low) show(pathBand(found, banded).slice(from));
    }, () => mine === turn).catch(() => { $("#path-band").textContent = "No band: the server did not answer."; });
  }

  async function choose(state) {
    const variable = pathed(state);
    const wanted = `${variable.column} ${start(state.since)} ${state.focus ?? ""}`;
    try {
      await paths.load(variable.column);
    } catch (error) {
      showError($("#horizon-trouble"), error, () => choose(state));
      return;
    }
    $("#horizon-trouble").replaceChildren();
    if (pathed(state) !== variable || drawn === wanted) return;
    drawn = wanted;
    $("#horizon-box").hidden = false;
    $("#horizon-loading")?.remove();
    table(state);
    chart(state);
  }

  return {
    choose,
    paint(state, place, day, since) {
      const variable = pathed(state);
      if (!drawn || !paths.has(variable.column)) return;
      const { column } = variable;
      const { countries, times } = paths.path(column);
      const shown = [
        paths.numbers(variable, "so_far", place, day, since), paths.numbers(variable, "year", place, day, since),
        [...data.values(variable, place, data.at(since)).values()],
      ];
      for (const [code, row] of cells) {
        const i = countries.indexOf(code);
        row.forEach((cell, k) => {
          const text = variable.write(shown[k][i]);
          if (cell.textContent !== text) cell.textContent = text;
        });
      }
      $("#horizon-quarter").textContent = quarterName(times[paths.quarter(column, day)]);
      const against = compares(variable) ? `, against ${date(since)}` : "";
      $("#horizon-unit").textContent = `${variable.label}, ${variable.unit}${against}`;
      lines?.cursor(day);
    },
  };
}
