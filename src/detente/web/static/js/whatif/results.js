// The outcome beside what it was at the start: map, countries, sectors, prices, flows, revenue, decomposition.

import { rankedBars } from "/static/js/bars.js";
import { bounds } from "/static/js/colour.js";
import { $, h } from "/static/js/dom.js";
import { num, pct, usdBnChange, withThe } from "/static/js/format.js";
import { worldMap } from "/static/js/map.js";
import { sortableTable } from "/static/js/table.js";

const TOP = 20;
const TOP_FLOWS = 16;
const STATS = 8;

const by = (rows, key) => new Map((rows ?? []).map((r) => [r[key], r]));

/** results(names, sectorNames, onInside) -> {show(answer, start), range(answer), inside(code)}. */
export function results(names, sectorNames) {
  const state = { answer: null, start: null, range: null, inside: null, all: false };
  const source = "Own calculation, change against what is compared with; dotted mark: the scenario as it was opened.";
  const bars = (id, label, unit, filename, more = {}) => rankedBars($(id), { label, unit, filename, source, ...more });
  const map = worldMap($("#map"), { label: "Real income", unit: "change in percent", kind: "diverging", names, filename: "what-if-map", termName: "real_income", format: pct, onSelect: (code) => inside(code), source: "Own calculation." });
  const countries = bars("#countries", "Real income by economy", "change in percent", "what-if-countries", { limit: TOP, termName: "real_income", format: pct, href: (code) => `/countries/${code}`, onSelect: (code) => inside(code) });
  const sectors = bars("#sectors", "Output", "quantity, change in percent", "what-if-sectors", { termName: "output", format: pct });
  const prices = bars("#prices", "Prices", "what buyers pay, change in percent", "what-if-prices", { termName: "prices", format: pct });
  const flows = bars("#flows", "Flows that change most", "seller to buyer, billion dollars a year", "what-if-flows", { format: usdBnChange, limit: TOP_FLOWS, pick: "largest", termName: "trade_change", labels: 0.5 });
  const revenue = bars("#revenue", "Tariff revenue", "change, billion dollars a year", "what-if-revenue", { format: usdBnChange, limit: 12, pick: "largest", termName: "revenue" });
  let welfare = null;
  let claims = null;

  $("#inside").append(...Object.entries(names).sort((a, b) => a[1].localeCompare(b[1], "en")).map(([value, text]) => h("option", { value, text })));
  $("#inside").addEventListener("change", (e) => inside(e.target.value));
  $("#show-all").addEventListener("click", () => {
    state.all = !state.all;
    $("#show-all").setAttribute("aria-expanded", String(state.all));
    $("#show-all").textContent = state.all ? "Show top and bottom" : "Show all economies";
    drawCountries();
  });

  function inside(code) {
    state.inside = code;
    drawInside();
  }

  /** The country looked into: the one chosen, else the one with most at stake when the scenario was opened. */
  function focus() {
    if (state.inside) return state.inside;
    const rows = [...state.answer.rows].filter((r) => r.country !== "ROW");
    return rows.sort((a, b) => Math.abs(b.real_income_usd_bn) - Math.abs(a.real_income_usd_bn))[0].country;
  }

  function drawStats() {
    const leading = [...state.answer.rows].sort((a, b) => Math.abs(b.real_income_usd_bn) - Math.abs(a.real_income_usd_bn)).slice(0, 3);
    $("#peek").hidden = false;
    $("#peek").textContent = `${leading.map((r) => `${r.country} ${pct(r.real_income_pct)}`).join("  ")}  ↓`;
    const rows = [...state.answer.rows].sort((a, b) => Math.abs(b.real_income_usd_bn) - Math.abs(a.real_income_usd_bn)).slice(0, STATS);
    const before = by(state.start?.rows, "country");
    const range = by(state.range?.rows, "country");
    $("#stats").replaceChildren(...rows.map((r) => {
      const [old, band] = [before.get(r.country), range.get(r.country)];
      const notes = [usdBnChange(r.real_income_usd_bn)];
      if (band) notes.push(`range ${num(band.real_income_low_pct, 2, true)} to ${num(band.real_income_high_pct, 2, true)}`);
      if (old && pct(old.real_income_pct) !== pct(r.real_income_pct)) notes.push(`was ${pct(old.real_income_pct)}`);
      return h("li", {}, h("span", { class: "stat-label", text: r.name }), h("span", { class: `stat-value ${r.real_income_pct < 0 ? "minus" : "plus"}`, data: { country: r.country }, text: pct(r.real_income_pct) }), h("span", { class: "stat-note", text: notes.join(" · ") }));
    }));
  }

  function drawCountries() {
    const before = by(state.start?.rows, "country");
    const range = by(state.range?.rows, "country");
    countries.update(state.answer.rows.map((r) => ({ key: r.country, label: r.name, value: r.real_income_pct, before: before.get(r.country)?.real_income_pct,
      low: range.get(r.country)?.real_income_low_pct, high: range.get(r.country)?.real_income_high_pct })), { limit: state.all ? 0 : TOP });
  }

  function drawInside() {
    const code = focus();
    // where nothing has changed yet there is none with most at stake, so the choice stays open
    if (state.answer.rows.some((r) => Math.abs(r.real_income_usd_bn) > 0.0005)) state.inside = code;
    $("#inside").value = code;
    map.select(code);
    countries.select(code);
    const old = by(state.start?.sectors.filter((r) => r.country === code), "sector");
    const rows = state.answer.sectors.filter((r) => r.country === code && r.sales_usd_bn > 0);
    const row = (r, key) => ({ key: r.sector, label: sectorNames[r.sector] ?? r.sector, value: r[key], before: old.get(r.sector)?.[key] });
    sectors.figure.setTitle(`What ${withThe(names[code])} makes`);
    sectors.update(rows.filter((r) => r.output_pct !== null).map((r) => row(r, "output_pct")));
    prices.figure.setTitle(`What buyers in ${withThe(names[code])} pay`);
    prices.update(state.answer.sectors.filter((r) => r.country === code && r.price_pct !== null).map((r) => row(r, "price_pct")));
  }

  function drawFlows() {
    const name = (f) => `${f.exporter} → ${f.importer} ${sectorNames[f.sector] ?? f.sector}`;
    const key = (f) => `${f.sector} ${f.importer} ${f.exporter}`;
    const old = new Map((state.start?.flows ?? []).map((f) => [key(f), f]));
    const rows = state.answer.flows.filter((f) => f.importer !== f.exporter);
    flows.update(rows.map((f) => ({ key: key(f), label: name(f), value: f.change_usd_bn, before: old.get(key(f))?.change_usd_bn })));
    const was = by(state.start?.rows, "country");
    revenue.update(state.answer.rows.map((r) => ({ key: r.country, label: r.name, value: r.tariff_revenue_change_usd_bn, before: was.get(r.country)?.tariff_revenue_change_usd_bn })));
  }

  function drawWelfare() {
    const before = by(state.start?.rows, "country");
    const [then, now] = [by(state.answer.before, "country"), by(state.answer.after, "country")];
    const rows = state.answer.rows.map((r) => ({ ...r, start_pct: before.get(r.country)?.real_income_pct ?? null,
      charged_before: then.get(r.country)?.tariff_charged_pct, charged_after: now.get(r.country)?.tariff_charged_pct }));
    const column = (key, label, term) => ({ key, label, term, numeric: true, format: (x) => num(x, 2, true) });
    const columns = [{ key: "name", label: "Economy", header: true }, column("real_income_pct", "Real income, exact", "real_income"), column("start_pct", "as opened"), column("real_wage_pct", "Real wage", "real_wage"),
      column("first_order_welfare_pct", "First-order sum", "welfare"), column("terms_of_trade_pct", "Terms of trade", "terms_of_trade"), column("volume_of_trade_pct", "Volume of trade", "volume_of_trade"),
      column("trade_cost_pct", "Trade costs", "trade_cost"), column("export_tax_volume_pct", "Export taxes", "export_tax_volume"), column("transfer_received_pct", "Deficit and transfers", "transfer_received"),
      { key: "charged_before", label: "Tariff charged before, %", term: "tariff_charged", numeric: true, format: (x) => num(x, 1) }, { key: "charged_after", label: "after, %", numeric: true, format: (x) => num(x, 1) }];
    if (welfare) welfare.update(rows);
    else welfare = sortableTable($("#welfare"), columns, rows, { label: "Decomposition by economy", sort: { key: "real_income_pct", down: false } });
    const found = state.answer.claims ?? [];
    $("#claims-card").hidden = !found.length;
    if (found.length) {
      const list = [{ key: "statement", label: "What was published" }, { key: "source", label: "Source" }, { key: "published_pct", label: "Published, %", numeric: true, format: (x) => num(x, 2, true) }, { key: "ours_pct", label: "Ours, %", numeric: true, format: (x) => num(x, 2, true) }];
      if (claims) claims.update(found); else claims = sortableTable($("#claims"), list, found, { label: "Published figures" });
    }
  }

  function draw() {
    drawStats();
    map.update(new Map(state.answer.rows.map((r) => [r.country, r.real_income_pct])), { bounds: state.bounds });
    drawCountries();
    drawInside();
    drawFlows();
    drawWelfare();
  }

  return {
    /** Draws an answer; `start` is the answer when the scenario was opened, the ghost. */
    show(answer, start) {
      Object.assign(state, { answer, start: start === answer ? null : start, range: null });
      // classes stay those of the scenario as opened, so that colours mean the same while editing
      state.bounds = bounds("diverging", (state.start ?? answer).rows.map((r) => r.real_income_pct));
      draw();
    },
    /** Adds the band over elasticity sets. */
    range(answer) {
      state.range = answer;
      drawStats();
      drawCountries();
    },
    /** Forgets the choice of the country looked into. */
    reset() { state.inside = null; },
  };
}
