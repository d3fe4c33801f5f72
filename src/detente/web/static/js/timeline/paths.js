// The numbers of a day before the long run: the path to its quarter, and one year after it. Loaded once
// for all dates and economies, so that a move of the slider needs no request.

import { getJSON } from "/static/js/api.js";
import { number } from "/static/js/timeline/variables.js";

export const WHEN = [["so_far", "so far, in that quarter"], ["year", "one year after"], ["long", "in the long run, if it stayed"]];

const COLUMNS = ["real_income_pct", "real_wage_pct", "exports_pct", "imports_pct", "tariff_revenue_usd_bn"];

export class Paths {
  constructor(data) {
    this.data = data;
    this.held = new Map();
    this.loading = new Map();
  }

  /** Whether a column moves with trade; tariffs are the law's. */
  knows(column) { return COLUMNS.includes(column); }

  has(column) { return this.held.has(column); }

  /** Loads the path of a column, and the year after each date, once. */
  load(column) {
    if (this.held.has(column)) return Promise.resolve();
    if (!this.loading.has(column)) {
      const work = Promise.all([getJSON(`/api/path?variable=${column}`), getJSON(`/api/path/after?variable=${column}`), this.data.column(column)])
        .then(([path, after]) => { this.held.set(column, { path, after }); })
        .finally(() => this.loading.delete(column));
      this.loading.set(column, work);
    }
    return this.loading.get(column);
  }

  path(column) { return this.held.get(column).path; }

  /** The place of the quarter in which a day lies. */
  quarter(column, day) { return Math.max(0, d3.bisectRight(this.path(column).first, day) - 1); }

  /** How the world stood when a day began: the last quarter that was over, or rest before the path. */
  stood(column, day) {
    const { values } = this.path(column);
    const q = this.quarter(column, day) - 1;
    if (q >= 0) return values[q];
    return column.endsWith("_pct") ? values[0].map(() => 0) : this.data.series.get(column).values[0];
  }

  /** Numbers of a variable by economy: "so_far" on a day, or a "year" after the date at a place; against `since`. */
  numbers(variable, when, place, day, since) {
    const { path, after } = this.held.get(variable.column);
    const now = when === "so_far" ? path.values[this.quarter(variable.column, day)] : after.values[place];
    const then = this.stood(variable.column, since);
    return now.map((x, i) => (x === null || then[i] === null ? null : number(variable, x, then[i])));
  }
}
