// A question: sliders with the verdict live, and the card over many draws as a job in the background.

import { deleteJSON, getJSON, postJSON, showError } from "/static/js/api.js";
import { rankedBars } from "/static/js/bars.js";
import { $, h, pageData } from "/static/js/dom.js";
import { figure } from "/static/js/figure.js";
import { num } from "/static/js/format.js";
import { sortableTable } from "/static/js/table.js";

const { view, point, values } = pageData("question-data");
const { meta } = view;
const SLOW_SECONDS = 1;
const POLL_MS = 500;
const STEPS = 200;
const rows = new Map(view.rows.map((p) => [p.parameter, p]));
const state = { ...values };
let slow = (point?.meta.seconds ?? 0) > SLOW_SECONDS;

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const compact = (x) => (typeof x === "string" ? x : Number(Number(x).toPrecision(4)).toLocaleString("en-US", { maximumSignificantDigits: 4 }).replace("-", "−"));

/** A number by the unit in its name, as the server writes it. */
function amount(name, x) {
  if (x === null || x === undefined) return "none";
  if (name.endsWith("_pct")) return `${num(x, 2)}%`;
  if (name.endsWith("_usd_bn")) return `${x < 0 ? "−" : ""}$${num(Math.abs(x), Math.abs(x) >= 100 ? 0 : Math.abs(x) >= 1 ? 1 : 3)}bn`;
  return compact(x);
}
const percent = (share) => `${num(100 * share, share > 0 && (share < 0.1 || (share > 0.9 && share < 1)) ? 1 : 0)}%`;
const words = (name) => name.replace("_usd_bn", ", $bn").replace("_pct", " %").replaceAll("_", " ");

// ---- sliders ---------------------------------------------------------------------------------
function toValue(p, step) {
  const u = step / STEPS;
  return p.log ? p.low * (p.high / p.low) ** u : p.low + (p.high - p.low) * u;
}
function toStep(p, value) {
  const u = p.log ? Math.log(value / p.low) / Math.log(p.high / p.low) : (value - p.low) / (p.high - p.low);
  return Math.round(STEPS * Math.min(1, Math.max(0, u)));
}

const same = (a, b) => (typeof a === "number" && typeof b === "number" ? Math.abs(a - b) <= 1e-6 * Math.max(1e-9, Math.abs(a), Math.abs(b)) : String(a) === String(b));

/** Parameters that are not at their points. */
function moved() {
  return view.rows.filter((p) => !same(state[p.parameter], p.point)).map((p) => p.parameter);
}

function mark() {
  const changed = new Set(moved());
  for (const box of document.querySelectorAll(".slider")) box.classList.toggle("moved", changed.has(box.dataset.parameter));
  const query = new URLSearchParams(location.search);
  for (const p of view.rows) { if (changed.has(p.parameter)) query.set(p.parameter, compactValue(state[p.parameter])); else query.delete(p.parameter); }
  history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
}
const compactValue = (x) => (typeof x === "string" ? x : String(Number(x.toPrecision(6))));

function sliders() {
  for (const box of document.querySelectorAll(".slider")) {
    const p = rows.get(box.dataset.parameter);
    const field = box.querySelector("input, select");
    if (p.choices.length || p.low === null || p.low === p.high) {
      field.addEventListener("change", () => { set(p, p.choices.length ? field.value : Number(field.value), true); });
      continue;
    }
    const output = h("output", { for: `r-${p.parameter}` });
    const range = h("input", { type: "range", id: `r-${p.parameter}`, min: "0", max: String(STEPS), step: "1", "aria-label": `${p.about} (${p.unit})`, "aria-describedby": `d-${p.parameter}` });
    const ends = h("div", { class: "ends", "aria-hidden": "true" }, h("span", { text: compact(p.low) }), h("span", { text: compact(p.high) }));
    const show = (value) => { output.textContent = compact(value); range.setAttribute("aria-valuetext", `${compact(value)} ${p.unit}`); };
    range.value = toStep(p, state[p.parameter]);
    show(state[p.parameter]);
    field.hidden = true;
    field.disabled = true;
    box.querySelector("label").setAttribute("for", `r-${p.parameter}`);
    box.querySelector(".slider-head").append(output);
    field.after(range, ends);
    range.addEventListener("input", () => { const value = toValue(p, Number(range.value)); show(value); set(p, value, false); });
    range.addEventListener("change", () => set(p, toValue(p, Number(range.value)), true));
  }
  $("#apply").hidden = true;
  $("#sliders").addEventListener("submit", (event) => event.preventDefault());
  if (slow) $("#point-note").append(" An answer takes more than a second here, so it comes when you let a slider go.");
}

function set(p, value, released) {
  state[p.parameter] = value;
  mark();
  if (released || !slow) ask();
}

let busy = false;
let waiting = false;

