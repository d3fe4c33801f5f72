"""Quotas and tariff-rate quotas with rents: closed forms, limits, two routes to one number.

The plain routes know nothing of quotas: they simulate tariffs, export taxes and transfers whose
height is found by bisection, or worked out by hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq

import detente as dt
from detente.errors import ConvergenceError, InputError, UnknownNameError
from detente.models import registry
from detente.models.caliendo_parro import CaliendoParro
from detente.models.model import Abilities
from worlds import Change, Draw, build, equation_errors, random_policy, random_world

CLOSURES = ("fixed", "zero", "share")
CELL = {"sector": "s00", "importer": "c00", "exporter": "c01"}


def pair(imports=20.0, exports=20.0, theta=4.0) -> dt.World:
    """c00 and c01, one sector, no tariffs; what c00 buys and sells abroad."""
    return build(np.array([[[100.0, imports], [exports, 150.0]]]), theta=theta)


def under(world, *quotas, deficit="fixed", **levied):
    return dt.simulate(world, dt.Policy(world, quota=list(quotas), **levied), deficit=deficit)


def at(world, cell=(0, 0, 1), value=0.0, start=None):
    array = (world.tariff.values if start is None else start).copy()
    array[cell] = value
    return array


def entering(out, cell=(0, 0, 1)) -> float:
    """Volume of one flow from labelled results: sales over the delivered border price."""
    j, _, i = cell
    policy = out.policy
    price = out.cost_level.values[j, i] * (1 + policy.export_tax.values[cell])
    return float(out.trade.values[cell] / (price * policy.iceberg.values[cell]))


# --- closed forms -----------------------------------------------------------------------------
@pytest.mark.parametrize("owner", ["importer", "auction"])
@pytest.mark.parametrize("part", [0.9, 0.5, 0.1])
def test_terms_of_trade_and_wedge_in_two_countries(owner, part):
    """One sector, balanced trade, no tariffs: c01 buys with what it sells, V w1 = pi(w0/w1) w1 L1,
    which gives the terms of trade; and what c00 buys at home gives the wedge."""
    world = pair()
    theta, L0, L1 = 4.0, 120.0, 170.0
    V = 20.0 * part
    out = under(world, CELL | {"volume": part, "rent": owner})
    share, v = 20.0 / 170.0, V / L1  # of c01's spending on c00, before and after
    ratio = (share * (1 - v) / (v * (1 - share))) ** (1 / theta)
    wage = out.wage_level.values
    assert wage[0] / wage[1] == pytest.approx(ratio, rel=1e-9)
    # V w1 R / (w0 L0 - V w1) = (20/100) (R w1/w0)^-theta
    R = (0.2 * ratio**theta * (ratio * L0 - V) / V) ** (1 / (1 + theta))
    row = out.quota.iloc[0]
    assert row.wedge_pct == pytest.approx(100 * (R - 1), rel=1e-8)
    assert row.rent_usd_mn == pytest.approx((R - 1) * V * wage[1], rel=1e-8)
    assert row.regime == "binding: just the quota enters"


@pytest.mark.parametrize("deficit", CLOSURES)
def test_a_binding_quota_is_the_tariff_that_lets_the_same_in(deficit):
    world = random_world(Draw(N=4, J=2, seed=5, theta=(2.0, 8.0)))
    cell = (1, 0, 2)
    limit = 0.6 * float(world.trade.values[cell])

    def at_rate(rate):
        policy = dt.Policy(world, tariff=at(world, cell, rate))
        return dt.simulate(world, policy, deficit=deficit, tol=1e-12)

    rate = brentq(lambda t: entering(at_rate(t), cell) - limit, 0.0, 4.0, xtol=1e-13)
    plain = at_rate(rate)
    quota = {"sector": "s01", "importer": "c00", "exporter": "c02", "volume": 0.6}
    for owner in ("importer", "auction"):
        out = under(world, quota | {"rent": owner}, deficit=deficit)
        np.testing.assert_allclose(out.real_income, plain.real_income, rtol=0, atol=1e-7)
        np.testing.assert_allclose(out.income, plain.income, rtol=1e-9)
        assert out.quota.wedge_pct[0] == pytest.approx(100 * rate, rel=1e-7)
        # the same money: a part of it is duty, the other rent
        both = out.revenue + out.quota_rent
        np.testing.assert_allclose(both, plain.revenue, rtol=1e-7)


@pytest.mark.parametrize("deficit", CLOSURES)
def test_a_quota_with_rents_abroad_is_an_export_tax(deficit):
    """Also at a tariff within the quota, which is then levied on the price with the rent."""
    world = random_world(Draw(N=4, J=2, seed=6, theta=(2.0, 8.0)))
    cell = (0, 3, 2)
    assert world.tariff.values[cell] > 0.01
    limit = 0.1 * float(world.trade.values[cell])

    def at_tax(tax):
        taxes = at(world, cell, tax, np.zeros(world.tariff.shape))
        policy = dt.Policy(world, export_tax=taxes)
        return dt.simulate(world, policy, deficit=deficit, tol=1e-12)

    tax = brentq(lambda e: entering(at_tax(e), cell) - limit, 0.0, 4.0, xtol=1e-13)
    plain = at_tax(tax)
    quota = {"sector": "s00", "importer": "c03", "exporter": "c02", "volume": 0.1}
    out = under(world, quota | {"rent": "exporter"}, deficit=deficit)
    np.testing.assert_allclose(out.real_income, plain.real_income, rtol=0, atol=1e-7)
    np.testing.assert_allclose(out.revenue, plain.revenue, rtol=1e-7)
    rents = plain.export_revenue
    np.testing.assert_allclose(out.quota_rent, rents, rtol=1e-6, atol=1e-6)
    assert out.quota.premium_pct[0] == pytest.approx(100 * tax, rel=1e-7)


def test_who_gets_the_rent_decides_who_gains():
    """Terms of trade: with the rent at home a small cut is a good tariff; with the rent abroad the
    importer pays for it and the exporter gains."""
    home = under(pair(), CELL | {"volume": 0.9})
    abroad = under(pair(), CELL | {"volume": 0.9, "rent": "exporter"})
    assert home.real_income[0] > 0 > home.real_income[1]
    assert abroad.real_income[0] < 0 < abroad.real_income[1]


# --- limits -----------------------------------------------------------------------------------
@pytest.mark.parametrize("owner", ["importer", "exporter", "auction"])
@pytest.mark.parametrize("volume", [{"volume": 3.0}, {"volume": np.inf}, {"volume_usd_mn": 1e9}])
def test_a_quota_that_never_binds_changes_no_bit(owner, volume):
    world = random_world(Draw(N=4, J=2, seed=7, theta=(2.0, 8.0)))
    higher = world.tariff.values + 0.05 * (1 - np.eye(4))
    plain = dt.simulate(world, dt.Policy(world, tariff=higher))
    out = under(world, CELL | volume | {"rent": owner}, tariff=higher)
    assert np.array_equal(out.after.solution.value, plain.after.solution.value)
    for name in ("real_income", "trade", "revenue", "deficit_after"):
        assert np.array_equal(getattr(out, name), getattr(plain, name))
    assert out.quota.regime[0].startswith("slack")
    assert float(out.quota_rent.sum()) == 0.0


@pytest.mark.parametrize("owner", ["importer", "exporter"])
def test_a_prohibitive_rate_above_is_an_absolute_quota(owner):
    world = random_world(Draw(N=4, J=2, seed=8, theta=(2.0, 8.0)))
    quota = CELL | {"volume": 0.4, "rent": owner}
    absolute, rate = under(world, quota), under(world, quota | {"over": 1e6})
    assert list(absolute.quota.regime) == list(rate.quota.regime)
    np.testing.assert_allclose(absolute.real_income, rate.real_income, rtol=0, atol=1e-9)


def test_a_quota_of_zero_is_a_ban_or_the_rate_above_it():
    world = random_world(Draw(N=4, J=2, seed=9, theta=(2.0, 8.0)))
    closed = under(world, CELL | {"volume": 0.0})
    iceberg = at(world, value=np.inf, start=np.ones(world.tariff.shape))
    banned = dt.simulate(world, dt.Policy(world, iceberg=iceberg))
    assert np.array_equal(closed.real_income, banned.real_income)
    assert closed.quota.regime[0] == "closed: nothing enters"
    taxed = under(world, CELL | {"volume": 0.0, "over": 0.7})
    plain = dt.simulate(world, dt.Policy(world, tariff=at(world, value=0.7)))
    assert np.array_equal(taxed.real_income, plain.real_income)
    assert taxed.quota.volume_usd_mn[0] == pytest.approx(entering(plain), rel=1e-9)
    assert taxed.quota.rent_usd_mn[0] == 0.0


def test_a_small_quota_comes_close_to_a_ban():
    world = random_world(Draw(N=4, J=2, seed=9, theta=(2.0, 8.0)))
    banned = under(world, CELL | {"volume": 0.0})
    gaps = [
        float(np.abs(under(world, CELL | {"volume": v}).real_income - banned.real_income).max())
        for v in (1e-1, 1e-2, 1e-3)
    ]
    assert gaps[0] > gaps[1] > gaps[2]


# --- tariff-rate quotas -----------------------------------------------------------------------
def test_above_the_quota_all_pay_the_higher_price_and_rents_are_a_transfer():
    world = random_world(Draw(N=4, J=2, seed=10, theta=(2.0, 8.0)))
    cell, t = (0, 0, 1), float(world.tariff.values[0, 0, 1])
    over = t + 0.1
    plain = dt.simulate(world, dt.Policy(world, tariff=at(world, cell, over)))
    part = 0.4 * entering(plain) / float(world.trade.values[cell])
    home = under(world, CELL | {"volume": part, "over": over, "rent": "auction"})
    assert home.quota.regime[0].startswith("over")
    assert home.quota.wedge_pct[0] == pytest.approx(100 * over, rel=1e-12)
    np.testing.assert_allclose(home.real_income, plain.real_income, rtol=0, atol=1e-8)
    rent = 0.4 * (over - t) * float(plain.trade.values[cell])
    assert home.quota.rent_usd_mn[0] == pytest.approx(rent, rel=1e-8)
    assert float(home.revenue[0]) == pytest.approx(float(plain.revenue[0]) - rent, rel=1e-8)

    out = under(world, CELL | {"volume": part, "over": over, "rent": "exporter"})
    sent = float(out.quota.rent_usd_mn[0])
    paid = dt.simulate(
        world,
        dt.Policy(world, tariff=at(world, cell, over), transfer={"c00": -sent, "c01": sent}),
    )
    np.testing.assert_allclose(out.real_income, paid.real_income, rtol=0, atol=1e-8)
    inside = part * float(world.trade.values[cell]) / entering(paid)
    asked = float(paid.trade.values[cell]) * ((1 + over) / (1 + t) - 1)
    assert sent == pytest.approx(inside * asked, rel=1e-8)


@pytest.mark.parametrize("owner", ["importer", "exporter"])
def test_both_kinks_are_continuous_and_flanked_by_their_regimes(owner):
    """As the quota falls: slack, binding, over; no jump in volumes, prices or incomes."""
    world = pair()
    quota = CELL | {"over": 0.2, "rent": owner}
    free = 20.0

    def regime(volume):
        out = under(world, quota | {"volume_usd_mn": volume})
        return out.quota.regime[0].split(":")[0], out

    def is_over(volume):
        return regime(volume)[0] == "over"

    low, high = 1.0, free
    for _ in range(40):  # the largest quota that is overrun
        mid = 0.5 * (low + high)
        low, high = (mid, high) if is_over(mid) else (low, mid)
    for kink, below, above in ((low, "over", "binding"), (free, "binding", "slack")):
        left, right = regime(kink * (1 - 1e-6)), regime(kink * (1 + 1e-6))
        assert (left[0], right[0]) == (below, above)
        np.testing.assert_allclose(left[1].real_income, right[1].real_income, atol=1e-4)
        np.testing.assert_allclose(left[1].prices, right[1].prices, atol=1e-4)
    wedge = [regime(v)[1].quota.wedge_pct[0] for v in (low * 0.9, 0.5 * (low + free), free * 1.1)]
    assert wedge[0] == pytest.approx(20.0, rel=1e-12)
    assert 20.0 > wedge[1] > wedge[2] == 0.0


# --- accounts ---------------------------------------------------------------------------------
def several(world):
    """One of every kind and regime."""
    S, C, t = world.sectors, world.countries, world.tariff.values
    return [
        {"sector": S[0], "importer": C[0], "exporter": [C[1], C[2]], "volume": 0.5,
         "rent": "exporter"},
        {"sector": S[1], "importer": C[0], "exporter": C[3], "volume": 0.4,
         "over": float(t[1, 0, 3]) + 0.05, "rent": "exporter"},
        {"sector": S[1], "importer": C[2], "exporter": C[3], "volume": 0.4,
         "over": float(t[1, 2, 3]) + 0.05, "rent": "auction"},
        {"sector": S[2], "importer": C[3], "exporter": C[1], "volume": 1.5},
        {"sector": S[2], "importer": C[1], "exporter": C[0], "volume": 0.3},
        {"sector": S[2], "importer": C[4], "exporter": C[1], "volume": 0.0},
    ]  # fmt: skip


def many_kinds():
    return random_world(Draw(N=5, J=3, seed=3, theta=(2.0, 8.0)))


@pytest.mark.parametrize("deficit", CLOSURES)
def test_several_quotas_at_once_under_every_closure(deficit):
    world = many_kinds()
    out = under(world, *several(world), deficit=deficit)
    words = [r.split(":")[0] for r in out.quota.regime]
    assert words == ["binding", "over", "over", "slack", "binding", "closed"]
    assert max(equation_errors(world, out.after, deficit).values()) < 1e-8
    assert max(out.checks.values()) < 1e-9
    assert "quotas" in out.checks
    assert dt.audit(out).raise_if_failed().passed
    # income: wages, duties, rents received, the closure's deficit, nothing else
    wages = out.wage_level.values * world.value_added.values.sum(axis=0)
    parts = wages + out.revenue + out.quota_rent + out.after.point.deficit
    np.testing.assert_allclose(out.income, parts, rtol=1e-9)
    # rents received are rents paid; what crosses borders cancels over the world
    assert float(out.quota_rent.sum()) == pytest.approx(out.quota.rent_usd_mn.sum(), rel=1e-12)
    rents = out.quota.rent_usd_mn.to_numpy()
    leaving = rents[:2].sum()
    assert float(out.quota_rent[0]) == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(out.quota_rent[1:4].sum(), leaving + rents[2] + rents[4], rtol=1e-9)
    first = out.first_order_sums
    assert 100 * leaving / out.base.point.income[0] == pytest.approx(
        -first["quota_rent_received"][0], rel=1e-9
    )
    total = sum(v for k, v in first.items() if k != "welfare")
    np.testing.assert_allclose(first["welfare"], total, rtol=1e-12)


def test_a_shared_quota_has_one_premium_and_splits_by_price():
    world = many_kinds()
    out = under(world, several(world)[0])
    wedge = (1 + out.after.policy.tariff[0, 0, 1:3]) / (1 + world.tariff.values[0, 0, 1:3])
    assert wedge[0] == pytest.approx(wedge[1], rel=1e-12)
    entered = entering(out, (0, 0, 1)) + entering(out, (0, 0, 2))
    limit = 0.5 * world.trade.values[0, 0, 1:3].sum()
    assert entered == pytest.approx(limit, rel=1e-9)
    got = out.quota_rent.values[1:3]
    sold = out.trade.values[0, 0, 1:3]
    np.testing.assert_allclose(got, (wedge[0] - 1) * sold, rtol=1e-8)


def test_without_a_quota_the_policy_is_what_it_was():
    world = pair()
    assert dt.Policy(world, quota=[]).hash == dt.Policy(world).hash
    assert dt.Policy(world, quota=[CELL | {"volume": 2}]).hash != dt.Policy(world).hash
    out = dt.simulate(world, dt.Policy(world, tariff=0.1))
    assert out.after.quotas is None
    assert "quotas" not in out.checks
    assert len(out.quota) == 0
    assert "quota_rent_received" not in out.first_order_sums


# --- random worlds ----------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(24))
def test_random_quotas_against_bisection(seed):
    """One quota on a random flow; the slow route finds the wedge with plain simulations: a tariff
    where the rent stays at home, an export tax at the same tariff where it leaves."""
    rng = np.random.default_rng(seed)
    world = random_world(Draw(N=4, J=2, seed=seed, theta=(1.5, 12.0), deficit=0.1))
    cell = (int(rng.integers(2)), 0, int(rng.integers(1, 4)))
    owner = ["importer", "exporter", "auction"][seed % 3]
    deficit = CLOSURES[(seed // 3) % 3]
    part = float(rng.choice([0.05, 0.3, 0.8, 1.3]))
    # above it nothing, or, where the rent stays at home, sometimes a rate
    rate = float(world.tariff.values[cell])
    over = rate + 0.15 if owner != "exporter" and rng.random() < 0.5 else None
    quota = {
        "sector": world.sectors[cell[0]], "importer": "c00",
        "exporter": world.countries[cell[2]], "volume": part, "over": over, "rent": owner,
    }  # fmt: skip
    out = under(world, quota, deficit=deficit)
    limit = part * float(world.trade.values[cell])

    def at_wedge(log):
        if owner == "exporter":
            zero = np.zeros(world.tariff.shape)
            levied = {"export_tax": at(world, cell, np.expm1(log), zero)}
        else:
            levied = {"tariff": at(world, cell, (1 + rate) * np.exp(log) - 1)}
        policy = dt.Policy(world, **levied, prohibitive=True)
        return dt.simulate(world, policy, deficit=deficit, tol=1e-11)

    def excess(log):
        found = at_wedge(log)
        volume = float(found.trade.values[cell] / found.cost_level.values[cell[0], cell[2]])
        return np.log(volume * np.exp(-log * (owner == "exporter")) / limit)

    top = np.inf if over is None else np.log((1 + over) / (1 + rate))
    if excess(0.0) <= 0:
        log = 0.0
    elif np.isfinite(top) and excess(top) >= 0:
        log = top
    else:
        log = brentq(excess, 0.0, min(top, 8.0), xtol=1e-12)
    plain = at_wedge(log)
    assert out.quota.premium_pct[0] == pytest.approx(100 * np.expm1(log), rel=1e-6, abs=1e-7)
    np.testing.assert_allclose(out.real_income, plain.real_income, rtol=0, atol=1e-6)


@pytest.mark.parametrize("seed", range(30))
def test_random_sets_of_quotas_meet_every_condition(seed):
    """Sparse worlds, elasticities from 0.4 to 65, taxes, icebergs, shared quotas; each converged
    outcome goes through the audit, which judges volumes, wedges and rents from labels alone."""
    rng = np.random.default_rng(1000 + seed)
    J, N = int(rng.integers(2, 4)), int(rng.integers(4, 8))
    wide = [(0.4, 65.0), (2.0, 10.0), (4.0, 4.01)][seed % 3]
    world = random_world(Draw(N=N, J=J, seed=seed, sparsity=0.3 * (seed % 2), theta=wide))
    change = Change(seed=seed, tariffs=0.3, highest=1.0, lowest=0.0, export_taxes=0.3, icebergs=0.3)
    levied = random_policy(world, change)
    quotas, taken = [], set()
    for _ in range(int(rng.integers(1, 6))):
        j, n = int(rng.integers(J)), int(rng.integers(N))
        sellers = [int(i) for i in rng.permutation(N)[:3] if i != n and (j, n, i) not in taken]
        over = None
        if sellers and rng.random() < 0.5:
            sellers = sellers[:1]
            over = float(levied.tariff.values[j, n, sellers[0]] + rng.uniform(0, 1))
        if not sellers:
            continue
        taken |= {(j, n, i) for i in sellers}
        quotas.append({
            "sector": world.sectors[j], "importer": world.countries[n],
            "exporter": [world.countries[i] for i in sellers],
            "volume": float(rng.choice([0.01, 0.1, 0.5, 0.9, 1.2])), "over": over,
            "rent": str(rng.choice(["importer", "exporter", "auction"])),
        })  # fmt: skip
    arrays = {k: getattr(levied, k) for k in ("tariff", "export_tax", "iceberg")}
    policy = dt.Policy(world, quota=quotas, prohibitive=True, **arrays)
    out = dt.simulate(world, policy, deficit=CLOSURES[seed % 3])
    assert dt.audit(out, again=seed % 5 == 0).raise_if_failed().passed


# --- monopolistic competition -----------------------------------------------------------------
@pytest.mark.parametrize("entry", ["none", "free"])
def test_any_model_with_tariffs_and_transfers_has_quotas(entry):
    """The same tariff, found by bisection in the same model."""
    world = random_world(Draw(N=4, J=2, seed=2, inputs=False, theta=(2.0, 6.0)))
    sigma = dict(zip(world.sectors, (1 + world.theta.values).tolist(), strict=True))
    world = world.with_sigma(sigma)
    model = {"name": "monopolistic", "entry": entry}
    limit = 0.6 * float(world.trade.values[0, 0, 1])

    def at_rate(rate):
        policy = dt.Policy(world, tariff=at(world, value=rate))
        return dt.simulate(world, policy, model=model, tol=1e-11)

    rate = brentq(lambda t: entering(at_rate(t)) - limit, 0.0, 4.0, xtol=1e-12)
    policy = dt.Policy(world, quota=[CELL | {"volume": 0.6}])
    out = dt.simulate(world, policy, model=model)
    np.testing.assert_allclose(out.real_income, at_rate(rate).real_income, rtol=0, atol=1e-6)
    assert out.quota.wedge_pct[0] == pytest.approx(100 * rate, rel=1e-6)
    assert max(out.checks.values()) < 1e-8


# --- derivatives ------------------------------------------------------------------------------
@pytest.mark.parametrize("deficit", ["fixed", "share"])
@pytest.mark.parametrize("wrt", ["tariff", "export_tax", "iceberg", "transfer", "quota"])
def test_gradients_with_the_regimes_held(wrt, deficit):
    world = many_kinds()
    quotas = several(world)[:5]
    rng = np.random.default_rng(0)
    abroad = ~np.eye(5, dtype=bool)
    base = {
        "tariff": world.tariff.values,
        "export_tax": rng.uniform(0, 0.1, world.tariff.shape) * abroad,
        "iceberg": 1 + rng.uniform(0, 0.1, world.tariff.shape) * abroad,
        "transfer": np.zeros(5),
    }
    way = rng.uniform(-1, 1, world.tariff.shape) * abroad
    if wrt == "transfer":
        way = 100 * rng.uniform(-1, 1, 5)
        way -= way.mean()
    if wrt == "quota":
        way = rng.uniform(-1, 1, 5) * [
            q.volume_usd_mn for q in dt.Policy(world, quota=quotas).quota
        ]

    def run(step, start=None):
        levied = dict(base)
        moved = [dict(q) for q in quotas]
        if wrt == "quota":
            for q, given, d in zip(moved, dt.Policy(world, quota=quotas).quota, way, strict=True):
                del q["volume"]
                q["volume_usd_mn"] = given.volume_usd_mn + step * d
        else:
            levied[wrt] = levied[wrt] + step * way
        levied["transfer"] = dict(zip(world.countries, levied["transfer"].tolist(), strict=True))
        policy = dt.Policy(world, quota=moved, **levied)
        return dt.simulate(world, policy, deficit=deficit, tol=1e-12, start=start)

    out = run(0.0)
    assert {r.split(":")[0] for r in out.quota.regime} == {"slack", "binding", "over"}
    for of, read in (
        ("real_income[c00]", lambda o: float(o.real_income[0])),
        ("income[c01]", lambda o: float(o.income[1])),
        ("deficit_after[c01]", lambda o: float(o.deficit_after[1])),
    ):
        h = 1e-5
        slope = (read(run(h, out)) - read(run(-h, out))) / (2 * h)
        exact = float((dt.gradient(out, of, wrt).values * way).sum())
        assert exact == pytest.approx(slope, rel=2e-6, abs=1e-7)


def test_a_quota_at_a_kink_has_no_gradient_and_revenue_none_at_all():
    world = pair()
    out = under(world, CELL | {"volume": 1.0})
    with pytest.raises(InputError, match=r"c00.*c01.*a kink"):
        dt.gradient(out, "real_income[c00]")
    out = under(world, CELL | {"volume": 0.5})
    with pytest.raises(InputError, match=r"revenue\[c00\].*rent"):
        dt.gradient(out, "revenue[c00]")
    with pytest.raises(InputError, match="no quota above zero"):
        dt.gradient(dt.simulate(world), "real_income[c00]", "quota")


# --- no solution ------------------------------------------------------------------------------
def test_a_quota_that_cannot_be_met_names_its_cell():
    """c00 must import for 10 more than it exports; a volume of 0.3 cannot be worth that, since
    wages of c01 would have to exceed what the world earns."""
    world = pair(imports=30.0)
    quota = CELL | {"volume": 0.01}
    with pytest.raises(ConvergenceError, match=r"s00 of c00 from c01.*wedge"):
        under(world, quota)
    out = dt.simulate(world, dt.Policy(world, quota=[quota]), throw=False)
    assert out.status == "cycling"
    assert "s00 of c00 from c01" in str(out.error)
    with pytest.raises(ConvergenceError):
        _ = out.real_income
    assert under(world, quota, deficit="zero").status == "converged"


# --- input ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"volume": -0.1}, r"c00, exporter c01 is -0.1; it must be a number of at least 0"),
        ({"volume": None, "volume_usd_mn": -5.0}, r"c00, exporter c01 is -5 .*at least 0"),
        ({"volume": float("nan")}, r"c01 is nan; it must be a number of at least 0"),
        ({"volume": "half"}, "'half' is not a number"),
        ({"volume": True}, "True is not a number"),
        ({"volume": None}, "give one of volume"),
        ({"volume_usd_mn": 3.0}, "give one of volume"),
        ({"rent": "smugglers"}, "'smugglers'; it goes to one of importer, exporter, auction"),
        ({"over": -0.2}, r"c01 is -0.2; the rate above .* here 0"),
        ({"exporter": "c00"}, "c00 cannot have a quota on its own goods"),
        ({"importer": ["c00", "c01"]}, "stands for 2 labels; a quota has one importer"),
        ({"exporter": []}, "exporter: is empty"),
    ],
)
def test_bad_quotas_are_named(change, words):
    record = {k: v for k, v in (CELL | {"volume": 0.5} | change).items() if v is not None}
    with pytest.raises(InputError, match=words):
        dt.Policy(pair(), quota=[record])


def test_bad_labels_fields_and_overlaps_are_named():
    world = pair()
    for change, words in (
        ({"sector": "s99"}, "s99"), ({"importer": "XXX"}, "XXX"), ({"volumes": 1.0}, "volumes"),
    ):  # fmt: skip
        with pytest.raises(UnknownNameError, match=words):
            dt.Policy(world, quota=[CELL | {"volume": 0.5} | change])
    with pytest.raises(InputError, match=r"quota\[1\].*under quota\[0\] already"):
        dt.Policy(world, quota=[CELL | {"volume": 0.5}, CELL | {"volume": 0.4}])
    with pytest.raises(InputError, match="sector is missing"):
        dt.Policy(world, quota=[{"importer": "c00", "exporter": "c01", "volume": 1.0}])
    with pytest.raises(InputError, match="a list of records or a table"):
        dt.Policy(world, quota=0.5)
    three = random_world(Draw(N=3, J=1, seed=1))
    with pytest.raises(InputError, match="they need one tariff within it"):
        dt.Policy(three, quota=[CELL | {"exporter": ["c01", "c02"], "volume": 1.0, "over": 9.0}])


def test_a_table_of_quotas_and_all_exporters():
    world = many_kinds()
    table = pd.DataFrame({
        "sector": ["s00", "s01"], "importer": ["c00", "c01"], "exporter": ["all", "c02"],
        "volume": [0.5, np.nan], "volume_usd_mn": [np.nan, 10.0], "over": [np.nan, 5.0],
    })  # fmt: skip
    first, second = dt.Policy(world, quota=table).quota
    assert first.exporters == ("c01", "c02", "c03", "c04")
    assert first.volume_usd_mn == pytest.approx(0.5 * world.trade.values[0, 0, 1:].sum())
    assert (second.volume_usd_mn, second.over, second.rent) == (10.0, 5.0, "importer")
    again = dt.Policy(world, quota=dt.Policy(world, quota=table).quota)
    assert again.hash == dt.Policy(world, quota=table).hash


@dataclass(frozen=True)
class NoQuotas(CaliendoParro):
    name = "no-quotas"
    abilities = Abilities(("tariff",), ("fixed",), (), ("gradient",))


def test_models_and_games_without_quotas_say_so(monkeypatch):
    monkeypatch.setitem(registry.MODELS, "no-quotas", NoQuotas)
    world = many_kinds()
    policy = dt.Policy(world, quota=several(world))
    with pytest.raises(InputError, match="no-quotas does not support the instrument quota"):
        dt.simulate(world, policy, model="no-quotas")
    with pytest.raises(InputError, match=r"games: the policy has quotas \(sector s00"):
        dt.nash(world, ["c00", "c01"], policy=policy)


def test_many_policies_and_a_baseline_with_quotas():
    world = many_kinds()
    quotas = several(world)
    policies = [dt.Policy(world, quota=quotas[:k]) for k in range(len(quotas) + 1)]
    seen: list[int] = []
    cases = dt.simulate_many(world, policies, progress=lambda done, _: seen.append(done))
    assert seen[-1] == len(policies)
    for policy, case in zip(policies, cases, strict=True):
        alone = dt.simulate(world, policy)
        assert np.array_equal(case.outcome.real_income, alone.real_income)
    last = policies[-1]
    nothing = dt.simulate(world, last, baseline=last)
    np.testing.assert_allclose(nothing.real_income, 0.0, atol=1e-9)
    there = dt.simulate(world, last)
    back = dt.simulate(world, baseline=last)
    gain = (1 + there.real_income / 100) * (1 + back.real_income / 100)
    np.testing.assert_allclose(gain, 1.0, atol=1e-10)
    assert dt.audit(back).raise_if_failed().passed
    assert there.provenance["quotas"] == len(quotas)
