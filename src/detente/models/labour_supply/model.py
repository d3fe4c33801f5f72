"""Ignatenko, Lashkaripour, Macedoni and Simonovska (2025) through the protocol of
:mod:`detente.models.model`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from detente.errors import InputError, UnknownNameError
from detente.models.adjoint import Adjoint, adjoint
from detente.models.balance import cannot_balance
from detente.models.bars import Bars, Columns, PolicyGradient
from detente.models.blocks import Array, Instruments
from detente.models.dense import DenseSteps, at_base, inverse
from detente.models.labour_supply.economy import Economy, Elasticities, economy
from detente.models.labour_supply.equations import Kernel, Point, build_kernel, equations, evaluate
from detente.models.labour_supply.linear import (
    cotangent,
    jacobian,
    policy_gradient,
    pull_back,
    tangent,
)
from detente.models.labour_supply.welfare import log_utility, utility_columns
from detente.models.model import Abilities, Impossible, Model, Problem, Tables, Target

__all__ = ["LabourSupply"]

SCALE = 0.67
"""Scale elasticity times trade elasticity: Lashkaripour and Lugovskyy (2023)."""

REVENUE = ("income-tax", "lump-sum")
DISUTILITY = ("as-printed", "exact")


@dataclass(frozen=True)
class LabourSupply(Model):
    """Elastic hours, scale effects and a deficit that trade itself moves, in one sector.

    Attributes
    ----------
    kappa : elasticity of labour supply in the real wage after tax, at or above 0
    psi : scale elasticity, at or above 0; None: 0.67 over the trade elasticity
    nu : part of sales that pays labour of the buyer's country (fixed costs of selling there), at
        or above 0 and below 1: one number, or one a country in the world's order
    phi : pass-through of tariffs to the price of imports, above 0, one number or one a country;
        None: ``1 + (1 + psi) nu / (1 - nu)``, complete for the firm and more for the index
    revenue : "income-tax", where revenue above the base lowers the tax on labour, or "lump-sum"
    disutility : how welfare counts hours: "as-printed" in the paper, or "exact" from its
        preferences; they differ with "income-tax" only

    Hours feed on themselves through scale and variety: ``kappa (psi + phi - 1)`` must be below 1
    in every country.

    Raises
    ------
    InputError
        A parameter out of its range.
    """

    kappa: float = 0.5
    psi: float | None = None
    nu: float | tuple[float, ...] = 0.0
    phi: float | tuple[float, ...] | None = None
    revenue: str = "income-tax"
    disutility: str = "as-printed"

    name = "labour-supply"
    title = "Ignatenko, Lashkaripour, Macedoni and Simonovska (2025)"
    source = (
        "Ignatenko, Lashkaripour, Macedoni and Simonovska (2025), Making America Great Again? The "
        "Economic Impacts of Liberation Day Tariffs, Journal of International Economics 157, 104138"
    )
    by_country = ("nu", "phi")
    abilities = Abilities(
        instruments=("tariff", "iceberg", "transfer"),
        closures=("fixed", "zero", "share"),
        variables=("utility", "labour", "income_tax"),
        tasks=("gradient", "games", "audit"),
    )

    def __post_init__(self) -> None:
        for field in ("nu", "phi"):
            object.__setattr__(self, field, _by_country(getattr(self, field), field))
        for field, value in (("kappa", self.kappa), ("psi", self.psi)):
            if value is not None:
                given = _number(value, field)
                _refuse_outside(field, given, given >= 0, "finite and at or above 0")
                object.__setattr__(self, field, given)
        _refuse_outside("nu", self.nu, _all(self.nu, 0.0, 1.0), "at or above 0 and below 1")
        if self.phi is not None:
            above = np.asarray(self.phi) > 0
            _refuse_outside("phi", self.phi, bool(above.all()), "above 0")
        for field, value, known in (
            ("revenue", self.revenue, REVENUE),
            ("disutility", self.disutility, DISUTILITY),
        ):
            if value not in known:
                raise UnknownNameError.of(f"{field} of labour-supply", value, known)

    # --- what is solved ---------------------------------------------------------------------
    def base(self, tables: Tables) -> Economy:
        """Shares and levels of a world of one sector without inputs.

        Raises
        ------
        InputError
            Several sectors, inputs, or a number of ``nu`` or ``phi`` that is not the world's of
            countries; hours that feed on themselves without bound.
        """
        J, N = tables.trade.shape[:2]
        if J != 1:
            raise InputError(
                f"labour-supply: the world has {J} sectors, and the model is of one; merge them "
                "with world.aggregate(sectors={'goods': 'all'})"
            )
        return economy(tables, self._elasticities(float(tables.theta[0]), N))

    def _elasticities(self, eps: float, N: int) -> Elasticities:
        psi = SCALE / eps if self.psi is None else self.psi
        nu = _spread(self.nu, "nu", N)
        phi = 1.0 + (1.0 + psi) * nu / (1.0 - nu)
        if self.phi is not None:
            phi = _spread(self.phi, "phi", N)
        loop = float((self.kappa * (psi + phi - 1.0)).max())
        if loop >= 1.0:
            raise InputError(
                f"labour-supply: kappa (psi + phi - 1) is {loop:.3g} with kappa {self.kappa:g}, "
                f"psi {psi:.3g} and phi up to {phi.max():.3g}; it must be below 1, or hours raise "
                "real wages by more than real wages need to raise hours: lower kappa, psi or nu"
            )
        relief, printed = self.revenue == "income-tax", self.disutility == "as-printed"
        return Elasticities(self.kappa, psi, nu, phi, relief, printed)

    def size(self, base: Economy) -> int:
        """Log wages, log spending and log hours over the base, (N,) each."""
        return 3 * len(base.value_added)

    def own_income(self, tables: Tables, base: Economy) -> Array:
        """Labour income and tariff revenue (N,)."""
        return base.value_added * (1.0 + base.revenue_share)

    def kernel(self, base: Economy, policy: Instruments) -> Kernel:
        """A, B1, and who can still trade."""
        return build_kernel(base, policy)

    def impossible(self, problem: Problem) -> Impossible | None:
        """A country has no seller, its labour earns nothing, or transfers find no way.

        Transfers are imports less exports, each less what the buyer's country earns of it, so
        that they need what deficits need where ``nu`` is zero.
        """
        base, _, k, closure = problem
        lacking = np.flatnonzero(~k.linked.any(axis=1))
        if lacking.size:
            countries = tuple(int(n) for n in lacking)
            return Impossible("no seller", countries, tuple((0, n) for n in countries))
        idle = np.flatnonzero(~k.linked.any(axis=0) & (base.at.nu == 0))
        if idle.size:
            return Impossible("no sales", tuple(int(n) for n in idle))
        return cannot_balance(k.linked, k.transfer, closure, float(base.value_added.sum()))

    def evaluate(self, z: Array, problem: Problem) -> Point:
        """Once through the five equations."""
        return evaluate(z, problem.base, problem.kernel, problem.closure)

    def residual(self, p: Point, problem: Problem) -> Array:
        """Labour markets, incomes, hours."""
        return equations(p, problem.kernel)

    def steps(self, base: Economy) -> DenseSteps:
        """The Jacobian at the base, inverted."""
        problem = at_base(self, base)
        return self.steps_at(self.evaluate(np.zeros(self.size(base)), problem), problem)

    def steps_at(self, p: Point, problem: Problem) -> DenseSteps:
        """The Jacobian at the point, inverted."""
        return DenseSteps(-inverse(jacobian(p, problem.base, problem.kernel, problem.closure)))

    # --- derivatives ------------------------------------------------------------------------
    def tangent(self, v: Array, p: Point, problem: Problem) -> Array:
        """Four products with an (N, N) matrix."""
        return tangent(v, p, problem.base, problem.kernel, problem.closure)

    def cotangent(self, y: Array, p: Point, problem: Problem) -> Array:
        """Its transpose."""
        return cotangent(y, p, problem.base, problem.kernel, problem.closure)

    def pull_back(self, bars: Bars, p: Point, problem: Problem) -> Array:
        """Back through the equations."""
        return pull_back(bars, p, problem.base, problem.kernel, problem.closure).z

    def policy_gradient(self, bars: Bars, y: Array, p: Point, problem: Problem) -> PolicyGradient:
        """Tariffs, icebergs and transfers."""
        base, policy, k, closure = problem
        return policy_gradient(bars, y, policy, p, base, k, closure)

    def adjoints(
        self,
        columns: Columns,
        p: Point,
        problem: Problem,
        steps: DenseSteps,
        start: Array | None = None,
    ) -> Adjoint:
        """All objectives side by side."""
        return adjoint(self, columns, p, problem, steps, start)

    # --- welfare ----------------------------------------------------------------------------
    def log_welfare(self, who: Target, before: Point, after: Point, base: Economy) -> float:
        """Log of consumption less the disutility of hours; see ``welfare``."""
        now, then = (log_utility(p, base)[who.country] for p in (after, before))
        return float(now - then)

    def welfare_columns(self, who: Sequence[Target], p: Point, base: Economy) -> Columns:
        """Weights on income, prices, wages, hours and revenue."""
        return utility_columns(who, p, base)

    def sector_income(self, p: Point, base: Economy) -> Array:
        """All of it is earned in the one sector."""
        return p.income[None]

    # --- reading a point --------------------------------------------------------------------
    def flows(self, p: Point, kernel: Kernel) -> Array:
        """Sales at border prices (1, N, N)."""
        return kernel.B1 * p.u * p.q[:, None]

    def shares(self, p: Point, kernel: Kernel) -> Array:
        """Shares of spending (1, N, N)."""
        return kernel.A * p.u / p.supply[:, None]

    def trade_deficit(self, p: Point, kernel: Kernel) -> Array:
        """Purchases less sales: transfers, and what is earned here of what foreigners sell."""
        return p.bought - p.Y[0]

    def trade_deficit_bars(self, country: int, p: Point) -> Bars:
        """Weights on flows: nothing else that the point holds makes up the deficit."""
        N = len(p.income)
        flows = np.zeros((1, N, N))
        flows[0, country, :] += 1.0
        flows[0, :, country] -= 1.0
        return Bars(flows=flows)

    def extra(self, p: Point, problem: Problem) -> dict[str, Array]:
        """Welfare and hours over the world table's, points of income tax, (N,)."""
        return {
            "utility": np.exp(log_utility(p, problem.base)),
            "labour": np.exp(p.log_L),
            "income_tax": 100.0 * p.relief,
        }

    def checks(self, p: Point, problem: Problem) -> dict[str, float]:
        """Labour markets, incomes, hours, Walras' law, shares."""
        base, policy, k, _ = problem
        spent = (self.flows(p, k) * (1.0 + policy.tariff)).sum(axis=2)
        walras = (1.0 - base.at.nu) * p.bought - p.paid - p.deficit - k.transfer
        return {
            "labour_markets": float(np.abs(p.value_added / p.wage_bill - 1.0).max()),
            "goods_markets": float(np.abs(p.income / p.X[0] - 1.0).max()),
            "hours": float(np.abs(np.expm1(p.log_L_new - p.log_L)).max()),
            "walras": float(np.abs(walras / p.income).max()),
            "share_sums": float(np.abs(spent / p.X - 1.0).max()),
        }


