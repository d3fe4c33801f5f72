"""Solving one equilibrium, and saying precisely why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from detente.errors import ConvergenceError, NoSolutionError
from detente.models.blocks import Array, Economy, Instruments, reachable
from detente.models.caliendo_parro.equations import Kernel, Point, equations, evaluate
from detente.models.caliendo_parro.existence import unbalanced
from detente.models.caliendo_parro.kernel import build_kernel, starved
from detente.models.caliendo_parro.linear import tangent
from detente.models.closure import Closure
from detente.outcome.economy import Prepared
from detente.outcome.least_error import LARGEST, LeastError, least_error
from detente.outcome.phase_in import PhasedIn, phase_in
from detente.solve.anderson import anderson
from detente.solve.newton_krylov import newton_krylov
from detente.solve.solution import Solution, Status

__all__ = ["METHODS", "Equilibrium", "solve_equilibrium"]

METHODS = ("auto", "anderson", "newton-krylov")

INSOLVENT = 0.02
"""Income over the larger of wage bill and base value added below which a country that ends the
path counts as having none."""


@dataclass(frozen=True, eq=False)
class Equilibrium:
    """One equilibrium in levels: (N,) and (J, N) arrays relative to the world's base prices.

    ``table`` is the world table in shares. The kernel is built when first asked for, so that an
    equilibrium solved in another process comes home as its small arrays only.
    """

    table: Economy
    policy: Instruments
    closure: Closure
    point: Point
    solution: Solution

    @cached_property
    def kernel(self) -> Kernel:
        """What the policy makes of the table."""
        return build_kernel(self.table, self.policy)

    @cached_property
    def economy(self) -> Economy:
        """The table without the markets that nobody buys in under the policy."""
        return _in_use(self.table, self.kernel)

    @cached_property
    def wage(self) -> Array:
        """Wage over the world table's, (N,)."""
        return np.exp(self.point.log_w)

    @cached_property
    def consumer_price(self) -> Array:
        """Price index of final demand over the world table's, (N,)."""
        return np.exp((self.table.alpha * self.point.log_P_new).sum(axis=0))

    @cached_property
    def price_logs(self) -> Array:
        """Log of buyers' prices over the world table's (J, N); NaN where nobody can sell."""
        return np.where(self.kernel.unserved > 0, np.nan, self.point.log_P_new)

    @cached_property
    def cost_logs(self) -> Array:
        """Log of unit costs over the world table's (J, N); NaN where a producer lacks an input."""
        if not self.kernel.unserved.any():
            return self.point.log_c
        lacks = (self.table.gamma > 0) & (self.kernel.unserved.T > 0)[:, None, :]
        return np.where(lacks.any(axis=2).T, np.nan, self.point.log_c)

    @cached_property
    def flows(self) -> Array:
        """Sales at border prices, export tax in, tariff out; (J, N, N) sector, importer,
        exporter; USD million."""
        p = self.point
        return self.kernel.B1 * p.u[:, None, :] * p.q[:, :, None]

    @cached_property
    def trade_deficit(self) -> Array:
        """Imports less exports at border prices, (N,): the closure's deficit and the transfers
        received, since both are spent on what others make."""
        return self.point.deficit + self.kernel.transfer

    @cached_property
    def checks(self) -> dict[str, float]:
        """Largest relative errors of market clearing, of Walras' law and of shares."""
        p = self.point
        wage_bill = self.wage * self.economy.value_added
        imports = (p.X * p.net_of_tariff).sum(axis=0)
        exports = p.Y.sum(axis=0) + p.export_revenue
        walras = (imports - exports - self.trade_deficit) / p.income
        used = self.economy.spending > 0
        spent = np.where(used, p.X_new / np.where(used, p.X, 1.0) - 1.0, 0.0)
        shares = self.economy.theta[:, None] * (p.log_P_new - p.log_P)
        return {
            "labour_markets": float(np.abs(p.value_added / wage_bill - 1.0).max()),
            "goods_markets": float(np.abs(spent).max()),
            "walras": float(np.abs(walras).max()),
            "share_sums": float(np.abs(np.expm1(shares)).max()),
        }


