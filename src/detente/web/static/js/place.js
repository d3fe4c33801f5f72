// Country and sector pages: the server's tables become charts that keep them as their table twins.

import { getJSON, showError } from "/static/js/api.js";
import { rankedBars } from "/static/js/bars.js";
import { inkOn, loss, gain } from "/static/js/colour.js";
import { $, h, pageData } from "/static/js/dom.js";
import { flowsMap } from "/static/js/flows.js";
import { date, num, pct, points, rate, usdBn, usdBnChange, withThe } from "/static/js/format.js";
import { stepLine } from "/static/js/line.js";
import { bandWords, followPath, pathBand, pathPoints, pathSource } from "/static/js/path.js";
import { worldMap } from "/static/js/map.js";
import { sortableTable } from "/static/js/table.js";
import { figure } from "/static/js/figure.js";

const { kind, view } = pageData("place-data");
const { meta } = view;
const YEAR = meta.since.slice(0, 4);
const SOURCE = `Own calculation: ${meta.world}, model ${meta.model}, elasticities ${meta.theta}, ledger ${meta.ledger}; law of ${date(meta.date)}. Long-run equilibria, everything else equal.`;
const LAW = `Law of ${date(meta.date)}, ledger ${meta.ledger}; averages at the trade of ${meta.world}.`;
const toCountry = (code) => `/countries/${code}`;
const openCountry = (code) => { window.location.href = toCountry(code); };
const short = (x) => num(x, 4, true);

/** Columns of the table behind bars that show two days. */
const twin = (what, href, format) => [
  { key: "label", label: what, header: true, href: (r) => href(r.key) },
  { key: "before", label: `Law of ${meta.since}`, numeric: true, format },
  { key: "value", label: `Law of ${meta.date}`, numeric: true, format },
];

const pages = { countries, country, sectors, sector };
pages[kind]();

// ---- countries -------------------------------------------------------------------------------
function countries() {
  const choices = [
    ["real_income_pct", `Real income since ${YEAR}`, "percent", "diverging", pct],
    ["tariff_faced_pct", "Tariff its goods face", "percent of import value", "sequential", rate],
    ["tariff_charged_pct", "Tariff it charges", "percent of import value", "sequential", rate],
    ["exports_pct", `Exports since ${YEAR}`, "percent", "diverging", pct],
  ];
  const names = Object.fromEntries(view.rows.map((r) => [r.country, r.name]));
  const drawn = h("div");
  const pick = h("select", { id: "variable" }, choices.map(([key, text]) => h("option", { value: key, text })));
  $("#map").replaceChildren(h("label", {}, "On the map", pick), drawn);
  const show = () => {
    const [key, label, unit, type, format] = choices.find(([k]) => k === pick.value);
    const map = worldMap(drawn, { label, unit, kind: type, names, source: SOURCE, filename: `countries-${key}`, format, onSelect: openCountry });
    map.update(new Map(view.rows.map((r) => [r.country, r[key]])));
  };
  pick.addEventListener("change", show);
  show();
  sortableTable($("#all"), [
    { key: "name", label: "Country", header: true, href: (r) => toCountry(r.country) },
    { key: "real_income_pct", label: "Real income", numeric: true, format: (x) => pct(x), term: "real_income" },
    { key: "tariff_charged_pct", label: "Charges", numeric: true, format: (x) => rate(x), term: "tariff_charged" },
    { key: "tariff_faced_pct", label: "Faces", numeric: true, format: (x) => rate(x), term: "tariff_faced" },
  ], view.rows, { caption: `Changes since ${YEAR}; average tariffs on goods`, label: "All countries", sort: { key: "real_income_pct", down: false } });
  $("#all .table-box").classList.add("tall");
}