/** One request at a time; the newest values follow when the one under way is done. */
async function ask() {
  if (busy) { waiting = true; return; }
  busy = true;
  const box = $("#point");
  box.setAttribute("aria-busy", "true");
  try {
    const parameters = Object.fromEntries(moved().map((name) => [name, state[name]]));
    const found = await postJSON(`/api/questions/${meta.question}/point`, { parameters });
    slow = found.meta.seconds > SLOW_SECONDS;
    showPoint(found);
  } catch (error) {
    showError(box, { message: `There is no answer at these values: ${error.message}` });
  } finally {
    busy = false;
    box.removeAttribute("aria-busy");
    if (waiting) { waiting = false; ask(); }
  }
}

function showPoint(found) {
  const parts = found.rows.slice(0, 3).flatMap((n, i) => [i ? "; " : "", `${capital(n.about)}: `, h("strong", { text: amount(n.number, n.value) })]);
  $("#point").replaceChildren(
    h("p", { class: "verdict", text: `${capital(found.meta.says)}.`, data: { verdict: found.meta.verdict } }),
    ...(found.meta.first_year ? [h("p", { id: "point-first-year", class: "soft", text: `That is the long run. After one year: ${found.meta.first_year === found.meta.says ? "the same" : found.meta.first_year}.` })] : []),
    h("p", { id: "point-numbers" }, parts, "."));
  showNumbers(found.rows);
}

const numberTable = { view: null };
function showNumbers(list) {
  const shown = list.map((n) => ({ ...n, about: capital(n.about), text: amount(n.number, n.value) }));
  if (numberTable.view) { numberTable.view.update(shown); return; }
  const box = h("div");
  $("#numbers").replaceChildren(h("h2", { text: "Numbers at these values" }), box);
  numberTable.view = sortableTable(box, [
    { key: "about", label: "Number" },
    { key: "value", label: "Value", numeric: true, format: (x, row) => row.text },
  ], shown, { label: "Numbers at these values" });
}

// ---- the job -----------------------------------------------------------------------------------
const jobInURL = () => new URLSearchParams(location.search).get("job");
function setJob(id) {
  const query = new URLSearchParams(location.search);
  if (id) query.set("job", id); else query.delete("job");
  history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
}

function job() {
  $("#job-form").hidden = false;
  $("#job-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!$("#job-form").reportValidity()) return;
    $("#job-message").replaceChildren();
    $("#card").replaceChildren();
    const overrides = $("#draws-hold").checked ? Object.fromEntries(moved().map((name) => [`parameters.${name}`, state[name]])) : {};
    const body = { question: meta.question, draws: Number($("#draws-count").value), seed: Number($("#draws-seed").value), overrides };
    try {
      const started = await postJSON("/api/jobs", body);
      setJob(started.job);
      follow(started.job);
      $("#job").scrollIntoView({ block: "nearest" });
    } catch (error) { showError($("#job-message"), error); }
  });
  $("#job-cancel").addEventListener("click", async () => {
    const id = jobInURL();
    if (!id) return;
    try { await deleteJSON(`/api/jobs/${id}`); } catch (error) { showError($("#job-message"), error); }
  });
  if (jobInURL()) follow(jobInURL());
}

