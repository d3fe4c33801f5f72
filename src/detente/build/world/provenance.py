"""The text that ships beside the table: sources, repairs with numbers, terms."""

# ruff: noqa: E501 (rows of Markdown tables cannot be wrapped)

from __future__ import annotations

import textwrap

import xarray as xr

from detente.build.world.balance import FLOOR
from detente.build.world.report import BuildReport, Row
from detente.build.world.tariffs import OUTLIER, ROW_DONORS
from detente.build.world.us_column import AGREEMENT, FALLBACK

__all__ = ["provenance"]

_INTRO = """# Provenance of {id}

{title}. Written by `detente world build`; every number below comes from that run and is also in
`build-report.csv`, with those that are only counted here.

Years differ, and every comparison should say so: trade is of 2022, technology (input and
value-added shares) of 2020, tariffs of 2021, US tariffs of 2024. Tariffs other than the US ones are
therefore before RCEP and without China's retaliation against US goods; tariffs inside the EU are zero (checked).

## Sources

| what | source | publisher, date | where |
|---|---|---|---|
| trade and domestic sales, 2022 | Inter-Country Input-Output (ICIO) tables, 2025 edition, compiled by A. Lashkaripour (github.com/ahmadlp/tariffwar, commit 98636984) | OECD, 2025 | https://www.oecd.org/en/data/datasets/inter-country-input-output-tables.html |
| input and value-added shares, 2020 | ICIO tables, 2023 edition, compiled by M. Murillo (github.com/matthew-murillo/trade_simulator, commit 65f98d1f) | OECD, 2023 | same |
| tariffs, 2021 | F. Teti, Global Tariff Database, as in the compilation by A. Lashkaripour | F. Teti (database ends in 2021) | https://feodorateti.github.io/data.html |
| US tariffs, 2024 | Imports for consumption and calculated duties by HS10 and partner (github.com/tradewartracker/trade-war-redux-2025) | US Census Bureau, 2025 | https://usatrade.census.gov |
| products to sectors | HS 2022 six-digit codes to ISIC sectors, derived from the correspondence of the Yale Budget Lab | The Budget Lab at Yale | https://github.com/Budget-Lab-Yale |
| elasticities | {theta} | see `theta_sets` | |

Raw files by SHA-256:

{inputs}

## Terms

Figures derived from OECD tables may be shipped with attribution: OECD, Inter-Country Input-Output
Tables. US Census data are in the public domain. The tariff database carries no explicit licence:
this table holds averages by sector of it, with attribution to F. Teti, and `build_world_2022`
takes a table of your own rates (`tariffs=`, for instance from WITS/TRAINS) in its place. Nothing is
derived from the GTAP data base. No raw file is shipped.
"""

_FOLD = """## Countries and sectors

81 countries fold to 77: AGO, ARE, COD and STP have no technology of their own and join ROW. Trade
among them (USD {between:,.0f} million) becomes domestic sales of ROW, and the tariff revenue on it
(USD {duty:,.0f} million) is no longer counted. 28 sectors of the trade file and 45 of the technology
file meet in 23; the 23 service users are averaged with their estimated outputs. A folded tariff is
the average weighted by trade, the plain average where there is none.

Cells with zero output are kept: {zero}. Value added is zero, as in the technology of 2020, although
there is output, in {no_value}.
"""

_SERVICES = """## Services carry no tariff

The tariff file puts rates on services and on B09 (support activities for mining, no goods). Customs
duties are levied on goods: all are set to zero. Largest import-weighted rates removed, percent:
{rows}. All are in the report.
"""

