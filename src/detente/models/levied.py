"""What a policy does to buyers' shares, in every model whose demand has constant elasticity."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from detente.models.blocks import Array, Instruments

__all__ = ["Levied", "levied", "levied_gradient"]


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


class Kernels(Protocol):
    """What holds the kernels ``A``, ``B1`` and ``B`` (J, N, N)."""

    @property
    def A(self) -> Array: ...  # noqa: N802
    @property
    def B1(self) -> Array: ...  # noqa: N802
    @property
    def B(self) -> Array: ...  # noqa: N802


def levied_gradient(
    price: Array,
    sales: Array,
    tariff_revenue: Array,
    export_revenue: Array,
    flows: Array | None,
    more: Array | None,
    theta: Array,
    policy: Instruments,
    k: Kernels,
    u: Array,
    q: Array,
) -> tuple[Array, Array, Array]:
    """Derivatives (J, N, N) in tariff, export tax and iceberg of what is weighed.

    Parameters
    ----------
    price : (J, N) weights on the log of each buyer's sum over A u, over that sum
    sales : (J, N) weights on sales
    tariff_revenue, export_revenue : (N,) weights
    flows : (J, N, N) weights on sales at border prices, or None
    more : (J, N, N) further weights on the log of B, or None
    u, q : (J, N) such that A u q is spending, B1 u q sales at border prices, B u q sales
    """
    tariff = 1.0 + policy.tariff
    border = k.B1 * u[:, None, :] * q[:, :, None]
    sold = border if policy.export_tax is None else border / (1.0 + policy.export_tax)
    # weights on log A, log B1, log B
    g = price[:, :, None] * (k.A * u[:, None, :])
    g1 = (export_revenue - tariff_revenue[:, None]) * border
    if flows is not None:
        g1 += flows * border
    g2 = (sales - export_revenue)[:, None, :] * sold
    if more is not None:
        g2 += more
    g += g1
    g += g2
    g *= -theta[:, None, None]
    iceberg = g if policy.iceberg is None else g / policy.iceberg
    export_tax = g - g2
    if policy.export_tax is not None:
        export_tax /= 1.0 + policy.export_tax
    return (g - g1 - g2) / tariff, export_tax, iceberg
