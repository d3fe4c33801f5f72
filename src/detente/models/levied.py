"""What a policy does to the shares of buyers, in every model whose demand has constant elasticity."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detente.models.blocks import Array, Instruments

__all__ = ["Levied", "levied"]


class Levied(NamedTuple):
    """Kernels (J, N, N) with each importer's row scaled by ``exp(row_scale)`` (J, N): ``A`` weighs
    sellers in buyers' spending, ``B1`` leaves the tariff out, ``B`` the export tax too.

    ``taxed`` lists the sectors with an export tax (``B is B1`` when there is none).
    """

    A: Array
    B1: Array
    B: Array
    row_scale: Array
    taxed: tuple[int, ...]


def levied(
    pi: Array, theta: Array, before: Array, policy: Instruments, through: Array | None = None
) -> Levied:
    """Build A = pi kappa^-theta, B1 = A/(1+t'), B = B1/(1+e') with kappa = (1+t)^through (1+e) d.

    Only rows that the policy touches are recomputed. A row whose every seller faces a cost
    change is scaled by its smallest one, which keeps 100^-65 away from underflow.

    Parameters
    ----------
    pi : (J, N, N) base shares of spending
    theta : (J,) elasticity of the shares
    before : (J, N, N) base tariff
    through : (N,) pass-through of each importer's tariffs to the prices that shares react to;
        None: one
    """
    changed = policy.tariff != before
    for raised, nothing in ((policy.export_tax, 0.0), (policy.iceberg, 1.0)):
        if raised is not None:
            changed |= raised != nothing
    touched = np.nonzero(changed.any(axis=2))
    A = pi
    row_scale = np.zeros(pi.shape[:2])
    if touched[0].size:
        ratio = (1.0 + policy.tariff[touched]) / (1.0 + before[touched])
        if through is not None:
            ratio **= through[touched[1], None]
        if policy.export_tax is not None:
            ratio *= 1.0 + policy.export_tax[touched]
        if policy.iceberg is not None:
            ratio *= policy.iceberg[touched]
        share = pi[touched]
        rise = theta[touched[0], None] * np.log(ratio)
        rise[share == 0.0] = np.inf  # hat algebra cannot open a closed flow
        least = rise.min(axis=1)
        least = np.where(np.isfinite(least), least, 0.0)
        A = pi.copy()
        A[touched] = share * np.exp(least[:, None] - rise)
        row_scale[touched] = least
    B1 = 1.0 + policy.tariff
    np.divide(A, B1, out=B1)
    taxed: tuple[int, ...] = ()
    B = B1
    if policy.export_tax is not None:
        taxed = tuple(int(j) for j in np.nonzero((policy.export_tax != 0).any(axis=(1, 2)))[0])
        if taxed:
            B = B1 / (1.0 + policy.export_tax)
    return Levied(A, B1, B, row_scale, taxed)
