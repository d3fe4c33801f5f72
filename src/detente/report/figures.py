"""Figures of a run, for print and screen. Colours are safe for colour-blind readers."""

from __future__ import annotations

import numpy as np

from detente.labels import country_name, sector_name
from detente.report.images import new_figure, png
from detente.runs.run import RunResult

__all__ = ["draw_run"]

LOSS, GAIN, GREY = "#b5482a", "#2a6f97", "#6b7280"
SHOWN = 16


def draw_run(result: RunResult) -> bytes:
    """Draw real income by country, and who replaced whom in the focus market.

    The whiskers are the range over elasticity sets, where it was asked for. The bytes are PNG.
    """
    scenario, market = result.scenario, result.market
    figure = new_figure(11.5, 6.6)
    left, right = figure.subplots(1, 2)
    _bars_income(left, result)
    if market is not None:
        _bars_diversion(right, result)
    else:
        _bars_markets(right, result)
    figure.suptitle(scenario.title, fontsize=14, fontweight="bold", x=0.01, ha="left")
    out = result.outcome
    figure.supxlabel(
        f"{out.world.name} (OECD ICIO), {out.after.model.title}, deficits {scenario.deficit}, "
        f"elasticities {scenario.theta}. Long-run comparative statics.",
        fontsize=8, color=GREY, x=0.01, ha="left",
    )  # fmt: skip
    return png(figure)


def _bars_income(axes, result: RunResult) -> None:
    rows = result.tables["countries"]
    size = rows["real_income_pct"].abs().sort_values(ascending=False)
    part = rows.loc[sorted(size.index[:SHOWN])][::-1]
    values = part["real_income_pct"].to_numpy()
    y = np.arange(len(part))
    axes.barh(y, values, color=[LOSS if v < 0 else GAIN for v in values], height=0.72)
    title = "Real income, %"
    if "real_income_low_pct" in part:
        axes.hlines(
            y, part["real_income_low_pct"], part["real_income_high_pct"], color="#111827", lw=1.2
        )
        title += " (line: range over elasticity sets)"
    axes.set_yticks(y, [str(n) for n in part["name"]])
    _tidy(axes, title)


def _bars_diversion(axes, result: RunResult) -> None:
    assert result.market is not None
    sector, importer = result.market
    table = result.tables["diversion"]
    size = table["change_usd_bn"].abs().sort_values(ascending=False)
    part = table.loc[sorted(size.index[:SHOWN])][::-1]
    values = part["change_usd_bn"].to_numpy()
    y = np.arange(len(part))
    axes.barh(y, values, color=[LOSS if v < 0 else GAIN for v in values], height=0.72)
    names = [
        f"{country_name(c)} (home)" if c == importer else country_name(c) for c in part["exporter"]
    ]
    axes.set_yticks(y, names)
    what = sector_name(sector).lower()
    _tidy(axes, f"Sales of {what} in {country_name(importer)}, change, USD bn a year")


def _bars_markets(axes, result: RunResult) -> None:
    part = result.tables["markets"].head(SHOWN)[::-1]
    y = np.arange(len(part))
    axes.barh(y, part["moved_usd_bn"], color=GAIN, height=0.72)
    names = [
        f"{sector_name(s)} in {country_name(c)}"
        for s, c in zip(part["sector"], part["importer"], strict=True)
    ]
    axes.set_yticks(y, names)
    _tidy(axes, "Sales that moved between sellers, USD bn a year")


def _tidy(axes, title: str) -> None:
    axes.set_title(title, fontsize=10, loc="left")
    axes.axvline(0, color="#111827", lw=0.8)
    axes.grid(axis="x", color="#e5e7eb", lw=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=9)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
