"""``path``: dated policy in, a path of the world out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path as FilePath
from typing import Any

import numpy as np

from detente.errors import DateError, InputError
from detente.keywords import known_keywords
from detente.ledger import Ledger, load_ledger
from detente.models.blocks import Array
from detente.models.registry import parameter_hint
from detente.outcome.march import March, Stage
from detente.outcome.path import Path, solve_path
from detente.outcome.simulate import checked_model, refuse_foreign
from detente.policy import Policy
from detente.policy.bans import cost_of_leaving
from detente.policy.scenario import Scenario
from detente.policy.wedges import whole
from detente.runs.horizons import staggered_of, world_under
from detente.runs.run import scenario_policies
from detente.solve.threads import one_thread
from detente.timeline.laws import FIRST, Laws, laws_for
from detente.timeline.periods import EVERY, Period, periods
from detente.world import World, load_world
from detente.world.horizons import DEFAULT_HORIZON, horizon_record

__all__ = ["law_stages", "path"]

LAST = "2026-12"
"""The last month of the trade war as a path, unless another is asked for."""

AnyLaw = Ledger | Policy | Scenario | str | FilePath | Mapping[str, Policy] | None


@known_keywords(parameter_hint)
@one_thread
def path(
    world: World | None = None,
    law: AnyLaw = None,
    *,
    start: str | None = None,
    end: str | None = None,
    every: str = "quarter",
    horizon: str = DEFAULT_HORIZON,
    labour: str = "mobile",
    baseline: Policy | str | None = None,
    deficit: str = "fixed",
    sigma: float | Sequence[float] | None = None,
    zeta: float | Sequence[float] | None = None,
    mu: float | None = None,
    kappa: float | None = None,
    tol: float = 1e-10,
    throw: bool = True,
) -> Path:
    """Solve the world period by period under dated policy, from rest under the baseline.

    In a period the tariffs of its days count by their number. Where the path goes on after the
    last day that the ledger records, the last law known is assumed to stay; the provenance says
    from which day.

    Parameters
    ----------
    world : the base economy (None: world-2022)
    law : who levies what, when: a ledger (None: the shipped one); one policy, a scenario or its
        name, in force from the first period on; or ``{"2025-04-05": policy, ...}``, each in force
        from its day on and the baseline before the first
    start, end : first and last month, YYYY-MM; for a ledger 2018-01 and 2026-12 unless given
    every : "month", "quarter" or "year"
    horizon : a set of :mod:`detente.world.horizons`: how fast buyers and workers move, and the
        long-run elasticities where the set has its own
    labour : "mobile", or "sticky": few workers change their sector in a year
    baseline : what was levied before: a policy, or a day whose law it is; None: for a ledger the
        law of the path's first day, for a scenario its own baseline, else the world table
    deficit : "fixed", "zero" or "share", as in :func:`detente.simulate`
    sigma, zeta, mu, kappa : instead of the horizon set's; zeta and mu are shares a year
    tol : largest error of any equation, in logs
    throw : raise where a period has no result; otherwise the path ends there
        (``path.status``, ``path.error``)

    Raises
    ------
    UnknownNameError
        An unknown horizon set, period length or closure.
    DateError
        Not a month, an end before the start, or a start before the ledger's record.
    InputError
        A parameter out of its range, too many periods, a policy of another world.
    NoSolutionError, ConvergenceError
        A period has no result and ``throw`` is true; the message names it.
    """
    base = world or load_world()
    record = horizon_record(horizon)
    model = staggered_of(record, labour, sigma=sigma, zeta=zeta, mu=mu, kappa=kappa)
    here = world_under(base, record.theta or "own")
    checked_model(model, deficit, "path", here)
    if not tol > 0:
        raise InputError(f"path: tol is {tol}; it must be above zero (1e-10 is the default)")
    if law is None or isinstance(law, Ledger):
        start, end = start or FIRST[:7], end or LAST
    if start is None or end is None:
        raise InputError(
            "path: start and end (--from and --to) are needed where the law is not a ledger: the "
            "first and the last month, YYYY-MM"
        )
    calendar = periods(start, end, every)
    settings: dict[str, Any] = {"horizon": record.id, "from": calendar[0].name,
                                "to": calendar[-1].name, "every": every}  # fmt: skip
    before, stages = _staged(law, here, calendar, baseline, settings)
    march = March(here, before, model, EVERY[every], deficit, tol)
    return solve_path(march, stages, settings=settings, throw=throw)


def law_stages(laws: Laws, world: World, calendar: Sequence[Period]) -> list[Stage]:
    """The law of each period, its days weighed alike; bans as shares of flows left open.

    Raises
    ------
    DateError
        The path starts before the law is recorded.
    """
    laws.at(calendar[0].first.isoformat())  # refuses what comes before the record
    return [
        Stage(
            period.name, str(period.first), str(period.last),
            partial(_law_of_days, laws, world, period),
        )
        for period in calendar
    ]  # fmt: skip


def _law_of_days(laws: Laws, world: World, period: Period) -> Policy:
    """The mean law of a period's days; quotas of the law that holds longest."""
    parts = _segments(laws, period)
    sums: list[Array] | None = None
    for place, days in parts:
        arrays = laws.arrays(place, world)
        share = days / period.days
        if sums is None:
            sums = [share * a for a in arrays] if days < period.days else list(arrays)
        else:
            sums = [s + share * a for s, a in zip(sums, arrays, strict=True)]
    assert sums is not None
    tariff, tax, left = sums
    longest = max(parts, key=lambda part: part[1])[0]
    left = np.where(np.abs(left - 1.0) < 1e-12, 1.0, left)
    iceberg = cost_of_leaving(left, world.theta.values[:, None, None])
    return Policy(
        world, tariff=tariff, export_tax=tax, iceberg=iceberg, quota=laws.quotas_of(longest),
        open=left if (left < 1.0).any() else None, title=f"law of {period.name}",
        prohibitive=True,
    )  # fmt: skip


