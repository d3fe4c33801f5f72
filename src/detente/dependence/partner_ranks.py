"""Top trading partners and their ranks, from goods trade of 2023.

"The number one trading partner of more than 120 countries": how many it is depends on what is
ranked (exports plus imports, sources, destinations), on what counts as one partner (each EU
member, or the EU; mainland China, or with Hong Kong and Macao) and on who is counted. The
table beside this module holds the ranks under each; :func:`build_partner_ranks` makes it from
the bilateral file of BACI (CEPII, HS22 V202501, Etalab 2.0).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from detente.errors import TableError, UnknownNameError
from detente.parquet import read_frame

__all__ = [
    "GROUPINGS", "MEASURES", "SOURCE", "FirstPartner", "ahead_of", "build_partner_ranks",
    "first_partner_of", "partner_ranks", "top_partners", "write_partner_ranks",
]  # fmt: skip

MEASURES = {
    "total": "exports plus imports",
    "imports": "source of imports",
    "exports": "destination of exports",
}

GROUPINGS = {
    "economies": "every economy of the file by itself",
    "EU as one": "the 27 members of the EU as one economy, trade among them left out",
    "China with Hong Kong and Macao": "the three as one economy, trade among them left out",
}

SOURCE = (
    "Gaulier, G. and Zignago, S. (2010), BACI: International Trade Database at the Product-Level, "
    "CEPII Working Paper 2010-23; BACI HS22 V202501, goods trade of 2023, CEPII, Etalab 2.0"
)

KEPT = 5
"""Ranks kept for every economy; China and the United States are kept at any rank."""

_ALWAYS = ("CHN", "USA", "EU", "CHN+HKG+MAC")
_FILE = "partner-ranks-2023.parquet"


def build_partner_ranks(raw: str | Path) -> pd.DataFrame:
    """Ranks from a bilateral table (exporter, importer, value_usd_thousand), goods in all.

    Ties go to the partner first in the alphabet. Same file, same rows.

    Raises
    ------
    TableError
        A column is missing, a pair is there twice, a value is negative or missing.
    """
    table = pd.read_parquet(raw)
    wanted = ["exporter", "importer", "value_usd_thousand"]
    lacking = [c for c in wanted if c not in table.columns]
    if lacking:
        raise TableError(f"{raw}: columns {lacking} are missing; give {wanted}")
    if table.duplicated(wanted[:2]).any():
        twice = table[table.duplicated(wanted[:2])].iloc[0]
        raise TableError(f"{raw}: {twice['exporter']} to {twice['importer']} is there twice")
    if table["value_usd_thousand"].isna().any() or (table["value_usd_thousand"] < 0).any():
        raise TableError(f"{raw}: a value is missing or negative")
    parts = []
    for grouping in GROUPINGS:
        flows = _grouped(table, grouping)
        sides = {
            "exports": flows.rename(columns={"exporter": "economy", "importer": "partner"}),
            "imports": flows.rename(columns={"importer": "economy", "exporter": "partner"}),
        }
        sides["total"] = pd.concat(sides.values())
        for measure in MEASURES:
            parts.append(_ranked(sides[measure], grouping, measure))
    return pd.concat(parts, ignore_index=True)


def write_partner_ranks(raw: str | Path, folder: str | Path) -> Path:
    """Build the table and its PROVENANCE.md in ``folder``; returns the path of the table."""
    table = build_partner_ranks(raw)
    path = Path(folder) / _FILE
    table.to_parquet(path, compression="zstd", index=False)
    digest = hashlib.sha256(Path(raw).read_bytes()).hexdigest()
    lines = [
        "# Provenance of the table of partner ranks",
        "",
        "Written by `detente.dependence.partner_ranks.write_partner_ranks(raw, folder)`.",
        "",
        f"- Source: {SOURCE}.",
        "- Where: https://www.cepii.fr/CEPII/en/bdd_modele/bdd_modele_item.asp?id=37",
        "- Terms: Etalab Open Licence 2.0; attribute CEPII.",
        f"- Raw file: `{Path(raw).name}`, SHA-256 `{digest}`: sums over products by exporter and",
        "  importer, as in a replication package of Ignatenko, Lashkaripour, Macedoni and",
        "  Simonovska (2025). The raw file is not shipped.",
        f"- Rows: {len(table):,}. Economies by grouping: "
        + ", ".join(
            f"{n} {g}"
            for g, n in table.groupby("grouping", sort=False)["economy"].nunique().items()
        )
        + ".",
        "- Columns: grouping, measure (total = exports + imports, imports, exports), economy,",
        f"  rank, partner, value_usd_mn, share. The first {KEPT} partners of every economy, and",
        "  China, the United States and the EU at whatever rank they have.",
        "- Goods only, no services. Taiwan is not in the source. BACI reconciles what exporters",
        "  and importers report; values are free on board.",
        "",
    ]
    (Path(folder) / "PROVENANCE.md").write_text("\n".join(lines), encoding="utf-8")
    return path


@lru_cache(maxsize=1)
def _shipped() -> pd.DataFrame:
    return read_frame(Path(str(files("detente") / "dependence" / "data" / _FILE)))


def partner_ranks(
    economy: str | None = None, measure: str = "total", grouping: str = "economies"
) -> pd.DataFrame:
    """Rows of the shipped table: economy, rank, partner, value_usd_mn, share.

    Raises
    ------
    UnknownNameError
        A measure, grouping or economy the table does not hold.
    """
    _check(measure, grouping)
    table = _shipped()
    rows = table[(table["measure"] == measure) & (table["grouping"] == grouping)]
    if economy is not None:
        known = rows["economy"].unique().tolist()
        if economy not in known:
            from detente.labels import resolve_countries

            code = resolve_countries([economy])[0] if economy.isascii() else economy
            if code not in known:
                raise UnknownNameError.of("economy", economy, known, "partner_ranks")
            economy = code
        rows = rows[rows["economy"] == economy]
    return rows.drop(columns=["measure", "grouping"]).reset_index(drop=True)


def top_partners(economy: str, measure: str = "total", grouping: str = "economies") -> pd.DataFrame:
    """The first five partners of an economy."""
    rows = partner_ranks(economy, measure, grouping)
    return rows[rows["rank"] <= KEPT].reset_index(drop=True)


@dataclass(frozen=True, eq=False)
class FirstPartner:
    """For how many economies a partner is the first, by definition.

    Attributes
    ----------
    table : one row a definition: grouping, measure, economies counted, first_for, top3_for,
        share of economies, and whether ``claim`` fits
    largest : the largest count under any definition
    fits : definitions under which the claim holds; empty where none does
    economies : those it is first for, by (grouping, measure)
    """

    partner: str
    claim: int
    table: pd.DataFrame
    largest: int
    fits: tuple[str, ...]
    economies: Mapping[tuple[str, str], tuple[str, ...]]
    provenance: Mapping[str, Any]
    text: str


def first_partner_of(partner: str = "CHN", claim: int = 120) -> FirstPartner:
    """How many economies have ``partner`` as their first, under every definition of the table.

    ``claim`` is "more than this many". A definition that ranks among the EU as one counts the
    EU once.
    """
    table = _shipped()
    rows: list[dict[str, Any]] = []
    named: dict[tuple[str, str], tuple[str, ...]] = {}
    fits: list[str] = []
    for grouping in GROUPINGS:
        label = partner
        if grouping.startswith("China") and partner == "CHN":
            label = "CHN+HKG+MAC"
        for measure, text in MEASURES.items():
            part = table[(table["grouping"] == grouping) & (table["measure"] == measure)]
            counted = part.loc[part["economy"] != label, "economy"].nunique()
            mine = part[part["partner"] == label]
            first = tuple(sorted(mine.loc[mine["rank"] == 1, "economy"]))
            named[grouping, measure] = first
            if len(first) > claim:
                fits.append(f"{text}, {grouping}")
            rows.append(
                {
                    "grouping": grouping, "measure": measure, "definition": text,
                    "economies": counted, "first_for": len(first),
                    "top3_for": int((mine["rank"] <= 3).sum()),
                    "share": len(first) / counted, "fits_claim": len(first) > claim,
                }
            )  # fmt: skip
    frame = pd.DataFrame(rows)
    if not (table["partner"] == partner).any():
        raise UnknownNameError.of("partner", partner, sorted(set(table["partner"])), "ranks")
    largest = int(frame["first_for"].max())
    best = max(rows, key=lambda row: row["first_for"])
    verdict = (
        f"first partner of more than {claim}: " + "; ".join(fits)
        if fits
        else f"under none of {len(frame)} definitions is {partner} the first partner of more than "
        f"{claim} economies; the most is {largest} of {best['economies']} "
        f"({best['definition']}, {best['grouping']})"
    )
    return FirstPartner(
        partner, claim, frame, largest, tuple(fits), named,
        {"source": SOURCE, "year": 2023, "covers": "goods, 194 economies, without Taiwan"},
        verdict,
    )  # fmt: skip


def ahead_of(
    partner: str, rival: str, measure: str = "total", grouping: str = "economies"
) -> tuple[int, int]:
    """For how many economies trade with ``partner`` is larger than with ``rival``, and of how many:
    all others in the data. Trade that the data do not hold is none.

    Raises
    ------
    UnknownNameError
        A measure or grouping the table does not hold, or a partner whose trade is not kept for
        every economy.
    """
    _check(measure, grouping)
    kept = ("CHN", "USA")
    labels = []
    for name in (partner, rival):
        if name not in kept:
            raise UnknownNameError.of("partner", name, kept, "ahead_of")
        merged = grouping.startswith("China") and name == "CHN"
        labels.append("CHN+HKG+MAC" if merged else name)
    rows = partner_ranks(measure=measure, grouping=grouping)
    others = sorted(set(rows["economy"]) - set(labels))
    values = rows.pivot(index="economy", columns="partner", values="value_usd_mn")[labels]
    values = values.reindex(others).fillna(0.0)
    return int((values[labels[0]] > values[labels[1]]).sum()), len(others)


def _grouped(table: pd.DataFrame, grouping: str) -> pd.DataFrame:
    from detente.labels import group_members

    merged: dict[str, str] = {}
    if grouping == "EU as one":
        merged = dict.fromkeys(group_members("EU27"), "EU")
    elif grouping.startswith("China"):
        merged = dict.fromkeys(("CHN", "HKG", "MAC"), "CHN+HKG+MAC")
    flows = table.copy()
    for side in ("exporter", "importer"):
        flows[side] = [merged.get(str(c), str(c)) for c in flows[side]]
    return flows[flows["exporter"] != flows["importer"]]


def _ranked(flows: pd.DataFrame, grouping: str, measure: str) -> pd.DataFrame:
    sums = flows.groupby(["economy", "partner"], as_index=False)["value_usd_thousand"].sum()
    sums = sums[sums["value_usd_thousand"] > 0].copy()
    total = sums.groupby("economy")["value_usd_thousand"].transform("sum")
    sums["share"] = sums["value_usd_thousand"] / total
    sums = sums.sort_values(
        ["economy", "value_usd_thousand", "partner"], ascending=[True, False, True], kind="stable"
    )
    sums["rank"] = sums.groupby("economy").cumcount() + 1
    kept = sums[(sums["rank"] <= KEPT) | sums["partner"].isin(_ALWAYS)]
    return pd.DataFrame(
        {
            "grouping": grouping,
            "measure": measure,
            "economy": kept["economy"].to_numpy(),
            "rank": kept["rank"].to_numpy().astype("int16"),
            "partner": kept["partner"].to_numpy(),
            "value_usd_mn": (kept["value_usd_thousand"] / 1e3).round(3).to_numpy(),
            "share": kept["share"].round(6).to_numpy(),
        }
    )


def _check(measure: str, grouping: str) -> None:
    if measure not in MEASURES:
        raise UnknownNameError.of("measure", measure, MEASURES, "partner_ranks")
    if grouping not in GROUPINGS:
        raise UnknownNameError.of("grouping", grouping, GROUPINGS, "partner_ranks")
