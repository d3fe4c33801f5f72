// Days that the press wrote about, as marks on the slider; the law itself comes from the ledger.

export const EVENTS = [
  ["2018-03-23", "US steel and aluminium tariffs begin"],
  ["2018-07-06", "US and China: the first lists of 25%"],
  ["2018-09-24", "US list 3, China answers"],
  ["2020-02-14", "Phase One between the US and China"],
  ["2022-01-01", "RCEP enters into force"],
  ["2025-02-04", "US emergency tariff on China begins"],
  ["2025-03-12", "US metals at 25% for everybody"],
  ["2025-04-03", "US cars at 25%"],
  ["2025-04-09", "US reciprocal rates by country, for a day"],
  ["2025-04-10", "US: China at 145%, the others at 10%"],
  ["2025-05-14", "Truce of Geneva between the US and China"],
  ["2025-06-04", "US metals at 50%"],
  ["2025-08-07", "US reciprocal rates by country begin"],
  ["2025-09-16", "Japan's cars at 15%"],
  ["2025-11-01", "Korea's cars at 15%"],
  ["2025-11-10", "US and China extend their truce"],
  ["2026-02-24", "US emergency tariffs end, a surcharge begins"],
  ["2026-07-24", "US tariffs on 60 economies under Section 301"],
];

export const BASES = [
  ["2018-01-01", "1 January 2018, before the trade war"],
  ["2025-01-01", "1 January 2025, before the tariffs of 2025"],
  ["2025-04-01", "1 April 2025, before the reciprocal tariffs"],
  ["2026-02-23", "23 February 2026, the last day of the emergency tariffs"],
  ["previous", "the change before"],
  ["other", "another day"],
];
