// "Where the trade went": who sells a sector to an importer, and where one exporter sells it instead.

import { h, $ } from "/static/js/dom.js";
import { rankedBars } from "/static/js/bars.js";
import { capital, pct, usdBn, usdBnChange, withThe } from "/static/js/format.js";

const TOP = 10;

/** Draws the panel; returns {url(date, since), show(answer, state)}. */
export function flowsPanel(data, state, { source, onChoose }) {
  const fields = { sector: $("#flow-sector"), importer: $("#flow-importer"), exporter: $("#flow-exporter") };
  const economies = Object.entries(data.names).sort((a, b) => a[1].localeCompare(b[1], "en"));
  for (const s of data.sectors) fields.sector.append(h("option", { value: s.sector, text: s.name }));
  for (const key of ["importer", "exporter"]) for (const [code, name] of economies) fields[key].append(h("option", { value: code, text: name }));
  for (const [key, node] of Object.entries(fields)) node.addEventListener("change", () => onChoose(key, node.value));
  const options = { unit: "largest changes, billion dollars a year", limit: TOP, source, format: usdBnChange, level: 3, pick: "largest" };
  const sellers = rankedBars($("#sellers"), { ...options, label: "Sellers", filename: "sellers" });
  const buyers = rankedBars($("#buyers"), { ...options, label: "Buyers", filename: "buyers" });
  const sectorName = (code) => data.sectors.find((s) => s.sector === code)?.name ?? code;
  const rows = (list, who, home) => list.map((r) => ({ key: r[who], label: `${data.names[r[who]] ?? r[who]}${r[who] === home ? " (home)" : ""}`, value: r.change_usd_bn }));

  return {
    url(date, since, { importer, exporter, sector }) {
      return `/api/timeline/flows?${new URLSearchParams({ date, importer, exporter, sector, since })}`;
    },
    choose(chosen) { for (const [key, node] of Object.entries(fields)) node.value = chosen[key]; },
    show(answer, { importer, exporter, sector }) {
      const [buyer, seller, what] = [withThe(data.names[importer]), withThe(data.names[exporter]), sectorName(sector).toLowerCase()];
      const subject = capital(seller);
      const mine = answer.rows.find((r) => r.seller === exporter);
      $("#flow-words").textContent = mine
        ? `${subject} sells ${usdBn(mine.after_usd_bn)} of ${what} a year to ${buyer}, ${mine.before_usd_bn > 0 ? `${pct(100 * (mine.after_usd_bn / mine.before_usd_bn - 1), 0)} from ${usdBn(mine.before_usd_bn)}` : "nothing before"}.`
        : `${subject} sells no ${what} to ${buyer}, before or after.`;
      sellers.figure.setTitle(`Who sells more or less of it to ${buyer}`);
      sellers.update(rows(answer.rows, "seller", importer));
      buyers.figure.setTitle(`Where ${seller} sells it instead`);
      buyers.update(rows(answer.redirected, "buyer", exporter));
    },
  };
}
