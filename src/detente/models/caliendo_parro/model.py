"""Caliendo and Parro (2015) through the protocol of :mod:`detente.models.model`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detente.models.balance import cannot_balance
from detente.models.bars import Bars, Columns, PolicyGradient
from detente.models.blocks import Array, Instruments
from detente.models.caliendo_parro.columns import Slopes, slopes
from detente.models.caliendo_parro.economy import Economy, economy
from detente.models.caliendo_parro.equations import Kernel, Point, equations, evaluate
from detente.models.caliendo_parro.kernel import build_kernel, starved
from detente.models.caliendo_parro.linear import cotangent, policy_gradient, pull_back, tangent
from detente.models.caliendo_parro.preconditioner import Preconditioner, preconditioner
from detente.models.model import Abilities, Impossible, Model, Problem, Tables, Target

__all__ = ["CaliendoParro"]


@dataclass(frozen=True)
class CaliendoParro(Model):
    """Ricardian trade in many sectors with input-output links and perfect competition."""

    name = "caliendo-parro"
    title = "Caliendo and Parro (2015)"
    source = (
        "Caliendo and Parro (2015), Estimates of the Trade and Welfare Effects of NAFTA, "
        "Review of Economic Studies 82(1), 1-44"
    )
    abilities = Abilities(
        instruments=("tariff", "export_tax", "iceberg", "transfer", "quota"),
        closures=("fixed", "zero", "share"),
        variables=(),
        tasks=("gradient", "games", "political weights", "audit", "first order", "cards"),
    )

    def base(self, tables: Tables) -> Economy:
        """Shares and levels of the tables."""
        return economy(tables)

    def size(self, base: Economy) -> int:
        """Log wages (N), log prices (J, N), log spending over the base (J, N)."""
        J, N = base.beta.shape
        return N + 2 * J * N

    def own_income(self, tables: Tables, base: Economy) -> Array:
        """Value added and tariff revenue (N,)."""
        return base.value_added + (tables.trade * tables.tariff).sum(axis=(0, 2))

    def kernel(self, base: Economy, policy: Instruments) -> Kernel:
        """A, B1, B, and who can still trade."""
        return build_kernel(base, policy)

    def in_use(self, base: Economy, kernel: Kernel) -> Economy:
        """``base`` with no spending where nobody buys any more."""
        if not (kernel.unused * base.spending).any():
            return base
        return base._replace(spending=base.spending * (1.0 - kernel.unused))

    def impossible(self, problem: Problem) -> Impossible | None:
        """A market that final buyers need has no seller, a country can sell nothing, or trade
        cannot balance."""
        base, _, kernel, closure = problem
        missing = starved(base, kernel)
        if missing:
            return Impossible("no seller", tuple(n for _, n in missing), tuple(missing))
        sells = kernel.linked.any(axis=0) & ((base.beta * kernel.producing).sum(axis=0) > 0)
        if not sells.all():
            return Impossible("no sales", tuple(int(n) for n in np.flatnonzero(~sells)))
        world = float(base.value_added.sum())
        return cannot_balance(kernel.linked, kernel.transfer, closure, world)

    def evaluate(self, z: Array, problem: Problem) -> Point:
        """Once through the five equations."""
        return evaluate(z, problem.base, problem.kernel, problem.closure)

    def residual(self, p: Point, problem: Problem) -> Array:
        """Labour markets, prices, goods markets."""
        return equations(p, problem.base, problem.kernel)

    def steps(self, base: Economy) -> Preconditioner:
        """Each country's own loops and the labour markets, inverted."""
        return preconditioner(base)

    def steps_at(self, p: Point, problem: Problem) -> Preconditioner:
        """The same, with the point as the base."""
        return preconditioner(self.economy_at(p, problem))

    def economy_at(self, p: Point, problem: Problem) -> Economy:
        """The economy at a point, as the base of a step that fits it; the tariff is the whole
        wedge between buyer and seller."""
        base, policy, k, _ = problem
        rate = policy.tariff
        if policy.export_tax is not None:
            rate = (1.0 + rate) * (1.0 + policy.export_tax) - 1.0
        return base._replace(
            pi=self.shares(p, k),
            tariff=rate,
            spending=p.X,
            value_added=np.exp(p.log_w) * base.value_added,
        )

    def with_elasticities(self, base: Economy, theta: Array) -> Economy:
        """The same shares and levels under other elasticities (J,)."""
        return base._replace(theta=np.asarray(theta, dtype=float))

    # --- derivatives ------------------------------------------------------------------------
    def tangent(self, v: Array, p: Point, problem: Problem) -> Array:
        """Three streaming passes."""
        return tangent(v, p, problem.base, problem.kernel, problem.closure)

    def cotangent(self, y: Array, p: Point, problem: Problem) -> Array:
        """Three streaming passes."""
        return cotangent(y, p, problem.base, problem.kernel, problem.closure)

    def pull_back(self, bars: Bars, p: Point, problem: Problem) -> Array:
        """Back through the equations."""
        return pull_back(bars, p, problem.base, problem.kernel, problem.closure).z

    def policy_gradient(self, bars: Bars, y: Array, p: Point, problem: Problem) -> PolicyGradient:
        """All four instruments."""
        base, policy, k, closure = problem
        return policy_gradient(bars, y, policy, p, base, k, closure)

    def adjoints(
        self,
        columns: Columns,
        p: Point,
        problem: Problem,
        steps: Preconditioner,
        start: Array | None = None,
    ) -> Slopes:
        """A block of columns at a time."""
        return slopes(columns, p, problem, steps, start)

    # --- welfare ----------------------------------------------------------------------------
    def log_welfare(self, who: Target, before: Point, after: Point, base: Economy) -> float:
        """Log real income; with weights, of income weighted by where value added is earned."""
        n = who.country
        value = float(np.log(after.income[n] / before.income[n]))
        value -= float(base.alpha[:, n] @ (after.log_P_new[:, n] - before.log_P_new[:, n]))
        if who.weights is not None:
            now, then = (_earned(who.weights, p, base, n) for p in (after, before))
            value += now - then
        return value

    def welfare_columns(self, who: Sequence[Target], p: Point, base: Economy) -> Columns:
        """Weights on income, prices and sales."""
        J, N = base.beta.shape
        R = len(who)
        income, price, sales = np.zeros((N, R)), np.zeros((J, N, R)), np.zeros((J, N, R))
        for r, (n, weights) in enumerate(who):
            income[n, r] = 1.0 / p.income[n]
            price[:, n, r] = -base.alpha[:, n]
            if weights is not None:
                beta = base.beta[:, n]
                earned = beta * p.Y[:, n]
                sales[:, n, r] = beta * (weights / (weights @ earned) - 1.0 / earned.sum())
        return Columns(income, price, sales)

    def sector_income(self, p: Point, base: Economy) -> Array:
        """Value added, and by its share revenue, deficit and transfers."""
        earned = base.beta * p.Y
        return earned / earned.sum(axis=0) * p.income

    # --- reading a point --------------------------------------------------------------------
    def flows(self, p: Point, kernel: Kernel) -> Array:
        """Sales at border prices (J, N, N)."""
        return kernel.B1 * p.u[:, None, :] * p.q[:, :, None]

    def shares(self, p: Point, kernel: Kernel) -> Array:
        """Shares of spending (J, N, N)."""
        return kernel.A * p.u[:, None, :] / p.supply[:, :, None]

    def bought_by(self, importer: int, p: Point, kernel: Kernel) -> tuple[Array, Array]:
        """Flows and shares of one importer (J, N)."""
        n = importer
        border = kernel.B1[:, n, :] * p.u * p.q[:, n, None]
        return border, kernel.A[:, n, :] * p.u / p.supply[:, n, None]

    def sold_by(self, exporter: int, p: Point, kernel: Kernel) -> tuple[Array, Array]:
        """Flows and shares of one exporter (J, N)."""
        i = exporter
        border = kernel.B1[:, :, i] * p.u[:, i, None] * p.q
        return border, kernel.A[:, :, i] * p.u[:, i, None] / p.supply

    def price_logs(self, p: Point, problem: Problem) -> Array:
        """NaN where nobody can sell."""
        return np.where(problem.kernel.unserved > 0, np.nan, p.log_P_new)

    def cost_logs(self, p: Point, problem: Problem) -> Array:
        """NaN where a producer lacks an input."""
        unserved = problem.kernel.unserved
        if not unserved.any():
            return p.log_c
        lacks = (problem.base.gamma > 0) & (unserved.T > 0)[:, None, :]
        return np.where(lacks.any(axis=2).T, np.nan, p.log_c)

    def checks(self, p: Point, problem: Problem) -> dict[str, float]:
        """Labour markets, goods markets, Walras' law, shares."""
        base, kernel = problem.base, problem.kernel
        wage_bill = np.exp(p.log_w) * base.value_added
        imports = (p.X * p.net_of_tariff).sum(axis=0)
        exports = p.Y.sum(axis=0) + p.export_revenue
        walras = (imports - exports - (p.deficit + kernel.transfer)) / p.income
        used = base.spending > 0
        spent = np.where(used, p.X_new / np.where(used, p.X, 1.0) - 1.0, 0.0)
        shares = base.theta[:, None] * (p.log_P_new - p.log_P)
        return {
            "labour_markets": float(np.abs(p.value_added / wage_bill - 1.0).max()),
            "goods_markets": float(np.abs(spent).max()),
            "walras": float(np.abs(walras).max()),
            "share_sums": float(np.abs(np.expm1(shares)).max()),
        }


def _earned(weights: Array, p: Point, base: Economy, n: int) -> float:
    earned = base.beta[:, n] * p.Y[:, n]
    return float(np.log(weights @ earned / earned.sum()))
