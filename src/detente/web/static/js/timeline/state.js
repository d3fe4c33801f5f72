// The state of the page lives in its address, so that it can be shared and the back button works.

const DEFAULTS = { date: null, since: "2025-01-01", variable: "real_income_pct", when: "long", focus: null, importer: "USA", exporter: "JPN", sector: "C29", lines: "USA,CHN,EU,CAN,IND" };

/** State from the address; what is not named has its default. */
export function readState() {
  const query = new URLSearchParams(location.search);
  const state = Object.fromEntries(Object.entries(DEFAULTS).map(([key, value]) => [key, query.get(key) || value]));
  if (query.get("against") === "previous") state.since = "previous";
  return state;
}

function address(state) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(state)) {
    if (key === "since" && value === "previous") query.set("against", value);
    else if (value && value !== DEFAULTS[key]) query.set(key, value);
  }
  return `${location.pathname}?${query}`.replaceAll("%2C", ",");
}

/** Writes the state into the address; a settled one becomes a step of the back button. */
export function writeState(state, settled) {
  const next = address(state);
  if (next === location.pathname + location.search) return;
  if (settled) history.pushState(null, "", next);
  else history.replaceState(null, "", next);
}
