"""Is China the first trading partner of more than 120 countries: counts by definition."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from detente.cards.draws import Prior
from detente.cards.kind import Answer, Kind, Parameter, the
from detente.dependence.partner_ranks import (
    GROUPINGS,
    MEASURES,
    FirstPartner,
    ahead_of,
    first_partner_of,
)
from detente.errors import InputError
from detente.records import Record

__all__ = ["KIND", "Settings"]


class Settings(Record):
    """Whose partners."""

    partner: str = "CHN"

    @property
    def rival(self) -> str:
        """Whom it may be ahead of: the United States, and of them China."""
        return "CHN" if self.partner == "USA" else "USA"


ALWAYS = ("CHN", "USA")
"""Partners whose trade is kept for every economy."""

RANKS = ("first", "among the first three", "ahead of the rival")


@lru_cache(maxsize=16)
def _found(partner: str, claim: int) -> FirstPartner:
    return first_partner_of(partner, claim)


def evaluate(s: Settings, room: None, v: Mapping[str, Any]) -> Answer:
    """One definition."""
    claim = round(float(v["claim"]))
    table = _found(s.partner, claim).table
    row = table[(table["grouping"] == v["grouping"]) & (table["measure"] == v["measure"])].iloc[0]
    ahead, others = _ahead(s.partner, s.rival, v["measure"], v["grouping"])
    if v["rank"] == RANKS[2] and ahead is None:
        raise InputError(
            f"settings.partner: {s.partner}; its trade is not known for every economy, so that "
            f'"{RANKS[2]}" cannot be counted (for CHN and USA it can): set parameters.rank to '
            f'"{RANKS[0]}" or "{RANKS[1]}"'
        )
    counts = dict(zip(RANKS, (row["first_for"], row["top3_for"], ahead), strict=True))
    count = float(counts[v["rank"]] or 0)
    economies = float(others if v["rank"] == RANKS[2] else row["economies"])
    return Answer(
        "fits" if count > claim else "does not fit",
        {"count": count, "first_for": float(row["first_for"]), "top3_for": float(row["top3_for"]),
         "ahead_for": np.nan if ahead is None else float(ahead), "economies": economies,
         "count_pct": 100 * count / economies, "short_of_claim": claim + 1 - count},
    )  # fmt: skip


@lru_cache(maxsize=64)
def _ahead(partner: str, rival: str, measure: str, grouping: str) -> tuple[int | None, int]:
    """As :func:`ahead_of`; no count where a partner's trade is not kept for every economy."""
    if partner not in ALWAYS:
        return None, 0
    return ahead_of(partner, rival, measure, grouping)


def tables(
    s: Settings, room: None, v: Mapping[str, Any], good: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Counts under every definition, for China and for the United States."""
    claim = round(float(v["claim"]))
    parts = []
    sides = [(s.partner, s.rival)]
    sides += [(s.rival, s.partner if s.partner in ALWAYS else "CHN")]
    for one, other in sides:
        part = _found(one, claim).table
        counts = [
            _ahead(one, other, m, g)[0]
            for m, g in zip(part["measure"], part["grouping"], strict=True)
        ]
        ahead = [np.nan if x is None else float(x) for x in counts]
        parts.append(part.assign(partner=one, ahead_of_the_other_for=ahead))
    table = pd.concat(parts, ignore_index=True)
    wanted = ["partner", "grouping", "definition", "economies", "first_for", "top3_for",
              "ahead_of_the_other_for", "fits_claim"]  # fmt: skip
    table = table[wanted].assign(
        fits_claim=["yes" if x else "no" for x in table["fits_claim"]],
        first_for=table["first_for"].astype(int),
        top3_for=table["top3_for"].astype(int),
    )
    return {"definitions": table}


def remarks(s: Settings, good: pd.DataFrame) -> list[str]:
    """The largest count, and that a share of definitions is no probability."""
    first = good["first_for"]
    best = good.iloc[int(first.to_numpy().argmax())]
    others = _found(s.partner, 0).table.set_index(["grouping", "measure"])["economies"]
    of = others[best["grouping"], best["measure"]]
    ahead, all_ = _ahead(s.partner, s.rival, "total", "economies")
    other = (
        f"Another count is of economies that trade more with {the(s.partner)} than with "
        f"{the(s.rival)}: {ahead} of {all_} (exports plus imports, every economy by itself)."
    )
    return [
        f"At most {the(s.partner)} comes first for {best['first_for']:.0f} of {of:.0f} economies "
        f"({MEASURES[best['measure']]}; {best['grouping']}), at least for {first.min():.0f}.",
        *([other] if ahead is not None else []),
        "Each share counts definitions as equals, it is no probability: which one the article "
        "means is not said.",
    ]


def verdicts(s: Settings, priors: Mapping[str, Prior]) -> dict[str, str]:
    """Every verdict in words."""
    claim = priors["claim"]
    many = f"more than {round(float(claim.centre))}" if claim.fixed else "so many"
    return {
        "fits": f"the claim of {many} fits goods trade of 2023",
        "does not fit": f"the claim of {many} does not fit goods trade of 2023",
    }


KIND = Kind(
    name="number-one-partner",
    parameters={
        "measure": Parameter("what is ranked", "name", names=tuple(MEASURES)),
        "grouping": Parameter("what counts as one economy", "name", names=tuple(GROUPINGS)),
        "rank": Parameter("what counts as number one", "name", names=RANKS),
        "claim": Parameter("more than this many", "economies", 0, 250),
    },
    settings=Settings,
    verdicts=verdicts,
    numbers={
        "count": "economies counted under the definition",
        "first_for": "economies for which it is the first partner",
        "top3_for": "economies for which it is among the first three",
        "ahead_for": "economies that trade more with it than with the rival",
        "economies": "other economies in the data",
        "count_pct": "the count in percent of them",
        "short_of_claim": "how many are lacking for the claim",
    },
    main="count",
    evaluate=evaluate,
    tables=tables,
    remarks=remarks,
    modelled=False,
    notes=("Goods trade of 2023, 194 economies, without Taiwan; services are not counted.",),
)
