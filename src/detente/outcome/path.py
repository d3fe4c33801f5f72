"""``Path``: an outcome with a time dimension."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from detente.errors import DateError, DetenteError, InputError, UnknownNameError
from detente.models.blocks import Array
from detente.models.staggered.kernel import advance
from detente.outcome.economy import instruments
from detente.outcome.equilibrium import Equilibrium
from detente.outcome.labelled import change, template
from detente.outcome.march import LONGEST, March, Stage, Start
from detente.outcome.outcome import Outcome
from detente.outcome.simulate import simulate
from detente.variables import variable
from detente.world import World

__all__ = ["BY_COUNTRY", "BY_SECTOR", "Path", "solve_path"]

BY_COUNTRY = (
    "real_income", "real_wage", "wage", "consumer_price", "income", "revenue", "export_revenue",
    "deficit_after", "exports", "imports",
)  # fmt: skip
BY_SECTOR = (
    "output", "output_value", "prices", "cost", "sector_exports", "sector_wage", "sector_labour",
)  # fmt: skip


class Series:
    """A variable of a path, under the name of an outcome's."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        self.__doc__ = f"See :mod:`detente.variables`, ``{name}``; with a first dim time."

    def __get__(self, path: Path | None, owner: type | None = None) -> xr.DataArray:
        return self if path is None else path[self.name]  # pyright: ignore[reportReturnType]


class _Values(NamedTuple):
    values: Array


class _Bare(Outcome):
    """An outcome whose variables have no labels: making labels for each of them in each period
    would take a quarter of the time of solving it."""

    def _of(self, name: str, values: Array, dims: tuple[str, ...] | None = None) -> Any:
        return _Values(np.asarray(values))


class _Solved:
    """A period as small arrays; ``watched`` (N,) are the flows of one sector to one importer."""

    def __init__(self, out: Outcome, watch: tuple[int, int] | None) -> None:
        bare = _Bare(**{f.name: getattr(out, f.name) for f in fields(out)})
        self.values: dict[str, Array] = {
            n: getattr(bare, n).values for n in BY_COUNTRY + BY_SECTOR[:5]
        }
        self.values |= {n: bare.own(n).values for n in BY_SECTOR[5:]}
        e = out.after
        self.watched = None if watch is None else e.flows[watch].copy()
        self.point, self.solution, self.hash = e.point, e.solution, out.policy.hash
        # tariffs with the wedges of quotas in them cannot be made anew from the policy
        self.levied = e.policy if e.quotas is not None else None
        self.quotas, self.checks, self.closure = e.quotas, out.checks, e.closure