def _segments(laws: Laws, period: Period) -> list[tuple[int, int]]:
    """(place of a law, days in force) through a period."""
    begin = laws.at(period.first.isoformat())
    end = laws.at(period.last.isoformat())
    out = []
    for place in range(begin, end + 1):
        first = max(period.first, date.fromisoformat(laws.dates[place]))
        after = period.last + timedelta(days=1)
        if place < end:
            after = date.fromisoformat(laws.dates[place + 1])
        if (after - first).days > 0:
            out.append((place, (after - first).days))
    return out


def _staged(
    law: AnyLaw, world: World, calendar: list[Period], baseline: Policy | str | None,
    settings: dict[str, Any],
) -> tuple[Policy, list[Stage]]:  # fmt: skip
    """The baseline, and what is levied in each period."""
    if law is None or isinstance(law, Ledger):
        ledger = law or load_ledger()
        first = calendar[0].first.isoformat()
        if first < ledger.record_from:
            raise DateError(
                f"path: it starts on {first}, the ledger's record on {ledger.record_from}; "
                "start later"
            )
        day = _day(baseline) if isinstance(baseline, str) else first
        laws = laws_for(ledger, world)
        settings["ledger"] = ledger.content_hash[:12]
        if calendar[-1].last.isoformat() > laws.until:
            settings["law_assumed_after"] = laws.until
        before = baseline if isinstance(baseline, Policy) else _law_of(laws, world, day)
        return before, law_stages(laws, world, calendar)
    before, dated = _dated(law, world)
    for day, policy in dated.items():
        refuse_foreign(policy, world, f"path: the policy{day and f' of {day}'}")
    if isinstance(baseline, str):
        day = _day(baseline)
        before = _law_of(laws_for(load_ledger(), world), world, day)
    elif baseline is not None:
        before = baseline
    before = before or Policy(world)
    return before, _policy_stages(before, dated, world, calendar)