def solve_equilibrium(
    prepared: Prepared,
    policy: Instruments,
    deficit: str,
    labels: tuple[list[str], list[str]],
    *,
    tol: float,
    start: Array | None = None,
    method: str = "auto",
    max_steps: int = 400,
    throw: bool = True,
) -> Equilibrium:
    """Solve for the equilibrium under ``policy``.

    ``labels`` are (sectors, countries), for messages. ``method="auto"`` accelerates the fixed
    point and hands over to Newton-Krylov when it stalls.

    Raises
    ------
    NoSolutionError
        A market that final buyers need has no seller, or trade cannot balance.
    ConvergenceError
        The solve stopped early and ``throw`` is true.
    """
    base = prepared.economy
    J, N = base.beta.shape
    kernel = build_kernel(base, policy)
    closure = Closure(deficit, base.deficit, prepared.own_income)
    _refuse_impossible(base, kernel, closure, labels)
    base = _in_use(base, kernel)

    seen: tuple[Array, Point] | None = None

    def at(z: Array) -> Point:
        """The point at ``z``; the last one is kept, since a solve ends where it evaluated."""
        nonlocal seen
        if seen is None or seen[0] is not z:
            seen = z, evaluate(z, base, kernel, closure)
        return seen[1]

    def residual(z: Array) -> Array:
        return equations(at(z), base, kernel)

    def jacobian(z: Array):
        p = at(z)
        return lambda v: tangent(v, p, base, kernel, closure)

    z = np.zeros(N + 2 * J * N) if start is None else start
    solution = None
    if method in ("auto", "anderson"):
        solution = anderson(
            residual, prepared.steps.direction, z, tol=tol, max_steps=max_steps,
            patience=60 if method == "auto" else 400,
        )  # fmt: skip
    if method == "newton-krylov" or (
        method == "auto" and solution is not None and not solution.converged
    ):
        for begin in [z] if solution is None else [solution.value, z]:
            tried = newton_krylov(residual, jacobian, prepared.steps.direction, begin, tol=tol)
            if solution is None or tried.residual < solution.residual or tried.converged:
                solution = replace(
                    tried, history=(*(solution.history if solution else ()), *tried.history)
                )
            if solution.converged:
                break
    assert solution is not None
    if method == "auto" and not (solution.converged and (at(solution.value).income > 0).all()):
        phased = phase_in(base, policy, closure, tol=tol)
        if phased.solution is None and phased.turning is not None:
            _refuse_insolvent(phased, base, labels[1])
            # a path that bends sharply looks from afar like one that turns back
            finer = phase_in(base, policy, closure, tol=tol, smallest=1e-7, max_solves=400)
            phased = phased if finer.solution is None else finer
        if phased.solution is not None:
            steps = solution.steps + phased.solution.steps
            history = (*solution.history, *phased.solution.history)
            solution = replace(phased.solution, steps=steps, history=history)
        else:
            _refuse_insolvent(phased, base, labels[1])
            _refuse_turning(phased, labels[1])
            if closure.name == "share" and z.size <= LARGEST and not reachable(kernel.linked).all():
                least = least_error(residual, jacobian, z.size, N)
                _refuse_one_way(least, kernel, labels[1])
                tried = newton_krylov(
                    residual, jacobian, prepared.steps.direction, least.value, tol=tol
                )
                if tried.converged:
                    history = (*solution.history, *tried.history)
                    solution = replace(tried, history=history)
    if solution.converged and not (at(solution.value).income > 0).all():
        solution = replace(solution, status=Status.DIVERGING)
    if throw and not solution.converged:
        raise ConvergenceError(
            f"no equilibrium reached: {solution.status.value} after {solution.steps} "
            f"{solution.method} steps, largest error {solution.residual:.3g} against "
            f"{tol:g}; {solution.message}{_hint(kernel, closure)}",
            solution,
        )
    found = Equilibrium(prepared.economy, policy, closure, at(solution.value), solution)
    vars(found).update(kernel=kernel, economy=base)  # both are at hand
    return found


def _in_use(base: Economy, kernel: Kernel) -> Economy:
    """``base`` with no spending where nobody buys any more."""
    if not (kernel.unused * base.spending).any():
        return base
    return base._replace(spending=base.spending * (1.0 - kernel.unused))


def _hint(kernel: Kernel, closure: Closure) -> str:
    """Where a country only buys, its budget shares may fix its deficit; a share closure then
    asks for a second value of the same number."""
    if closure.name != "share" or reachable(kernel.linked).all():
        return ""
    return (
        "; some countries trade one way only, and deficit='share' may then have no solution "
        "(the others are 'fixed' and 'zero')"
    )


