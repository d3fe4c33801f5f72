// The what-if page: every edit posts the scenario and redraws the outcome beside the one it was opened with.

import { getJSON, newest, postJSON, postText, showError } from "/static/js/api.js";
import { dayField } from "/static/js/day.js";
import { $, debounce, h } from "/static/js/dom.js";
import { date, pct } from "/static/js/format.js";
import { csv } from "/static/js/figure.js";
import { saveText } from "/static/js/save.js";
import { card } from "/static/js/whatif/card.js";
import { results } from "/static/js/whatif/results.js";
import { command, copy, fromLaw, isOwn, list, markEdited, newMeasure, ownSource, same, scratch, sent } from "/static/js/whatif/scenario.js";
import { LinkError, decode, encode } from "/static/js/whatif/share.js";

const FIRST = "us-cars-25";
const POST_AFTER_MS = 60;
const SIMULATE = "/api/simulate?tables=countries,sectors,flows,claims,before,after";
const RANGE_AFTER_MS = 600;
const UNDO = 60;
const EXAMPLES = [["US cars 25%", "us-cars-25"], ["Cars at 15% for Korea and Japan", "cars-15-for-korea-and-japan"], ["China 145%", "china-145"], ["China-Japan-Korea free trade", "cjk-fta"]];
const CLOSURES = { fixed: "fixed, as a share of world income", zero: "none: trade balances", share: "a fixed share of own income" };

let world, view, names, sectorNames;
let scenario = null; // what is on the left
let origin = null; // the shipped scenario it started from, or null
let start = null; // the answer it was opened with
let shown = null; // the answer on the right
let solved = null; // {scenario} that it answers
let history_ = [];
let gesture = null; // the state before a slider began to move
const [solving, ranging] = [newest(), newest()];

async function begin() {
  try {
    world = await getJSON("/api/world");
  } catch (error) {
    $("#status").textContent = "The page could not be loaded.";
    showError($("#trouble"), error, () => location.reload());
    return;
  }
  names = Object.fromEntries(world.rows.map((r) => [r.country, r.name]));
  sectorNames = Object.fromEntries(world.sectors.map((r) => [r.sector, r.name]));
  view = results(names, sectorNames);
  wire();
  await openAddress();
}

async function openAddress() {
  $("#link-trouble")?.replaceChildren();
  try {
    const shared = await decode(location.hash);
    if (shared) { await open(shared.scenario, shared.origin ?? null); return; }
  } catch (error) {
    const said = error instanceof LinkError ? error : new LinkError("The link is damaged: what it holds is not a scenario of this page.");
    showError(troubleBox(), said);
  }
  const query = new URLSearchParams(location.search);
  if (query.get("date")) await open(fromLaw(query.get("date")), null);
  else await openShipped(query.get("scenario") ?? FIRST);
}

function troubleBox() {
  const box = $("#link-trouble") ?? h("div", { id: "link-trouble" });
  $("#whatif").before(box);
  return box;
}

async function openShipped(id) {
  try {
    const found = await getJSON(`/api/scenarios/${encodeURIComponent(id)}`);
    await open(found, id);
  } catch (error) {
    // an address that names no scenario says so and opens the first one, so that the page is of use
    if (error.status === 404 && id !== FIRST) { showError(troubleBox(), error); await openShipped(FIRST); return; }
    if (!shown) $("#status").textContent = "The scenario could not be loaded.";
    showError($("#trouble"), error, () => openShipped(id));
  }
}

/** Opens a scenario; `from` names the shipped one it comes from. */
async function open(found, from) {
  origin = null;
  if (from) origin = found.id === from ? copy(found) : await getJSON(`/api/scenarios/${encodeURIComponent(from)}`).catch(() => null);
  scenario = { measures: [], ...found };
  history_ = [];
  gesture = null;
  start = null;
  view.reset();
  $("#start").value = origin ? origin.id : scenario.id === "by-hand" ? "scratch" : scenario.policy ? "law" : "";
  $("#start-day-label").hidden = $("#start").value !== "law";
  $("#start-day").value = scenario.policy?.date ?? "";
  redraw();
  solve();
}

// ---- editing ----

/** Ends a gesture: what was there before it becomes one step of undo. */
function settle() {
  if (gesture && !same(gesture, scenario)) history_ = [...history_.slice(-UNDO), gesture];
  gesture = null;
}

