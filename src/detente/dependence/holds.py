"""Who depends on whom: shares, what a withdrawal would cost, and the cheapest way out.

The model prices one composite for inputs and final use, so that a partner's sales of a sector
cannot be withdrawn from factories alone: "all its inputs" means all its sales to the country,
and a list of sectors narrows it. Withdrawals are bans, solved; the closed forms beside them hold
wages and foreign prices and are lower or higher for reasons stated on each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from detente.errors import InputError
from detente.games.cells import Progress, provenance, run_cells
from detente.models.blocks import Array
from detente.outcome import Outcome
from detente.outcome.economy import prepare
from detente.policy import Policy
from detente.policy.changes import Change, Levy, Withdrawal
from detente.policy.draft import amend
from detente.policy.scope import goods
from detente.world import World

__all__ = [
    "Hold", "Loss", "bilateral_dependence", "ces_loss_pct", "concentration", "diversification",
    "hold_over", "withdrawal",
]  # fmt: skip


# --- shares -------------------------------------------------------------------------------------
def concentration(world: World, of: str = "imports") -> pd.DataFrame:
    """Hirschman index of partner shares, over all sectors and by sector.

    Parameters
    ----------
    of : "imports" (shares of suppliers) or "exports" (shares of buyers), home excluded

    Returns
    -------
    pandas.DataFrame
        country, sector ("all" for the total), hhi (0 where there is no such trade, 1/n with n
        equal partners, 1 with one), top_partner, top_share.
    """
    from detente.errors import UnknownNameError

    if of not in ("imports", "exports"):
        raise UnknownNameError.of("side", of, ("imports", "exports"), "concentration")
    trade = world.trade.values.copy()
    n = len(world.countries)
    trade[:, np.arange(n), np.arange(n)] = 0.0
    if of == "exports":
        trade = trade.transpose(0, 2, 1)
    rows = []
    for label, table in [("all", trade.sum(axis=0)), *zip(world.sectors, trade, strict=True)]:
        total = table.sum(axis=1)
        share = table / np.where(total > 0, total, 1.0)[:, None]
        top = share.argmax(axis=1)
        for i, country in enumerate(world.countries):
            rows.append(
                {
                    "country": country,
                    "sector": label,
                    "hhi": float((share[i] ** 2).sum()),
                    "top_partner": world.countries[top[i]] if total[i] > 0 else "",
                    "top_share": float(share[i, top[i]]),
                }
            )
    return pd.DataFrame(rows)


def bilateral_dependence(world: World) -> xr.Dataset:
    """Trade with a partner over own income, and what is left after the partner's own.

    ``dependence[country, partner]`` is (imports + exports) / income, a fraction;
    ``asymmetry`` is the country's less the partner's: above zero, the country depends more.
    """
    flows = world.trade.sum("sector").values.copy()
    np.fill_diagonal(flows, 0.0)
    income = prepare(world).own_income + world.deficit.values
    D = (flows + flows.T) / income[:, None]
    dims = ("country", "partner")
    coords = {"country": world.countries, "partner": world.countries}
    return xr.Dataset(
        {
            "dependence": xr.DataArray(D, coords, dims, attrs={"unit": "fraction of income"}),
            "asymmetry": xr.DataArray(D - D.T, coords, dims, attrs={"unit": "fraction of income"}),
        }
    )


def ces_loss_pct(w: Any, beta: Any, theta: Any) -> float:
    """``100 (1 - prod_s (1 - w_s)^(beta_s / theta_s))``: the loss when suppliers with shares w
    stop, at given prices of the others; theta is sigma - 1.

    Raises
    ------
    InputError
        A share outside 0 to below 1 where beta is above zero: nothing is left to buy.
    """
    w, beta, theta = np.broadcast_arrays(*(np.asarray(x, dtype=float) for x in (w, beta, theta)))
    if ((w < 0) | (w > 1)).any() or ((w >= 1) & (beta > 0)).any():
        raise InputError("ces_loss_pct: shares lie from 0 to below 1; at 1 no supplier is left")
    with np.errstate(divide="ignore"):
        logs = np.where(beta > 0, -np.log1p(-np.where(beta > 0, w, 0.0)), 0.0)
    return float(-100.0 * np.expm1(-(beta * logs / theta).sum()))


# --- withdrawal ---------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class Loss:
    """What a country loses if a partner withdraws.

    Attributes
    ----------
    country, partner, direction : "sales" (the partner's sales to the country), "purchases", or
        "trade" (both)
    loss_pct : solved fall of real income, percent, all sectors at once; NaN if not solved
    partner_loss_pct : the partner's own
    status : "converged" or why there is no number
    first_order_pct : sum of share x weight / theta, the slope of the closed form at no trade
    ces_pct : closed form on final spending alone
    linked_pct : closed form with home inputs passing dearer inputs on, wages held
    sectors : one row a sector withdrawn: trade_usd_bn, supplier share, the solved loss when it
        alone is withdrawn, the closed form of it, status
    joint_over_sum : joint solved loss over the sum of single ones; above one, threats add up
        to more than their parts
    failed : solves that failed
    """

    country: str
    partner: str
    direction: str
    loss_pct: float
    loss_usd_bn: float
    partner_loss_pct: float
    status: str
    first_order_pct: float
    ces_pct: float
    linked_pct: float
    sectors: pd.DataFrame
    joint_over_sum: float
    failed: int
    provenance: Mapping[str, Any]


def withdrawal(
    where: World | Policy,
    country: str,
    partner: str,
    *,
    direction: str = "trade",
    sectors: str | Sequence[str] = "all",
    by_sector: bool = True,
    deficit: str = "fixed",
    progress: Progress | None = None,
) -> Loss:
    """Close the partner's trade with the country, and solve.

    Raises
    ------
    UnknownNameError
        A country, sector or direction nobody knows.
    InputError
        Country and partner are the same.
    """
    policy = where if isinstance(where, Policy) else Policy(where)
    world = policy.world
    country, partner = (_single(world, c) for c in (country, partner))
    names = world.sector_list(sectors, "withdrawal")
    n, m = world.countries.index(country), world.countries.index(partner)
    j = [world.sectors.index(s) for s in names]
    bought, sold = world.trade.values[j, n, m], world.trade.values[j, m, n]
    moved = {"sales": bought, "purchases": sold, "trade": bought + sold}.get(direction, bought)
    joint = Withdrawal(country, partner, direction, tuple(names))
    single = [s for s, x in zip(names, moved, strict=True) if x > 0] if by_sector else []
    cells = run_cells(
        [amend(policy, [joint], f"{partner} withdraws from {country}")]
        + [amend(policy, [Withdrawal(country, partner, direction, s)]) for s in single],
        ["joint", *single], baseline=policy, deficit=deficit, progress=progress,
    )  # fmt: skip
    own = -cells.of([country])[:, 0]
    alone = dict(zip(single, own[1:].tolist(), strict=True))
    states = dict(zip(single, cells.status[1:], strict=True))
    e, w = prepare(world).economy, _shares(world, n, m)
    first = ces = linked = np.nan
    if direction != "purchases":
        first, ces, linked = _closed_forms(world, n, w, j)
    rows = []
    for s, k, buys, sells in zip(names, j, bought, sold, strict=True):
        beta, theta = e.alpha[k, n], e.theta[k]
        whole = w[k] >= 1.0 and beta > 0
        rows.append(
            {
                "sector": s,
                "bought_usd_bn": buys / 1e3,
                "sold_usd_bn": sells / 1e3,
                "supplier_share": float(w[k]),
                "loss_pct": alone.get(s, 0.0 if by_sector else np.nan),
                "linked_pct": np.nan
                if direction == "purchases" or whole
                else _closed_forms(world, n, w, [k])[2],
                "theta": float(theta),
                "status": states.get(s, "no trade" if by_sector else "not solved"),
            }
        )
    table = pd.DataFrame(rows).sort_values("loss_pct", ascending=False, ignore_index=True)
    total = float(sum(alone.values())) if alone else np.nan
    usd = float(own[0] * cells.income_usd_bn.sel(country=country) / 100.0)
    return Loss(
        country, partner, direction, float(own[0]), usd, float(-cells.of([partner])[0, 0]),
        cells.status[0], first, ces, linked, table, float(own[0]) / total if total else np.nan,
        cells.failed, cells.provenance,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Hold:
    """Who has more hold over a country.

    Attributes
    ----------
    table : one row a partner: what the country loses without its sales, without its purchases,
        without both; what the partner loses; influence = the country's log loss less the
        partner's; status of the three solves
    by_sector : losses from each partner's sales, sector by sector (sorted), where asked for
    """

    country: str
    table: pd.DataFrame
    by_sector: pd.DataFrame
    failed: int
    provenance: Mapping[str, Any]


def hold_over(
    where: World | Policy,
    country: str,
    partners: Iterable[str] = ("CHN", "USA"),
    *,
    by_sector: bool = False,
    deficit: str = "fixed",
    progress: Progress | None = None,
) -> Hold:
    """Compare what a country loses, in percent, when each partner withdraws.

    The influence of a partner is ``GT(country | partner) - GT(partner | country)`` with
    ``GT(i | j) = ln W_i - ln W_i(trade with j closed)``, times 100.
    """
    policy = where if isinstance(where, Policy) else Policy(where)
    world = policy.world
    country = _single(world, country)
    names = [_single(world, p) for p in partners]
    kinds = ("sales", "purchases", "trade")
    changes = [(p, k) for p in names for k in kinds]
    cells = run_cells(
        [amend(policy, [Withdrawal(country, p, k)]) for p, k in changes],
        [f"{p} {k}" for p, k in changes], baseline=policy, deficit=deficit, progress=progress,
    )  # fmt: skip
    log = cells.log
    at = world.countries.index
    rows, parts, failed = [], [], cells.failed
    for i, p in enumerate(names):
        sales, purchases, both = (-log[3 * i + k] for k in range(3))
        rows.append(
            {
                "partner": p,
                "without_its_sales_pct": _fall(sales[at(country)]),
                "without_its_purchases_pct": _fall(purchases[at(country)]),
                "without_trade_pct": _fall(both[at(country)]),
                "partner_loss_pct": _fall(both[at(p)]),
                "influence_pct": float(both[at(country)] - both[at(p)]),
                "partner_cost_of_stopping_sales_pct": _fall(sales[at(p)]),
                "status": ", ".join(cells.status[3 * i : 3 * i + 3]),
            }
        )
        if by_sector:
            loss = withdrawal(policy, country, p, direction="sales", deficit=deficit)
            failed += loss.failed
            parts.append(loss.sectors.assign(partner=p))
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return Hold(country, pd.DataFrame(rows), table, failed, cells.provenance)


# --- diversification ----------------------------------------------------------------------------
def diversification(
    where: World | Policy,
    country: str,
    partner: str,
    *,
    cut: float = 0.1,
    short_run: float = 0.25,
    solve: bool = True,
    deficit: str = "fixed",
) -> pd.DataFrame:
    """Which cut of an input share from a partner buys most security for its cost.

    With elasticities the same before and after a withdrawal, moving away early only brings
    the loss forward. It pays because buyers who have time adjust at the long-run elasticity
    and those surprised by a withdrawal at a shorter one: ``theta x short_run``, an assumption.
    For each goods sector a tariff on the partner is found that cuts its share by ``cut`` (of
    itself) at the long-run elasticity, other things equal.

    Returns
    -------
    pandas.DataFrame
        sector; supplier_share; bought_usd_bn; exposure_pct (loss if the partner's sales of the
        sector stop by surprise, closed form with links); security_bought_pct (fall of that
        loss); tariff_pct; triangle_pct (cost to buyers, percent of income); per_cost (security
        over triangle); and solved: share_cut_pct, real_income_pct (cost below zero; terms of
        trade may make it a gain), status. Best buy first.

    Raises
    ------
    InputError
        ``cut`` or ``short_run`` outside (0, 1].
    """
    for what, x in (("cut", cut), ("short_run", short_run)):
        if not 0.0 < x <= 1.0 or (what == "cut" and x == 1.0):
            raise InputError(f"diversification: {what} is {x}; it is a share above 0, below 1")
    policy = where if isinstance(where, Policy) else Policy(where)
    world = policy.world
    country, partner = (_single(world, c) for c in (country, partner))
    n, m = world.countries.index(country), world.countries.index(partner)
    w, e = _shares(world, n, m), prepare(world).economy
    income = float(e.value_added[n])
    rows: list[dict[str, Any]] = []
    changes: list[list[Change]] = []
    for s in goods(world):
        k = world.sectors.index(s)
        if not 0.0 < w[k] < 1.0:
            continue
        lower = w.copy()
        lower[k] *= 1.0 - cut
        before = _closed_forms(world, n, w, [k], short_run)[2]
        after = _closed_forms(world, n, lower, [k], short_run)[2]
        # share odds w/(1-w) fall by theta times the log of the relative price
        odds = np.log(w[k] / (1 - w[k])) - np.log(lower[k] / (1 - lower[k]))
        rate = float(np.expm1(odds / e.theta[k]))
        bought = float(world.trade.values[k, n, m])
        triangle = 50.0 * rate * cut * bought / income
        changes.append([Levy(country, partner, rate * (1 + e.tariff[k, n, m]), s)])
        rows.append(
            {
                "sector": s, "supplier_share": float(w[k]), "bought_usd_bn": bought / 1e3,
                "exposure_pct": before, "security_bought_pct": before - after,
                "tariff_pct": 100 * rate, "triangle_pct": triangle,
                "per_cost": (before - after) / triangle,
            }
        )  # fmt: skip
    frame = pd.DataFrame(rows)
    if solve and rows:
        shares: list[float] = []
        income_pct: list[float] = []
        status: list[str] = []
        for row, change in zip(rows, changes, strict=True):
            seen: list[float] = []

            def watch(out: Outcome, sector: str = row["sector"], seen: list[float] = seen) -> Array:
                market = out.trade.sel(sector=sector, importer=country)
                paid = market * (1 + out.policy.tariff.sel(sector=sector, importer=country))
                seen.append(float(paid.sel(exporter=partner) / paid.sum()))
                return out.real_income.values

            cells = run_cells([amend(policy, change)], baseline=policy, deficit=deficit,
                              payoff=watch)  # fmt: skip
            shares.append(seen[0] if seen else np.nan)
            income_pct.append(float(cells.of([country])[0, 0]))
            status.append(cells.status[0])
        frame["share_cut_pct"] = [
            100 * (1 - x / row["supplier_share"]) for x, row in zip(shares, rows, strict=True)
        ]
        frame["real_income_pct"] = income_pct
        frame["status"] = status
    frame = frame.sort_values("per_cost", ascending=False, ignore_index=True)
    frame.attrs = {
        **provenance(world, policy, deficit), "cut": cut, "short_run": short_run,
    }  # fmt: skip
    return frame


# --- closed forms -------------------------------------------------------------------------------
def _shares(world: World, n: int, m: int) -> Array:
    """Share of the partner in the country's spending on each sector, duty paid."""
    return prepare(world).economy.pi[:, n, m]


def _closed_forms(
    world: World, n: int, w: Array, sectors: Sequence[int], scale: float = 1.0
) -> tuple[float, float, float]:
    """(first order, CES on final spending, CES with home links), percent.

    With links: ``ln P_s = d_s + h_s sum_k gamma_ks ln P_k`` where ``d_s = -ln(1 - w_s)/theta_s``
    and h the home share among the suppliers that remain, at given wages and foreign prices.
    """
    e = prepare(world).economy
    theta = e.theta * scale
    inside = np.zeros(len(w))
    inside[list(sectors)] = w[list(sectors)]
    if (inside >= 1.0).any():
        return np.nan, np.nan, np.nan
    first = 100.0 * float((e.alpha[:, n] * inside / theta).sum())
    ces = ces_loss_pct(inside, e.alpha[:, n], theta)
    d = -np.log1p(-inside) / theta
    home = e.pi[:, n, n] / np.where(inside < 1.0, 1.0 - inside, 1.0)
    links = home[:, None] * e.gamma[n]
    log_P = np.linalg.solve(np.eye(len(w)) - links, d)
    return first, ces, float(-100.0 * np.expm1(-(e.alpha[:, n] * log_P).sum()))


def _fall(log_loss: float) -> float:
    """Percent fall from 100 times a log loss."""
    return float(-100.0 * np.expm1(-log_loss / 100.0))


def _single(world: World, name: str) -> str:
    found = world.country_list(name, "dependence")
    if len(found) != 1:
        raise InputError(f"dependence: {name!r} stands for {len(found)} countries; name one")
    return found[0]
