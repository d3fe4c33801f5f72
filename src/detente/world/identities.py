"""Accounting identities of a world table, each miss named by country and sector."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from detente.errors import TableError

__all__ = ["DIMS", "OPTIONAL", "TOLERANCE", "Miss", "check", "find_misses", "held"]

TOLERANCE = 1e-6
"""Relative to the flow, or to a millionth of world value added for tiny flows."""

DIMS: dict[str, tuple[str, ...]] = {
    "trade": ("sector", "importer", "exporter"),
    "tariff": ("sector", "importer", "exporter"),
    "inputs": ("input", "sector", "country"),
    "value_added": ("sector", "country"),
    "final": ("sector", "country"),
    "deficit": ("country",),
    "theta": ("sector",),
}

OPTIONAL: dict[str, tuple[str, ...]] = {"sigma": ("sector",), "profits": ("sector", "country")}
"""What only worlds with markups hold; ``profits`` are sales over sigma where they are left out."""

MOST = 10_000
"""Negative entries of one table that are listed; a table of nothing else would fill the memory."""

_REMEDY = {
    "sales = value added + inputs": (
        "check that importer and exporter are not swapped in trade, and that inputs are dims "
        "(input, sector = user, country)"
    ),
    "spending = inputs + final": (
        "final and inputs are at user's prices: trade x (1 + tariff) summed over exporters"
    ),
    "final = value added + revenue + deficit": (
        "check deficit (imports less exports) and that final includes tariffs"
    ),
    "deficit = imports - exports": "deficit is imports less exports at basic prices, per country",
    "profits = sales / sigma": (
        "with elasticity of substitution sigma, firms charge sigma/(sigma - 1) over cost and keep "
        "a part 1/sigma of sales: correct sigma, or leave profits out"
    ),
    "profits within value added": (
        "a part 1/sigma of sales is profits, and value added is wages and profits: take a higher "
        "sigma for that sector, or check its inputs"
    ),
    "not negative": "negative entries have no meaning here; correct or rebalance the source",
}


def held(ds: xr.Dataset) -> dict[str, tuple[str, ...]]:
    """The variables that a world holds, and their dims: the seven, and the optional ones."""
    return DIMS | {name: dims for name, dims in OPTIONAL.items() if name in ds}


class Miss(NamedTuple):
    """One identity that does not hold in one cell; ``sector`` is "" for country totals."""

    identity: str
    country: str
    sector: str
    found: float
    expected: float

    @property
    def gap(self) -> float:
        """Absolute difference."""
        return abs(self.found - self.expected)

    def __str__(self) -> str:
        where = f"{self.country} {self.sector}".strip()
        return f"{where}: {self.identity} fails, {self.found:.6g} against {self.expected:.6g}"


@np.errstate(over="ignore", invalid="ignore")  # sums beyond any number are misses like others
def find_misses(ds: xr.Dataset, tolerance: float = TOLERANCE) -> list[Miss]:
    """All identities that fail, largest gap first; of the negative entries of a table the
    ``MOST`` largest.

    Parameters
    ----------
    ds : the variables of a world, dims in the fixed order
    tolerance : relative to the cell, with a floor of a millionth of mean sector output
    """
    trade, tariff = ds.trade.values, ds.tariff.values
    inputs, va = ds.inputs.values, ds.value_added.values
    final, deficit = ds.final.values, ds.deficit.values
    countries, sectors = list(ds.country.values), list(ds.sector.values)
    N = len(countries)

    misses: list[Miss] = []
    for name in ("inputs", "value_added", "final", "trade", "profits"):
        if name not in ds:
            continue
        below = np.argwhere(ds[name].values < 0)
        if len(below) > MOST:
            order = np.argsort(ds[name].values[tuple(below.T)], kind="stable")
            below = below[order[:MOST]]
        for where in below:
            labels = dict(zip(ds[name].dims, where, strict=True))
            country = countries[labels.get("country", labels.get("importer", 0))]
            sector = sectors[labels["sector"]]
            value = float(ds[name].values[tuple(where)])
            misses.append(Miss("not negative", f"{name} of {country}", sector, value, 0.0))

    sales = trade.sum(axis=1)
    spending = (trade * (1 + tariff)).sum(axis=2)
    output = va + inputs.sum(axis=0)
    use = inputs.sum(axis=1) + final
    revenue = (trade * tariff).sum(axis=(0, 2))
    home = trade[:, np.arange(N), np.arange(N)].sum(axis=0)
    imports, exports = trade.sum(axis=(0, 2)) - home, trade.sum(axis=(0, 1)) - home
    floor = max(float(output.mean()), 1e-300)
    by_cell = (
        ("sales = value added + inputs", sales, output),
        ("spending = inputs + final", spending, use),
    )
    for identity, found, expected in by_cell:
        bad = ~(np.abs(found - expected) <= tolerance * np.maximum(np.abs(expected), floor))
        misses += [
            Miss(identity, countries[n], sectors[j], float(found[j, n]), float(expected[j, n]))
            for j, n in np.argwhere(bad)
        ]
    misses += _profit_misses(ds, sales, tolerance, floor)
    total = va.sum(axis=0)
    by_country = (
        ("final = value added + revenue + deficit", final.sum(axis=0), total + revenue + deficit),
        ("deficit = imports - exports", deficit, imports - exports),
    )
    for identity, found, expected in by_country:
        bad = ~(np.abs(found - expected) <= tolerance * np.maximum(total, floor))
        misses += [
            Miss(identity, countries[n], "", float(found[n]), float(expected[n]))
            for n in np.flatnonzero(bad)
        ]
    gap = float(deficit.sum())
    if not abs(gap) <= tolerance * float(total.sum()):
        misses.append(Miss("deficits sum to zero", "world", "", gap, 0.0))
    return sorted(misses, key=lambda m: -m.gap)


def _profit_misses(ds: xr.Dataset, sales: np.ndarray, tolerance: float, floor: float) -> list[Miss]:
    """Cells whose profits are not sales over sigma, or more than value added."""
    if "sigma" not in ds:
        return []
    implied = sales / ds.sigma.values[:, None]
    profits = ds.profits.values if "profits" in ds else implied
    va = ds.value_added.values
    allowed = tolerance * np.maximum(sales, floor)
    rows = (
        ("profits = sales / sigma", implied, np.abs(profits - implied) <= allowed),
        ("profits within value added", va, profits <= va + allowed),
    )
    return [
        Miss(
            identity, str(ds.country.values[n]), str(ds.sector.values[j]),
            float(profits[j, n]), float(expected[j, n]),
        )
        for identity, expected, good in rows
        for j, n in np.argwhere(~good)
    ]  # fmt: skip


def check(ds: xr.Dataset, source: str, tolerance: float = TOLERANCE) -> None:
    """Refuse a table that does not add up.

    Raises
    ------
    TableError
        Names the table, the three largest misses and what to look at.
    """
    misses = find_misses(ds, tolerance)
    if not misses:
        return
    listed = "; ".join(str(m) for m in misses[:3])
    more = f" ({len(misses) - 3} more)" if len(misses) > 3 else ""
    remedy = _REMEDY.get(misses[0].identity, "the deficits of all countries must cancel")
    if _looks_swapped(ds, misses, tolerance):
        remedy = "importer and exporter are swapped in trade: with the two exchanged it adds up"
    raise TableError(
        f"{source}: the table does not add up: {listed}{more}. {remedy}. Published tables that "
        "miss by nature can be taken with identities='report'."
    )


def _looks_swapped(ds: xr.Dataset, misses: list[Miss], tolerance: float) -> bool:
    """Whether sales match output once importer and exporter of ``trade`` are exchanged."""
    sales = "sales = value added + inputs"
    if not any(m.identity == sales for m in misses):
        return False
    exchanged = ds.assign(trade=(ds.trade.dims, ds.trade.values.transpose(0, 2, 1)))
    return not any(m.identity == sales for m in find_misses(exchanged, tolerance))
