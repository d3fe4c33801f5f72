// One measure as a card: who, on whom, what, how, how much.

import { h, term } from "/static/js/dom.js";
import { copy, fit, inWords, list } from "/static/js/whatif/scenario.js";
import { picker } from "/static/js/whatif/pick.js";

const INSTRUMENTS = [["import_tariff", "import tariff"], ["export_tax", "export tax"], ["iceberg", "other cost of trading"], ["ban", "ban"], ["quota", "quota"]];
const FORMS = [["added", "added to the tariff"], ["replaced", "instead of the tariff"], ["total", "in total, at least"]];
const SPANS = [50, 200, 1000];

const options = (pairs, value) => pairs.map(([v, text]) => h("option", { value: v, text, selected: v === value }));

/** A slider and a number field that say the same. onInput(value) while moving, onDone() at the end. */
function slider(id, label, value, unit, onInput, onDone) {
  const span = SPANS.find((s) => s >= value * 1.2) ?? SPANS.at(-1);
  const range = h("input", { type: "range", id: `${id}-range`, min: "0", max: String(span), step: span > 50 ? "1" : "0.5", "aria-label": `${label}, slider` });
  const field = h("input", { type: "number", id: `${id}-number`, min: "-99", max: "1000", step: "any", inputmode: "decimal", required: true });
  range.value = String(value);
  field.value = String(value);
  range.setAttribute("aria-valuetext", `${value} percent`);
  const wrong = h("p", { class: "field-error", id: `${id}-wrong`, role: "alert", hidden: true });
  let last = value; // what the results rest on while the field holds no rate
  const right = () => { wrong.hidden = true; field.removeAttribute("aria-invalid"); field.removeAttribute("aria-describedby"); };
  range.addEventListener("input", () => { last = range.valueAsNumber; field.value = range.value; range.setAttribute("aria-valuetext", `${range.value} percent`); right(); onInput(last); });
  field.addEventListener("input", () => {
    const ok = field.checkValidity() && Number.isFinite(field.valueAsNumber);
    if (!ok) {
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", wrong.id);
      wrong.textContent = `Write a number from −99 to 1000. The outcome shown is still that of ${last}.`;
      wrong.hidden = false;
      return;
    }
    right();
    last = field.valueAsNumber;
    if (field.valueAsNumber > Number(range.max)) range.max = String(SPANS.find((s) => s >= field.valueAsNumber) ?? field.valueAsNumber);
    range.value = field.value;
    range.setAttribute("aria-valuetext", `${field.value} percent`);
    onInput(field.valueAsNumber);
  });
  for (const node of [range, field]) node.addEventListener("change", onDone);
  return h("div", { class: "rate" }, h("label", { class: "label", for: field.id, text: `${label}, ${unit}` }), range, field, wrong);
}

/** Somebody who adds cars to "all goods" means cars; who adds "all goods" to cars means all of them. */
const oneReach = (values, added) => values.filter((v) => v === added || v === "services" || added === "services" || (added !== "goods" && v !== "goods"));

const share = (value) => (typeof value === "number" ? `${Math.round(1000 * value) / 10}%` : value?.table ? `by the table ${value.table}` : Object.entries(value).map(([k, v]) => `${k} ${Math.round(1000 * v) / 10}%`).join(", "));

/**
 * card(measure, number, names, {change(measure, done), duplicate, drop}) -> li element.
 * `change` is called with the whole new measure; done is true at the end of a gesture.
 */
