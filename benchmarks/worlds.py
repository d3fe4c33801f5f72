"""Synthetic worlds of any size that add up, for benchmarks and engine tests."""

from __future__ import annotations

import numpy as np
import xarray as xr

from detente.world import World

BILATERAL = ("sector", "importer", "exporter")


def random_world(
    sectors: int,
    countries: int,
    seed: int = 0,
    *,
    zeros: float = 0.0,
    idle: float = 0.0,
    imbalance: float = 0.3,
    tariffs: float = 0.3,
    theta: tuple[float, float] = (2.0, 12.0),
    inputs: float = 0.6,
    home: float = 6.0,
) -> World:
    """A strict world with everything on.

    ``zeros`` is the part of cross-border flows that are zero, ``idle`` the part of
    (sector, country) cells without output, ``imbalance`` the log-range between imports and
    exports, ``tariffs`` the highest base tariff, ``inputs`` the highest share of inputs in
    output, ``home`` the log-weight of domestic sales.
    """
    rng = np.random.default_rng(seed)
    J, N = sectors, countries
    size = rng.lognormal(0.0, 1.2, N)
    share = rng.dirichlet(np.full(J, 3.0), N).T
    tilt = np.exp(rng.uniform(-imbalance, imbalance, N))
    trade = (share * size * tilt)[:, :, None] * (share * size / tilt)[:, None, :]
    trade = trade * rng.lognormal(0.0, 1.0, (J, N, N)) / size.sum()
    trade[rng.random((J, N, N)) < zeros] = 0.0
    here = np.arange(N)
    off = trade.sum(axis=2) - trade[:, here, here]
    trade[:, here, here] = rng.uniform(0.3, home, (J, N)) * (off + 0.05 * share * size)
    stopped = rng.random((J, N)) < idle
    stopped[rng.integers(J, size=N), here] = False
    trade *= ~stopped[:, None, :]
    trade *= 1e6
    # a market that lost every seller buys nothing; a producer keeps a buyer at home
    tariff = rng.uniform(0.0, tariffs, (J, N, N)) * (rng.random((J, N, N)) < 0.7)
    tariff[:, here, here] = 0.0
    made = trade.sum(axis=1)
    spent = (trade * (1 + tariff)).sum(axis=2)
    gamma = rng.dirichlet(np.full(J, 0.5), (N, J)) * rng.uniform(0.1, inputs, (N, J, 1))
    use = (gamma.transpose(2, 1, 0) * made).copy()
    room = np.minimum(1.0, 0.9 * spent / np.maximum(use.sum(axis=1), 1e-300))
    use *= room[:, None, :]
    names = [f"S{j:03d}" for j in range(J)]
    labels = [f"{chr(65 + n // 676)}{chr(65 + n // 26 % 26)}{chr(65 + n % 26)}" for n in range(N)]
    coords = {"sector": names, "importer": labels, "exporter": labels}
    z = {"input": names, "sector": names, "country": labels}
    return World.from_tables(
        trade=xr.DataArray(trade, coords, BILATERAL),
        tariff=xr.DataArray(tariff, coords, BILATERAL),
        inputs=xr.DataArray(use, z, ("input", "sector", "country")),
        theta=xr.DataArray(rng.uniform(*theta, J), {"sector": names}, ("sector",)),
        name=f"random-{N}x{J}-{seed}",
    )
