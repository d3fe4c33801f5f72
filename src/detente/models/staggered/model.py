"""Staggered sourcing through the protocol of :mod:`detente.models.model`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from detente.errors import InputError, UnknownNameError
from detente.models.adjoint import Adjoint, adjoint
from detente.models.balance import cannot_balance
from detente.models.bars import Bars, Columns, PolicyGradient
from detente.models.blocks import Array, Instruments
from detente.models.caliendo_parro import CaliendoParro
from detente.models.caliendo_parro.kernel import starved
from detente.models.model import Abilities, Impossible, Model, Problem, Tables, Target
from detente.models.staggered.economy import Staged, long_run, staged
from detente.models.staggered.equations import Kernel, Point, equations, evaluate
from detente.models.staggered.kernel import build_kernel
from detente.models.staggered.linear import cotangent, policy_gradient, pull_back, tangent
from detente.models.staggered.steps import Steps, steps

__all__ = ["Staggered"]

LABOUR = ("mobile", "sticky")
_STATIC = CaliendoParro()


@dataclass(frozen=True)
class Staggered(Model):
    """One period after a change, when few may choose their supplier, or their sector, anew.

    Attributes
    ----------
    sigma : elasticity of substitution between goods from different suppliers while buyers stay
        with theirs, at or above 0 and not 1: one number, or one a sector in the world's order
    zeta : share of goods whose supplier is chosen anew in the period, above 0 to 1; likewise
    labour : "mobile": workers earn the same everywhere in a country; "sticky": few change sector
    mu : share of workers who choose their sector anew in the period, above 0 to 1 (sticky labour)
    kappa : elasticity of that choice in sector wages, above 1 (sticky labour)

    ``zeta=1`` is Caliendo and Parro. The defaults are a year of the set ``cgmt-sectors``
    (:mod:`detente.world.horizons`).

    Raises
    ------
    InputError
        A parameter out of its range; at sigma = 1 the price index has another form.
    """

    sigma: float | tuple[float, ...] = 1.3045
    zeta: float | tuple[float, ...] = 0.1183
    labour: Literal["mobile", "sticky"] = "mobile"
    mu: float = 0.1
    kappa: float = 1.5

    name = "staggered"
    title = "Staggered sourcing, one period"
    source = (
        "Chen, Goes, Muendler and Trottner (2024), Dynamic Adjustment to Trade Shocks; Arkolakis, "
        "Eaton and Kortum (2011), Staggered Adjustment and Trade Dynamics; labour: Galle, "
        "Rodriguez-Clare and Yi (2023), Review of Economic Studies 90(1), 331-375"
    )
    abilities = Abilities(
        instruments=("tariff", "export_tax", "iceberg", "transfer", "quota"),
        closures=("fixed", "zero", "share"),
        variables=("sector_wage", "sector_labour"),
        tasks=("gradient", "games", "political weights", "cards"),
    )

    def __post_init__(self) -> None:
        for name in ("sigma", "zeta"):
            given = getattr(self, name)
            if not isinstance(given, (int, float)):
                object.__setattr__(self, name, tuple(float(v) for v in given))
        for value in _each(self.sigma):
            if not 0.0 <= value < np.inf or abs(value - 1.0) < 1e-6:
                raise InputError(
                    f"staggered: sigma is {value}; it is a number at or above 0 and not 1 (at 1 "
                    "the price index has another form: take 0.999 or 1.001)"
                )
        for value in _each(self.zeta):
            if not 0.0 < value <= 1.0:
                raise InputError(f"staggered: zeta is {value}; it is a share, above 0 to 1")
        if self.labour not in LABOUR:
            raise UnknownNameError.of("labour", self.labour, LABOUR, "staggered")
        if not 0.0 < self.mu <= 1.0:
            raise InputError(f"staggered: mu is {self.mu}; it is a share, above 0 to 1")
        if not 1.0 < self.kappa < np.inf:
            raise InputError(f"staggered: kappa is {self.kappa}; it is a number above 1")

    # --- what is solved ---------------------------------------------------------------------
    def base(self, tables: Tables) -> Staged:
        """The first period after the base year."""
        J = len(tables.theta)
        sigma, zeta = (_by_sector(getattr(self, name), name, J) for name in ("sigma", "zeta"))
        return staged(tables, sigma, zeta, self.moving, self.kappa)

    @property
    def moving(self) -> float | None:
        """``mu`` where labour is sticky."""
        return self.mu if self.labour == "sticky" else None

    def size(self, base: Staged) -> int:
        """Log wages (N), log prices, log spending over the base and, with sticky labour, log
        sector wages over the country's mean (J, N)."""
        J, N = base.beta.shape
        return N + (2 if base.mu is None else 3) * J * N

    def own_income(self, tables: Tables, base: Staged) -> Array:
        """Value added and tariff revenue (N,)."""
        return base.value_added + (tables.trade * tables.tariff).sum(axis=(0, 2))

    def kernel(self, base: Staged, policy: Instruments) -> Kernel:
        """The kernels of those who choose and of those who stay."""
        return build_kernel(base, policy)

    def with_elasticities(self, base: Staged, theta: Array) -> Staged:
        """The same shares and levels under other elasticities (J,)."""
        return base._replace(theta=np.asarray(theta, dtype=float))

    def in_use(self, base: Staged, kernel: Kernel) -> Staged:
        """``base`` with no spending where nobody buys any more."""
        if not (kernel.anew.unused * base.spending).any():
            return base
        return base._replace(spending=base.spending * (1.0 - kernel.anew.unused))

    def impossible(self, problem: Problem) -> Impossible | None:
        """As in Caliendo and Parro: whoever lost a supplier chooses anew."""
        base, _, k, closure = problem
        static = long_run(base)
        missing = starved(static, k.anew)
        if missing:
            return Impossible("no seller", tuple(n for _, n in missing), tuple(missing))
        sells = k.linked.any(axis=0) & ((base.beta * k.anew.producing).sum(axis=0) > 0)
        if not sells.all():
            return Impossible("no sales", tuple(int(n) for n in np.flatnonzero(~sells)))
        return cannot_balance(k.linked, k.transfer, closure, float(base.value_added.sum()))

    def evaluate(self, z: Array, problem: Problem) -> Point:
        """Once through the equations."""
        return evaluate(z, problem.base, problem.kernel, problem.closure)

    def residual(self, p: Point, problem: Problem) -> Array:
        """Labour markets, prices, goods markets, labour markets by sector."""
        return equations(p, problem.base, problem.kernel)

    def steps(self, base: Staged) -> Steps:
        """Each country's own loops and the labour markets, inverted."""
        return steps(base)

    # --- derivatives ------------------------------------------------------------------------
    def tangent(self, v: Array, p: Point, problem: Problem) -> Array:
        """Six streaming passes."""
        return tangent(v, p, problem.base, problem.kernel, problem.closure)

    def cotangent(self, y: Array, p: Point, problem: Problem) -> Array:
        """Six streaming passes."""
        return cotangent(y, p, problem.base, problem.kernel, problem.closure)

    def pull_back(self, bars: Bars, p: Point, problem: Problem) -> Array:
        """Back through the equations."""
        return pull_back(bars, p, problem.base, problem.kernel, problem.closure).z

    def policy_gradient(self, bars: Bars, y: Array, p: Point, problem: Problem) -> PolicyGradient:
        """All four instruments; what past periods left is given."""
        base, policy, k, closure = problem
        return policy_gradient(bars, y, policy, p, base, k, closure)

    def adjoints(
        self, columns: Columns, p: Point, problem: Problem, steps: Any, start: Array | None = None
    ) -> Adjoint:
        """All columns side by side."""
        return adjoint(self, columns, p, problem, steps, start)

    # --- welfare ----------------------------------------------------------------------------
    def log_welfare(self, who: Target, before: Any, after: Any, base: Staged) -> float:
        """As in Caliendo and Parro."""
        return _STATIC.log_welfare(who, before, after, long_run(base))

    def welfare_columns(self, who: Sequence[Target], p: Any, base: Staged) -> Columns:
        """As in Caliendo and Parro."""
        return _STATIC.welfare_columns(who, p, long_run(base))

    def sector_income(self, p: Any, base: Staged) -> Array:
        """Value added, and by its share revenue, deficit and transfers."""
        return _STATIC.sector_income(p, long_run(base))

    # --- reading a point --------------------------------------------------------------------
    def flows(self, p: Point, kernel: Kernel) -> Array:
        """Sales at border prices (J, N, N)."""
        flows = kernel.D1 * p.v[:, None, :] * p.q_stay[:, :, None]
        flows += kernel.anew.B1 * p.u[:, None, :] * p.q_new[:, :, None]
        return flows

    def shares(self, p: Point, kernel: Kernel) -> Array:
        """Shares of spending (J, N, N)."""
        shares = kernel.C * p.v[:, None, :] / p.M[:, :, None]
        shares += kernel.anew.A * p.u[:, None, :] * (p.new / p.M / p.supply)[:, :, None]
        return shares

    def price_logs(self, p: Point, problem: Problem) -> Array:
        """NaN where nobody can sell."""
        return np.where(problem.kernel.anew.unserved > 0, np.nan, p.log_P_new)

    def cost_logs(self, p: Any, problem: Problem) -> Array:
        """NaN where a producer lacks an input."""
        base, policy, k, closure = problem
        return _STATIC.cost_logs(p, Problem(long_run(base), policy, k.anew, closure))

    def extra(self, p: Point, problem: Problem) -> dict[str, Array]:
        """Wages over the base by sector, and labour in efficiency units in USD million of the
        base's pay (J, N)."""
        base = problem.base
        wage = np.exp(p.log_w + p.r)
        pays = base.talent > 0
        return {
            "sector_wage": np.where(pays, wage, np.nan),
            "sector_labour": np.where(pays, base.beta * p.Y / wage, 0.0),
        }

    def checks(self, p: Point, problem: Problem) -> dict[str, float]:
        """Labour markets, goods markets, Walras' law, shares."""
        base, k = problem.base, problem.kernel
        wage_bill = np.exp(p.log_w) * base.value_added
        imports = p.net_of_tariff.sum(axis=0)
        exports = p.Y.sum(axis=0) + p.export_revenue
        walras = (imports - exports - (p.deficit + k.transfer)) / p.income
        used = base.spending > 0
        spent = np.where(used, p.X_new / np.where(used, p.X, 1.0) - 1.0, 0.0)
        shares = self.shares(p, k).sum(axis=2) + k.anew.unserved - 1.0
        found = {
            "labour_markets": float(np.abs(p.value_added / wage_bill - 1.0).max()),
            "goods_markets": float(np.abs(spent).max()),
            "walras": float(np.abs(walras).max()),
            "share_sums": float(np.abs(shares).max()),
            "prices": float(np.abs(np.expm1(p.log_P_new - p.log_P)).max()),
        }
        if p.labour is not None:
            J, N = base.beta.shape
            errors = equations(p, base, k)[-J * N :]
            found["labour_by_sector"] = float(np.abs(np.expm1(errors)).max())
        return found


def _each(given: float | tuple[float, ...]) -> tuple[float, ...]:
    return given if isinstance(given, tuple) else (float(given),)


def _by_sector(given: float | tuple[float, ...], name: str, sectors: int) -> Array:
    """One value a sector (J,)."""
    values = np.asarray(given, dtype=float)
    if values.ndim and len(values) != sectors:
        raise InputError(
            f"staggered: {name} has {len(values)} values, the world {sectors} sectors; give one "
            "number, or one a sector in the world's order"
        )
    return np.broadcast_to(values, sectors).copy()
