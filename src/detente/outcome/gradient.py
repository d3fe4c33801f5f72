"""Derivatives of outcomes in every tariff, export tax, iceberg and transfer.

An equilibrium ``F(z, p) = 0`` moves with policy by ``dz = -F_z^-1 F_p dp`` (implicit function
theorem), so an objective ``g(z, p)`` has the gradient ``g_p - F_p' y`` with ``F_z' y = g_z``:
one linear system for all N x N x J tariffs at once, solved by a Krylov method whose products
cost what a step of the solver costs. The base equilibrium counts as fixed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
import xarray as xr

from detente.errors import ConvergenceError, InputError, UnknownNameError
from detente.instruments import INSTRUMENTS as _TABLE
from detente.models.blocks import Array
from detente.models.registry import refuse_unable
from detente.outcome.economy import prepare, slope
from detente.outcome.objective import Objective, Objectives, objective
from detente.outcome.outcome import Outcome
from detente.outcome.quota_slopes import Through
from detente.outcome.simulate import simulate
from detente.solve.krylov import KrylovSpace
from detente.solve.threads import one_thread
from detente.variables import BILATERAL
from detente.world import World

__all__ = ["INSTRUMENTS", "exposure", "gradient", "jacobian"]

INSTRUMENTS = {row.name: row.per for row in _TABLE.values() if row.per}
"""What can be differentiated in, and per what."""

RTOL = 1e-12
"""Relative error of the adjoint system: below what the solution itself is known to."""


def gradient(outcome: Outcome, of: Objectives, wrt: str = "tariff") -> xr.DataArray:
    """Derivative of one scalar outcome in every cell of one policy instrument.

    Parameters
    ----------
    outcome : where the derivative is taken
    of : "real_income[KOR]", "real_wage[C]", "revenue[C]", "output[S, C]", "exports[C]",
        "trade[S, importer, exporter]" and so on (:data:`OBJECTIVES`); or a weighted sum,
        ``{"real_income[KOR]": 1.0, "real_income[JPN]": 0.5}``
    wrt : "tariff", "export_tax", "iceberg", "transfer" or "quota" (its volume)

    Returns
    -------
    xarray.DataArray
        Dims sector, importer, exporter (country for transfers), in the unit of ``of`` per unit
        of the instrument: percent per unit tariff, where 1 is 100 points. Zero where a flow is
        zero or banned. A transfer to one country is paid by all countries in proportion to base
        value added, so that the product with any set of transfers that sums to zero is right.

    Raises
    ------
    UnknownNameError
        An outcome, label or instrument nobody knows.
    ConvergenceError
        The outcome, or the adjoint system, has not converged.
    """
    return jacobian(outcome, [of], wrt)[0].drop_vars("of")


@one_thread
def jacobian(
    outcome: Outcome, of: Sequence[Objectives] | Objectives, wrt: str = "tariff"
) -> xr.DataArray:
    """Gradients of several outcomes, stacked along the leading dim ``of``.

    As :func:`gradient`; the adjoint systems share one Krylov space, which later calls at the
    same outcome go on using.
    """
    if wrt not in INSTRUMENTS:
        raise UnknownNameError.of("instrument", wrt, INSTRUMENTS, "wrt")
    refuse_unable(outcome.after.model, "task", "gradient", "gradient")
    seen = _TABLE[wrt].within or wrt  # what the model sees of it
    refuse_unable(outcome.after.model, "instrument", seen, "gradient")
    wanted = [of] if isinstance(of, (str, Mapping)) else list(of)
    outcome.require_converged()  # pyright: ignore[reportPrivateUsage]
    parts = [objective(outcome, each) for each in wanted]
    space, through = _space(outcome), _through(outcome, wanted, wrt)
    values = np.stack([_one(outcome, part, space, wrt, through) for part in parts])
    units = {part.unit for part in parts}
    labels = {
        "sector": outcome.world.sectors,
        "importer": outcome.world.countries,
        "exporter": outcome.world.countries,
        "country": outcome.world.countries,
        "quota": [q.cell for q in outcome.policy.quota],
    }
    dims = _TABLE[wrt].dims
    return xr.DataArray(
        values,
        {"of": [part.label for part in parts], **{d: labels[d] for d in dims}},
        ("of", *dims),
        name="gradient",
        attrs={
            "unit": f"{units.pop() if len(units) == 1 else 'own unit'} per {INSTRUMENTS[wrt]}",
            "long_name": f"derivative in each {wrt}",
            "wrt": wrt,
        },
    )


def exposure(
    where: World | Outcome,
    country: str,
    *,
    to: str = "tariff",
    by: Sequence[str] = ("importer", "exporter", "sector"),
) -> pd.DataFrame:
    """Which tariffs hurt ``country`` and by how much, to first order.

    Parameters
    ----------
    where : an outcome, or a world (its own tariffs)
    country : whose real income
    to : "tariff" or "export_tax"
    by : columns to keep; the others are summed over, as if all moved together

    Returns
    -------
    pandas.DataFrame
        ``by`` columns and ``percent_per_point``: change of the country's real income in
        percent when that tariff rises by one percentage point. Worst first; flows that do not
        exist are left out.
    """
    if to not in ("tariff", "export_tax"):
        raise UnknownNameError.of("instrument", to, ("tariff", "export_tax"), "to")
    for column in by:
        if column not in BILATERAL:
            raise UnknownNameError.of("column", column, BILATERAL, "by")
    outcome = simulate(where) if isinstance(where, World) else where
    slope = gradient(outcome, f"real_income[{country}]", to) / 100.0
    others = [d for d in BILATERAL if d not in by]
    summed = slope.sum(others) if others else slope
    traded = (outcome.trade > 0).any(others) if others else outcome.trade > 0
    frame = summed.transpose(*by).to_series().rename("percent_per_point")
    frame = frame[traded.transpose(*by).to_series().to_numpy()].reset_index()
    if "importer" in by and "exporter" in by:
        frame = frame[frame["importer"] != frame["exporter"]]
    return frame.sort_values("percent_per_point", kind="stable", ignore_index=True)


# --- the adjoint --------------------------------------------------------------------------------
_spaces: WeakKeyDictionary[Outcome, KrylovSpace] = WeakKeyDictionary()


def _space(outcome: Outcome) -> KrylovSpace:
    """The Krylov space of the transposed equations at ``outcome``, kept as long as it lives."""
    if outcome not in _spaces:
        e = outcome.after
        steps = prepare(outcome.world, e.model).steps
        problem = e.problem

        def transpose(y: Array) -> Array:
            return e.model.cotangent(y, e.point, problem)

        size = e.solution.value.size
        _spaces[outcome] = KrylovSpace(transpose, lambda v: -steps.transposed(v), size)
    return _spaces[outcome]


def _through(outcome: Outcome, of: Sequence[Objectives], wrt: str) -> Through | None:
    """How quotas change a derivative; None where there are none."""
    held = outcome.after.quotas
    if held is None or not held.live:
        if wrt == "quota":
            raise InputError("gradient: the policy has no quota above zero to differentiate in")
        return None
    names = [n for each in of for n in ([each] if isinstance(each, str) else each)]
    for name in names:
        if name.strip().startswith("revenue"):
            raise InputError(
                f"gradient: {name}: under quotas a part of what buyers pay is rent and no revenue, "
                "and its derivative is not worked out; income[C] holds both"
            )
    steps = prepare(outcome.world, outcome.after.model).steps
    return Through(outcome.after, steps, [q.cell for q in outcome.policy.quota], RTOL)


def _one(
    outcome: Outcome, part: Objective, space: KrylovSpace, wrt: str, through: Through | None
) -> Array:
    e = outcome.after
    problem = e.problem
    target = e.model.pull_back(part.bars, e.point, problem)
    y = space.solve(target, rtol=RTOL)
    left = target - e.model.cotangent(y, e.point, problem)
    size = float(np.abs(target).max())
    if not float(np.abs(left).max()) <= 1e-8 * max(size, 1e-300):
        raise ConvergenceError(
            f"gradient of {part.label}: the adjoint system stopped at a relative error of "
            f"{np.abs(left).max() / size:.3g}; the equilibrium is close to singular there"
        )
    found = e.model.policy_gradient(part.bars, y, e.point, problem)
    if through is not None:
        if wrt == "quota":
            return through.volumes(found)
        found = through.instruments(found)
    value = slope(outcome.policy, found, wrt)
    if wrt == "transfer":
        payers = e.economy.value_added / e.economy.value_added.sum()
        value = value - payers @ value
    return value