def _refuse_insolvent(phased: PhasedIn, base: Economy, countries: list[str]) -> None:
    """Name the country whose income ran out where the path of the measures ended."""
    p = phased.point
    wage_bill = np.exp(p.log_w) * base.value_added
    left = p.income / np.maximum(wage_bill, base.value_added)
    n = int(left.argmin())
    if left[n] > INSOLVENT:
        return
    paid = {
        "tariff revenue": p.tariff_revenue[n],
        "export-tax revenue": p.export_revenue[n],
        "deficit and transfers": p.income[n] - wage_bill[n] - p.tariff_revenue[n]
        - p.export_revenue[n],
    }  # fmt: skip
    listed = ", ".join(f"{what} {100 * x / wage_bill[n]:+.0f}%" for what, x in paid.items())
    raise NoSolutionError(
        f"no equilibrium grows out of the base: as the measures are phased in, the income of "
        f"{countries[n]} falls to zero when {phased.share:.1%} of them is in force (its wage bill "
        f"is at {wage_bill[n] / base.value_added[n]:.1%} of the base; over it, {listed}); lower "
        "its subsidies or the barriers to its exports, or change its deficit",
        "no income",
        [countries[n]],
    )


def _refuse_turning(phased: PhasedIn, countries: list[str]) -> None:
    """Say where the equilibrium that grows out of the base ceases to exist."""
    if phased.turning is None:
        return
    n = int(phased.turning.argmax())
    how = (
        "its wage is not determined even before the measures: with the flows it has, nothing "
        "that it pays or earns reacts to it"
        if phased.share == 0.0
        else f"phasing the measures in, the path turns back when {phased.share:.1%} of them is in "
        "force, above all in its wage"
    )
    raise NoSolutionError(
        f"no equilibrium grows out of the base: {countries[n]} is where it fails; {how}. Another "
        "deficit closure usually has a solution",
        "no path",
        [countries[n]],
    )


def _refuse_one_way(least: LeastError, kernel: Kernel, countries: list[str]) -> None:
    """A country that only buys, or only sells, has its deficit set by its budget shares; the
    share closure then asks for a second value of the same number, and one factor for all
    countries cannot always see to that."""
    if least.error < 1e-6 or not least.agreed:
        return
    reach = reachable(kernel.linked)
    named = [c for c, here in zip(countries, (reach != reach.T).any(axis=1), strict=True) if here]
    listed = ", ".join(named[:5]) + (f" and {len(named) - 5} more" if len(named) > 5 else "")
    raise NoSolutionError(
        f"no equilibrium exists: {listed} can trade with others one way only, which fixes a "
        "deficit that deficit='share' fixes a second time; the smallest error any start can "
        f"reach is {least.error:.2g}. The closures 'fixed' and 'zero' do not have this problem; or "
        "keep a flow open",
        "no share",
        named,
    )


def _refuse_impossible(
    base: Economy, kernel: Kernel, closure: Closure, labels: tuple[list[str], list[str]]
) -> None:
    sectors, countries = labels
    missing = starved(base, kernel)
    if missing:
        listed = ", ".join(f"{countries[n]} {sectors[j]}" for j, n in missing[:5])
        raise NoSolutionError(
            f"no equilibrium exists: buyers in {listed} ({len(missing)} markets in all) want a "
            "good that no seller can deliver under these bans; leave one flow open, or merge the "
            "sector into another with world.aggregate",
            "no seller",
            [countries[n] for _, n in missing],
            [sectors[j] for j, _ in missing],
        )
    sells = kernel.linked.any(axis=0) & ((base.beta * kernel.producing).sum(axis=0) > 0)
    idle = [c for c, s in zip(countries, sells, strict=True) if not s]
    if idle:
        raise NoSolutionError(
            f"no equilibrium exists: {', '.join(idle)} can sell nothing, so its labour market "
            "cannot clear; leave one of its sales open",
            "no sales",
            idle,
        )
    _refuse_unbalanced(base, kernel, closure, countries)


def _refuse_unbalanced(
    base: Economy, kernel: Kernel, closure: Closure, countries: list[str]
) -> None:
    fixed = kernel.transfer + (base.deficit if closure.name == "fixed" else 0.0)
    world = float(base.value_added.sum())
    signs = np.zeros(len(countries))
    if closure.name == "share":
        signs = np.sign(np.where(np.abs(base.deficit) > 1e-12 * world, base.deficit, 0.0))
    found = unbalanced(kernel.linked, fixed, signs, 1e-9 * world)
    if found is None:
        return
    inside, way = found
    names = [c for c, here in zip(countries, inside, strict=True) if here]
    text, need = {
        "neither": ("neither buys nor sells abroad", "must be zero"),
        "buy": ("can buy but not sell abroad", "must be above zero"),
        "sell": ("can sell but not buy abroad", "must be below zero"),
    }[way]
    net = float((fixed + (base.deficit if closure.name == "share" else 0.0))[inside].sum())
    raise NoSolutionError(
        f"no equilibrium exists: {', '.join(names)} {text}, so that its deficit and transfers "
        f"{need}, yet they are {net:,.0f} USD million (deficit={closure.name!r}); use another "
        "closure, or keep a flow open",
        "no balance",
        names,
    )
