// What the timeline can show. `column` is the field of the JSON twin; `change` shows the difference of a level.

import { pct, points, rate, usdBn, usdBnChange } from "/static/js/format.js";

export const VARIABLES = [
  { id: "real_income_pct", column: "real_income_pct", label: "Real income", term: "real_income", unit: "change in percent", kind: "diverging", relative: true, write: pct },
  { id: "real_wage_pct", column: "real_wage_pct", label: "Real wage", term: "real_wage", unit: "change in percent", kind: "diverging", relative: true, write: pct },
  { id: "exports_pct", column: "exports_pct", label: "Exports", term: "exports", unit: "change in percent", kind: "diverging", relative: true, write: pct },
  { id: "imports_pct", column: "imports_pct", label: "Imports", term: "imports", unit: "change in percent", kind: "diverging", relative: true, write: pct },
  { id: "tariff_charged_pct", column: "tariff_charged_pct", label: "Tariff it charges", term: "tariff_charged", unit: "average rate on goods, percent of value", kind: "sequential", write: rate },
  { id: "tariff_charged_change", column: "tariff_charged_pct", label: "Tariff it charges, change", term: "tariff_charged", unit: "percentage points", kind: "diverging", change: true, write: points },
  { id: "tariff_faced_pct", column: "tariff_faced_pct", label: "Tariff it faces", term: "tariff_faced", unit: "average rate on its goods abroad, percent of value", kind: "sequential", write: rate },
  { id: "tariff_faced_change", column: "tariff_faced_pct", label: "Tariff it faces, change", term: "tariff_faced", unit: "percentage points", kind: "diverging", change: true, write: points },
  { id: "tariff_revenue_usd_bn", column: "tariff_revenue_usd_bn", label: "Tariff revenue", term: "revenue", unit: "billion dollars a year", kind: "sequential", write: usdBn },
  { id: "tariff_revenue_change", column: "tariff_revenue_usd_bn", label: "Tariff revenue, change", term: "revenue", unit: "billion dollars a year", kind: "diverging", change: true, write: usdBnChange },
];

export const variableOf = (id) => VARIABLES.find((v) => v.id === id) ?? VARIABLES[0];

/** True where the number depends on the day compared with. */
export const compares = (variable) => Boolean(variable.relative || variable.change);

/** The number of a variable from its two levels against the world table. */
export function number(variable, now, then) {
  if (variable.relative) return 100 * ((1 + now / 100) / (1 + then / 100) - 1);
  return variable.change ? now - then : now;
}