async function follow(id) {
  const [box, bar, text] = [$("#job"), $("#job-bar"), $("#job-text")];
  box.hidden = false;
  $("#job-cancel").hidden = false;
  $("#draws-start").disabled = true;
  const begun = performance.now();
  for (;;) {
    let now;
    try {
      now = await getJSON(`/api/jobs/${id}`);
    } catch (error) {
      box.hidden = true;
      $("#draws-start").disabled = false;
      if (error.status === 404) { setJob(null); showError($("#job-message"), { message: "That run is no longer kept; draw again." }); } else showError($("#job-message"), error, () => follow(id));
      return;
    }
    if (id !== jobInURL()) return;
    const share = now.total ? (100 * now.done) / now.total : 0;
    bar.value = share;
    for (const [name, value] of [["aria-valuenow", Math.round(share)], ["aria-valuemax", 100], ["aria-valuetext", `${now.done} of ${now.total} cases`]]) bar.setAttribute(name, value);
    if (now.status === "queued") text.textContent = "Waiting for its turn";
    else if (now.status === "running") text.textContent = now.total ? `${now.done} of ${now.total} cases, ${Math.round((performance.now() - begun) / 1000)} s` : "Starting";
    else { ended(now); return; }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function ended(now) {
  $("#job-cancel").hidden = true;
  $("#draws-start").disabled = false;
  if (now.status === "done") {
    $("#job").hidden = true;
    card(now.result, now.asked);
    return;
  }
  setJob(null);
  $("#job").hidden = true;
  showError($("#job-message"), { message: now.status === "cancelled" ? `Cancelled after ${now.done} of ${now.total} cases; nothing is shown, since a part of the draws would mislead.` : `The run failed: ${now.error ?? "no reason was given"}` });
}

// ---- the card ----------------------------------------------------------------------------------
const TABLES = new Set(["meta", "rows", "numbers", "drivers", "flips", "parameters", "what_happened"]);
const plain = (x) => (typeof x === "number" ? compact(x) : x);

function card(result, asked) {
  const { meta: m } = result;
  const says = new Map(result.rows.map((r) => [r.verdict, capital(r.says)]));
  const held = Object.keys(asked?.overrides ?? {});
  const made = `${m.draws} draws, seed ${m.seed}, ${m.failed_draws} failed to solve${m.world ? `; ${m.world}` : ""}; detente ${m.version}${held.length ? `; held: ${held.map((k) => k.replace("parameters.", "")).join(", ")}` : ""}.`;
  const box = $("#card");
  const [shares, drivers, flips] = [h("div"), h("div"), h("div")];
  box.replaceChildren(
    h("p", { class: m.status === "ok" ? "verdict" : "message bad", id: "card-verdict", text: m.verdict.split(". ").slice(0, 1).join(". ").replace(/\.?$/, ".") }),
    h("p", { text: m.verdict.split(". ").slice(1).join(". ") }),
    shares, h("div", { class: "grid two" }, drivers, flips));
  distribution(shares, result.rows, made);
  const bars = rankedBars(drivers, { label: "What decides it", unit: "share of the variance over the draws, percent", source: `${capital(m.sensitivity)}. ${made}`, filename: `${meta.question}-drivers`, format: (x) => `${num(x, 0)}%`, level: 3, limit: 12 });
  bars.update(result.drivers.map((d) => ({ key: d.parameter, label: capital(d.about), value: 100 * d.variance_share })));
  bars.figure.setTable([
    { key: "about", label: "Parameter", header: true, format: capital }, { key: "range", label: "Drawn from" },
    { key: "variance_share", label: "Share of variance", numeric: true, format: percent },
    { key: "low_where", label: "Leading verdict least" }, { key: "leading_share_low", label: "There", numeric: true, format: percent },
    { key: "high_where", label: "Most" }, { key: "leading_share_high", label: "There", numeric: true, format: percent },
  ], result.drivers);
  flips.append(h("h3", { text: "What flips it" }), h("p", { text: m.nearest_flip }), h("div"));
  sortableTable(flips.lastChild, [
    { key: "about", label: "Parameter", header: true, format: capital }, { key: "point", label: "Point" },
    { key: "at", label: "Flips at", format: (x) => x || "–" }, { key: "to", label: "To", format: (x) => says.get(x) || "never" },
  ], result.flips, { label: "Flips by parameter" });
  const inside = h("div");
  box.append(h("details", { open: true }, h("summary", {}, h("strong", { text: "Numbers over the draws" })), inside));
  const write = (x, row) => amount(row.number, x);
  sortableTable(inside, [
    { key: "about", label: "Number", header: true, format: capital }, { key: "point", label: "At the points", numeric: true, format: write },
    { key: "p05", label: "5% of draws below", numeric: true, format: write }, { key: "median", label: "Median", numeric: true, format: write },
    { key: "p95", label: "5% of draws above", numeric: true, format: write },
  ], result.numbers, { label: "Numbers over the draws" });
  for (const [name, table] of Object.entries(result)) if (!TABLES.has(name) && table.length) section(box, capital(words(name)), table);
  box.append(h("p", { class: "small soft", text: `${m.notes.join(" ")} ${made}` }));
}

function section(box, title, table) {
  const inside = h("div");
  box.append(h("details", {}, h("summary", {}, h("strong", { text: title })), inside));
  const columns = Object.keys(table[0]).map((key) => ({ key, label: words(key), numeric: typeof table.find((row) => row[key] !== null)?.[key] === "number", format: plain }));
  sortableTable(inside, columns, table, { label: title });
}

/** A bar a verdict, with the interval that the number of draws leaves. */
function distribution(el, list, source) {
  const frame = figure(el, { title: "How often each verdict holds", unit: "share of the draws; the line is the 95% interval", source, filename: `${meta.question}-verdicts`, level: 3 });
  frame.body.append(...list.map((row) => {
    const bar = h("div", { class: "share-bar" });
    bar.style.width = `${100 * row.share}%`;
    const range = h("div", { class: "share-range" });
    range.style.left = `${100 * row.low}%`;
    range.style.width = `${100 * (row.high - row.low)}%`;
    return h("div", { class: "share-row", data: { verdict: row.verdict } }, h("span", { text: capital(row.says) }), h("div", { class: "share-track", "aria-hidden": "true" }, bar, range),
      h("span", { class: "num" }, h("strong", { text: percent(row.share) }), h("span", { class: "soft small", text: ` ${percent(row.low)} to ${percent(row.high)}` })));
  }));
  // the frame's image downloads copy an SVG; these bars are plain elements, so only the numbers are offered
  for (const button of el.querySelectorAll(".fig-tools button")) if (button.textContent !== "CSV") button.remove();
  frame.setTable([
    { key: "verdict", label: "Verdict", header: true }, { key: "says", label: "Says" },
    { key: "share", label: "Share", numeric: true, format: percent }, { key: "low", label: "Low", numeric: true, format: percent },
    { key: "high", label: "High", numeric: true, format: percent }, { key: "draws", label: "Draws", numeric: true },
  ], list);
}

sliders();
if (point) showNumbers(point.rows);
job();
