// A scenario as plain JSON, the same as the files: starting points, words, and what differs from a shipped one.

import { capital, withThe } from "/static/js/format.js";

const BY_HAND = "Entered by hand on the what-if page";

/** The source every hand-made or edited scenario carries. */
export const ownSource = (title = BY_HAND) => ({ title, publisher: "the user of this page", cite: BY_HAND });

export const isOwn = (source) => source.cite === BY_HAND;

/** A measure to begin with. */
export const newMeasure = () => ({ imposer: ["USA"], targets: ["CHN"], sectors: ["goods"], instrument: "import_tariff", form: "added", rate_pct: 10 });

/** A scenario from nothing, with one measure. */
export const scratch = () => ({
  id: "by-hand",
  title: "My scenario",
  about: "Made by hand on the what-if page; no source backs the rates.",
  blurs: "Each measure covers whole sectors of the table, though laws name products; rates are as entered.",
  sources: [ownSource()],
  measures: [newMeasure()],
});

/** The law of a day, to put measures on top of. */
export const fromLaw = (day) => ({
  id: `law-of-${day}`,
  title: `The law of ${day}, changed`,
  about: `Starts from the tariffs in force on ${day} by the ledger; the measures below come on top.`,
  blurs: "Each measure covers whole sectors of the table, though laws name products; rates are as entered.",
  sources: [{ title: "The ledger of this package", publisher: "detente", cite: `detente regime --date ${day}` }, ownSource()],
  baseline: { date: day },
  policy: { date: day },
  measures: [],
});

export const list = (names) => (Array.isArray(names) ? names : names === undefined || names === null ? [] : [names]);
export const copy = (x) => structuredClone(x);
export const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

const OF_A_QUOTA = ["volume_pct_of_base", "volume_usd_mn", "over_quota_rate_pct", "rent", "each_target"];

/** Fits a measure to its instrument: taxes have a rate and a form, icebergs a cost, quotas a volume, bans none of them. */
export function fit(measure, instrument) {
  const out = { ...measure, instrument };
  const tax = instrument === "import_tariff" || instrument === "export_tax";
  if (tax) Object.assign(out, { rate_pct: out.rate_pct ?? out.cost_pct ?? 10, form: out.form ?? "added" });
  else { delete out.rate_pct; delete out.form; delete out.taxed_share; }
  if (instrument === "iceberg") out.cost_pct ??= 10; else delete out.cost_pct;
  if (instrument !== "import_tariff") delete out.base;
  if (instrument !== "quota") for (const key of OF_A_QUOTA) delete out[key];
  else { delete out.covered_share; if (out.volume_usd_mn === undefined || out.volume_usd_mn === null) out.volume_pct_of_base ??= 50; }
  return out;
}

/** An edited shipped scenario says so: a new id, a note in the title, a source, no published figures to compare. */
export function markEdited(scenario, origin) {
  if (!origin || scenario.id !== origin.id) return scenario;
  const out = { ...scenario, id: `${origin.id}-edited`, sources: [...scenario.sources, ownSource()] };
  if (out.title === origin.title) out.title = `${origin.title} (edited)`;
  delete out.claims;
  return out;
}

const joined = (words) => (words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`);
const few = (words) => (words.length > 3 ? `${words.slice(0, 2).join(", ")} and ${words.length - 2} more` : joined(words));

/** A measure in a sentence. */
export function inWords(m, names) {
  const nameOf = (code) => withThe(names(code));
  const who = capital(few(list(m.imposer).map(nameOf)));
  const what = few(list(m.sectors).map(nameOf)).toLowerCase() || "no sector yet";
  const all = list(m.targets ?? "all").includes("all");
  const but = list(m.except_targets).map(nameOf);
  const whom = all ? `everybody${but.length ? ` but ${few(but)}` : " else"}` : (same(list(m.targets), list(m.imposer)) ? "each other" : few(list(m.targets).map(nameOf))) || "nobody yet";
  const rate = typeof m.rate_pct === "object" && m.rate_pct !== null ? "rates by partner" : `${m.rate_pct}%`;
  const s = list(m.imposer).length > 1 || / (members|and) ?/.test(who) ? "" : "s";
  const how = { added: `add${s} ${rate} to the tariff`, replaced: `set${s} the tariff at ${rate}`, total: `lift${s} the tariff to at least ${rate}` }[m.form ?? "added"];
  if (m.instrument === "export_tax") return `${who || "Nobody"} tax${s && "es"} exports of ${what} to ${whom}: ${rate}`;
  if (m.instrument === "iceberg") return `${who || "Nobody"}: ${m.cost_pct}% more costly trade in ${what} from ${whom}`;
  if (m.instrument === "quota") {
    const volume = typeof m.volume_usd_mn === "number" ? `$${m.volume_usd_mn}m a year` : `${m.volume_pct_of_base}% of the base year's volume`;
    const above = typeof m.over_quota_rate_pct === "number" ? `${m.over_quota_rate_pct}% above it` : "nothing above it";
    return `${who || "Nobody"} let${s} in ${volume} of ${what} from ${whom}, ${above}`;
  }
  if (m.instrument === "ban") return `${who || "Nobody"} ban${s} ${what} from ${whom}`;
  return `${who || "Nobody"} ${how} on ${what} from ${whom}`;
}

// a word of a POSIX shell
const quoted = (text) => (/^[\w.,/:=+@%-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
const stripped = (o) => Object.fromEntries(Object.entries(o ?? {}).filter(([, v]) => v !== null && v !== undefined && v !== "" && !(Array.isArray(v) && !v.length)));

// what has to be set on the shipped file, or null where --set cannot do it
function settings(now, origin) {
  const [a, b] = [list(origin.measures), list(now.measures)];
  if (a.length !== b.length) return null;
  const found = [];
  const put = (where, value) => found.push(["--set", `${where}=${typeof value === "string" ? value : JSON.stringify(value)}`]);
  for (const [i, measure] of b.entries()) {
    const old = a[i];
    if (measure.instrument !== old.instrument) return null;
    for (const key of new Set([...Object.keys(old), ...Object.keys(measure)])) {
      const [x, y] = [old[key], measure[key]];
      if (key === "note" || same(list(x), list(y))) continue;
      if (y === undefined) { if (key === "except_targets") put(`measures.${i}.${key}`, []); else return null; } else put(`measures.${i}.${key}`, y);
    }
  }
  for (const key of ["baseline", "policy"]) if (!same(stripped(now[key]), stripped(origin[key]))) {
    if (!now[key]) return null;
    put(key, stripped(now[key]));
  }
  return found;
}

/** The exact command: of a shipped scenario with its edits, or of the file the YAML button saves. */
export function command(now, origin) {
  const set = origin ? settings(now, origin) : null;
  if (!set) return `# save it with the YAML button, then\ndetente run ${now.id}.yaml --theta all`;
  const words = ["detente", "run", origin.id, ...set.flat()];
  if ((now.deficit ?? "fixed") !== (origin.deficit ?? "fixed")) words.push("--deficit", now.deficit ?? "fixed");
  if ((now.theta ?? "fgo") !== (origin.theta ?? "fgo")) words.push("--theta", now.theta ?? "fgo");
  return words.map(quoted).join(" ");
}

/** What is sent: nothing that only the page knows. */
export function sent(scenario) {
  return Object.fromEntries(Object.entries(scenario).filter(([, v]) => v !== null && v !== undefined));
}
