"""The five equations as the paper prints them: pi' formed, sums written out, no kernels.

The slow route that the fast one is tested against.
"""

from __future__ import annotations

import numpy as np

from detente.models.blocks import Instruments
from detente.models.caliendo_parro.economy import Economy


def plain_step(w, P, X, base: Economy, policy: Instruments, deficit):
    """New prices (J, N), spending (J, N) and labour demand (N,) from wages, prices, spending;
    ``deficit`` maps own income to deficits."""
    J, N = base.beta.shape
    theta = base.theta
    e = np.zeros((J, N, N)) if policy.export_tax is None else policy.export_tax
    d = np.ones((J, N, N)) if policy.iceberg is None else policy.iceberg
    kappa = (1 + policy.tariff) / (1 + base.tariff) * (1 + e) * d
    c = np.empty((J, N))
    for j in range(J):
        for n in range(N):
            c[j, n] = w[n] ** base.beta[j, n] * np.prod(P[:, n] ** base.gamma[n, j, :])
    terms = base.pi * (kappa * c[:, None, :]) ** -theta[:, None, None]
    terms[base.pi == 0] = 0.0
    bought = terms.sum(axis=2)
    P_new = np.where(bought > 0, bought, 1.0) ** (-1 / theta[:, None])
    share = terms / np.where(bought > 0, bought, 1.0)[:, :, None]
    spent = share * X[:, :, None]
    border = spent / (1 + policy.tariff)
    sold = border / (1 + e)
    Y = sold.sum(axis=1)
    own = w * base.value_added + (policy.tariff * border).sum(axis=(0, 2))
    own = own + (e * sold).sum(axis=(0, 1)) + policy.transfer
    income = own + deficit(own)
    X_new = np.einsum("nuk,un->kn", base.gamma, Y) + base.alpha * income
    return P_new, X_new, (base.beta * Y).sum(axis=0), share