_FOOD = """## Food tariffs (C10T12)

Ad valorem equivalents of specific duties on alcohol, tobacco and sugar inflate the averages. Flagged:
importers with a partner rate above {outlier:.0%}; no rate in any other sector reaches 40%. An
importer's general rate is the upper quartile over its partners. A flagged general rate is brought
down to the lower of (a) the median general rate of the other importers, {typical:.1f}%, the EU27
counted once, and (b) the importer's own general rate on agriculture times the others' median
ratio of food to agriculture, {ratio:.2f}. One factor scales all partners, so preferences keep
their relative size. This is a rule, not a measurement. (USA: replaced again below. ARE: then part
of ROW.) Thailand, Turkey and Korea, 45% to 47% at most, are just below the line and kept.

| importer | highest rate, before | after | import-weighted, before | after | reference |
|---|---|---|---|---|---|
{rows}
"""

_ROW = """## Rest of the world: an assumption

All ROW tariffs are zero in the file, which is not true. Each sector takes the import-weighted mean of
the low- and middle-income economies outside the EU in the file ({donors}), the same for every exporter.
Hong Kong's zero is true and kept. Rates before folding, percent:

{rows}
"""

_US = """## US tariffs: duties collected in 2024

Rate = calculated duty over imports for consumption, by partner and sector. They **contain Section 301
duties on China and the metals duties of 2024**: a dated tariff regime must start from statutory rates
without them, or they count twice. EU27 is one partner and applies to each member. ROW takes the pooled
rate of the partners outside the table. Without a partner of their own: {fallback}. "general" is the pooled rate
of partners without an agreement, China, Hong Kong and Russia left out; "agreement" that of {agreement}; "column 2"
that of Russia, since neither Russia nor Belarus has had normal trade relations since 9 April 2022. For
Cote d'Ivoire and Senegal (AGOA) the general rate is too high. A partner without imports in a sector takes the
general rate.

Not in any goods sector: {lost}.

| partner | tariff on goods before, percent | after |
|---|---|---|
{rows}

| sector | before, percent | after |
|---|---|---|
{sectors}

Means use trade of 2022. With the imports of 2024, chapters 98 and 99 included, collected duties are {collected}.
"""

_BALANCE = """## Inputs rebalanced

The two OECD files differ in edition and year: with the shares of 2020, final demand as a residual is
negative in {cells} ({share:.2f}% of its absolute value). Each country with a negative residual is rebalanced by RAS,
value-added shares held: the negative residual becomes {floor:.1%} of the sector's spending, and the other sectors of the
country give up the same amount in proportion, so that the total stays value added + tariff revenue + deficit.
Spending includes tariffs. Inputs move {world:.2f}% on a world average (absolute change over total,
weighted by inputs). With tariffs left out the same rule moves {without:.2f}%. An
earlier measurement of the tariff-exclusive case found 2.2% (USA 0, DEU 0, KOR 0.9, JPN 1.1, CHN 3.0, VNM 21) without
recording its floor; with a floor of 3% this rule gives KOR 0.90, JPN 1.08, CHN 2.90, VNM 20.8 and 2.4% for the world.
The floor here is low so that little moves.

| country | moved, percent | tariffs left out | negative before |
|---|---|---|---|
{rows}

Other countries did not move.

## Identities

Largest relative miss: {residuals}. Trade and tariffs are rounded to 24 significant bits before
balancing, and stored as 64-bit numbers, so that the identities hold for what is stored.
"""


def provenance(dataset: xr.Dataset, report: BuildReport) -> str:
    """Markdown text for a built world; depends on the dataset and the report only."""
    fold = report.of("countries folded into ROW")
    parts = [
        _INTRO.format(
            id=dataset.attrs["id"], title=dataset.attrs["title"],
            theta=dataset["theta"].attrs.get("citation", ""),
            inputs="\n".join(f"- `{k}` {v}" for k, v in sorted(report.inputs.items())),
        ),
        _FOLD.format(
            between=fold[0].before, duty=fold[1].before,
            zero=_cells(report.of("zero output kept")),
            no_value=_cells(report.of("zero value added kept")),
        ),
        _services(report), _food(report), _rest_of_world(report), _united_states(report),
        _own(report), _balance(report),
    ]  # fmt: skip
    return "\n".join(p for p in parts if p)