/** Takes a new scenario; `done` is false while a slider moves or a number is typed. */
function edit(next, { done = true, redrawAll = false, sameGesture = false } = {}) {
  if (!sameGesture) settle();
  const marked = origin ? markEdited(next, origin) : next;
  const changed = !same(marked, scenario);
  if (changed) gesture ??= scenario;
  scenario = marked;
  if (done) settle();
  if (redrawAll) redraw(); else redrawTexts();
  if (changed) { rangeSoon.cancel(); solveSoon(); }
}

const measureEdit = (i) => (measure, done) => edit({ ...scenario, measures: scenario.measures.map((m, k) => (k === i ? measure : m)) }, { done, sameGesture: true });

function undo() {
  settle();
  const last = history_.pop();
  if (!last) return;
  scenario = last;
  redraw();
  solveSoon();
}

function addMeasure(measure, at) {
  const measures = [...list(scenario.measures)];
  measures.splice(at, 0, measure);
  edit({ ...scenario, measures }, { redrawAll: true });
  $("#measures").children[at]?.querySelector("select, input")?.focus();
}

function dropMeasure(i) {
  edit({ ...scenario, measures: scenario.measures.filter((_, k) => k !== i) }, { redrawAll: true });
  $("#add").focus();
}

const PLACES = { all: "everything", goods: "all goods", services: "services", CJK: "China, Japan and Korea", EU27: "EU members" };
const groupName = (id) => PLACES[id] ?? `${id} members`;
const nameOf = (code) => names[code] ?? sectorNames[code] ?? PLACES[code] ?? (world.groups.some((g) => g.id === code) ? groupName(code) : code);

function choices() {
  const groups = world.groups.filter((g) => g.members.length && !g.missing.length).map((g) => [g.id, groupName(g.id)]);
  const economies = world.rows.map((r) => [r.country, r.name]).sort((a, b) => a[1].localeCompare(b[1], "en"));
  return {
    nameOf,
    countries: [["Groups", groups], ["Economies", economies]],
    sectors: [["Together", [["goods", "all goods"], ["services", "services"]]], ["Goods", world.sectors.filter((s) => s.kind === "goods").map((s) => [s.sector, s.name])]],
  };
}

function redraw() {
  const options = choices();
  $("#measures").replaceChildren(...scenario.measures.map((measure, i) => card(measure, i, options, { change: measureEdit(i), duplicate: () => addMeasure(copy(measure_(i)), i + 1), drop: () => dropMeasure(i) })));
  if (!scenario.measures.length) $("#measures").replaceChildren(h("li", { class: "empty" }, h("p", { text: scenario.policy ? "The law of the day stands as it is. Add a measure to change it." : "No measure yet." })));
  for (const key of ["title", "about", "blurs"]) $(`#${key}`).value = scenario[key] ?? "";
  $("#theta").value = scenario.theta ?? "fgo";
  $("#deficit").value = scenario.deficit ?? "fixed";
  $("#model").value = scenario.model ?? "caliendo-parro";
  const base = scenario.baseline ?? {};
  $("#baseline").value = base.scenario ? `scenario:${base.scenario}` : base.date ? "law" : "world";
  $("#baseline-day-label").hidden = !base.date;
  $("#baseline-day").value = base.date ?? "";
  $("#policy-note").hidden = !scenario.policy;
  if (scenario.policy) $("#policy-note").textContent = `The measures come on top of the law of ${date(scenario.policy.date)}${scenario.policy.known_on ? `, as known on ${date(scenario.policy.known_on)}` : ""}.`;
  redrawTexts();
}
const measure_ = (i) => scenario.measures[i];