export function card(first, number, { nameOf, countries, sectors }, { change, duplicate, drop }) {
  let measure = copy(first);
  const id = `m${number}`;
  const title = h("h3", { class: "measure-title" });
  const body = h("div", { class: "stack tight" });
  const node = h("li", { class: "card measure" }, title, body, h("div", { class: "row measure-foot" },
    h("button", { type: "button", class: "small quiet", "aria-label": `Duplicate measure ${number + 1}`, text: "Duplicate", on: { click: duplicate } }),
    h("button", { type: "button", class: "small quiet", "aria-label": `Remove measure ${number + 1}`, text: "Remove", on: { click: drop } })));

  function put(next, { done = true, redraw = false } = {}) {
    measure = next;
    title.textContent = `${number + 1}. ${inWords(measure, nameOf)}`;
    if (redraw) draw();
    change(measure, done);
  }
  const set = (key, how) => (value) => put({ ...measure, [key]: value }, how);

  function targets() {
    const everybody = list(measure.targets ?? "all").includes("all");
    const but = list(measure.except_targets);
    const mode = everybody ? (but.length ? "but" : "all") : "these";
    const choose = h("select", { id: `${id}-targets` }, options([["these", "these economies"], ["all", "everybody else"], ["but", "everybody but"]], mode));
    const rest = h("div");
    function fill(now) {
      if (now === "these") rest.replaceChildren(picker("On", everybodyNow() ? [] : list(measure.targets), countries, nameOf, (v) => put({ ...measure, targets: v })));
      else if (now === "but") rest.replaceChildren(picker("But not", list(measure.except_targets), countries, nameOf, (v) => put({ ...measure, except_targets: v })));
      else rest.replaceChildren();
    }
    const everybodyNow = () => list(measure.targets ?? "all").includes("all");
    choose.addEventListener("change", () => {
      const next = { ...measure };
      if (choose.value === "these") { next.targets = []; delete next.except_targets; } else { next.targets = "all"; if (choose.value === "all") delete next.except_targets; }
      measure = next;
      fill(choose.value);
      put(next);
    });
    fill(mode);
    return h("div", { class: "stack tighter" }, h("div", { class: "picker" }, h("label", { class: "label", for: choose.id, text: "On whom" }), choose), rest);
  }

  function amount() {
    const tax = measure.instrument === "import_tariff" || measure.instrument === "export_tax";
    if (measure.instrument === "ban") return null;
    if (measure.instrument === "quota") {
      if (typeof measure.volume_usd_mn === "number") return h("p", { class: "small", text: `Volume: $${measure.volume_usd_mn}m a year` });
      return slider(id, "Volume", measure.volume_pct_of_base, "percent of the base year's", set("volume_pct_of_base", { done: false }), () => put(measure));
    }
    if (!tax) return slider(id, "Cost", measure.cost_pct, "percent of the price", set("cost_pct", { done: false }), () => put(measure));
    if (typeof measure.rate_pct !== "object") return slider(id, "Rate", measure.rate_pct, "percent", set("rate_pct", { done: false }), () => put(measure));
    const rates = Object.entries(measure.rate_pct);
    return h("fieldset", {}, h("legend", { text: "Rates by partner, percent" }), h("div", { class: "rates" }, rates.map(([who, rate]) => {
      const field = h("input", { type: "number", step: "any", min: "-99", max: "1000", value: String(rate), required: true });
      field.addEventListener("input", () => { if (field.checkValidity() && Number.isFinite(field.valueAsNumber)) put({ ...measure, rate_pct: { ...measure.rate_pct, [who]: field.valueAsNumber } }, { done: false }); });
      field.addEventListener("change", () => put(measure));
      return h("label", {}, who === "default" ? "others" : nameOf(who), field);
    })), h("button", { type: "button", class: "small", text: "One rate for all", on: { click: () => put({ ...measure, rate_pct: measure.rate_pct.default ?? rates[0][1] }, { redraw: true }) } }));
  }

  function more() {
    const rows = [];
    for (const [key, what] of [["covered_share", "Part of each flow in scope"], ["taxed_share", "Part of the value that is taxed"], ["base", "Base rate"]]) {
      const value = measure[key];
      if (value === undefined || value === 1 || value === "world") continue;
      rows.push(h("li", {}, `${what}: ${typeof value === "object" && value.table && key === "base" ? `by the table ${value.table}` : share(value)} `,
        h("button", { type: "button", class: "small quiet", text: "drop", "aria-label": `Drop: ${what}`, on: { click: () => { const next = { ...measure }; delete next[key]; put(next, { redraw: true }); } } })));
    }
    const note = h("input", { type: "text", maxlength: "500", value: measure.note ?? "" });
    note.addEventListener("change", () => { const next = { ...measure }; if (note.value) next.note = note.value; else delete next.note; put(next); });
    return h("details", { open: rows.length > 0 }, h("summary", { class: "small", text: rows.length ? "Shares and note" : "Note" }), h("ul", { class: "plain small" }, rows), h("label", {}, "Note", note));
  }

  function draw() {
    const instrument = h("select", {}, options(INSTRUMENTS, measure.instrument));
    instrument.addEventListener("change", () => { put(fit(measure, instrument.value), { redraw: true }); body.querySelector(`#${id}-instrument`)?.focus(); });
    instrument.id = `${id}-instrument`;
    const tax = measure.instrument === "import_tariff" || measure.instrument === "export_tax";
    const form = h("select", {}, options(measure.instrument === "export_tax" ? [["added", "added"], ["replaced", "instead of the one in force"], ["total", "in total, at least"]] : FORMS, measure.form ?? "added"));
    form.addEventListener("change", () => put({ ...measure, form: form.value }));
    body.replaceChildren(...[
      amount(),
      picker("Who", list(measure.imposer), countries, nameOf, set("imposer")),
      targets(),
      picker("Sectors", list(measure.sectors), sectors, nameOf, set("sectors"), oneReach),
      h("div", { class: "row" }, h("label", { class: "grow" }, "Instrument ", measure.instrument === "iceberg" ? term("iceberg", "(?)") : null, instrument), tax ? h("label", { class: "grow" }, "Form", form) : null),
      more()].filter(Boolean));
  }
  title.textContent = `${number + 1}. ${inWords(measure, nameOf)}`;
  draw();
  return node;
}