# --- parameters -------------------------------------------------------------------------------
def _number(value: Any, field: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating, np.integer)):
        raise InputError(f"labour-supply: {field} is {value!r}; give a number")
    return float(value)


def _by_country(value: Any, field: str) -> Any:
    """A number, None, or a tuple of numbers, so that models can be compared and kept."""
    if value is None or np.ndim(value) == 0:
        return None if value is None and field == "phi" else _number(value, field)
    if np.ndim(value) != 1:
        raise InputError(
            f"labour-supply: {field} has {np.ndim(value)} dims; give one number, or one a country"
        )
    return tuple(_number(x, f"{field}[{n}]") for n, x in enumerate(value))


def _all(value: Any, low: float, below: float) -> bool:
    array = np.asarray(value)
    return bool(((array >= low) & (array < below)).all())


def _refuse_outside(field: str, value: Any, inside: bool, allowed: str) -> None:
    worst = value
    if isinstance(value, tuple):
        array = np.asarray(value)
        worst = f"{array.min():g} to {array.max():g}"
    if not (inside and np.isfinite(value).all()):
        raise InputError(f"labour-supply: {field} is {worst}; it must be {allowed}")


def _spread(value: Any, field: str, N: int) -> Array:
    array = np.asarray(value, dtype=float)
    if array.ndim and len(array) != N:
        raise InputError(
            f"labour-supply: {field} has {len(array)} numbers and the world {N} countries; give "
            "one number, or one a country in the world's order"
        )
    return np.broadcast_to(array, (N,)).copy()