def _num(value: float | None, digits: int = 2) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _cells(rows: list[Row]) -> str:
    return ", ".join(f"{r.country} {r.sector}" for r in rows) + f" ({len(rows)})"


def _services(report: BuildReport) -> str:
    rows = sorted(
        report.of("services tariff set to zero"), key=lambda r: (-(r.before or 0), r.country)
    )
    top = ", ".join(f"{r.country} {r.sector} {_num(r.before)}" for r in rows[:10])
    return _SERVICES.format(rows=top)


def _food(report: BuildReport) -> str:
    high = report.of("food tariffs", "highest partner rate")
    mean = report.of("food tariffs", "import-weighted tariff")
    lines = [
        f"| {h.country} | {_num(h.before, 1)} | {_num(h.after, 1)} | {_num(m.before, 1)} | "
        f"{_num(m.after, 1)} | {h.note} |"
        for h, m in zip(high, mean, strict=True)
    ]
    typical = report.of("food tariffs", "median general rate of other importers")[0].after
    ratio = report.of("food tariffs", "median ratio of food to agriculture")[0].after
    return _FOOD.format(outlier=OUTLIER, typical=typical, ratio=ratio, rows="\n".join(lines))


def _rest_of_world(report: BuildReport) -> str:
    rows = report.of("ROW tariffs assumed")
    text = ", ".join(f"{r.sector} {_num(r.after, 1)}" for r in rows)
    return _ROW.format(donors=" ".join(ROW_DONORS), rows=textwrap.fill(text, 100))


def _united_states(report: BuildReport) -> str:
    lost = [r for r in report.of("US imports without a goods sector") if "duties" not in r.measure]
    kinds: dict[str, list[str]] = {}
    for country, kind in FALLBACK.items():
        kinds.setdefault(kind, []).append(country)
    return _US.format(
        fallback="; ".join(f"{k} rate for {' '.join(v)}" for k, v in kinds.items()),
        agreement=" ".join(AGREEMENT),
        lost=", ".join(f"{r.measure} {_num(r.after, 3)}%" for r in lost) + " of US imports",
        rows="\n".join(
            f"| {r.country} | {_num(r.before)} | {_num(r.after)} |"
            for r in report.of("US tariffs by partner")
        ),
        sectors="\n".join(
            f"| {r.sector} | {_num(r.before)} | {_num(r.after)} |"
            for r in report.of("US tariffs by sector")
        ),
        collected=", ".join(
            f"{r.country} {_num(r.after, 1)}%" for r in report.of("US collected duties 2024")
        ),
    )


def _own(report: BuildReport) -> str:
    rows = report.of("own tariffs")
    if not rows:
        return ""
    return (
        f"## Own tariffs\n\n{_num(rows[0].after, 0)} rates were replaced by a table of the user.\n"
    )


def _balance(report: BuildReport) -> str:
    step, other = "inputs rebalanced, tariffs included", "inputs rebalanced, tariffs left out"
    without = {r.country: r for r in report.of(other, "inputs moved")}
    moved = sorted(
        (r for r in report.of(step, "inputs moved")
         if (r.after or 0) > 0 or (without[r.country].after or 0) > 0),
        key=lambda r: (-(r.after or 0), r.country),
    )  # fmt: skip
    negative = report.of(step, "negative final demand, world")[0]
    return _BALANCE.format(
        cells=negative.note, share=negative.before, floor=FLOOR,
        world=report.of(step, "inputs moved, world")[0].after,
        without=report.of(other, "inputs moved, world")[0].after,
        rows="\n".join(
            f"| {r.country} | {_num(r.after)} | {_num(without[r.country].after)} | "
            f"{r.note.removeprefix('negative before: ')} |"
            for r in moved
        ),
        residuals=", ".join(
            f"{k} {'below 1e-12' if v < 1e-12 else format(v, '.0e')}"
            for k, v in report.residuals.items()
            if k != "negative cells"
        ) + f"; negative cells {report.residuals['negative cells']:.0f}",
    )  # fmt: skip