// ---- a country -------------------------------------------------------------------------------
function country() {
  lines();
  const partners = [...view.tariffs_by_partner].slice(0, 15);
  for (const [id, key, label, traded] of [
    ["#faced", "faced", "Tariff its goods meet, by partner", "exports_usd_bn"],
    ["#charged", "charged", "Tariff it charges, by partner", "imports_usd_bn"],
  ]) {
    const bars = rankedBars($(id), { label, unit: `percent of import value; the dashed line is ${YEAR}; its 15 largest partners`, href: toCountry, source: LAW, filename: `${meta.country}-${key}`, format: rate });
    const rows = partners.filter((p) => p[traded] > 0).map((p) => ({ key: p.country, label: p.name, value: p[`${key}_pct`], before: p[`${key}_before_pct`] }));
    bars.update(rows);
    bars.figure.setTable(twin("Partner", toCountry, rate), rows);
  }
  const hurt = rankedBars($("#exposure-partners"), { label: "If one partner put a point more on all its goods", unit: "real income, percent per point of tariff", href: toCountry, source: SOURCE, filename: `${meta.country}-exposure`, format: short, termName: "real_income", sort: false });
  hurt.update(view.exposure_by_partner.slice(0, 15).map((p) => ({ key: p.country, label: p.name, value: p.percent_per_point })));
  heat();
  const others = view.gainers.filter((g) => g.own === "no");
  const gains = rankedBars($("#gainers"), { label: `If everyone put a point more on ${meta.name}'s goods: who gains, who loses with it`, unit: "real income of the others, USD million a year", limit: 18, href: toCountry, source: SOURCE, filename: `${meta.country}-gainers`, format: (x) => num(x, 0, true), termName: "real_income" });
  gains.update(others.map((g) => ({ key: g.country, label: g.name, value: g.real_income_usd_mn })));
  sortableTable($("#sectors"), [
    { key: "name", label: "Sector", header: true, href: (r) => `/sectors/${r.sector}` },
    { key: "output_pct", label: `Output since ${YEAR}`, numeric: true, format: (x) => pct(x), term: "output" },
    { key: "faced_pct", label: "Faces", numeric: true, format: (x) => rate(x) },
    { key: "faced_before_pct", label: `in ${YEAR}`, numeric: true, format: (x) => rate(x) },
    { key: "charged_pct", label: "Charges", numeric: true, format: (x) => rate(x) },
    { key: "charged_before_pct", label: `in ${YEAR}`, numeric: true, format: (x) => rate(x) },
    { key: "exports_usd_bn", label: "Exports", numeric: true, format: (x) => usdBn(x) },
    { key: "imports_usd_bn", label: "Imports", numeric: true, format: (x) => usdBn(x) },
  ], view.sectors, { caption: "Average tariffs on the day; trade of 2022", label: "Its sectors" });
  sortableTable($("#partners"), [
    { key: "name", label: "Partner", header: true, href: (r) => toCountry(r.country) },
    { key: "exports_usd_bn", label: "Exports", numeric: true, format: (x) => usdBn(x) },
    { key: "exports_share_pct", label: "Share", numeric: true, format: (x) => rate(x) },
    { key: "exports_change_usd_bn", label: "Change", numeric: true, format: usdBnChange },
    { key: "imports_usd_bn", label: "Imports", numeric: true, format: (x) => usdBn(x) },
    { key: "imports_share_pct", label: "Share", numeric: true, format: (x) => rate(x) },
    { key: "imports_change_usd_bn", label: "Change", numeric: true, format: usdBnChange },
  ], view.partners, { caption: `Goods and services, world table of 2022; change since ${YEAR} under the law of the day`, label: "Its partners" });
  $("#partners .table-box").classList.add("tall");
}

async function lines() {
  const boxes = [$("#tariff-line"), $("#income-line")];
  let series;
  try {
    series = await getJSON(`/api/countries/${meta.country}/series`);
  } catch (error) {
    for (const box of boxes) { box.querySelector(".loading")?.remove(); const note = h("div"); box.append(note); showError(note, error, () => { note.remove(); lines(); }); }
    return;
  }
  const points_ = (values) => series.dates.map((day, i) => [day, values[i]]);
  const c = series.columns;
  const marks = [{ date: meta.date, label: "the day" }];
  const tariffs = stepLine(boxes[0], { label: `Tariffs it charges and faces since ${YEAR}`, unit: "percent of import value", source: LAW, filename: `${meta.country}-tariffs`, format: rate, marks });
  tariffs.update([
    { key: "faced", label: "faces", points: points_(c.tariff_faced_pct) },
    { key: "charged", label: "charges", points: points_(c.tariff_charged_pct) },
  ]);
  tariffs.cursor(meta.date);
  const first = c.real_income_pct[0];
  const income = stepLine(boxes[1], { label: "Its real income: along the path, and in the long run of each date's law", unit: `percent, against the law of ${date(meta.since)}`, source: SOURCE, filename: `${meta.country}-real-income`, format: pct, termName: "real_income", marks });
  const note = h("p", { class: "soft small" });
  const settled = { key: "long_run", label: "long run", points: points_(c.real_income_pct.map((x) => 100 * ((1 + x / 100) / (1 + first / 100) - 1))) };
  income.update([settled]);
  boxes[1].append(note);
  follow(`/api/path?variable=real_income_pct&countries=${meta.country}`, note, (answer) => {
    income.figure.setSource(`${pathSource(answer.meta)} In the long run: once trade has adjusted, if the law of the date stayed.`);
    income.update([{ key: "path", label: "path", points: pathPoints(answer, meta.country), band: pathBand(answer, meta.country) }, settled]);
    note.textContent = bandWords(answer, withThe(meta.name));
  });
  income.cursor(meta.date);
}

