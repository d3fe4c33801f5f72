"""Which parameter matters: first-order shares of variance, by binning.

For a verdict the outcome is the vector of its indicators; for a number it is the number. A
parameter's share is the part of the variance that its bins explain (the first-order Sobol index,
estimated from the draws themselves), less what bins explain by chance (epsilon squared: Kelley
1935). It misses interactions: shares need not sum to one, and the rest is stated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from detente.cards.draws import Prior
from detente.models.blocks import Array

__all__ = ["METHOD", "drivers", "variance_share"]

METHOD = (
    "first-order share of variance (Sobol), estimated over bins of the draws and corrected for "
    "chance"
)


def variance_share(groups: Array, outcomes: Array) -> float:
    """Share of the variance of ``outcomes`` (n, k), summed over columns, between ``groups``."""
    y = np.asarray(outcomes, dtype=float)
    y = y[:, None] if y.ndim == 1 else y
    if not len(y):
        return 0.0
    labels, g = np.unique(groups, return_inverse=True)
    n, k = len(y), len(labels)
    total = float(((y - y.mean(axis=0)) ** 2).sum())
    if total <= 1e-24 * max(1.0, float(np.abs(y).max()) ** 2) * n or k < 2 or n <= k:
        return 0.0
    sizes = np.bincount(g, minlength=k).astype(float)
    means = np.stack([np.bincount(g, y[:, c], k) / sizes for c in range(y.shape[1])], axis=1)
    between = float((sizes[:, None] * (means - y.mean(axis=0)) ** 2).sum())
    within = (total - between) / (n - k)
    share = (between - (k - 1) * within) / total
    return float(min(share, 1.0)) if share > 1e-9 else 0.0


def drivers(
    draws: pd.DataFrame, priors: Mapping[str, Prior], outcomes: Array, leading: Sequence[bool]
) -> pd.DataFrame:
    """One row a parameter that varies, most influential first.

    ``leading`` marks the draws with the leading verdict: its share among draws where the
    parameter is low (lowest third) and high (highest third) gives the direction; for names, the
    share at the name where it is lowest and highest.
    """
    hit = np.asarray(leading, dtype=float)
    rows = []
    for name, prior in priors.items():
        if prior.fixed:
            continue
        values = draws[name].to_numpy()
        if prior.choices is not None:
            groups = np.array([v if isinstance(v, str) else f"{v:g}" for v in values])
            by = pd.Series(hit).groupby(groups).mean()
            low, high = f"at {by.idxmin()}", f"at {by.idxmax()}"
            at_low, at_high = float(by.min()), float(by.max())
        else:
            order = np.argsort(np.argsort(values.astype(float), kind="stable"), kind="stable")
            bins = int(np.clip(len(values) // 15, 2, 12))
            groups = order * bins // len(values)
            third = order * 3 // len(values)
            low, high = "lowest third", "highest third"
            at_low = float(hit[third == 0].mean()) if (third == 0).any() else np.nan
            at_high = float(hit[third == 2].mean()) if (third == 2).any() else np.nan
        rows.append(
            {
                "parameter": name,
                "variance_share": variance_share(groups, outcomes),
                "range": prior.text,
                "low_where": low, "leading_share_low": at_low,
                "high_where": high, "leading_share_high": at_high,
            }
        )  # fmt: skip
    frame = pd.DataFrame(
        rows,
        columns=["parameter", "variance_share", "range", "low_where", "leading_share_low",
                 "high_where", "leading_share_high"],
    )  # fmt: skip
    return frame.sort_values("variance_share", ascending=False, kind="stable", ignore_index=True)