@dataclass(frozen=True, eq=False, repr=False)
class Path:
    """What happens period by period under dated policies, against rest under the baseline.

    Variables carry the names, units and dims of an :class:`~detente.outcome.outcome.Outcome`'s,
    with ``time`` before them: the period's name, with coords ``first`` and ``last``, its days.
    Amounts are USD million a year. Read a variable as ``path.real_income`` or
    ``path["real_income"]``.
    """

    march: March
    stages: tuple[Stage, ...]
    start: Start
    solved: tuple[_Solved, ...]
    settings: dict[str, Any]
    error: DetenteError | None = None
    watch: tuple[int, int] | None = None

    real_income = Series()
    real_wage = Series()
    wage = Series()
    consumer_price = Series()
    income = Series()
    revenue = Series()
    export_revenue = Series()
    deficit_after = Series()
    exports = Series()
    imports = Series()
    output = Series()
    output_value = Series()
    prices = Series()
    cost = Series()
    sector_exports = Series()
    sector_wage = Series()
    sector_labour = Series()

    # --- how it went ------------------------------------------------------------------------
    @property
    def world(self) -> World:
        """The base year."""
        return self.march.world

    @property
    def status(self) -> str:
        """ "converged", or that of the period at which the path ends."""
        if self.error is None:
            return "converged"
        solution = getattr(self.error, "solution", None)
        return "no_solution" if solution is None else solution.status.value

    @property
    def times(self) -> list[str]:
        """Names of the solved periods."""
        return [stage.name for stage in self.stages[: len(self.solved)]]

    @property
    def checks(self) -> xr.Dataset:
        """Relative errors of market clearing, Walras' law, shares and prices, dim time."""
        names = list(dict.fromkeys(n for s in self.solved for n in s.checks))
        found = {n: ("time", [s.checks.get(n, 0.0) for s in self.solved]) for n in names}
        return xr.Dataset(found, {"time": self.times})

    @property
    def provenance(self) -> dict[str, Any]:
        """What produced these numbers: enough to produce them again."""
        from detente.version import __version__

        worst = {name: float(a.max()) for name, a in self.checks.data_vars.items()}
        march = self.march
        return {
            "package": "detente",
            "version": __version__,
            "world": self.world.name,
            "world_hash": self.world.hash,
            "baseline": march.baseline.title,
            "baseline_hash": march.baseline.hash,
            "policy_hashes": [s.hash for s in self.solved],
            **march.yearly.named,
            "months_a_period": march.months,
            **self.settings,
            "deficit": march.deficit,
            "theta": str(self.world.theta.attrs.get("set", "own")),
            "tol": march.tol,
            "status": self.status,
            "checks": worst,
            "numeraire": "world value added",
        }

    # --- variables --------------------------------------------------------------------------
    def __getitem__(self, name: str) -> xr.DataArray:
        """A variable by name, dims time and then its own.

        Raises
        ------
        UnknownNameError
            No variable of a path.
        """
        if name not in BY_COUNTRY + BY_SECTOR:
            raise UnknownNameError.of("variable", name, BY_COUNTRY + BY_SECTOR, "path")
        dims = ("sector", "country") if name in BY_SECTOR else ("country",)
        row = variable("exports" if name == "sector_exports" else name)
        values = [s.values[name] for s in self.solved]
        return self._of(row.name, np.stack(values) if values else np.empty(0), dims)

    def to_dataset(self) -> xr.Dataset:
        """Every variable in one labelled dataset, provenance in ``attrs``; flows are left out, see
        :attr:`trade`."""
        found = {name: self[name] for name in BY_COUNTRY + BY_SECTOR}
        if self.march.yearly.labour == "sticky":
            found["real_wage_by_origin"] = self.real_wage_by_origin
        attrs = {
            k: v if isinstance(v, (str, int, float)) else str(v) for k, v in self.provenance.items()
        }
        return xr.Dataset(found, attrs=attrs)

    @property
    def trade(self) -> xr.DataArray:
        """Flows at border prices, USD million a year; time, sector, importer, exporter. Built
        from the periods' states when asked for."""
        flows = [e.flows for e in self._equilibria()]
        return self._of("trade_after", np.stack(flows), ("sector", "importer", "exporter"))

    @property
    def sales(self) -> xr.DataArray:
        """Change of each flow, percent; time, sector, importer, exporter."""
        before = self.start.base.flows
        found = [change(before, e.flows) for e in self._equilibria()]
        return self._of("sales", np.stack(found), ("sector", "importer", "exporter"))

    @property
    def watched(self) -> Array:
        """Change of the flows that were watched, percent (time, exporter).

        Raises
        ------
        InputError
            The path was solved without ``watch``.
        """
        held = [s.watched for s in self.solved if s.watched is not None]
        if self.watch is None:
            raise InputError("path: no flows were watched; solve it with watch=(sector, importer)")
        return change(self.start.base.flows[self.watch], np.stack(held))

    def at(self, time: str) -> Outcome:
        """The whole outcome of one period, by its name or a day (ISO) in it.

        Raises
        ------
        DateError
            The path holds no such period.
        """
        place = self._place(time)
        for n, e in enumerate(self._equilibria()):
            if n == place:
                m = self.march
                return Outcome(
                    self.world, self.stages[n].policy, m.baseline, self.start.base, e,
                    "staggered", m.deficit, m.tol,
                )  # fmt: skip
        raise AssertionError  # pragma: no cover

    @cached_property
    def long_run(self) -> Outcome:
        """Where the policy of the last period leads in the end."""
        m, last = self.march, self.stages[-1]
        if m.yearly.labour == "mobile":
            return simulate(
                self.world, last.policy, baseline=m.baseline, deficit=m.deficit, tol=m.tol
            )
        free = replace(m, yearly=replace(m.yearly, zeta=1.0, mu=1.0), months=12)
        return next(iter(free.walk(self.start, [last])))

    def slopes(
        self, of: str, cells: Sequence[tuple[str, str, str]], instrument: str = "tariff"
    ) -> xr.DataArray:
        """Derivatives in single rates held through the path
        (:func:`detente.outcome.path_slopes.path_slopes`)."""
        from detente.outcome.path_slopes import path_slopes

        return path_slopes(self, of, cells, instrument)

    # --- people -----------------------------------------------------------------------------
    @property
    def real_wage_by_origin(self) -> xr.DataArray:
        """Change of the real wage of those who worked in each sector at the start, wherever they
        work now, percent; time, sector, country.

        Weighted with :attr:`origins` these changes are the country's :attr:`real_wage`.

        Raises
        ------
        InputError
            Labour is mobile: all earn the same.
        """
        self._sticky("real_wage_by_origin")
        talent = self.start.state.talent
        level0 = self.start.base.wage / self.start.base.consumer_price
        alpha = self.start.state.alpha
        out = []
        stays = 1.0 - self.moved.values  # of those who began in a sector, never chose anew
        for stayed, s in zip(stays, self.solved, strict=True):
            p = s.point
            wage = np.exp(p.log_w + p.r)
            pooled = ((p.labour.hands - stayed * talent) * wage).sum(axis=0)
            price = np.exp((alpha * p.log_P_new).sum(axis=0))
            level = (stayed * wage + pooled) / price
            out.append(np.where(talent > 0, change(np.broadcast_to(level0, level.shape), level),
                                np.nan))  # fmt: skip
        return self._of("real_wage_by_origin", np.stack(out), ("sector", "country"))

    @property
    def origins(self) -> xr.DataArray:
        """Share of each sector in the country's pay at the start; sector, country."""
        array = template(self.world, ("sector", "country"))
        return array.copy(deep=False, data=self.start.state.talent).rename("origins")

    @property
    def moved(self) -> xr.DataArray:
        """Share of workers who have chosen their sector anew since the start, dim time."""
        self._sticky("moved")
        stages = self.stages[: len(self.solved)]
        share = 1.0 - np.cumprod([1.0 - self.march.moving(stage).mu for stage in stages])
        return xr.DataArray(share, {"time": self.times}, ("time",), name="moved")

    def _sticky(self, what: str) -> None:
        if self.march.yearly.labour != "sticky":
            raise InputError(
                f"{what}: labour is mobile on this path, so that all workers of a country earn the "
                'same; solve it with labour="sticky"'
            )

    # --- behind -----------------------------------------------------------------------------
    def _place(self, time: str) -> int:
        for n, stage in enumerate(self.stages[: len(self.solved)]):
            if time == stage.name or stage.first <= time <= stage.last:
                return n
        raise DateError(
            f"path: no period {time!r}; they run from {self.times[0]} to {self.times[-1]}"
        )

    def _equilibria(self):
        """Every period's equilibrium with its arrays by flow, built anew from state to state."""
        m = self.march
        state, before = self.start.state, m.baseline.open
        for stage, s in zip(self.stages, self.solved, strict=False):
            policy = stage.policy
            here = m.entering(state, stage, policy.open, before)
            levied = s.levied or instruments(policy)
            model = m.moving(stage)
            e = Equilibrium(model, here, levied, s.closure, s.point, s.solution, s.quotas)
            yield e
            state, before = advance(s.point, here, levied, e.kernel), policy.open

    def _of(self, name: str, values: Array, dims: tuple[str, ...]) -> xr.DataArray:
        if not self.solved and self.error is not None:
            raise self.error
        row = variable(name)
        stages = self.stages[: len(self.solved)]
        labels = {d: self.world.sectors if d == "sector" else self.world.countries for d in dims}
        array = xr.DataArray(values, {"time": self.times, **labels}, ("time", *dims), name=row.name)
        array.attrs = {"unit": row.unit, "long_name": row.definition}
        return array.assign_coords(
            first=("time", [s.first for s in stages]), last=("time", [s.last for s in stages])
        )

    def __repr__(self) -> str:
        ends = f"{self.times[0]} to {self.times[-1]}" if self.solved else "no period"
        return f"<Path on {self.world.name}: {self.status}, {ends}, {len(self.solved)} periods>"


def solve_path(
    march: March, stages: Sequence[Stage], *, settings: dict[str, Any] | None = None,
    throw: bool = True, watch: tuple[int, int] | None = None,
) -> Path:  # fmt: skip
    """Solve period after period.

    ``settings`` go into the provenance. Of the positions ``watch`` (sector, importer) the flows of
    every period are kept, which would have to be built anew otherwise (:attr:`Path.watched`). With
    ``throw=False`` a period without a result ends the path: nothing is reported after it.

    Raises
    ------
    InputError
        No period, or more than :data:`~detente.outcome.march.LONGEST`.
    NoSolutionError, ConvergenceError
        A period has no result and ``throw`` is true.
    """
    if not 1 <= len(stages) <= LONGEST:
        raise InputError(
            f"path: {len(stages):,} periods; from 1 to {LONGEST:,} can be solved: shorten the "
            "path, or take longer periods"
        )
    start = march.start()
    solved: list[_Solved] = []
    error: DetenteError | None = None
    try:
        # no outcome is held on to
        solved.extend(_Solved(out, watch) for out in march.walk(start, stages))
    except DetenteError as stop:
        if throw:
            raise
        error = stop
    return Path(march, tuple(stages), start, tuple(solved), settings or {}, error, watch)
