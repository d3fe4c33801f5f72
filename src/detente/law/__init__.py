"""The tariff of a day and why: stacking, lines, queries, and the law on a world's arrays."""
