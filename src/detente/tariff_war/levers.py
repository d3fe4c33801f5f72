"""What a government may set: which cells move together, and between which bounds.

A lever is one rate that a player chooses; it moves one or many cells of the tariff array (or of
the export-tax array) together. Rates are handled as log(1 + t).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from detente.errors import InputError, UnknownNameError
from detente.models.blocks import Array
from detente.outcome.equilibrium import Equilibrium
from detente.world import World

__all__ = ["BY", "Bounds", "Levers", "check_bounds", "levers"]

BY = ("sector", "partner", "sector,partner", "uniform")
Bounds = tuple[float | None, float | None] | None
"""Lowest and highest rate as fractions; None (or inf) where there is no bound."""


class Cells(NamedTuple):
    """Cells that levers move; fields as in :class:`Levers`."""

    sector: Array
    partner: Array
    lever: Array
    tax: Array


@dataclass(frozen=True, eq=False)
class Levers:
    """The levers of one player.

    ``sector``, ``partner`` (C,) place each cell, ``lever`` (C,) says which lever moves it,
    ``tax`` (C,) is true for export taxes (the partner is then the importer). ``low``, ``high``
    (M,) bound log(1 + rate). ``names`` describe the levers. ``idle`` are the cells without a flow
    that a lever names too (the sellers of nothing, where the rate is one a sector): they are given
    its rate, and count in nothing else.
    """

    player: int
    sector: Array
    partner: Array
    lever: Array
    tax: Array
    low: Array
    high: Array
    names: tuple[str, ...]
    idle: Cells

    @property
    def count(self) -> int:
        """How many levers there are."""
        return len(self.low)

    def put(self, x: Array, tariff: Array, tax: Array | None) -> None:
        """Write the rates of levers ``x`` (M,), as log(1 + rate), into the arrays, in place."""
        for cells in (Cells(self.sector, self.partner, self.lever, self.tax), self.idle):
            rate = np.expm1(x)[cells.lever]
            own = ~cells.tax
            tariff[cells.sector[own], self.player, cells.partner[own]] = rate[own]
            if tax is not None:
                here = cells.tax
                tax[cells.sector[here], cells.partner[here], self.player] = rate[here]

    def read(self, tariff: Array, tax: Array | None) -> Array:
        """Levers (M,) as the mean of log(1 + rate) over their cells."""
        rate = tariff[self.sector, self.player, self.partner].astype(float)
        if tax is not None:
            taxed = tax[self.sector, self.partner, self.player]
            rate = np.where(self.tax, taxed, rate)
        else:
            rate = np.where(self.tax, 0.0, rate)
        return np.bincount(self.lever, np.log1p(rate), self.count) / np.bincount(
            self.lever, minlength=self.count
        )

    def collect(self, tariff_slope: Array, tax_slope: Array | None) -> Array:
        """Derivatives of cells, (J, N) each, summed into derivatives of levers (M,)."""
        cells = tariff_slope[self.sector, self.partner]
        if tax_slope is not None:
            cells = np.where(self.tax, tax_slope[self.sector, self.partner], cells)
        return np.bincount(self.lever, cells, self.count)

    def size(self, e: Equilibrium) -> Array:
        """Curvature of the log objective in each lever, to first order: what is bought through
        the lever over income, times how fast that falls when it is raised."""
        n = self.player
        theta = e.economy.theta[:, None]
        border, share = e.bought_by(n)
        sold, there = e.sold_by(n)
        j, i = self.sector, self.partner
        flow = np.where(self.tax, sold[j, i], border[j, i]) / e.point.income[n]
        J = len(e.economy.theta)
        group = self.lever * J + j  # cells of one sector that move together
        together = np.bincount(group, np.where(self.tax, 0.0, share[j, i]), self.count * J)[group]
        taken = np.where(self.tax, there[j, i], together)
        cells = flow * (theta[j, 0] * (1.0 - taken) + taken)
        return np.bincount(self.lever, cells, self.count)


def check_bounds(bounds: Bounds) -> tuple[float, float]:
    """Bounds as two numbers (fractions); -1 and inf where there is none.

    Raises
    ------
    InputError
        Not a pair, out of order, or at or below -1.
    """
    if bounds is None:
        return -1.0, np.inf
    try:
        low, high = bounds
    except (TypeError, ValueError):
        raise InputError(
            f"bounds: {bounds!r} is not a pair; give (lowest, highest) as fractions, e.g. (0, 5)"
        ) from None
    low = -1.0 if low is None else float(low)
    high = np.inf if high is None else float(high)
    if not (-1.0 <= low < high):
        raise InputError(
            f"bounds: ({low:g}, {high:g}) is empty or reaches below -1; the lower must be at or "
            "above -1 and below the upper (fractions: 5 is 500%)"
        )
    return low, high


def levers(
    world: World,
    player: str,
    by: str,
    bounds: Bounds,
    *,
    sectors: str | Iterable[str] | None = None,
    partners: str | Iterable[str] | None = None,
    export_taxes: bool = False,
    tariff: Array | None = None,
) -> Levers:
    """The levers of ``player``; a lever moves at least one flow that exists.

    ``tariff`` (J, N, N) is the status quo, which the bounds must admit.

    Raises
    ------
    InputError
        Unknown ``by``, names that are not in the world, no flow to tax, bounds that exclude the
        status quo.
    """
    by = by.replace(" ", "")
    by = "sector,partner" if by == "partner,sector" else by
    if by not in BY:
        raise UnknownNameError.of("way of setting tariffs", by, BY, "by")
    n = world.countries.index(player)
    in_sector = _mask(world.sectors, None if sectors is None else
                      world.sector_list(sectors, "sectors"))  # fmt: skip
    in_partner = _mask(world.countries, None if partners is None else
                       world.country_list(partners, "partners"))  # fmt: skip
    if partners is not None and in_partner[n]:
        raise InputError(f"partners: {player} cannot tax itself; leave it out")
    in_partner[n] = False
    wanted = in_sector[:, None] & in_partner
    flows = world.trade.values
    low, high = check_bounds(bounds)
    start = world.tariff.values if tariff is None else tariff
    sides: list[tuple[Literal["tariff", "export tax"], Array]] = [("tariff", flows[:, n, :])]
    if export_taxes:
        sides.append(("export tax", flows[:, :, n]))
    parts: list[Cells] = []
    idle: list[Cells] = []
    names: list[str] = []
    for what, flow in sides:
        j, i = np.nonzero(wanted & (flow > 0))
        if not j.size:
            raise InputError(
                f"{player} has no {'imports' if what == 'tariff' else 'exports'} among these "
                "sectors and partners, so there is nothing to tax; widen sectors= or partners="
            )
        if what == "tariff":
            _admits(world, start[j, n, i], (low, high), player, j, i)
        used, lever = np.unique(_keys(world, by, j, i), return_inverse=True)
        parts.append(_cells(j, i, lever + len(names), what))
        j, i = np.nonzero(wanted & ~(flow > 0))
        named = np.isin(_keys(world, by, j, i), used)
        j, i = j[named], i[named]
        lever = np.searchsorted(used, _keys(world, by, j, i))
        idle.append(_cells(j, i, lever + len(names), what))
        names += [f"{what} {_name(world, by, int(u))}" for u in used]
    moved, still = (
        Cells(*(np.concatenate(each) for each in zip(*cells, strict=True)))
        for cells in (parts, idle)
    )
    with np.errstate(divide="ignore"):
        bottom = np.full(len(names), np.log1p(low))
    top = np.full(len(names), np.log1p(high))
    return Levers(n, *moved, bottom, top, tuple(names), still)


def _cells(j: Array, i: Array, lever: Array, what: str) -> Cells:
    return Cells(j, i, lever, np.full(j.shape, what != "tariff"))


def _keys(world: World, by: str, j: Array, i: Array) -> Array:
    """What tells the lever of each cell from the others."""
    return {
        "sector": j,
        "partner": i,
        "sector,partner": j * len(world.countries) + i,
        "uniform": np.zeros_like(j),
    }[by]


def _mask(known: list[str], chosen: list[str] | None) -> Array:
    return np.array([chosen is None or k in chosen for k in known])


def _name(world: World, by: str, key: int) -> str:
    N = len(world.countries)
    return {
        "sector": lambda: world.sectors[key],
        "partner": lambda: world.countries[key],
        "sector,partner": lambda: f"{world.sectors[key // N]}, {world.countries[key % N]}",
        "uniform": lambda: "on all",
    }[by]()


def _admits(
    world: World, rates: Array, bounds: tuple[float, float], player: str, j: Array, i: Array
) -> None:
    low, high = bounds
    out = (rates < low - 1e-12) | (rates > high + 1e-12)
    if out.any():
        at = int(np.flatnonzero(out)[0])
        raise InputError(
            f"bounds ({low:g}, {high:g}) exclude the status quo: {player} levies "
            f"{rates[at]:.4g} on {world.sectors[j[at]]} from {world.countries[i[at]]} "
            f"({int(out.sum())} such cells); widen the bounds, or leave these out with sectors= "
            "or partners="
        )
