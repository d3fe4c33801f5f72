"""Scalar outcomes by name: ``real_income[KOR]``, ``output[C26, TWN]``, weighted sums of them.

An objective is differentiated in what a model's point holds (:class:`Bars`); the adjoint in
:mod:`detente.outcome.gradient` carries that to policy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from detente.errors import InputError, UnknownNameError
from detente.models.bars import Bars, combine
from detente.models.blocks import Array
from detente.models.registry import able
from detente.outcome.equilibrium import Equilibrium
from detente.outcome.outcome import Outcome
from detente.world import World

__all__ = ["OBJECTIVES", "Objective", "Objectives", "objective", "parse", "value_of"]

Objectives = str | Mapping[str, float]
"""A name, or a weighted sum of names."""

_NAME = re.compile(r"\s*(\w+)\s*(?:\[(.*)\])?\s*")


@dataclass(frozen=True)
class Objective:
    """A scalar outcome: its label, its unit and its partial derivatives at the outcome."""

    label: str
    unit: str
    bars: Bars


def parse(world: World, name: str, where: str = "of") -> tuple[str, tuple[int, ...]]:
    """``"output[C26, TWN]"`` as the variable and the positions of its labels; the only reader of
    such names.

    Raises
    ------
    UnknownNameError
        A variable, sector or country that does not exist, or a wrong number of labels.
    """
    found = _NAME.fullmatch(name)
    variable, inside = (found[1], found[2]) if found else (name, None)
    having = able("variable", variable)
    if having and variable not in OBJECTIVES:
        raise UnknownNameError(
            f"{where}: {variable} has no derivatives and no name here; it is a result of the model "
            f"{', '.join(having)} alone, read with Outcome.own({variable!r}); the names are "
            f"{', '.join(OBJECTIVES)}"
        )
    if variable not in OBJECTIVES:
        raise UnknownNameError.of("variable", variable, OBJECTIVES, where)
    allowed = OBJECTIVES[variable].labels
    parts = tuple(part.strip() for part in inside.split(",")) if inside else ()
    dims = next((a for a in allowed if len(a) == len(parts)), None)
    if dims is None:
        forms = " or ".join(f"{variable}[{', '.join(a)}]" for a in allowed)
        raise UnknownNameError(f"{where}: {name!r} is not complete; write {forms}, with labels")
    return variable, tuple(_position(world, d, p, where) for d, p in zip(dims, parts, strict=True))


def objective(outcome: Outcome, of: Objectives) -> Objective:
    """The objective ``of`` at ``outcome``; weighted sums are added up.

    Raises
    ------
    UnknownNameError
        A name that does not exist.
    InputError
        An empty sum, a sum of different units, a weight that is not a number, a change of
        something that was zero.
    """
    weights = {of: 1.0} if isinstance(of, str) else dict(of)
    if not weights:
        raise InputError("of: an empty sum; name at least one outcome, e.g. real_income[USA]")
    units: dict[str, str] = {}
    parts: list[tuple[float, Bars]] = []
    for name, weight in weights.items():
        variable, at = parse(outcome.world, name)
        if not np.isfinite(weight):
            raise InputError(f"of: the weight of {name} is {weight}; it must be a number")
        row = OBJECTIVES[variable]
        bars = row.bars(outcome.base, outcome.after, at)
        if bars is None:
            raise InputError(f"of: {name} was zero before the change, so it has no percent change")
        units[name] = row.unit
        parts.append((float(weight), bars))
    if len(set(units.values())) > 1:
        listed = ", ".join(f"{n} ({u})" for n, u in units.items())
        raise InputError(f"of: {listed} have different units; sum outcomes of one unit only")
    label = of if isinstance(of, str) else " + ".join(f"{w:g} {n}" for n, w in weights.items())
    return Objective(label, next(iter(units.values())), combine(parts))


# --- partial derivatives, one function a variable ---------------------------------------------
At = tuple[int, ...]


def _pick(shape: tuple[int, ...], at: tuple[int, ...], value: float) -> Array:
    out = np.zeros(shape)
    out[at] = value
    return out


def _prices(e: Equilibrium, n: int, value: float) -> Array:
    """Weight ``value`` on the log consumer price of country ``n``."""
    out = np.zeros(e.economy.alpha.shape)
    out[:, n] = value * e.economy.alpha[:, n]
    return out


def _real_income(b: Equilibrium, a: Equilibrium, at: At) -> Bars:
    (n,) = at
    ratio = a.point.income[n] / b.point.income[n] / (a.consumer_price[n] / b.consumer_price[n])
    income = _pick(a.wage.shape, at, 100.0 * ratio / a.point.income[n])
    return Bars(income=income, log_P_new=_prices(a, n, -100.0 * ratio))


def _real_wage(b: Equilibrium, a: Equilibrium, at: At) -> Bars:
    (n,) = at
    ratio = a.wage[n] / b.wage[n] / (a.consumer_price[n] / b.consumer_price[n])
    log_w = _pick(a.wage.shape, at, 100.0 * ratio)
    return Bars(log_w=log_w, log_P_new=_prices(a, n, -100.0 * ratio))


def _wage(b: Equilibrium, a: Equilibrium, at: At) -> Bars:
    return Bars(log_w=_pick(a.wage.shape, at, 100.0 * a.wage[at] / b.wage[at]))


def _consumer_price(b: Equilibrium, a: Equilibrium, at: At) -> Bars:
    (n,) = at
    return Bars(log_P_new=_prices(a, n, 100.0 * a.consumer_price[n] / b.consumer_price[n]))


def _level(field: str) -> Callable[[Equilibrium, Equilibrium, At], Bars]:
    """Something in USD million that the point holds."""

    def bars(b: Equilibrium, a: Equilibrium, at: At) -> Bars:
        return Bars(**{field: _pick(a.wage.shape, at, 1.0)})

    return bars


def _trade_deficit(b: Equilibrium, a: Equilibrium, at: At) -> Bars:
    return a.model.trade_deficit_bars(at[0], a.point)


def _output(b: Equilibrium, a: Equilibrium, at: At) -> Bars | None:
    before = b.point.Y[at] / np.exp(b.point.log_c[at])
    if not before > 0:
        return None
    now = 1.0 / np.exp(a.point.log_c[at])
    shape, Y = a.point.Y.shape, a.point.Y[at]
    return Bars(
        Y=_pick(shape, at, 100.0 * now / before), log_c=_pick(shape, at, -100.0 * Y * now / before)
    )


def _output_value(b: Equilibrium, a: Equilibrium, at: At) -> Bars | None:
    if not b.point.Y[at] > 0:
        return None
    return Bars(Y=_pick(a.point.Y.shape, at, 100.0 / b.point.Y[at]))


def _price(b: Equilibrium, a: Equilibrium, at: At) -> Bars | None:
    if not b.point.X[at] > 0:
        return None
    ratio = np.exp(a.point.log_P_new[at] - b.point.log_P_new[at])
    return Bars(log_P_new=_pick(a.point.X.shape, at, 100.0 * ratio))


def _cost(b: Equilibrium, a: Equilibrium, at: At) -> Bars | None:
    if not b.point.Y[at] > 0:
        return None
    ratio = np.exp(a.point.log_c[at] - b.point.log_c[at])
    return Bars(log_c=_pick(a.point.Y.shape, at, 100.0 * ratio))


def _abroad(buying: bool) -> Callable[[Equilibrium, Equilibrium, At], Bars | None]:
    """Cross-border sales or purchases, of one sector or of all."""

    def bars(b: Equilibrium, a: Equilibrium, at: At) -> Bars | None:
        n, sector = at[-1], at[0] if len(at) == 2 else slice(None)
        weights = np.zeros(a.table.tariff.shape)
        if buying:
            weights[sector, n, :] = 1.0
        else:
            weights[sector, :, n] = 1.0
        weights[sector, n, n] = 0.0
        before = (weights * b.flows).sum()
        return Bars(flows=100.0 / before * weights) if before > 0 else None

    return bars


def _sales(b: Equilibrium, a: Equilibrium, at: At) -> Bars | None:
    before = b.flows[at]
    if not before > 0:
        return None
    return Bars(flows=_pick(a.table.tariff.shape, at, 100.0 / before))


def _flow(b: Equilibrium, a: Equilibrium, at: At) -> Bars:
    return Bars(flows=_pick(a.table.tariff.shape, at, 1.0))


@dataclass(frozen=True)
class _Row:
    labels: tuple[tuple[str, ...], ...]
    unit: str
    bars: Callable[[Equilibrium, Equilibrium, At], Bars | None]


_C = (("country",),)
_SC = (("sector", "country"),)

OBJECTIVES: dict[str, _Row] = {
    "real_income": _Row(_C, "percent", _real_income),
    "real_wage": _Row(_C, "percent", _real_wage),
    "wage": _Row(_C, "percent", _wage),
    "consumer_price": _Row(_C, "percent", _consumer_price),
    "income": _Row(_C, "USD million", _level("income")),
    "revenue": _Row(_C, "USD million", _level("tariff_revenue")),
    "export_revenue": _Row(_C, "USD million", _level("export_revenue")),
    "deficit_after": _Row(_C, "USD million", _trade_deficit),
    "exports": _Row(_C + _SC, "percent", _abroad(buying=False)),
    "imports": _Row(_C + _SC, "percent", _abroad(buying=True)),
    "output": _Row(_SC, "percent", _output),
    "output_value": _Row(_SC, "percent", _output_value),
    "prices": _Row(_SC, "percent", _price),
    "cost": _Row(_SC, "percent", _cost),
    "sales": _Row((("sector", "importer", "exporter"),), "percent", _sales),
    "trade": _Row((("sector", "importer", "exporter"),), "USD million", _flow),
}
"""Scalar outcomes that can be read and differentiated, by name; ``sales`` is the change of one
flow, ``trade`` its value after the change."""


def value_of(outcome: Outcome, name: str) -> float:
    """One number by name: ``real_income[KOR]``, ``output[C29,JPN]``, ``sales[C29,USA,KOR]``.

    NaN for a percent change of something that was zero.

    Raises
    ------
    UnknownNameError
        The variable or a label is unknown, or a label is missing.
    """
    variable, at = parse(outcome.world, name, name)
    if len(at) == 2 and variable in ("exports", "imports"):
        return _abroad_of(outcome, variable, *at)
    return float(getattr(outcome, variable).values[at])


def _abroad_of(outcome: Outcome, variable: str, j: int, n: int) -> float:
    """Change of a country's exports or imports of one sector."""
    outcome.require_converged()
    of = (j, n) if variable == "imports" else (j, slice(None), n)
    others = np.arange(len(outcome.world.countries)) != n
    before, after = (float(e.flows[of][others].sum()) for e in (outcome.base, outcome.after))
    return 100.0 * (after / before - 1.0) if before > 0 else float("nan")


def _position(world: World, dim: str, label: str, where: str) -> int:
    known = world.sectors if dim == "sector" else world.countries
    found = (world.sector_list if dim == "sector" else world.country_list)(label, where)
    if len(found) != 1:
        raise UnknownNameError(
            f"{where}: {label!r} stands for {len(found)} labels; name one, or give a weighted sum"
        )
    return known.index(found[0])