function redrawTexts() {
  if (document.activeElement !== $("#title")) $("#title").value = scenario.title ?? "";
  $("#undo").disabled = !history_.length && !gesture;
  $("#command").textContent = command(scenario, origin);
  $("#sources").replaceChildren(...list(scenario.sources).map((s) => h("li", {}, /^https?:\/\//.test(s.url ?? "") ? h("a", { href: s.url, rel: "noreferrer", text: s.title }) : s.title, ` (${s.publisher}${s.date ? `, ${s.date}` : ""})`)));
  const own = list(scenario.sources).find(isOwn);
  $("#own-source").disabled = !own;
  if (document.activeElement !== $("#own-source")) $("#own-source").value = own?.title ?? "";
  const set = world.theta_sets.find((t) => t.id === (scenario.theta ?? "fgo"));
  $("#theta-note").textContent = set ? set.citation : "";
}

// ---- solving ----

const solveSoon = debounce(solve, POST_AFTER_MS);
const rangeSoon = debounce(range, RANGE_AFTER_MS);
const shareSoon = debounce(share, 400);

const complete = (m) => list(m.imposer).length && list(m.sectors).length && (list(m.targets ?? "all").length);

async function solve() {
  rangeSoon.cancel();
  shareSoon();
  const open_ = scenario.measures.filter((m) => !complete(m)).length;
  if (open_ || (!scenario.measures.length && !scenario.policy)) {
    await solving(() => null);
    keepLast(open_ ? "A measure is not complete: choose who, on whom and which sectors." : "Nothing to solve yet: add a measure.", null);
    return;
  }
  const asked = sent(scenario);
  const slow = setTimeout(() => { $("#status").replaceChildren(h("span", { class: "loading", text: "Solving" })); }, 300);
  const began = performance.now();
  const answer = await solving((signal) => postJSON(SIMULATE, asked, { signal }));
  clearTimeout(slow);
  if (answer.stale) return;
  if (answer.error) { keepLast(null, answer.error); return; }
  shown = answer.value;
  solved = { scenario: asked };
  start ??= shown;
  $("#trouble").replaceChildren();
  $("#results").hidden = false;
  $("#results").classList.remove("stale");
  $("#results").removeAttribute("aria-disabled");
  const { meta } = shown;
  view.show(shown, start);
  const ms = Math.round(performance.now() - began);
  $("#status").replaceChildren(h("b", { text: meta.scenario.title }), h("span", { class: "soft small", text: ` solved in ${ms} ms: ${meta.steps ?? "?"} steps, largest error ${Number(meta.residual).toExponential(0)}` }));
  $("#blurs-shown").textContent = meta.scenario.blurs;
  $("#provenance").textContent = `${meta.world}, model ${meta.model}, deficits ${meta.deficit}, elasticities ${meta.theta}, policy ${meta.policy_hash}, baseline ${meta.baseline_hash}, detente ${meta.version}. Long-run comparison of two equilibria; no time path. Real income, wages, exports, output and prices are changes in percent.`;
  $("#range-note").textContent = "";
  document.documentElement.dataset.solved = String(Number(document.documentElement.dataset.solved ?? 0) + 1);
  speakSoon();
  rangeSoon();
}

const speakSoon = debounce(() => {
  const rows = [...shown.rows].sort((a, b) => Math.abs(b.real_income_usd_bn) - Math.abs(a.real_income_usd_bn)).slice(0, 3);
  $("#spoken").textContent = `Real income: ${rows.map((r) => `${r.name} ${pct(r.real_income_pct)}`).join(", ")}.`;
}, 1000);

/** Says why there is no answer; the last good one stays, grey and named as such. */
function keepLast(text, error) {
  $("#status").textContent = text ?? "No result for this scenario.";
  $("#peek").hidden = true;
  if (error) showError($("#trouble"), error, error.status === 422 || error.status === 409 ? null : solve);
  else $("#trouble").replaceChildren();
  if (!shown) return;
  $("#results").classList.add("stale");
  $("#trouble").append(h("p", { class: "message warn", text: `What is shown in grey below is the last scenario that could be solved (${shown.meta.scenario.title}), not the present one.` }));
}

/** The band over elasticity sets of the scenario on the right. */
async function range() {
  const main = shown;
  const { scenario: asked } = solved;
  $("#range-note").replaceChildren(h("span", { class: "loading", text: "range over elasticity sets" }));
  const answer = await ranging((signal) => postJSON("/api/simulate?range=theta&tables=countries", asked, { signal }));
  if (answer.stale || main !== shown) return;
  if (answer.error) { $("#range-note").textContent = `No range: ${answer.error.message}`; return; }
  view.range(answer.value);
  $("#range-note").textContent = `Thin lines: lowest to highest over ${answer.value.meta.theta_sets.length} elasticity sets.`;
}

// ---- taking it along ----

async function share() {
  const fragment = await encode({ scenario: sent(scenario), ...(origin ? { origin: origin.id } : {}) });
  if (!fragment) { say("This scenario is too long for a link; the YAML file holds it."); return false; }
  history.replaceState(null, "", `${location.pathname}${fragment}`);
  return true;
}

const say = (text) => { $("#said").textContent = text; };

async function clip(text, what) {
  try { await navigator.clipboard.writeText(text); say(`${what} copied.`); } catch { say(`The browser does not let the page copy; take it from ${what === "Link" ? "the address bar" : "the box"}.`); }
}

function wire() {
  $("#examples").append(...EXAMPLES.map(([text, id]) => h("button", { type: "button", class: "small", text, on: { click: () => openShipped(id) } })));
  $("#theta").append(...world.theta_sets.map((t) => h("option", { value: t.id, text: `${t.id}: ${t.title ?? t.citation}` })));
  $("#deficit").append(...world.closures.map((c) => h("option", { value: c, text: CLOSURES[c] ?? c })));
  $("#model").append(...world.models.map((m) => h("option", { value: m, text: m === "caliendo-parro" ? "Caliendo and Parro (2015)" : m })));
  $("#baseline").append(h("option", { value: "world", text: "the world table (trade of 2022)" }), h("option", { value: "law", text: "the law of a day" }),
    h("optgroup", { label: "A scenario" }, world.scenarios.map((s) => h("option", { value: `scenario:${s.id}`, text: s.title }))));

  for (const id of ["#start-day", "#baseline-day"]) $(id).max = world.meta.record_until;
  $("#start").addEventListener("change", (e) => {
    $("#start-day-label").hidden = e.target.value !== "law";
    if (e.target.value === "scratch") open(scratch(), null);
    else if (e.target.value === "law") { $("#start-day").focus(); } else if (e.target.value) openShipped(e.target.value);
  });
  dayField($("#start-day"), (day) => open(fromLaw(day), null));
  for (const key of ["title", "about", "blurs"]) $(`#${key}`).addEventListener("change", (e) => { if (e.target.value.trim()) edit({ ...scenario, [key]: e.target.value.trim() }); else e.target.value = scenario[key]; });
  $("#own-source").addEventListener("change", (e) => edit({ ...scenario, sources: scenario.sources.map((s) => (isOwn(s) ? ownSource(e.target.value.trim() || undefined) : s)) }));
  for (const key of ["theta", "deficit", "model"]) $(`#${key}`).addEventListener("change", (e) => edit({ ...scenario, [key]: e.target.value }));
  $("#baseline").addEventListener("change", (e) => {
    const value = e.target.value;
    $("#baseline-day-label").hidden = value !== "law";
    if (value === "law") { $("#baseline-day").focus(); return; }
    const next = { ...scenario };
    if (value === "world") delete next.baseline; else next.baseline = { scenario: value.slice(9) };
    edit(next);
  });
  dayField($("#baseline-day"), (day) => edit({ ...scenario, baseline: { date: day } }));
  $("#add").addEventListener("click", () => addMeasure(newMeasure(), scenario.measures.length));
  $("#undo").addEventListener("click", undo);
  $("#copy-link").addEventListener("click", async () => { if (await share()) clip(location.href, "Link"); });
  $("#copy-command").addEventListener("click", () => clip($("#command").textContent, "Command"));
  $("#get-json").addEventListener("click", () => saveText(`${JSON.stringify(sent(scenario), null, 1)}\n`, `${scenario.id}.json`, "application/json"));
  $("#get-yaml").addEventListener("click", async () => {
    try { saveText(await postText("/api/scenario/yaml", sent(scenario)), `${scenario.id}.yaml`, "text/yaml"); say(`Saved as ${scenario.id}.yaml.`); } catch (error) { say(`No YAML: ${error.message}`); }
  });
  $("#get-csv").addEventListener("click", () => {
    if (!shown || $("#results").classList.contains("stale")) { say("There is no result of this scenario to save."); return; }
    saveText(csv(Object.keys(shown.rows[0]).map((key) => ({ key })), shown.rows), `${scenario.id}.csv`, "text/csv");
  });
  // a fragment without a scenario is a place on the page
  window.addEventListener("hashchange", () => { if (location.hash.startsWith("#s=")) openAddress(); });
  $("#peek").addEventListener("click", (e) => { e.preventDefault(); $("#outcome").scrollIntoView(); $("#inside").focus({ preventScroll: true }); });
}

begin();