def _day(baseline: str) -> str:
    try:
        return date.fromisoformat(baseline).isoformat()
    except ValueError:
        raise DateError(f"baseline {baseline!r} is not a day; write YYYY-MM-DD") from None


def _law_of(laws: Laws, world: World, day: str) -> Policy:
    return laws.policy(laws.at(day), world, day)


def _dated(law: Any, world: World) -> tuple[Policy | None, dict[str, Policy]]:
    """The baseline that comes with what was given, and policies by their first day."""
    if isinstance(law, Policy):
        return None, {"": law}
    if isinstance(law, Mapping):
        if not law:
            raise InputError("path: no policy is given; write {'2025-04-05': policy, ...}")
        for day in law:
            try:
                date.fromisoformat(str(day))
            except ValueError:
                raise DateError(f"path: {day!r} is not a day; write YYYY-MM-DD") from None
            if not isinstance(law[day], Policy):
                raise InputError(
                    f"path: {day}: {type(law[day]).__name__} is not a policy; give a detente.Policy"
                )
        return None, {str(day): law[day] for day in sorted(law)}
    before, policy = scenario_policies(law, world)
    return before, {"": policy}


def _policy_stages(
    before: Policy, dated: dict[str, Policy], world: World, calendar: Sequence[Period]
) -> list[Stage]:
    """Each policy from its day on; a period in which it changes has the days' mean."""
    days = list(dated)
    found = []
    for period in calendar:
        first, last = period.first.isoformat(), period.last.isoformat()
        inside = [d for d in days if first < d <= last]
        earlier = [d for d in days if d <= first]
        policies = [dated[earlier[-1]] if earlier else before, *(dated[d] for d in inside)]
        if len(policies) == 1:
            found.append(Stage(period.name, first, last, policies[0]))
            continue
        cuts = [period.first, *map(date.fromisoformat, inside), period.last + timedelta(days=1)]
        shares = [(b - a).days / period.days for a, b in pairwise(cuts)]
        policy = _mean(policies, shares, world, period.name)
        found.append(Stage(period.name, first, last, policy))
    return found


def _mean(policies: Sequence[Policy], shares: Sequence[float], world: World, name: str) -> Policy:
    """Rates by days; a ban leaves open the part of the period in which it does not hold."""
    for p in policies:
        p.refuse_quotas(f"path: a change inside {name}")

    def mean(of: Callable[[Policy], Array]) -> Array:
        parts = [s * of(p) for s, p in zip(shares, policies, strict=True)]
        return np.sum(parts, axis=0)

    theta = world.theta.values[:, None, None]

    def left(p: Policy) -> Array:
        unbanned = np.where(np.isinf(p.iceberg.values), 0.0, 1.0)
        return unbanned if p.open is None else unbanned * p.open

    def cost(p: Policy) -> Array:
        """Costs that are no bans, on what is left."""
        share = left(p)
        banned = cost_of_leaving(np.where(share > 0.0, share, 1.0), theta)
        return np.where(share > 0.0, p.iceberg.values / banned, 0.0) * share

    open_ = mean(left)
    open_ = np.where(open_ > 1.0 - 1e-12, 1.0, open_)
    some = np.where(open_ > 0.0, open_, 1.0)
    iceberg = np.where(open_ > 0.0, mean(cost) / some * cost_of_leaving(some, theta), np.inf)
    return Policy(
        world,
        tariff=mean(lambda p: whole(p, "tariff").values),
        export_tax=mean(lambda p: whole(p, "export_tax").values),
        iceberg=iceberg,
        transfer=dict(
            zip(world.countries, mean(lambda p: p.transfer.values).tolist(), strict=True)
        ),
        open=open_ if (open_ < 1.0).any() else None,
        title=name,
        prohibitive=True,
    )
