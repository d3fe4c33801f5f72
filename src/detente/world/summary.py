"""What a world holds, in three small tables."""

from __future__ import annotations

import numpy as np
import pandas as pd

from detente.world.world import World

__all__ = ["country_summary", "identity_summary", "sector_summary"]

BN = 1e-3


def country_summary(world: World) -> pd.DataFrame:
    """One row a country: value added, output, exports, imports, deficit in USD bn, the average
    tariff it charges and faces (trade-weighted, percent), largest economy first."""
    trade, tariff = world.trade.values, world.tariff.values
    abroad = trade.copy()
    here = np.arange(abroad.shape[1])
    abroad[:, here, here] = 0.0
    imports, exports = abroad.sum(axis=(0, 2)), abroad.sum(axis=(0, 1))
    duty = abroad * tariff
    table = pd.DataFrame(
        {
            "country": world.countries,
            "value_added_usd_bn": BN * world.value_added.values.sum(axis=0),
            "output_usd_bn": BN * trade.sum(axis=(0, 1)),
            "exports_usd_bn": BN * exports,
            "imports_usd_bn": BN * imports,
            "deficit_usd_bn": BN * world.deficit.values,
            "tariff_charged_pct": 100 * duty.sum(axis=(0, 2)) / np.where(imports > 0, imports, 1),
            "tariff_faced_pct": 100 * duty.sum(axis=(0, 1)) / np.where(exports > 0, exports, 1),
        }
    )
    return table.sort_values("value_added_usd_bn", ascending=False).reset_index(drop=True)


def sector_summary(world: World) -> pd.DataFrame:
    """One row a sector: world output and trade in USD bn, average tariff, elasticity."""
    trade, tariff = world.trade.values, world.tariff.values
    home = np.einsum("jnn->j", trade)
    crossing = trade.sum(axis=(1, 2)) - home
    duty = (trade * tariff).sum(axis=(1, 2))
    return pd.DataFrame(
        {
            "sector": world.sectors,
            "output_usd_bn": BN * trade.sum(axis=(1, 2)),
            "traded_usd_bn": BN * crossing,
            "tariff_pct": 100 * duty / np.where(crossing > 0, crossing, 1),
            "theta": world.theta.values,
        }
    )


def identity_summary(world: World) -> pd.DataFrame:
    """One row an identity: the largest relative miss, and where."""
    ds = world.dataset
    trade, tariff, inputs = ds.trade.values, ds.tariff.values, ds.inputs.values
    output = ds.value_added.values + inputs.sum(axis=0)
    spending = (trade * (1 + tariff)).sum(axis=2)
    use = inputs.sum(axis=1) + ds.final.values
    total = ds.value_added.values.sum(axis=0)
    revenue = (trade * tariff).sum(axis=(0, 2))
    deficit = ds.deficit.values
    found = trade.sum(axis=(0, 2)) - trade.sum(axis=(0, 1))
    floor = float(output.mean())

    def row(name: str, a: np.ndarray, b: np.ndarray, scale: np.ndarray) -> dict[str, object]:
        miss = np.abs(a - b) / np.maximum(scale, floor)
        at = np.unravel_index(int(miss.argmax()), miss.shape)
        where = world.countries[at[-1]] + (f" {world.sectors[at[0]]}" if miss.ndim == 2 else "")
        return {"identity": name, "largest_relative_miss": float(miss.max()), "where": where}

    rows = [
        row("sales = value added + inputs", trade.sum(axis=1), output, output),
        row("spending = inputs + final", spending, use, use),
        row(
            "final = value added + revenue + deficit",
            ds.final.values.sum(axis=0), total + revenue + deficit, total,
        ),
        row("deficit = imports - exports", deficit, found, total),
        {
            "identity": "deficits sum to zero",
            "largest_relative_miss": abs(float(deficit.sum())) / float(total.sum()),
            "where": "world",
        },
    ]  # fmt: skip
    return pd.DataFrame(rows)
