"""The cases of the speed table."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

import detente as dt
from benchmarks.worlds import random_world

TABLES = Path(os.environ.get("DETENTE_SHARED", "../shared")) / "data" / "cp2015"


def nafta():
    """Caliendo and Parro's world and their tariffs of 2005; None without the raw tables."""
    import pandas as pd

    if not TABLES.is_dir():
        return None

    def table(name):
        return pd.read_parquet(TABLES / f"{name}.parquet")

    def value(frame, column):
        return frame[["sector", "importer", "exporter", column]].rename(columns={column: "value"})

    trade = table("trade")
    world = dt.World.from_tables(
        trade=trade[["sector", "importer", "exporter", "value"]],
        tariff=value(trade, "tariff_bln"),
        inputs=table("intermediate_consumption"),
        value_added=table("value_added"),
        final=table("final_consumption"),
        deficit=table("deficit").rename(columns={"D": "value"}),
        theta=table("theta"),
        name="nafta",
        identities="report",
    )
    return world, dt.Policy(world, tariff=value(trade, "tariff_cfl"))


def world_2022():
    """The embedded world; the USA adds 10 points on all goods and 40 on China's."""
    world = dt.load_world()
    tariff = world.tariff.values.copy()
    usa, china = (world.countries.index(c) for c in ("USA", "CHN"))
    goods = [j for j, s in enumerate(world.sectors) if s != "services"]
    tariff[goods, usa, :] += 0.1
    tariff[goods, usa, china] += 0.3
    tariff[:, usa, usa] = 0.0
    return world, dt.Policy(world, tariff=tariff)


def synthetic(sectors: int, countries: int, seed: int = 1):
    """A random world; one country adds 25 points on everything."""
    world = random_world(sectors, countries, seed, zeros=0.1, idle=0.02)
    tariff = world.tariff.values.copy()
    tariff[:, 2, :] += 0.25
    tariff[:, 2, 2] = 0.0
    return world, dt.Policy(world, tariff=tariff)


def regimes(count: int, seed: int = 0):
    """The embedded world and ``count`` regimes on it, one country's tariffs raised in each."""
    world = dt.load_world()
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        tariff = world.tariff.values.copy()
        n = int(rng.integers(len(world.countries)))
        tariff[:, n, :] += rng.uniform(0.0, 0.5)
        tariff[:, n, n] = 0.0
        found.append(dt.Policy(world, tariff=tariff))
    return world, found
