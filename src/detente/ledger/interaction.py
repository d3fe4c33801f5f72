"""Interactions: how programmes meet on one good. Every rule carries its citation."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from .fields import Evidence, Iso3, IsoDate, Pct, RecordId, Strict
from .scope import Products, Targets
from .source import ShareOf, Sourced

__all__ = ["Interaction", "Split", "SplitShare"]


class Interaction(Sourced):
    """One rule. Names in ``where``, ``drop``, ``over`` are measure ids or programmes.

    ``exclude``: where one of ``where`` applies, those in ``drop`` are set aside (on that path).
    ``highest``: of the measures in ``over`` only the highest is paid.
    ``cap`` / ``floor``: the duties in ``over`` sum to at most / at least ``rate_pct``.
    ``order``: ``over`` in the order of evaluation; it orders replaced bases and the derivation.
    """

    kind: Literal["interaction"]
    rule: Literal["exclude", "highest", "cap", "floor", "order"]
    imposer: Iso3 | Literal["EU27"]
    where: tuple[RecordId, ...] = ()
    drop: tuple[RecordId, ...] = ()
    over: tuple[RecordId, ...] = ()
    rate_pct: Pct | None = None
    targets: Targets | None = None
    starts: IsoDate
    ended: IsoDate | None = None
    known_from: IsoDate | None = None
    evidence: Evidence | None = None

    @model_validator(mode="after")
    def _complete(self) -> Interaction:
        if self.rule == "exclude":
            if not self.where or not self.drop:
                raise ValueError("rule exclude needs where and drop")
        elif not self.over:
            raise ValueError(f"rule {self.rule} needs over")
        if (self.rule in ("cap", "floor")) != (self.rate_pct is not None):
            raise ValueError("rate_pct belongs to the rules cap and floor, and only to them")
        if self.ended and self.ended < self.starts:
            raise ValueError(f"ends on {self.ended}, before it starts on {self.starts}")
        return self

    def holds(self, day: str, known_on: str | None) -> bool:
        """Whether the rule is in force on ``day`` and was public on ``known_on``."""
        if known_on is not None and (self.known_from or self.starts) > known_on:
            return False
        return self.starts <= day and not (self.ended and self.ended < day)


class SplitShare(Strict):
    """The share of the first part, for some products and targets."""

    products: Products
    targets: Targets | None = None
    shares: tuple[ShareOf, ...]


class Split(Sourced):
    """A division of a good's value, or of entries of one line, on which the law depends.

    ``by: value`` divides each good (metal and the rest): its rate is the weighted sum.
    ``by: entry`` divides entries (in quota and over quota): they pay different rates.
    ``parts`` names the first and the second part; ``rows`` gives the share of the first.
    Later rows override earlier ones; a line in no row is all second part.
    """

    kind: Literal["split"]
    by: Literal["value", "entry"]
    imposer: Iso3 | Literal["EU27"]
    parts: tuple[RecordId, RecordId]
    rows: tuple[SplitShare, ...]
