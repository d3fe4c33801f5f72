"""Paths: limits, two routes to one number, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.errors import DateError, InputError, NoSolutionError, UnknownNameError
from detente.models.staggered import Staggered
from detente.outcome.march import LONGEST, March, Stage, per_period
from detente.outcome.path import BY_COUNTRY, BY_SECTOR, solve_path
from detente.outcome.path_slopes import path_slopes
from worlds import Change, Draw, random_policy, random_world

DRAW = Draw(N=5, J=4, seed=1, theta=(1.5, 8.0), sparsity=0.2)
CHANGE = Change(seed=1, highest=0.4, export_taxes=0.5, icebergs=0.4, transfers=0.05)


def constant(world, policy, years: int, *, months: int = 12, deficit="fixed", baseline=None, **of):
    """A path under one policy, as a list of periods without dates."""
    march = March(
        world, baseline or dt.Policy(world), Staggered(**{"sigma": 1.4, "zeta": 0.3, **of}),
        months, deficit, 1e-11,
    )  # fmt: skip
    stages = [Stage(f"{n}", f"{n}", f"{n}", policy) for n in range(years * 12 // months)]
    return solve_path(march, stages)


@pytest.mark.parametrize("deficit", ["fixed", "share", "zero"])
@pytest.mark.parametrize("sigma", [0.5, 2.5])
def test_a_long_constant_path_ends_in_the_long_run(deficit, sigma):
    world = random_world(DRAW)
    policy = random_policy(world, CHANGE)
    path = constant(world, policy, 90, deficit=deficit, sigma=sigma)
    for name in ("real_income", "output", "prices", "exports", "revenue"):
        static = getattr(path.long_run, name)
        np.testing.assert_allclose(path[name].isel(time=-1), static, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(path.trade.isel(time=-1), path.long_run.trade, rtol=1e-7, atol=1e-7)


def test_sticky_labour_ends_in_the_static_roy_case():
    world = random_world(DRAW)
    policy = random_policy(world, CHANGE)
    path = constant(world, policy, 90, labour="sticky", mu=0.3, kappa=2.0)
    np.testing.assert_allclose(path.real_income.isel(time=-1), path.long_run.real_income, atol=1e-7)
    assert path.long_run.after.model == Staggered(1.4, 1.0, "sticky", 1.0, 2.0)


def test_reversing_a_measure_brings_everything_back():
    world = random_world(DRAW)
    there, back = random_policy(world, CHANGE), dt.Policy(world)
    for of in ({}, {"labour": "sticky", "mu": 0.3}):
        march = March(world, back, Staggered(sigma=1.4, zeta=0.3, **of), 12, "fixed", 1e-12)
        stages = [Stage(str(n), str(n), str(n), there if n < 3 else back) for n in range(90)]
        path = solve_path(march, stages)
        assert np.abs(path.real_income.isel(time=2)).max() > 0.05
        assert np.abs(path.output.isel(time=3)).max() > 0.01  # what was chosen stays for a while
        for name in ("real_income", "output", "prices"):
            np.testing.assert_allclose(path[name].isel(time=-1), 0.0, atol=1e-8)
        assert np.abs(path.sales.isel(time=-1)).max() < 1e-7


class Cohorts:
    """A reference that keeps every cohort: who chose when, from whom, and what it buys now.

    A cohort chose its supplier for good at costs of its day; later it only adjusts quantities.
    Prices are sums over all cohorts, computed from the costs of every period.
    """

    def __init__(self, pi, theta, sigma, zeta):
        self.pi, self.theta, self.sigma, self.zeta = pi, theta, sigma, zeta
        self.chosen = [(pi, np.ones_like(pi))]  # (share of its goods by seller, costs when chosen)
        self.phi = [np.ones(pi.shape[:2])]

    def period(self, k):
        """Log prices and shares at user costs ``k`` (J, N, N)."""
        th, sg = self.theta[:, None, None], self.sigma[:, None, None]
        weight = self.pi * k**-th
        phi = weight.sum(axis=2)
        self.chosen.append((weight / phi[:, :, None], k))
        self.phi.append(phi)
        t = len(self.chosen) - 1
        spent = np.zeros_like(k)
        for s, ((share, then), level) in enumerate(zip(self.chosen, self.phi, strict=True)):
            size = (1 - self.zeta) ** t if s == 0 else self.zeta * (1 - self.zeta) ** (t - s)
            # a cohort's price level when it chose, and how its costs have moved since
            began = level[:, :, None] ** ((self.sigma - 1) / self.theta)[:, None, None]
            spent += size * share * began * (k / then) ** (1 - sg)
        return np.log(spent.sum(axis=2)) / (1 - self.sigma)[:, None], spent


def test_cohorts_collapse_into_the_state():
    world = random_world(DRAW)
    policies = [random_policy(world, Change(seed=s, highest=0.5, export_taxes=0.3, icebergs=0.3))
                for s in range(6)]  # fmt: skip
    march = March(world, dt.Policy(world), Staggered(sigma=0.6, zeta=0.25), 12, "fixed", 1e-12)
    path = solve_path(march, [Stage(str(n), str(n), str(n), p) for n, p in enumerate(policies)])
    e = path.start.state
    reference = Cohorts(e.pi, e.theta, e.sigma, 0.25)
    for n, policy in enumerate(policies):
        point = path.solved[n].point
        kappa = (1 + policy.tariff.values) / (1 + e.tariff) * (1 + policy.export_tax.values)
        kappa = kappa * policy.iceberg.values
        log_P, spent = reference.period(kappa * np.exp(point.log_c)[:, None, :])
        np.testing.assert_allclose(point.log_P_new, log_P, atol=1e-12)
        shares = spent / spent.sum(axis=2, keepdims=True)
        border = point.X[:, :, None] * shares / (1 + policy.tariff.values)
        np.testing.assert_allclose(path.trade.values[n], border, rtol=1e-11, atol=1e-9)


def test_shorter_periods_agree_at_the_ends_of_years():
    """The step error is of first order in the length of a period."""
    world = random_world(DRAW)
    policy = random_policy(world, CHANGE)
    ends = {}
    for months in (12, 3, 1):
        path = constant(world, policy, 5, months=months, zeta=0.2, labour="sticky", mu=0.2)
        every = 12 // months
        ends[months] = path.output.values[every - 1 :: every]
    coarse = np.nanmax(np.abs(ends[12] - ends[1]))
    fine = np.nanmax(np.abs(ends[3] - ends[1]))
    size = np.nanmax(np.abs(ends[1]))
    assert fine < 0.3 * coarse  # (3-1)/(12-1) = 0.18
    assert coarse < 0.03 * size
    assert per_period(0.2, 12) == pytest.approx(0.2)
    assert 1 - (1 - per_period(0.2, 1)) ** 12 == pytest.approx(0.2)


def test_a_ban_ends_purchases_at_once_and_its_buyers_choose_anew():
    world = random_world(DRAW)
    iceberg = np.ones(world.trade.shape)
    iceberg[1, 0, 2] = np.inf
    ban, none = dt.Policy(world, iceberg=iceberg), dt.Policy(world)
    for sigma in (0.4, 2.0):
        march = March(world, none, Staggered(sigma=sigma, zeta=0.2), 12, "fixed", 1e-11)
        stages = [Stage(str(n), str(n), str(n), ban if n < 2 else none) for n in range(60)]
        path = solve_path(march, stages)
        flow = path.trade.values[:, 1, 0, 2]
        assert (flow[:2] == 0).all()
        before = path.start.base.flows[1, 0, 2]
        assert 0 < flow[2] < 0.5 * before  # lifted: only those who choose come back
        assert flow[-1] == pytest.approx(before, rel=1e-5)
        assert max(float(v.max()) for v in path.checks.data_vars.values()) < 1e-9


def test_a_ban_on_part_of_a_flow_cuts_it_once():
    world = random_world(DRAW)
    open_ = np.ones(world.trade.shape)
    open_[1, 0, 2] = 0.6
    iceberg = open_ ** (-1.0 / world.theta.values[:, None, None])
    part = dt.Policy(world, iceberg=iceberg, open=open_)
    march = March(world, dt.Policy(world), Staggered(sigma=1.3, zeta=1e-6), 12, "fixed", 1e-12)
    path = solve_path(march, [Stage(str(n), "", "", part) for n in range(3)])
    flow = path.trade.values[:, 1, 0, 2] / path.start.base.flows[1, 0, 2]
    # those who keep the supplier buy six tenths, and some who lost theirs choose him again
    assert 0.6 <= flow[0] < 0.75
    np.testing.assert_allclose(flow[1:], flow[0], rtol=1e-3)


def test_quotas_bind_along_a_path():
    world = random_world(DRAW)
    flows = world.trade.values[0] * ~np.eye(DRAW.N, dtype=bool)
    buyer, seller = np.unravel_index(flows.argmax(), flows.shape)
    j, n, i = world.sectors[0], world.countries[buyer], world.countries[seller]
    policy = dt.Policy(world, quota=[{"sector": j, "importer": n, "exporter": [i], "volume": 0.7,
                                      "over": 3.0, "rent": "exporter"}])  # fmt: skip
    path = constant(world, policy, 4)
    for time in path.times:
        out = path.at(time)
        row = out.quota.iloc[0]
        assert row["volume_over_quota"] == pytest.approx(1.0, abs=1e-8)
        assert out.checks["quotas"] < 1e-8
        assert out.checks["walras"] < 1e-8
    wedges = [path.at(t).quota["wedge_pct"].iloc[0] for t in path.times]
    assert wedges[0] > wedges[-1] > 0  # buyers find others with time: the licence is worth less


def test_a_period_is_an_outcome_and_comes_back_from_its_state():
    world = random_world(DRAW)
    policies = [random_policy(world, Change(seed=s, highest=0.4, bans=0.05)) for s in range(4)]
    march = March(world, dt.Policy(world), Staggered(labour="sticky"), 3, "fixed", 1e-11)
    days = [("2025-01-01", "2025-03-31"), ("2025-04-01", "2025-06-30"),
            ("2025-07-01", "2025-09-30"), ("2025-10-01", "2025-12-31")]  # fmt: skip
    stages = [Stage(f"Q{n}", *d, p) for n, (d, p) in enumerate(zip(days, policies, strict=True))]
    path = solve_path(march, stages)
    walked = list(march.walk(march.start(), stages))
    assert {(o.tol, o.deficit, o.model) for o in walked} == {(1e-11, "fixed", "staggered")}
    for n, time in enumerate(path.times):
        out = path.at(time)
        assert np.array_equal(out.real_income, path.real_income.sel(time=time))
        assert np.array_equal(out.trade, walked[n].trade)
        assert np.array_equal(out.trade, path.trade.sel(time=time))
    assert path.at("2025-05-17").policy is policies[1]
    with pytest.raises(DateError, match="no period '2031-01-01'; they run from Q0 to Q3"):
        path.at("2031-01-01")
    assert path.output.dims == ("time", "sector", "country")
    assert list(path.output["first"].values) == [d[0] for d in days]


def test_groups_sum_to_the_country():
    world = random_world(DRAW)
    path = constant(world, random_policy(world, CHANGE), 6, labour="sticky", mu=0.15, kappa=1.6)
    summed = (path.real_wage_by_origin * path.origins).sum("sector")
    np.testing.assert_allclose(summed, path.real_wage, atol=1e-8)
    np.testing.assert_allclose(path.moved, 1 - 0.85 ** np.arange(1, 7))
    spread = path.real_wage_by_origin.max("sector") - path.real_wage_by_origin.min("sector")
    assert (spread.isel(time=-1) < spread.isel(time=0)).all()  # people move on
    with pytest.raises(InputError, match='labour="sticky"'):
        _ = constant(world, random_policy(world, CHANGE), 2).real_wage_by_origin


def test_nothing_is_reported_after_a_period_without_a_result():
    world = random_world(DRAW)
    shut = np.ones(world.trade.shape)
    shut[:, :, 0] = np.inf  # nobody may buy from the first country, itself included
    closed = dt.Policy(world, iceberg=shut)
    march = March(world, dt.Policy(world), Staggered(), 12, "fixed", 1e-10)
    stages = [
        Stage(n, "", "", p) for n, p in (("a", dt.Policy(world)), ("b", closed), ("c", closed))
    ]
    with pytest.raises(NoSolutionError, match="path, b: "):
        solve_path(march, stages)
    path = solve_path(march, stages, throw=False)
    assert path.times == ["a"]
    assert path.status == "no_solution"
    assert "path, b" in str(path.error)
    assert path.real_income.sizes["time"] == 1
    nothing = solve_path(march, stages[1:], throw=False)
    with pytest.raises(type(nothing.error)):
        _ = nothing.real_income


def test_names_and_lengths_that_are_refused():
    world = random_world(DRAW)
    path = constant(world, dt.Policy(world), 1)
    with pytest.raises(UnknownNameError, match="real_income"):
        _ = path["real_incom"]
    with pytest.raises(InputError, match=f"from 1 to {LONGEST:,} can be solved"):
        solve_path(path.march, [path.stages[0]] * (LONGEST + 1))
    assert np.abs(path.real_income).max() < 1e-8
    said = path.provenance
    assert (said["package"], said["version"]) == ("detente", dt.__version__)
    assert (said["baseline"], said["baseline_hash"]) == ("", dt.Policy(world).hash)
    assert (said["world"], said["world_hash"]) == (world.name, world.hash)
    assert (said["model"], said["months_a_period"]) == ("staggered", 12)
    assert said["policy_hashes"] == [dt.Policy(world).hash]
    assert (said["deficit"], said["tol"], said["status"]) == ("fixed", 1e-11, "converged")
    assert set(said["checks"]) == {
        "labour_markets", "goods_markets", "walras", "share_sums", "prices",
    }  # fmt: skip


def test_partial_bans_of_scenarios_and_laws_are_known_as_bans():
    ban = dt.run("seafood-ban", horizon="long").outcome
    assert ban.policy.open is not None
    left = ban.policy.open[
        ban.world.sectors.index("C10T12"), ban.world.countries.index("CHN"),
        ban.world.countries.index("JPN"),
    ]  # fmt: skip
    assert left == pytest.approx(0.45)
    path = dt.path(law="seafood-ban", start="2025", end="2026", every="year")
    sold = path.sales.sel(importer="CHN", exporter="JPN").isel(time=0)
    assert float(sold.sel(sector="A03")) == -100.0
    assert -58.0 < float(sold.sel(sector="C10T12")) < -45.0  # at once, not a tenth a year
    costs = dt.Policy(ban.world, iceberg=ban.policy.iceberg)  # as a cost it would work slowly
    slow = dt.path(law=costs, start="2025", end="2026", every="year")
    assert float(slow.sales.sel(importer="CHN", exporter="JPN", sector="C10T12")[0]) > -25.0
    law = dt.apply(dt.load_ledger().at("2025-12-01"), dt.load_world())
    assert law.open is not None
    power = -1.0 / law.world.theta.values[:, None, None]
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(law.iceberg, law.open**power, rtol=1e-12)


def test_shares_left_open_are_checked():
    world = random_world(DRAW)
    for bad, words in (
        (np.full((2, 2), 1.0), "an array of shape"),
        (np.full(world.trade.shape, 1.2), "between 0 and 1"),
        (np.zeros(world.trade.shape), "an infinite iceberg"),
    ):
        with pytest.raises(InputError, match=words):
            dt.Policy(world, open=bad)


def test_slopes_of_a_path_count_what_earlier_periods_leave():
    world = random_world(DRAW)
    policy = random_policy(world, Change(seed=3, highest=0.3))
    path = constant(world, policy, 3, sigma=0.7)
    flows = world.trade.values[0] * ~np.eye(DRAW.N, dtype=bool)
    n, i = np.unravel_index(flows.argmax(), flows.shape)
    cell = (world.sectors[0], world.countries[n], world.countries[i])
    slopes = path_slopes(path, f"real_income[{cell[1]}]", [cell])
    assert slopes.dims == ("time", "cell")
    assert slopes.attrs["error"] < 1e-4
    # in the first period nothing came before: the exact derivative of one equilibrium
    first = dt.gradient(path.at("0"), f"real_income[{cell[1]}]")
    exact = float(first.sel(sector=cell[0], importer=cell[1], exporter=cell[2]))
    assert float(slopes[0, 0]) == pytest.approx(exact, rel=1e-5)
    later = dt.gradient(path.at("2"), f"real_income[{cell[1]}]")
    alone = float(later.sel(sector=cell[0], importer=cell[1], exporter=cell[2]))
    assert abs(float(slopes[2, 0]) - alone) > 1e-3 * abs(alone)
    for of, cells, words in (
        ("real_income[nowhere]", [cell], "nowhere"),
        (f"real_income[{cell[1]}]", [], "no cell"),
        ("terms_of_trade[c0]", [cell], "terms_of_trade"),
    ):
        with pytest.raises((UnknownNameError, InputError), match=words):
            path_slopes(path, of, cells)
    with pytest.raises(UnknownNameError, match="quota"):
        path_slopes(path, f"real_income[{cell[1]}]", [cell], "quota")


def test_flows_that_are_watched_are_those_of_the_path():
    world = random_world(DRAW)
    march = March(world, dt.Policy(world), Staggered(), 12, "fixed", 1e-11)
    stages = [Stage(str(n), "", "", random_policy(world, CHANGE)) for n in range(3)]
    path = solve_path(march, stages, watch=(1, 2))
    np.testing.assert_array_equal(path.watched, path.sales.values[:, 1, 2, :])
    plain = solve_path(march, stages)
    assert all(s.watched is None for s in plain.solved)
    with pytest.raises(InputError, match="no flows were watched"):
        _ = plain.watched
    labelled = [path.at(t) for t in path.times]  # without labels the same numbers
    for name in (*BY_COUNTRY, *BY_SECTOR[:5]):
        for n, out in enumerate(labelled):
            np.testing.assert_array_equal(path[name].values[n], getattr(out, name))


def test_everything_together_keeps_labels_and_provenance(tmp_path):
    world = random_world(DRAW)
    for labour, more in (("mobile", set()), ("sticky", {"real_wage_by_origin"})):
        path = constant(world, random_policy(world, CHANGE), 2, labour=labour)
        whole = path.to_dataset()
        assert set(whole.data_vars) == {*BY_COUNTRY, *BY_SECTOR, *more}
        assert whole.real_income.attrs["unit"] == "percent"
        assert whole.attrs["status"] == "converged"
        whole.to_netcdf(tmp_path / f"{labour}.nc", engine="h5netcdf")
    assert dt.Path.real_income is not None  # for those who read the class
