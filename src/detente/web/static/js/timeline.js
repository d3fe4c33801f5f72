// The front page: a move of the slider repaints from numbers already here; words, links, the table and
// flows of the day follow from the JSON twin when the slider rests for a moment.

import { newest, showError } from "/static/js/api.js";
import { rankedBars } from "/static/js/bars.js";
import { dayField } from "/static/js/day.js";
import { $, debounce, h, pageData, perFrame } from "/static/js/dom.js";
import { date, num, pct, rate, shortDate, usdBn } from "/static/js/format.js";
import { stepLine } from "/static/js/line.js";
import { worldMap } from "/static/js/map.js";
import { sortableTable } from "/static/js/table.js";
import { pathSource } from "/static/js/path.js";
import { lineColours } from "/static/js/colour.js";
import { Data } from "/static/js/timeline/data.js";
import { BASES, EVENTS } from "/static/js/timeline/events.js";
import { flowsPanel } from "/static/js/timeline/flows.js";
import { horizonsPanel } from "/static/js/timeline/horizons.js";
import { Paths, WHEN } from "/static/js/timeline/paths.js";
import { scrubber } from "/static/js/timeline/scrubber.js";
import { readState, writeState } from "/static/js/timeline/state.js";
import { showChanges, showEvent } from "/static/js/timeline/today.js";
import { VARIABLES, compares, variableOf } from "/static/js/timeline/variables.js";

const TOP = 22;
const CHARGED = "tariff_charged_pct";
const FETCH_AFTER_MS = 70;

const state = readState();
let data, paths, slider, map, ranking, tariffs, flows, horizons, table;
let place = 0;
let all = false;
const [dayWork, flowWork] = [newest(), newest()];

function start() {
  const boot = pageData("boot");
  data = new Data(boot);
  paths = new Paths(data);
  build();
  restore();
}

function provenance() {
  const m = data.meta;
  return `Own calculation: ${m.world}, model ${m.model}, elasticities ${m.theta}, ledger ${m.ledger}. Long-run equilibria, everything else equal; not observations.`;
}

function build() {
  const source = provenance();
  const options = { names: data.names, source, level: 2 };
  const marks = EVENTS.map(([day, label]) => ({ date: day, label }));
  const pick = perFrame((day) => slider.jump(data.at(day)));
  map = worldMap($("#map"), { ...options, label: "Map", unit: "", filename: "map", termName: "real_income", onSelect: focus });
  ranking = rankedBars($("#ranking"), { label: "Ranking", unit: "", limit: TOP, filename: "ranking", source, href: (code) => `/countries/${code}`, onSelect: focus, termName: "real_income" });
  tariffs = stepLine($("#tariffs"), { label: "Average tariff charged on goods", unit: "percent of import value, at the trade of the base year", filename: "average-tariffs", termName: "tariff_charged", format: rate, source: `${source} Members of the EU trade freely among themselves, which lowers their averages.`, onPick: pick, marks });
  horizons = horizonsPanel(data, paths, { marks, onPick: pick });
  flows = flowsPanel(data, state, { source, onChoose: (key, value) => { state[key] = value; writeState(state, true); loadFlows(); } });
  slider = scrubber(data.dates, data.words, { onMove: perFrame(moved), onSettle: settled });

  for (const v of VARIABLES) $("#variable").append(h("option", { value: v.id, text: v.label }));
  for (const [value, text] of WHEN) $("#when").append(h("option", { value, text }));
  for (const [value, text] of BASES) $("#since").append(h("option", { value, text }));
  for (const id of ["#jump", "#since-day"]) Object.assign($(id), { min: data.dates[0], max: data.last });
  const economies = Object.entries(data.names).sort((a, b) => a[1].localeCompare(b[1], "en"));
  for (const [code, name] of [["EU", "EU members (plain mean)"], ...economies]) $("#add-line").append(h("option", { value: code, text: name }));

  $("#variable").addEventListener("change", (e) => choose({ variable: e.target.value }));
  $("#when").addEventListener("change", (e) => choose({ when: e.target.value }));
  $("#since").addEventListener("change", (e) => {
    if (e.target.value === "other") { $("#since-day-label").hidden = false; $("#since-day").focus(); } else choose({ since: e.target.value });
  });
  dayField($("#since-day"), (day) => choose({ since: day }));
  dayField($("#jump"), (day) => choose({ date: day }));
  $("#show-all").addEventListener("click", () => {
    all = !all;
    $("#show-all").setAttribute("aria-expanded", String(all));
    $("#show-all").textContent = all ? "Show top and bottom" : "Show all economies";
    paint();
  });
  $("#add-line").addEventListener("change", (e) => {
    const lines = state.lines.split(",").filter(Boolean);
    if (e.target.value && !lines.includes(e.target.value)) lines.push(e.target.value);
    e.target.value = "";
    choose({ lines: lines.join(",") });
  });
  window.addEventListener("popstate", () => { Object.assign(state, readState()); restore(); });
}

