"""Tariff relief for a pledge: acceptance sets, the zone of agreement, and how it splits.

A payer gets a lower tariff and pledges an amount P to the one who grants it. With a the annuity
over the horizon, PV = (gain a year) x a, g the share of the pledge that is a grant in effect and
d its discount for slow disbursement, the payer accepts up to ``P_max = (PV - kappa) / (g d)``;
the grantor asks for at least ``P_min = (-PV_U - pi) / (b d)``. Where P_min exceeds P_max there
is no zone of agreement: a verdict. The trade model gives the two gains; share and horizon decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from detente.errors import ConvergenceError, InputError
from detente.games.cells import Payoff, Progress, provenance, run_cells
from detente.policy import Policy
from detente.policy.wedges import rates

__all__ = ["MARKS_USD_BN", "Pledge", "Split", "Terms", "annuity", "pledge", "zone"]

MARKS_USD_BN = (350.0, 250.0, 200.0)
"""The pledge of 2025 and the amounts Korea was said to aim at (Firstpost, October 2025)."""


def annuity(discount: float, relief_risk: float, reimposition: float, horizon: float) -> float:
    """Worth today of one a year: ``(1 - exp(-r H)) / r`` with ``r = rho + h + q``.

    discount rho: a year; relief_risk h: yearly chance that the tariff falls without a deal;
    reimposition q: yearly chance that it is raised again despite one; horizon H in years, inf
    allowed where r is above zero.

    Raises
    ------
    InputError
        A negative rate or horizon; an infinite horizon at r = 0.
    """
    for what, x in (("discount", discount), ("relief_risk", relief_risk),
                    ("reimposition", reimposition), ("horizon", horizon)):  # fmt: skip
        if not x >= 0:
            raise InputError(f"annuity: {what} is {x}; it is zero or more")
    r = discount + relief_risk + reimposition
    if r == 0.0:
        if np.isinf(horizon):
            raise InputError("annuity: an endless horizon without discount has no finite worth")
        return float(horizon)
    return float(-np.expm1(-r * horizon) / r)


@dataclass(frozen=True)
class Terms:
    """Everything but the trade model; shares from 0 to 1, rates a year, amounts USD billion.

    Attributes
    ----------
    grant_share : g, what of the pledge is a grant in effect: a few percent for loan guarantees,
        1 for cash without return
    horizon_years : H
    discount, relief_risk, reimposition : rho, h, q
    disbursement : d, discount factor of the profile of payment
    cost_usd_bn : kappa, political cost to the payer
    gain_share : b, what of the pledge is a gain to the grantor
    political_gain_usd_bn : pi, the grantor's gain outside trade
    payer_weight : alpha of the Nash bargain, on the payer
    """

    grant_share: float = 0.1
    horizon_years: float = 10.0
    discount: float = 0.05
    relief_risk: float = 0.0
    reimposition: float = 0.0
    disbursement: float = 1.0
    cost_usd_bn: float = 0.0
    gain_share: float = 0.1
    political_gain_usd_bn: float = 0.0
    payer_weight: float = 0.5

    def __post_init__(self) -> None:
        for name in ("grant_share", "disbursement", "gain_share"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise InputError(
                    f"terms: {name} is {getattr(self, name)}; it is a share above 0, at most 1"
                )
        if not 0.0 <= self.payer_weight <= 1.0:
            raise InputError(f"terms: payer_weight is {self.payer_weight}; from 0 to 1")

    @property
    def annuity(self) -> float:
        """Worth today of one a year over the horizon."""
        return annuity(self.discount, self.relief_risk, self.reimposition, self.horizon_years)


@dataclass(frozen=True)
class Split:
    """The zone of agreement and how it is split, USD billion of pledge.

    Attributes
    ----------
    p_max, p_min : most the payer gives, least the grantor takes (at or above zero)
    p_min_unclipped : before clipping at zero; below zero the grantor would pay for the deal
    zone : whether p_min <= p_max
    nash, kalai_smorodinsky : the pledge each solution names; NaN without a zone
    verdict : in words
    """

    p_max: float
    p_min: float
    p_min_unclipped: float
    zone: bool
    nash: float
    kalai_smorodinsky: float
    verdict: str


def zone(payer_gain_usd_bn: float, grantor_gain_usd_bn: float, terms: Terms) -> Split:
    """Acceptance bounds and splits from yearly gains of the two sides.

    The Nash split maximises ``(PV_K - kappa - g d P)^alpha (PV_U + pi + b d P)^(1 - alpha)``,
    so that ``P = P_min + (1 - alpha)(P_max - P_min)`` on the unclipped P_min; Kalai and
    Smorodinsky give both the same share of the most each could get, where the most is what is
    left to one when the other gets nothing and no pledge is below zero.
    """
    for who, x in (("payer", payer_gain_usd_bn), ("grantor", grantor_gain_usd_bn)):
        if not np.isfinite(x):
            raise InputError(f"zone: the gain of the {who} is {x}; a failed solve is no payoff")
    a = terms.annuity
    surplus = payer_gain_usd_bn * a - terms.cost_usd_bn
    base = grantor_gain_usd_bn * a + terms.political_gain_usd_bn
    out, into = terms.grant_share * terms.disbursement, terms.gain_share * terms.disbursement
    p_max, raw = surplus / out, -base / into
    p_min = max(0.0, raw)
    if p_max < p_min:
        text = (
            f"no zone of agreement: the payer gives at most {p_max:,.1f}, the grantor takes at "
            f"least {p_min:,.1f} USD billion"
        )
        return Split(p_max, p_min, raw, False, np.nan, np.nan, text)
    nash = max(0.0, raw + (1.0 - terms.payer_weight) * (p_max - raw))
    # best of each on the set of pledges from p_min to p_max
    best_payer, best_grantor = surplus - out * p_min, base + into * p_max
    if best_payer <= 0 or best_grantor <= 0:
        ks = p_min
    else:
        # (surplus - out P) / best_payer = (base + into P) / best_grantor
        ks = (surplus / best_payer - base / best_grantor) / (out / best_payer + into / best_grantor)
    ks = float(np.clip(ks, p_min, p_max))
    text = f"an agreement between {p_min:,.1f} and {p_max:,.1f} USD billion"
    return Split(p_max, p_min, raw, True, nash, ks, text)


@dataclass(frozen=True, eq=False)
class Pledge:
    """A tariff cut for a pledge: solved gains, and everything that follows from terms.

    Attributes
    ----------
    payer, grantor : countries
    payer_gain_pct, grantor_gain_pct : real income with the deal over without it, percent
    payer_gain_usd_bn, grantor_gain_usd_bn : the same, USD billion a year
    income_usd_bn : of both, without the deal
    disagreement : title of the policy without a deal
    status : of the solves
    """

    payer: str
    grantor: str
    payer_gain_pct: float
    grantor_gain_pct: float
    payer_gain_usd_bn: float
    grantor_gain_usd_bn: float
    income_usd_bn: Mapping[str, float]
    disagreement: str
    status: tuple[str, ...]
    failed: int
    provenance: Mapping[str, Any]
    deal: Policy
    no_deal: Policy
    deficit: str

    def split(self, terms: Terms | None = None, **changes: Any) -> Split:
        """Zone and splits under ``terms`` with ``changes``; :func:`zone`."""
        return zone(self.payer_gain_usd_bn, self.grantor_gain_usd_bn, _terms(terms, changes))

    def grant_share_at(self, pledge_usd_bn: float, terms: Terms | None = None, **changes: Any):
        """The grant-equivalent share at which the payer just accepts a pledge.

        Above 1 it would accept even cash; at or below 0 it accepts no pledge at all.
        """
        if not pledge_usd_bn > 0:
            raise InputError(f"grant_share_at: the pledge is {pledge_usd_bn}; it is above zero")
        t = _terms(terms, changes)
        surplus = self.payer_gain_usd_bn * t.annuity - t.cost_usd_bn
        return surplus / (t.disbursement * pledge_usd_bn)

    def surface(
        self,
        terms: Terms | None = None,
        *,
        grant_shares: Iterable[float] = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0),
        horizons: Iterable[float] = (4.0, 10.0, 20.0, np.inf),
        discounts: Iterable[float] = (0.03, 0.05, 0.1),
        reimpositions: Iterable[float] = (0.0, 0.1, 0.25),
        marks: Sequence[float] = MARKS_USD_BN,
    ) -> pd.DataFrame:
        """The most the payer gives over share, horizon, discount and risk.

        Columns: grant_share, horizon_years, discount, reimposition, annuity_years,
        p_max_usd_bn, p_min_usd_bn, zone, nash_usd_bn, kalai_smorodinsky_usd_bn,
        ``accepts_350`` and so on for each mark, and grant_share_at_<first mark>.
        """
        rows = []
        for g, H, rho, q in product(grant_shares, horizons, discounts, reimpositions):
            t = replace(
                terms or Terms(), grant_share=g, horizon_years=H, discount=rho, reimposition=q
            )
            s = self.split(t)
            row: dict[str, Any] = {
                "grant_share": g, "horizon_years": H, "discount": rho, "reimposition": q,
                "annuity_years": t.annuity, "p_max_usd_bn": s.p_max, "p_min_usd_bn": s.p_min,
                "zone": s.zone, "nash_usd_bn": s.nash,
                "kalai_smorodinsky_usd_bn": s.kalai_smorodinsky,
            }  # fmt: skip
            row |= {f"accepts_{m:g}": s.p_max >= m for m in marks}
            if marks:
                row[f"grant_share_at_{marks[0]:g}"] = self.grant_share_at(marks[0], t)
            rows.append(row)
        return pd.DataFrame(rows)

    def moved(self, pledge_usd_bn: float, terms: Terms | None = None, **changes: Any):
        """The deal with the pledge moved in the model.

        What it costs in grants, g d P, is spread over the horizon as an annuity and paid every
        year as income from payer to grantor, which moves the terms of trade too. One row a
        side: the gain with the deal alone, with the payment at par, and solved with it; percent.

        Raises
        ------
        ConvergenceError
            The solve with the transfer failed.
        """
        t = _terms(terms, changes)
        yearly = t.grant_share * t.disbursement * pledge_usd_bn / t.annuity
        both = (self.payer, self.grantor)
        held = self.deal.transfer
        transfer = {str(c): float(v) for c, v in zip(held["country"].values, held.values,
                                                      strict=True)}  # fmt: skip
        transfer[self.payer] -= 1e3 * yearly
        transfer[self.grantor] += 1e3 * yearly
        paid = Policy(
            self.deal.world, **rates(self.deal), transfer=transfer, quota=self.deal.quota,
            prohibitive=True,
        )  # fmt: skip
        cells = run_cells([paid], ["paid"], baseline=self.no_deal, deficit=self.deficit)
        if cells.failed:
            raise ConvergenceError(f"pledge: {cells.reasons['paid']}")
        gains = (self.payer_gain_pct, self.grantor_gain_pct)
        rows = []
        for who, gain, sign in zip(both, gains, (-1.0, 1.0), strict=True):
            par = gain + sign * 100.0 * yearly / self.income_usd_bn[who]
            solved = float(cells.of([who])[0, 0])
            rows.append(
                {
                    "country": who, "yearly_payment_usd_bn": sign * yearly,
                    "deal_alone_pct": gain, "payment_at_par_pct": par, "solved_pct": solved,
                    "terms_of_trade_pct": solved - par,
                }
            )  # fmt: skip
        return pd.DataFrame(rows)


def pledge(
    deal: Policy,
    no_deal: Policy,
    payer: str = "KOR",
    grantor: str = "USA",
    *,
    deficit: str = "fixed",
    payoff: Payoff | None = None,
    progress: Progress | None = None,
) -> Pledge:
    """Solve what a deal brings to both sides, against the policy without it.

    ``no_deal`` is the disagreement point: the status quo, or a tariff war; the result names it.

    Raises
    ------
    InputError
        Policies on different worlds, payer and grantor the same.
    ConvergenceError
        A solve failed: nothing can be said about a deal whose gain is unknown.
    """
    world = no_deal.world
    if deal.world is not world:
        raise InputError("pledge: deal and no_deal are on different worlds")
    sides = [*world.country_list(payer, "payer"), *world.country_list(grantor, "grantor")]
    if len(sides) != 2 or sides[0] == sides[1]:
        raise InputError(f"pledge: payer and grantor are two different countries, not {sides}")
    cells = run_cells(
        [deal], ["deal"], baseline=no_deal, deficit=deficit, payoff=payoff, progress=progress,
    )  # fmt: skip
    if cells.failed:
        raise ConvergenceError(f"pledge: {cells.reasons['deal']}")
    gains = cells.of(sides)[0]
    income = {c: float(cells.income_usd_bn.sel(country=c)) for c in sides}
    usd = [float(g) * income[c] / 100.0 for g, c in zip(gains, sides, strict=True)]
    return Pledge(
        sides[0], sides[1], float(gains[0]), float(gains[1]), usd[0], usd[1], income,
        no_deal.title or "no deal", cells.status, cells.failed,
        provenance(world, no_deal, deficit, payoff), deal, no_deal, deficit,
    )  # fmt: skip


def _terms(terms: Terms | None, changes: Mapping[str, Any]) -> Terms:
    from detente.errors import UnknownNameError

    known = [f.name for f in fields(Terms)]
    for name in changes:
        if name not in known:
            raise UnknownNameError.of("term", name, known, "pledge")
    return replace(terms or Terms(), **changes)
