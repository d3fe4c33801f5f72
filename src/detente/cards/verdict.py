"""What a card says: shares of the verdicts, what decides between them, and the words.

Every sentence is made from thresholds and settings; none is written for a result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from detente.cards.draws import Prior, Value
from detente.cards.kind import Parameter, measured, span

__all__ = [
    "FAILED", "LEAST_SHARE", "Decisive", "Side", "decided", "decisive", "distribution",
    "nearest_flip", "percent", "soon", "strength", "verdict_text",
]  # fmt: skip

FAILED = "failed"

LEAST_SHARE = 0.02
"""Share of the variance below which a parameter is not said to decide anything."""


def strength(share: float) -> str:
    """The word for a share of draws."""
    for least, word in ((0.95, "Firm"), (2 / 3, "Likely"), (0.5, "More likely than not")):
        if share >= least:
            return word
    return "Open"


def percent(share: float) -> str:
    """A share in percent, with a decimal near 0 and 1."""
    share = round(share, 9)
    return f"{100 * share:.1f}%" if 0 < share < 0.1 or 0.9 < share < 1 else f"{100 * share:.0f}%"


# --- shares ---------------------------------------------------------------------------------------
def distribution(texts: Mapping[str, str], verdicts: Sequence[str]) -> pd.DataFrame:
    """Every possible verdict with its share; shares, failed draws included, sum to one."""
    n = len(verdicts)
    labels = {**texts, FAILED: "the draw could not be solved"}
    rows = []
    for label, says in labels.items():
        hits = sum(v == label for v in verdicts)
        low, high = _wilson(hits, n)
        rows.append(
            {"verdict": label, "share": hits / n, "low": low, "high": high, "draws": hits,
             "says": says}
        )  # fmt: skip
    frame = pd.DataFrame(rows)
    fails = frame["verdict"] == FAILED
    frame = pd.concat(
        [
            frame[~fails].sort_values("share", ascending=False, kind="stable"),
            frame[fails & (frame["draws"] > 0)],
        ],
        ignore_index=True,
    )
    unknown = set(verdicts) - set(labels)
    assert not unknown, f"verdicts without a meaning: {unknown}"
    return frame


def _wilson(hits: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """95% interval of a share (Wilson 1927), Monte Carlo error only."""
    p = hits / n
    centre, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)
    return float(max(low, 0.0)), float(min(high, 1.0))


# --- what decides ---------------------------------------------------------------------------------
class Side(NamedTuple):
    """Draws where the parameter is low, or high, or one name: the bound (the largest value of the
    lowest third, the smallest of the highest), the verdict met most often there, its share."""

    bound: Value
    verdict: str
    share: float


class Decisive(NamedTuple):
    """The parameter that explains most of the variance of the verdict, and both its ends."""

    parameter: str
    low: Side
    high: Side

    @property
    def flips(self) -> bool:
        """Whether the verdict met most often differs between the ends."""
        return self.low.verdict != self.high.verdict


def decisive(
    good: pd.DataFrame, priors: Mapping[str, Prior], drivers: pd.DataFrame
) -> Decisive | None:
    """The first of the drivers, where the verdicts of the draws differ and it explains some of
    that; among names the one at which the leading verdict is rarest comes first."""
    if good["verdict"].nunique() < 2 or not len(drivers):
        return None
    first = drivers.iloc[0]
    if not first["variance_share"] >= LEAST_SHARE:
        return None
    name = str(first["parameter"])
    values, prior = good[name].to_numpy(), priors[name]
    if prior.choices is not None:
        leader = good["verdict"].value_counts().index[0]
        by = (good["verdict"] == leader).groupby(values).mean()
        ends: list[Value] = [by.idxmin(), by.idxmax()]  # pyright: ignore[reportAssignmentType]
        masks = [values == end for end in ends]
    else:
        order = np.argsort(np.argsort(values.astype(float), kind="stable"), kind="stable")
        third = order * 3 // len(values)
        masks = [third == 0, third == 2]
        if not all(m.any() for m in masks):
            return None
        ends = [float(values[masks[0]].max()), float(values[masks[1]].min())]
    sides = []
    for end, mask in zip(ends, masks, strict=True):
        counts = good.loc[mask, "verdict"].value_counts()
        sides.append(Side(end, str(counts.index[0]), float(counts.iloc[0] / mask.sum())))
    return Decisive(name, *sides)


def decided(
    found: Decisive | None, good: pd.DataFrame, specs: Mapping[str, Parameter],
    priors: Mapping[str, Prior], says: Mapping[str, str], drivers: pd.DataFrame, main: str,
) -> str:  # fmt: skip
    """What decides the verdict, in words; where all draws agree, what moves ``main`` most."""
    if found is None:
        if good["verdict"].nunique() > 1:
            return "No single parameter decides it."
        text = "No draw gives another answer: none of the values drawn decides it."
        if len(drivers) and drivers.iloc[0]["variance_share"] >= LEAST_SHARE:
            first = drivers.iloc[0]["parameter"]
            text += (
                f" What moves the size most ({main}): {_with_range(specs[first], priors[first])}."
            )
        return text
    spec, prior = specs[found.parameter], priors[found.parameter]
    low, high = (measured(spec, side.bound) for side in (found.low, found.high))
    ways = (" or less", " or more")
    if prior.choices is not None:
        ways, low, high = ("", ""), f'"{low}"', f'"{high}"'
    what = "What decides it" if found.flips else "What matters most"
    text = f"{what}: {_with_range(spec, prior)}; at {low}{ways[0]}, most often "
    text += f"{says[found.low.verdict]} (in {percent(found.low.share)}), at {high}{ways[1]}, "
    if found.flips:
        return f"{text}{says[found.high.verdict]} (in {percent(found.high.share)})."
    return f"{text}the same (in {percent(found.high.share)})."


def nearest_flip(
    named: str, flips: pd.DataFrame, specs: Mapping[str, Parameter], says: Mapping[str, str],
    first: str | None = None,
) -> str:  # fmt: skip
    """The nearest flip in a sentence; that of the parameter ``first``, where it has one."""
    lead = f"With every parameter at its point, {says.get(named, named)}"
    found = flips[flips["flips"]]
    if not len(found):
        return f"{lead}; no single parameter changes that within its range."
    mine = found[found["parameter"] == first]
    row = (mine if len(mine) else found).iloc[0]
    spec = specs[row["parameter"]]
    how = (
        "Moving this alone is enough to change that"
        if len(mine)
        else "The smallest change that flips it, measured against each range"
    )
    move = span(spec, row["point"], row["at"])
    return f"{lead}. {how}: {spec.about}, {move}; then {says[row['to']]}."


def _with_range(spec: Parameter, prior: Prior) -> str:
    if prior.low is None or prior.high is None:
        return spec.about
    return f"{spec.about} (drawn {span(spec, str(prior.low), str(prior.high))})"


# --- the text -------------------------------------------------------------------------------------
def verdict_text(shares: pd.DataFrame, count: int, dated: bool) -> str:
    """The leading verdict, its share and interval, and the others; ``dated`` says that it is of
    the long run."""
    first = shares.iloc[0]
    word = strength(first["share"])
    when = "in the long run " if dated else ""
    if word == "Open":
        when = f"no answer holds in half of the draws; most often {when}"
    text = (
        f"{word}: {when}{first['says']}, in {percent(first['share'])} of {count} draws "
        f"(95% sampling interval {percent(first['low'])} to {percent(first['high'])})."
    )
    others = _others(shares)
    return text + (f" In the other draws: {others}." if others else "")


def soon(shares: pd.DataFrame, count: int, same: float, told: pd.DataFrame) -> str:
    """The same for the first year; ``same`` is the share of its draws whose verdict is that of the
    long run, ``told`` the numbers to tell at both (rows of a card's ``horizons``)."""
    first = shares.iloc[0]
    text = (
        f"After one year: {first['says']}, in {percent(first['share'])} of {count} of these draws"
    )
    others = _others(shares)
    text += f" ({others})" if others else ""
    text += f"; {percent(same)} of them have the same answer as in the long run."
    pairs = [
        f"{r['about']}: {r['one_year_median']:.2g} after one year, {r['long_run_median']:.2g} in "
        "the long run"
        for r in told.to_dict("records")
        if r["draws"] > 0
    ]
    return f"{text} At the median of these draws, {'; '.join(pairs)}." if pairs else text


def _others(shares: pd.DataFrame) -> str:
    rest = shares.iloc[1:]
    rest = rest[rest["share"] > 0]
    return "; ".join(f"{r['says']} in {percent(r['share'])}" for _, r in rest.iterrows())