/** Brings controls and drawings to what the state says. Until the numbers of all dates are here, the day alone is shown. */
async function restore() {
  state.date ??= data.dates.at(-1);
  $("#variable").value = variableOf(state.variable).id;
  if (!WHEN.some(([value]) => value === state.when)) state.when = "long";
  $("#when").value = state.when;
  const listed = BASES.some(([value]) => value === state.since);
  $("#since").value = listed ? state.since : "other";
  $("#since-day-label").hidden = listed;
  if (!listed) $("#since-day").value = state.since;
  flows.choose(state);
  place = data.at(state.date);
  slider.show(place);
  paintWords();
  load();
  const { column } = variableOf(state.variable);
  $("#when").disabled = !paths.knows(column);
  try {
    await Promise.all([data.column(column), data.column(CHARGED), ...(early() ? [paths.load(column)] : [])]);
  } catch (error) {
    showError($("#trouble"), error, restore);
    return;
  }
  $("#trouble").replaceChildren();
  slider.enable();
  drawLines();
  paint();
  document.documentElement.dataset.ready = "true";
  showHorizons();
}

/** The panel of the path, which comes after everything else: its numbers may take the server some seconds. */
async function showHorizons() {
  await horizons.choose(state);
  horizons.paint(state, place, shownDay(), sinceDay());
}

function choose(changes) {
  Object.assign(state, changes);
  writeState(state, true);
  restore();
}

function focus(code) {
  state.focus = state.focus === code ? null : code;
  writeState(state, true);
  drawLines();
  paint();
  showHorizons();
}

function moved(next) {
  place = next;
  state.date = data.dates[next];
  paint();
  loadSoon();
  writeSoon();
}

function settled(next) {
  writeSoon.cancel();
  state.date = data.dates[next];
  writeState(state, true);
}

const writeSoon = debounce(() => writeState(state, false), 250);
const loadSoon = debounce(load, FETCH_AFTER_MS);
const speakSoon = debounce((text) => { $("#spoken").textContent = text; }, 900);

/** Whether map and list show the path, not the long run. */
const early = () => state.when !== "long" && paths.knows(variableOf(state.variable).column);

const held = () => {
  const { column } = variableOf(state.variable);
  return data.series.has(column) && data.series.has(CHARGED) && (!early() || paths.has(column));
};

/** Map iso3 -> number of what is shown on a date. */
function valuesOn(variable, at) {
  const base = data.base(state.since, at);
  if (!early()) return data.values(variable, at, base);
  const since = state.since === "previous" ? data.dates[base] : state.since;
  const numbers = paths.numbers(variable, state.when, at, at === place ? shownDay() : data.dates[at], since);
  return new Map(paths.path(variable.column).countries.map((code, i) => [code, numbers[i]]));
}

/** Everything that needs no request: date, words, map, list, cursor. */
function paint() {
  paintWords();
  if (!held()) return;
  const variable = variableOf(state.variable);
  const shown = early() ? state.when : "long";
  paintNumbers(valuesOn(variable, place), data.range(variable, state.since, shown, (at) => [...valuesOn(variable, at).values()]));
  tariffs.cursor(data.dates[place]);
  horizons.paint(state, place, shownDay(), sinceDay());
}

function paintWords() {
  const day = data.dates[place];
  const later = state.date > day;
  $("#shown-date").textContent = date(later ? state.date : day);
  $("#shown-date").dateTime = day; // the benchmark of a move looks at this
  const law = later ? `law in force since ${shortDate(day)}, ` : "";
  $("#shown-since").textContent = held() ? `${law}compared with ${shortDate(sinceDay())}${sinceDay() > day ? ", a later day" : ""}` : "working out the other dates, this takes some seconds";
  $("#today-words").textContent = data.words[place];
  showEvent(day);
  speakSoon(`${date(day)}. ${data.words[place]}.`);
}

