"""Random worlds and policies with everything on."""

from __future__ import annotations

import numpy as np
from benchmarks.worlds import random_world

import detente as dt


def random_case(sectors, countries, seed, *, bans=True, **options):
    """A world and the arrays of a policy on it: tariff, export_tax, iceberg, transfer."""
    world = random_world(sectors, countries, seed, **options)
    rng = np.random.default_rng(seed + 1000)
    shape = world.tariff.shape
    tax = rng.uniform(-0.1, 0.3, shape)
    tax[0] = 0.0
    iceberg = rng.uniform(0.8, 1.5, shape)
    if bans:
        iceberg[-1, 0, 2] = np.inf
    amounts = rng.normal(size=countries)
    amounts -= amounts.mean()
    scale = 0.02 * float(world.value_added.sum("sector").min())
    return world, {
        "tariff": world.tariff.values + rng.uniform(-0.1, 0.6, shape),
        "export_tax": tax,
        "iceberg": iceberg,
        "transfer": dict(zip(world.countries, scale * amounts, strict=True)),
    }


def solve(world, parts, **options):
    return dt.simulate(world, dt.Policy(world, **parts), **options)