/** A path and its band into a chart that is there; what goes wrong is said below it. */
function follow(address, note, show) {
  note.textContent = "The path since 2018 is being worked out.";
  followPath(address, show).catch((error) => { note.textContent = ""; showError(note, error, () => follow(address, note, show)); });
}

/** Partners by sectors; a cell is coloured by what a point there does. */
function heat() {
  const frame = figure($("#exposure-cells"), { title: "If one partner put a point more on one sector", unit: "real income, thousandths of a percent per point of tariff", source: SOURCE, filename: `${meta.country}-exposure-cells`, termName: "real_income", drawn: false });
  const names = Object.fromEntries(view.sectors.map((s) => [s.sector, s.name]));
  const rows = view.exposure_by_partner.slice(0, 10);
  const size = new Map();
  for (const c of view.exposure) size.set(c.sector, (size.get(c.sector) ?? 0) + Math.abs(c.percent_per_point));
  const columns = [...size].sort((a, b) => b[1] - a[1]).slice(0, 8).map(([code]) => code);
  const at = new Map(view.exposure.map((c) => [`${c.country} ${c.sector}`, c.percent_per_point]));
  const most = Math.max(...[...at.values()].map(Math.abs), 1e-12);
  const ground = getComputedStyle(document.documentElement).getPropertyValue("--surface").trim();
  const cell = (p, code) => {
    const x = at.get(`${p.country} ${code}`);
    const td = h("td", { text: x === undefined ? "–" : num(1000 * x, 1) });
    if (x !== undefined) {
      const colour = d3.interpolateRgb(ground, x < 0 ? loss() : gain())(0.85 * Math.sqrt(Math.abs(x) / most));
      td.style.background = colour;
      td.style.color = inkOn(colour);
    }
    return td;
  };
  frame.body.append(h("div", { class: "table-box", tabindex: "0", role: "region", "aria-label": "Partners by sectors" },
    h("table", { class: "heat" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col", text: "Partner" }), columns.map((code) => h("th", { scope: "col" }, h("a", { href: `/sectors/${code}`, text: names[code] ?? code }))))),
      h("tbody", {}, rows.map((p) => h("tr", {}, h("th", { scope: "row" }, h("a", { href: toCountry(p.country), text: p.name })), columns.map((code) => cell(p, code))))))));
  frame.setTable([
    { key: "country", label: "Partner", header: true, href: (r) => toCountry(r.country) },
    { key: "sector", label: "Sector", href: (r) => `/sectors/${r.sector}` },
    { key: "percent_per_point", label: "Real income, % per point", numeric: true, format: short },
    { key: "exports_usd_bn", label: "Exports", numeric: true, format: (x) => usdBn(x) },
  ], view.exposure);
}

// ---- sectors ---------------------------------------------------------------------------------
function sectors() {
  const goods = view.rows.filter((r) => r.kind === "goods");
  const bars = rankedBars($("#sector-bars"), { label: "Average tariff on the world's trade", unit: `percent of import value; the dashed line is ${YEAR}`, href: (code) => `/sectors/${code}`, source: LAW, filename: "sector-tariffs", format: rate });
  const rows = goods.map((r) => ({ key: r.sector, label: r.name, value: r.tariff_pct, before: r.tariff_before_pct }));
  bars.update(rows);
  bars.figure.setTable(twin("Sector", (code) => `/sectors/${code}`, rate), rows);
  sortableTable($("#all"), [
    { key: "name", label: "Sector", header: true, href: (r) => `/sectors/${r.sector}` },
    { key: "trade_usd_bn", label: "Trade", numeric: true, format: (x) => usdBn(x) },
    { key: "trade_change_pct", label: `Since ${YEAR}`, numeric: true, format: (x) => pct(x, 1) },
    { key: "tariff_before_pct", label: `Tariff ${YEAR}`, numeric: true, format: (x) => rate(x) },
    { key: "tariff_pct", label: "On the day", numeric: true, format: (x) => rate(x) },
    { key: "theta", label: "Elasticity", numeric: true, format: (x) => num(x, 2), term: "theta" },
  ], view.rows, { caption: `Trade between countries, 2022 at border prices; change against the law of ${meta.since}`, label: "All sectors" });
}

function sector() {
  const names = Object.fromEntries(view.rows.map((r) => [r.country, r.name]));
  const flows = flowsMap($("#flows"), { label: `${meta.name}: the largest flows`, unit: "USD billion, change", names, source: SOURCE, filename: `${meta.sector}-flows` });
  const choice = $("#flow-choice");
  const words = { change: `change since ${YEAR}`, after: `law of ${date(meta.date)}`, before: `law of ${date(meta.since)}` };
  const show = (what) => {
    for (const button of choice.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset.show === what));
    flows.figure.setTitle(`${meta.name}: the largest flows, ${words[what]}`);
    flows.figure.setUnit("USD billion a year at border prices");
    const rows = [...view.flows].sort((a, b) => Math.abs(b[`${what}_usd_bn`]) - Math.abs(a[`${what}_usd_bn`])).slice(0, 40);
    flows.update(rows.map((f) => ({ from: f.exporter, to: f.importer, value: f[`${what}_usd_bn`] })));
  };
  choice.hidden = false;
  choice.addEventListener("click", (event) => { const button = event.target.closest("button"); if (button) show(button.dataset.show); });
  show("change");
  for (const [id, key, label] of [["#sellers", "exports", "Who sells abroad"], ["#buyers", "imports", "Who buys abroad"]]) {
    const top = [...view.rows].sort((a, b) => b[`${key}_before_usd_bn`] - a[`${key}_before_usd_bn`]).slice(0, 15);
    const bars = rankedBars($(id), { label, unit: `USD billion a year; the dashed line is the law of ${YEAR}`, href: toCountry, source: SOURCE, filename: `${meta.sector}-${key}`, format: (x) => usdBn(x) });
    const rows = top.map((r) => ({ key: r.country, label: r.name, value: r[`${key}_usd_bn`], before: r[`${key}_before_usd_bn`] }));
    bars.update(rows);
    bars.figure.setTable(twin("Country", toCountry, (x) => usdBn(x)), rows);
  }
  const tariff = worldMap($("#tariff-map"), { label: "Tariff each importer charges", unit: "percent of import value", kind: "sequential", names, source: LAW, filename: `${meta.sector}-tariff`, format: rate, onSelect: openCountry });
  tariff.update(new Map(view.rows.map((r) => [r.country, r.charged_pct])), { detail: (code) => { const r = view.rows.find((x) => x.country === code); return r ? [`${YEAR}: ${rate(r.charged_before_pct)}`, points(r.charged_pct - r.charged_before_pct)] : []; } });
  const output = worldMap($("#output-map"), { label: `Output since ${YEAR}`, unit: "percent, quantity", kind: "diverging", names, source: SOURCE, filename: `${meta.sector}-output`, format: pct, termName: "output", onSelect: openCountry });
  output.update(new Map(view.rows.map((r) => [r.country, r.output_pct])));
  made(names);
  sortableTable($("#all"), [
    { key: "name", label: "Country", header: true, href: (r) => toCountry(r.country) },
    { key: "output_pct", label: "Output", numeric: true, format: (x) => pct(x), term: "output" },
    { key: "output_usd_bn", label: "Sales 2022", numeric: true, format: (x) => usdBn(x) },
    { key: "exports_usd_bn", label: "Exports", numeric: true, format: (x) => usdBn(x) },
    { key: "exports_change_usd_bn", label: "Change", numeric: true, format: usdBnChange },
    { key: "imports_usd_bn", label: "Imports", numeric: true, format: (x) => usdBn(x) },
    { key: "imports_change_usd_bn", label: "Change", numeric: true, format: usdBnChange },
    { key: "charged_pct", label: "Charges", numeric: true, format: (x) => rate(x) },
    { key: "faced_pct", label: "Faces", numeric: true, format: (x) => rate(x) },
  ], view.rows, { caption: `Average tariffs at the trade of 2022; changes since ${YEAR}`, label: "Every country in this sector" });
  $("#all .table-box").classList.add("tall");
}

/** Output along the path of the sector's five largest producers, and the band of the first of them. */
function made(names) {
  const box = $("#output-line");
  const note = h("p", { class: "soft small" });
  const drawn = h("div");
  box.replaceChildren(drawn, note);
  let lines = null;
  follow(`/api/path/output?sector=${meta.sector}`, note, (answer) => {
    lines ??= stepLine(drawn, { label: "Output of its five largest producers, quarter by quarter", unit: `percent, quantity, against ${date(meta.since)}`, source: pathSource(answer.meta), filename: `${meta.sector}-output-path`, format: pct, termName: "output", marks: [{ date: meta.date, label: "the day" }], end: answer.last.at(-1) });
    const [largest] = answer.countries;
    lines.update(answer.countries.map((code) => ({ key: code, label: names[code] ?? code, points: pathPoints(answer, code), band: code === largest ? pathBand(answer, code) : [] })));
    lines.cursor(meta.date);
    note.textContent = bandWords(answer, withThe(names[largest]));
  });
}