/** Map and list; `range` keeps classes and bars the same on every date. */
function paintNumbers(values, range) {
  const variable = variableOf(state.variable);
  const day = data.dates[place];
  const against = compares(variable) ? ` against ${shortDate(sinceDay())}` : "";
  const when = !paths.knows(variable.column) ? "" : { so_far: ", so far", year: ", one year after", long: ", in the long run" }[state.when];
  map.figure.setTitle(`${variable.label}${variable.relative ? ", change" : ""}, ${shortDate(day)}${when}`);
  map.figure.setUnit(`${variable.unit}${against}`, variable.term);
  map.update(values, { bounds: range?.bounds, kind: variable.kind, format: variable.write, detail: details });
  ranking.figure.setTitle(compares(variable) ? "Who is up and who is down" : "From high to low");
  ranking.figure.setUnit(`${variable.label}, ${variable.unit}`, variable.term);
  ranking.update([...values].map(([key, value]) => ({ key, label: data.names[key], value })), { limit: all ? 0 : TOP, domain: range?.domain, format: variable.write });
  for (const shown of [map, ranking.figure]) shown.setSource(early() ? pathSource(paths.path(variable.column).meta) : provenance());
  map.select(state.focus);
  ranking.select(state.focus);
  for (const [figure, name] of [[map.figure, "map"], [ranking.figure, "ranking"]]) figure.setFilename(`detente-${name}-${variable.id}-${day}`);
}

const details = (code) => {
  if (!held()) return [];
  const at = (column) => data.series.get(column)?.values[place][data.series.get(column).countries.indexOf(code)];
  return [`charges ${rate(at(CHARGED))} on average`, "click to mark it in the list and the chart"];
};

function drawLines() {
  const chosen = [...new Set([...state.lines.split(","), ...(state.focus ? [state.focus] : [])])].filter((c) => c === "EU" || data.names[c]);
  const label = (code) => (code === "EU" ? "EU mean" : data.names[code]);
  tariffs.update(chosen.map((key) => ({ key, label: label(key), points: data.points(CHARGED, key === "EU" ? data.eu : [key]) })));
  $("#lines").replaceChildren(...chosen.map((key, i) => {
    const swatch = h("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.background = lineColours()[i % lineColours().length];
    return h("li", { class: "chip" }, swatch, label(key),
      h("button", { type: "button", "aria-label": `Remove ${label(key)} from the chart`, text: "×", on: { click: () => choose({ lines: state.lines.split(",").filter((c) => c !== key).join(",") || "USA", focus: state.focus === key ? null : state.focus }) } }));
  }));
}

/** The day asked for, which may be later than the date whose law holds then. */
const shownDay = () => (state.date > data.dates[place] ? state.date : data.dates[place]);

const sinceDay = () => (state.since === "previous" ? data.dates[data.base("previous", place)] : state.since);

/** The JSON twin of the day: changes with links, and the table. */
async function load() {
  const [day, since] = [data.dates[place], sinceDay()];
  const wanted = place;
  const twin = `/api/timeline?${new URLSearchParams({ date: day, since })}`;
  $("footer.site a").href = twin;
  $("#change-it").href = `/what-if?date=${day}`;
  loadFlows();
  const answer = await dayWork((signal) => data.answer(twin, signal));
  if (answer.stale || wanted !== place) return;
  if (answer.error) {
    $("#all").classList.add("stale");
    showError($("#today-changes"), answer.error, load);
    return;
  }
  showChanges(answer.value.changes);
  const variable = variableOf(state.variable);
  if (!held() && !variable.change && !early()) paintNumbers(new Map(answer.value.rows.map((r) => [r.country, r[variable.column]])), null);
  fillTable(answer.value.rows, day, since);
}

async function loadFlows() {
  const answer = await flowWork((signal) => data.answer(flows.url(data.dates[place], sinceDay(), state), signal));
  if (answer.stale) return;
  if (answer.error) showError($("#flow-words"), answer.error, loadFlows);
  else flows.show(answer.value, state);
}

function fillTable(rows, day, since) {
  $("#all").classList.remove("stale");
  $("#all").dataset.date = day;
  $("#all-note").textContent = `${date(day)}. Real income, real wage, exports and imports are changes in percent against ${date(since)}, once trade would have adjusted; tariffs are average rates on goods in percent, revenue is billion dollars a year.`;
  if (table) return table.update(rows);
  const change = (key, label, term) => ({ key, label, term, numeric: true, format: (x) => pct(x) });
  const level = (key, label, term) => ({ key, label, term, numeric: true, format: (x) => `${num(x, 1)}%` });
  table = sortableTable($("#all"), [
    { key: "name", label: "Economy", header: true, href: (row) => `/countries/${row.country}` },
    change("real_income_pct", "Real income", "real_income"), change("real_wage_pct", "Real wage", "real_wage"),
    change("exports_pct", "Exports", "exports"), change("imports_pct", "Imports", "imports"),
    level("tariff_charged_pct", "Tariff charged", "tariff_charged"), level("tariff_faced_pct", "Tariff faced", "tariff_faced"),
    { key: "tariff_revenue_usd_bn", label: "Tariff revenue", term: "revenue", numeric: true, format: (x) => usdBn(x) },
  ], rows, { label: "Table of every number", sort: { key: "real_income_pct", down: false } });
  return undefined;
}

start();
