"""Krugman (1980) and Ossa (2014) through the protocol of :mod:`detente.models.model`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from detente.errors import UnknownNameError
from detente.models.adjoint import Adjoint, adjoint
from detente.models.balance import cannot_balance
from detente.models.bars import Bars, Columns, PolicyGradient
from detente.models.blocks import Array, Instruments
from detente.models.dense import at_base
from detente.models.model import Abilities, Impossible, Model, Problem, Steps, Tables, Target
from detente.models.monopolistic.economy import Base, base_of
from detente.models.monopolistic.equations import Kernel, Point, equations, evaluate
from detente.models.monopolistic.kernel import build_kernel, starved
from detente.models.monopolistic.linear import cotangent, policy_gradient, pull_back, tangent
from detente.models.monopolistic.steps import block_steps

__all__ = ["Monopolistic"]


@dataclass(frozen=True)
class Monopolistic(Model):
    """Firms with varieties of their own, markups over cost, and profits or free entry.

    Attributes
    ----------
    entry : "none": the number of firms is given and they make profits (Ossa 2014); "free": firms
        enter until profits net of entry costs are zero, and more varieties lower price indices
    """

    entry: Literal["none", "free"] = "none"

    name = "monopolistic"
    title = "Krugman (1980), Ossa (2014)"
    source = (
        "Ossa (2014), Trade Wars and Trade Talks with Data, American Economic Review 104(12), "
        "4104-4146, eqs. 10-13, after Krugman (1980), American Economic Review 70(5), 950-959"
    )
    abilities = Abilities(
        instruments=("tariff", "export_tax", "iceberg", "transfer", "quota"),
        closures=("fixed", "zero", "share"),
        variables=("profits", "firms"),
        tasks=("gradient", "games", "political weights", "audit"),
    )

    def __post_init__(self) -> None:
        if self.entry not in ("none", "free"):
            raise UnknownNameError.of("entry", self.entry, ("none", "free"), "monopolistic")

    # --- what is solved ---------------------------------------------------------------------
    def base(self, tables: Tables) -> Base:
        """Shares and levels of the tables."""
        return base_of(tables, self.entry)

    def size(self, base: Base) -> int:
        """Log wages (N), log spending (N) and, where entry is free, firms (J, N)."""
        J, N = base.alpha.shape
        return 2 * N + (J * N if base.free else 0)

    def own_income(self, tables: Tables, base: Base) -> Array:
        """Income of labour and firms, and tariff revenue (N,)."""
        return base.total - base.deficit

    def kernel(self, base: Base, policy: Instruments) -> Kernel:
        """A, B1, B, and who can still trade."""
        return build_kernel(base, policy)

    def impossible(self, problem: Problem) -> Impossible | None:
        """A market has no seller, a country can sell nothing, or trade cannot balance."""
        base, _, k, closure = problem
        missing = starved(base, k)
        if missing:
            return Impossible("no seller", tuple(n for _, n in missing), tuple(missing))
        sells = k.linked.any(axis=0)
        if not sells.all():
            return Impossible("no sales", tuple(int(n) for n in np.flatnonzero(~sells)))
        return cannot_balance(k.linked, k.transfer, closure, float(base.value_added.sum()))

    def evaluate(self, z: Array, problem: Problem) -> Point:
        """Once through the equations."""
        return evaluate(z, problem.base, problem.kernel, problem.closure)

    def residual(self, p: Point, problem: Problem) -> Array:
        """Labour markets, budgets and, where entry is free, profits."""
        return equations(p, problem.base, problem.kernel)

    def steps(self, base: Base) -> Steps:
        """The inverse Jacobian at the base."""
        problem = at_base(self, base)
        start = np.zeros(self.size(base))
        with np.errstate(all="ignore"):  # a country without sales is refused when solved for
            return self.steps_at(self.evaluate(start, problem), problem)

    def steps_at(self, p: Point, problem: Problem) -> Steps:
        """The inverse Jacobian at a point."""
        return block_steps(p, problem.base, problem.kernel, problem.closure)

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
        steps: Steps,
        start: Array | None = None,
    ) -> Adjoint:
        """With the step that fits at ``p``: it inverts the systems but for rounding."""
        return adjoint(self, columns, p, problem, self.steps_at(p, problem), start)

    # --- welfare ----------------------------------------------------------------------------
    def log_welfare(self, who: Target, before: Point, after: Point, base: Base) -> float:
        """Log change of G_n = sum_s lambda_ns W_ns, where W_ns is a sector's income over the
        price index (Ossa 2014, section I.A); of real income without weights."""
        n = who.country
        value = np.log(_income(who, after, base) / _income(who, before, base))
        return float(value - base.alpha[:, n] @ (after.log_P_new - before.log_P_new)[:, n])

    def welfare_columns(self, who: Sequence[Target], p: Point, base: Base) -> Columns:
        """Weights on income, prices and sales."""
        J, N = base.alpha.shape
        R = len(who)
        income, price, sales = np.zeros((N, R)), np.zeros((J, N, R)), np.zeros((J, N, R))
        for r, (n, weights) in enumerate(who):
            price[:, n, r] = -base.alpha[:, n]
            if weights is None:
                income[n, r] = 1.0 / p.income[n]
                continue
            whole = _income(who[r], p, base)
            paid = base.rho * p.Y[:, n]  # to labour
            mean = weights @ paid / paid.sum()
            rest = p.income[n] - p.profits[:, n].sum()  # wages, revenue, deficit, transfers
            income[n, r] = mean / whole
            by_labour = base.rho * (weights - mean) * rest / paid.sum()
            sales[:, n, r] = (by_labour + (1.0 - base.rho) * (weights - mean)) / whole
        return Columns(income, price, sales)

    def sector_income(self, p: Point, base: Base) -> Array:
        """Profits, wages, and by its part of labour revenue, deficit and transfers (J, N)."""
        paid = base.rho[:, None] * p.Y
        return p.profits + paid / paid.sum(axis=0) * (p.income - p.profits.sum(axis=0))

    # --- reading a point --------------------------------------------------------------------
    def flows(self, p: Point, kernel: Kernel) -> Array:
        """Sales at border prices (J, N, N)."""
        return kernel.B1 * p.u[:, None, :] * p.q[:, :, None]

    def shares(self, p: Point, kernel: Kernel) -> Array:
        """Shares of spending (J, N, N)."""
        return kernel.A * p.u[:, None, :] / p.supply[:, :, None]

    def price_logs(self, p: Point, problem: Problem) -> Array:
        """NaN where nobody can sell."""
        return np.where(problem.kernel.unserved > 0, np.nan, p.log_P_new)

    def extra(self, p: Point, problem: Problem) -> dict[str, Array]:
        """Profits in USD million (zero where entry is free), and numbers of firms over the base
        (one where they are given); (J, N)."""
        made = problem.base.output > 0
        if problem.base.free:
            made &= problem.kernel.producing > 0
        return {"profits": p.profits, "firms": np.where(made, p.M, 0.0)}

    def checks(self, p: Point, problem: Problem) -> dict[str, float]:
        """Labour markets, budgets, Walras' law, shares, and profits where entry is free."""
        base, k = problem.base, problem.kernel
        spent = np.exp(p.log_E) * base.total
        imports = (p.X * p.net).sum(axis=0)
        exports = p.Y.sum(axis=0) + p.export_revenue
        walras = (imports - exports - (p.deficit + k.transfer)) / p.income
        shares = self.shares(p, k).sum(axis=2) + k.unserved - 1.0
        found = {
            "labour_markets": float(np.abs(p.labour / p.wage_bill - 1.0).max()),
            "goods_markets": float(np.abs(p.income / spent - 1.0).max()),
            "walras": float(np.abs(walras).max()),
            "share_sums": float(np.abs(shares).max()),
        }
        if base.free:
            errors = equations(p, base, k)[2 * len(spent) :]
            found["free_entry"] = float(np.abs(np.expm1(errors)).max())
        return found


def _income(who: Target, p: Point, base: Base) -> float:
    """Income of a country, weighted by the sector that earns it."""
    n, weights = who
    if weights is None:
        return float(p.income[n])
    paid, profits = base.rho * p.Y[:, n], p.profits[:, n]
    return float(weights @ profits + weights @ paid / paid.sum() * (p.income[n] - profits.sum()))
