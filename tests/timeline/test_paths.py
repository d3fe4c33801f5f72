"""The trade war as a path: two routes to each number, rebasing, draws, and what has no number."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.errors import ConvergenceError, DateError, InputError
from detente.outcome.march import March, Stage
from detente.timeline.laws import SHIPPED, Laws
from detente.timeline.path import law_stages
from detente.timeline.path_draws import Drawn, PathDraws, draw_parameters, draw_paths
from detente.timeline.paths import (
    PATH_COLUMNS,
    LawPath,
    law_calendar,
    law_march,
    law_path,
    made_from,
    path_columns,
)
from detente.world import World
from detente.world.horizons import DEFAULT_HORIZON, horizon_record, horizon_sets
from detente.world.theta import theta_sets

NAMES = [c.name for c in PATH_COLUMNS]


@pytest.fixture(scope="module")
def world() -> World:
    return dt.load_world()


@pytest.fixture(scope="module")
def laws() -> Laws:
    return Laws.read(SHIPPED)


@pytest.fixture(scope="module")
def path(laws: Laws, world: World) -> LawPath:
    return law_path(laws, world)


def test_so_far_is_the_path_of_the_library(path: LawPath, world: World, laws: Laws) -> None:
    same = dt.path(world, end="2019-06")
    for q, name in enumerate(same.times):
        assert path.quarters[q] == name
        for variable in ("real_income", "real_wage", "exports", "imports"):
            found = path.columns[q, NAMES.index(f"{variable}_pct")]
            np.testing.assert_allclose(found, same[variable].values[q], atol=1e-7)
        revenue = path.columns[q, NAMES.index("tariff_revenue_usd_bn")]
        np.testing.assert_allclose(1e3 * revenue, same.revenue.values[q], rtol=1e-7)
        np.testing.assert_allclose(path.output[q], same.output.values[q], atol=1e-6)
    assert path.horizon == DEFAULT_HORIZON
    assert path.last[-1] >= laws.until == path.until
    assert path.error == ""
    assert np.isfinite(path.columns).all()
    assert np.isfinite(path.after).all()


@pytest.mark.parametrize("day", ["2018-01-01", "2018-09-24"])
def test_a_year_on_is_a_march_to_the_quarter_and_a_year(
    path: LawPath, world: World, laws: Laws, day: str
) -> None:
    place = laws.dates.index(day)
    march = law_march(laws, world, horizon_record())
    before = law_stages(laws, world, law_calendar(laws))[: path.quarter(day)]
    year = Stage(day, day, day, laws.policy(place, world), 12)
    *_, end = march.walk(march.start(), [*before, year])
    np.testing.assert_allclose(path.after[place], path_columns(end), atol=1e-7)


def test_dates_of_one_law_and_quarter_have_one_year(path: LawPath, laws: Laws) -> None:
    pairs = [
        (a, b)
        for b, a in enumerate(laws.same_as)
        if a != b and path.quarter(laws.dates[a]) == path.quarter(laws.dates[b])
    ]
    assert pairs
    for a, b in pairs:
        np.testing.assert_array_equal(path.after[a], path.after[b])


def test_rebased_is_against_the_last_quarter_that_was_over(path: LawPath) -> None:
    assert path.stood("2018-01-01") == path.stood("2018-03-31") == -1
    assert path.quarters[path.stood("2025-01-01")] == "2024Q4"
    np.testing.assert_array_equal(path.columns_since("2018-02-01"), path.columns)
    base = path.quarters.index("2024Q4")
    since = path.columns_since("2025-01-01")
    relative = slice(0, 4)
    np.testing.assert_allclose(since[base, relative], 0.0, atol=1e-12)
    np.testing.assert_array_equal(since[:, 4], path.columns[:, 4])  # revenue is no change
    chained = (1 + since[-1, :4] / 100) * (1 + path.columns[base, :4] / 100)
    np.testing.assert_allclose(100 * (chained - 1), path.columns[-1, :4], atol=1e-10)
    year = (1 + path.after_since("2025-01-01")[:, :4] / 100) * (1 + path.columns[base, :4] / 100)
    np.testing.assert_allclose(100 * (year - 1), path.after[:, :4], atol=1e-10)
    made = (1 + path.output_since("2025-01-01") / 100) * (1 + path.output[base] / 100)
    np.testing.assert_allclose(100 * (made - 1), path.output, atol=1e-9)


def test_days_outside_are_refused(path: LawPath) -> None:
    for day in ("2017-12-31", "2031-01-01"):
        with pytest.raises(DateError, match="the path runs from 2018-01-01"):
            path.quarter(day)


def test_what_has_no_solution_has_no_number(
    laws: Laws, world: World, path: LawPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = March.step

    def stops(self: March, start, standing, stage: Stage):
        if stage.name == "2018Q3" or stage.first == "2018-04-02":
            raise ConvergenceError(f"path, {stage.name}: stopped")
        return step(self, start, standing, stage)

    monkeypatch.setattr(March, "step", stops)
    short = law_path(laws, world)
    assert "2018Q3" in short.error
    np.testing.assert_allclose(short.columns[:2], path.columns[:2], atol=1e-9)
    assert np.isnan(short.columns[2:]).all()
    assert np.isnan(short.output[2:]).all()
    gone = [d for n, d in enumerate(laws.dates) if np.isnan(short.after[n]).any()]
    # the third quarter's dates begin where the second ended, so that they have a year
    assert gone == [d for d in laws.dates if d == "2018-04-02" or d >= "2018-10-01"]


def test_a_file_brings_back_what_was_written(path: LawPath, laws: Laws) -> None:
    again = LawPath.from_bytes(path.to_bytes())
    for name, value in vars(path).items():
        np.testing.assert_array_equal(getattr(again, name), value)
    assert made_from(laws, 1) == made_from(laws, 1) != made_from(laws, 2)


# --- draws ----------------------------------------------------------------------------------------
def test_a_draw_of_the_sets_own_parameters_is_the_path(
    laws: Laws, world: World, path: LawPath
) -> None:
    record = horizon_record()
    own = Drawn(record.sigma, record.zeta, str(world.theta.attrs["set"]))
    seen: list[tuple[int, int]] = []
    found = draw_paths(laws, world, [own], lambda done, total: seen.append((done, total)))
    np.testing.assert_allclose(found.columns[0], path.columns, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.output[0], path.output, rtol=1e-4, atol=1e-4)
    assert (found.solved, found.asked) == (1, 1)
    assert seen == [(0, 1), (1, 1)]
    again = PathDraws.from_bytes(found.to_bytes())
    np.testing.assert_array_equal(again.columns, found.columns)
    assert again.asked == 1


def test_draws_span_the_sets_and_come_back_with_the_seed() -> None:
    drawn = draw_parameters(44, seed=7)
    assert drawn == draw_parameters(44, seed=7) != draw_parameters(44, seed=8)
    sets = [horizon_record(name) for name in horizon_sets()]
    for name, below in (("sigma", 0.0), ("zeta", 0.25)):
        lowest, *_, highest = sorted(getattr(s, name) for s in sets)
        low, high = lowest - below * (highest - lowest), 1.25 * highest - 0.25 * lowest
        values = np.array([getattr(d, name) for d in drawn])
        slices = np.floor(44 * (values - low) / (high - low))
        assert sorted(slices) == list(range(44)), "one draw in each slice"
    thetas = [d.theta for d in drawn]
    wanted = {*theta_sets(), *(s.theta for s in sets if s.theta)}
    assert set(thetas) == wanted
    assert len({thetas.count(t) for t in wanted}) == 1
    with pytest.raises(InputError, match="0 draws"):
        draw_parameters(0)


def test_a_band_holds_eight_draws_of_ten_and_is_rebased_draw_by_draw() -> None:
    rng = np.random.default_rng(1)
    columns = rng.uniform(-3, 3, (41, 4, 5, 2)).astype(np.float32)
    output = rng.uniform(-3, 3, (41, 4, 3, 2)).astype(np.float32)
    draws = PathDraws(columns, output, 41)
    low, high = draws.band(-1)
    ordered = np.sort(columns, axis=0)
    np.testing.assert_allclose(low, ordered[4])
    np.testing.assert_allclose(high, ordered[36])
    low, high = draws.band(1)
    np.testing.assert_allclose(low[1, :4], 0.0, atol=1e-5)
    np.testing.assert_allclose(high[1, :4], 0.0, atol=1e-5)
    one = 100 * ((1 + columns[:, 3, 0, 1] / 100.0) / (1 + columns[:, 1, 0, 1] / 100.0) - 1)
    np.testing.assert_allclose([low[3, 0, 1], high[3, 0, 1]], np.sort(one)[[4, 36]], atol=1e-4)
    made = draws.output_band(-1, 2)
    np.testing.assert_allclose(made[0], np.sort(output[:, :, 2], axis=0)[4])
    nothing = PathDraws(columns[:0], output[:0], 3)
    assert np.isnan(nothing.band(-1)[0]).all()
