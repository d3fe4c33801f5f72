"""Saying precisely why there is no equilibrium."""

from __future__ import annotations

from typing import Any

import numpy as np

from detente.errors import NoSolutionError
from detente.models.blocks import Array, reachable
from detente.models.closure import Closure
from detente.models.model import Model, Problem
from detente.solve.least_error import LeastError

__all__ = ["hint", "refuse_impossible", "refuse_insolvent", "refuse_one_way", "refuse_turning"]

INSOLVENT = 0.02
"""Income over the larger of wage bill and base value added below which a country that ends the
path counts as having none."""


def hint(kernel: Any, closure: Closure) -> str:
    """Where a country only buys, its budget shares may fix its deficit; a share closure then
    asks for a second value of the same number."""
    if closure.name != "share" or reachable(kernel.linked).all():
        return ""
    return (
        "; some countries trade one way only, and deficit='share' may then have no solution "
        "(the others are 'fixed' and 'zero')"
    )


def refuse_insolvent(share: float, p: Any, base: Any, countries: list[str]) -> None:
    """Name the country whose income ran out where the path of the measures ended."""
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
        f"{countries[n]} falls to zero when {share:.1%} of them is in force (its wage bill "
        f"is at {wage_bill[n] / base.value_added[n]:.1%} of the base; over it, {listed}); lower "
        "its subsidies or the barriers to its exports, or change its deficit",
        "no income",
        [countries[n]],
    )


def refuse_turning(share: float, turning: Array | None, countries: list[str]) -> None:
    """Say where the equilibrium that grows out of the base ceases to exist."""
    if turning is None:
        return
    n = int(turning.argmax())
    how = (
        "its wage is not determined even before the measures: with the flows it has, nothing "
        "that it pays or earns reacts to it"
        if share == 0.0
        else f"phasing the measures in, the path turns back when {share:.1%} of them is in "
        "force, above all in its wage"
    )
    raise NoSolutionError(
        f"no equilibrium grows out of the base: {countries[n]} is where it fails; {how}. Another "
        "deficit closure usually has a solution",
        "no path",
        [countries[n]],
    )


def refuse_one_way(least: LeastError, kernel: Any, countries: list[str]) -> None:
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
        "deficit that deficit='share' fixes a second time; the smallest error that several "
        f"starts reach is {least.error:.2g}. The closures 'fixed' and 'zero' do not have this "
        "problem; or keep a flow open",
        "no share",
        named,
    )


def refuse_impossible(model: Model, problem: Problem, labels: tuple[list[str], list[str]]) -> None:
    """Refuse a problem that has no solution whatever the unknowns.

    Raises
    ------
    NoSolutionError
        A market that buyers need has no seller, a country can sell nothing, or trade cannot
        balance.
    """
    sectors, countries = labels
    found = model.impossible(problem)
    if found is None:
        return
    names = [countries[n] for n in found.countries]
    if found.reason == "no seller":
        missing = found.cells
        listed = ", ".join(f"{countries[n]} {sectors[j]}" for j, n in missing[:5])
        raise NoSolutionError(
            f"no equilibrium exists: buyers in {listed} ({len(missing)} markets in all) want a "
            "good that no seller can deliver under these bans; leave one flow open, or merge the "
            "sector into another with world.aggregate",
            "no seller",
            names,
            [sectors[j] for j, _ in missing],
        )
    if found.reason == "no sales":
        raise NoSolutionError(
            f"no equilibrium exists: {', '.join(names)} can sell nothing, so its labour market "
            "cannot clear; leave one of its sales open",
            "no sales",
            names,
        )
    text, need = {
        "neither": ("neither buys nor sells abroad", "must be zero"),
        "buy": ("can buy but not sell abroad", "must be above zero"),
        "sell": ("can sell but not buy abroad", "must be below zero"),
    }[found.way]
    base, closure = problem.base, problem.closure
    inside = list(found.countries)
    owed = problem.kernel.transfer + (0.0 if closure.name == "zero" else base.deficit)
    net = float(owed[inside].sum())
    raise NoSolutionError(
        f"no equilibrium exists: {', '.join(names)} {text}, so that its deficit and transfers "
        f"{need}, yet they are {net:,.0f} USD million (deficit={closure.name!r}); use another "
        "closure, or keep a flow open",
        "no balance",
        names,
    )
