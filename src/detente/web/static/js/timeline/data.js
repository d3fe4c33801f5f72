// The numbers of the page: series loaded once and rebased here, answers of a day kept for a while.

import { getJSON } from "/static/js/api.js";
import { bounds } from "/static/js/colour.js";
import { number } from "/static/js/timeline/variables.js";

const KEPT = 80;

export class Data {
  /** `boot` is what the server wrote into the page: dates with a headline each, names, provenance. */
  constructor(boot) {
    this.names = Object.fromEntries(boot.countries.map((r) => [r.country, r.name]));
    this.sectors = boot.sectors;
    this.eu = boot.eu;
    this.meta = boot.meta;
    this.last = boot.last;
    this.dates = boot.dates.map((r) => r.date);
    this.words = boot.dates.map((r) => r.words);
    this.series = new Map();
    this.loading = new Map();
    this.answers = new Map();
    this.ranges = new Map();
  }

  /** The place of the change date whose law holds on a day. */
  at(day) {
    return Math.max(0, d3.bisectRight(this.dates, day) - 1);
  }

  /** The place compared with; "previous" is the change before. */
  base(since, at) {
    return since === "previous" ? Math.max(0, at - 1) : this.at(since);
  }

  /** Loads the levels of a column once. */
  column(column) {
    if (this.series.has(column)) return Promise.resolve();
    if (!this.loading.has(column)) {
      const work = getJSON(`/api/timeline/series?variable=${column}`)
        .then((answer) => { this.series.set(column, answer); })
        .finally(() => this.loading.delete(column));
      this.loading.set(column, work);
    }
    return this.loading.get(column);
  }

  /** Map iso3 -> number of a variable on a date, against another. */
  values(variable, at, base) {
    const { countries, values } = this.series.get(variable.column);
    const [now, then] = [values[at], values[base]];
    return new Map(countries.map((code, i) => [code, number(variable, now[i], then[i])]));
  }

  /**
   * Class bounds and bar range that hold for every date, so that colours mean the same while dragging.
   * `numbers(at)` gives those of a date by economy; `when` names what they are.
   */
  range(variable, since, when, numbers) {
    const key = `${variable.id} ${since} ${when}`;
    if (!this.ranges.has(key)) {
      const most = [];
      let [low, high] = [0, 0];
      for (let at = 0; at < this.dates.length; at += 1) {
        numbers(at).forEach((value, i) => {
          if (!Number.isFinite(value)) return;
          most[i] = Math.max(most[i] ?? 0, Math.abs(value));
          low = Math.min(low, value);
          high = Math.max(high, value);
        });
      }
      this.ranges.set(key, { bounds: bounds(variable.kind, most.map((x) => x ?? 0)), domain: [low, high] });
    }
    return this.ranges.get(key);
  }

  /** The points of a step line of a column for an economy, or the plain mean of several. */
  points(column, codes) {
    const { countries, values } = this.series.get(column);
    const places = codes.map((c) => countries.indexOf(c)).filter((i) => i >= 0);
    return this.dates.map((date, at) => [date, places.reduce((sum, i) => sum + values[at][i], 0) / places.length]);
  }

  /** The answer of an address, kept. */
  async answer(url, signal) {
    if (!this.answers.has(url)) {
      const found = await getJSON(url, { signal });
      this.answers.set(url, found);
      if (this.answers.size > KEPT) this.answers.delete(this.answers.keys().next().value);
    }
    return this.answers.get(url);
  }
}
