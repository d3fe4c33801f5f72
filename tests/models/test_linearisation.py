"""``tangent`` against central differences of the equations, ``cotangent`` against ``tangent``,
and the two welfare measures against each other where they must agree: in the limit."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.models.caliendo_parro.equations import equations, evaluate
from detente.models.caliendo_parro.kernel import build_kernel
from detente.models.caliendo_parro.linear import cotangent, tangent
from detente.models.closure import Closure
from detente.outcome.economy import instruments, prepare
from worlds import Change, Draw, random_policy, random_world

CASES = [
    # everything on: inputs, deficits, revenue, export taxes, icebergs, transfers, bans
    (Draw(N=5, J=4, seed=1, theta=(0.5, 20.0), sparsity=0.2),
     Change(seed=1, highest=1.0, export_taxes=0.5, icebergs=0.4, transfers=0.1)),
    (Draw(N=6, J=3, seed=2, theta=(0.5, 20.0), sparsity=0.5, empty=0.1),
     Change(seed=2, highest=1.0, export_taxes=0.2, icebergs=0.4, bans=0.1)),
    (Draw(N=3, J=1, seed=3, theta=(4.0, 4.1), inputs=False),
     Change(seed=3, highest=0.5)),
    (Draw(N=4, J=5, seed=4, theta=(1.0, 65.0)),
     Change(seed=4, highest=100.0, export_taxes=0.3, transfers=0.05)),
    # markets that nobody serves, whose price is no function of anything
    (Draw(N=5, J=4, seed=5, theta=(1.0, 20.0), sparsity=0.9, empty=0.3, homeless=0.3),
     Change(seed=5, highest=1.0)),
]  # fmt: skip


@pytest.fixture(params=[(c, d) for c in range(len(CASES)) for d in ("fixed", "share", "zero")],
                ids=lambda p: f"{p[0]}-{p[1]}")  # fmt: skip
def setting(request):
    """Economy, kernel, closure and a point that is no equilibrium."""
    case, deficit = request.param
    draw, change = CASES[case]
    world = random_world(draw)
    prepared = prepare(world)
    economy = prepared.economy
    kernel = build_kernel(economy, instruments(random_policy(world, change)))
    closure = Closure(deficit, economy.deficit, prepared.own_income)
    rng = np.random.default_rng(case)
    z = 0.05 * rng.normal(size=draw.N + 2 * draw.J * draw.N)
    return economy, kernel, closure, z, rng


def test_tangent_is_the_derivative_of_the_equations(setting):
    economy, kernel, closure, z, rng = setting

    def errors(at):
        return equations(evaluate(at, economy, kernel, closure), economy, kernel)

    point = evaluate(z, economy, kernel, closure)
    # spending where nobody buys is no unknown: tangent keeps a -1 there, so that it can be inverted
    unknown = np.concatenate([np.ones(z.size - kernel.unused.size), 1 - kernel.unused.ravel()])
    for _ in range(4):
        v = rng.normal(size=z.size) * unknown
        v /= np.linalg.norm(v)
        steps = [(errors(z + h * v) - errors(z - h * v)) / (2 * h) for h in (2e-4, 1e-4)]
        differences = (4 * steps[1] - steps[0]) / 3  # Richardson: error of order h^4
        found = tangent(v, point, economy, kernel, closure)
        np.testing.assert_allclose(found, differences, atol=2e-8 * np.abs(found).max())


def test_one_case_has_markets_that_nobody_serves():
    draw, change = CASES[-1]
    world = random_world(draw)
    kernel = build_kernel(prepare(world).economy, instruments(random_policy(world, change)))
    assert (kernel.unserved > 0).any()


def test_cotangent_is_the_transpose(setting):
    economy, kernel, closure, z, rng = setting
    point = evaluate(z, economy, kernel, closure)
    for _ in range(5):
        v, y = rng.normal(size=z.size), rng.normal(size=z.size)
        there = y @ tangent(v, point, economy, kernel, closure)
        back = cotangent(y, point, economy, kernel, closure) @ v
        assert back == pytest.approx(there, rel=1e-11, abs=1e-11 * np.abs(y).max() * z.size)


def test_jacobian_entry_by_entry():
    """The same on every pair of unit vectors of a small world: nothing hides in a sum."""
    draw, change = CASES[2]
    world = random_world(draw)
    prepared = prepare(world)
    economy = prepared.economy
    kernel = build_kernel(economy, instruments(random_policy(world, change)))
    for deficit in ("fixed", "share", "zero"):
        closure = Closure(deficit, economy.deficit, prepared.own_income)
        point = evaluate(np.full(9, 0.01), economy, kernel, closure)
        eye = np.eye(9)
        forward = np.column_stack([tangent(v, point, economy, kernel, closure) for v in eye])
        back = np.stack([cotangent(y, point, economy, kernel, closure) for y in eye])
        np.testing.assert_allclose(back, forward, atol=1e-13)


# --- the two welfare measures -----------------------------------------------------------------
@pytest.mark.parametrize("deficit", ["fixed", "zero", "share"])
@pytest.mark.parametrize("seed", range(3))
def test_first_order_welfare_is_the_derivative_of_real_income(seed, deficit):
    """Baseline and change use every instrument at once. With a shock of size h the first-order
    sum misses exact real income by order h^2, so halving h quarters the gap, and the gap over h
    goes to zero."""
    world = random_world(
        Draw(N=4, J=3, seed=seed, theta=(1.0, 8.0), deficit=0.2, largest_input_share=0.6)
    )
    rng = np.random.default_rng(seed)
    shape = world.trade.shape
    tax, ice = rng.uniform(0, 0.2, shape), np.exp(rng.uniform(-0.2, 0.2, shape))
    d_tariff, d_tax, d_ice = (rng.normal(0, 1, shape) for _ in range(3))
    income = world.final.values.sum(axis=0)
    paid = 0.02 * rng.uniform(-1, 1, 4) * income
    d_paid = 0.1 * rng.uniform(-1, 1, 4) * income
    paid, d_paid = paid - paid.mean(), d_paid - d_paid.mean()

    def policy(h):
        moved = paid + h * d_paid
        return dt.Policy(
            world,
            tariff=world.tariff.values + h * d_tariff,
            export_tax=tax + h * d_tax,
            iceberg=ice * np.exp(h * d_ice),
            transfer=dict(zip(world.countries, (moved - moved.mean()).tolist(), strict=True)),
        )

    gaps, sizes = [], []
    for h in (4e-4, 2e-4, 1e-4):
        out = dt.simulate(world, policy(h), baseline=policy(0.0), deficit=deficit, tol=1e-12)
        exact = out.real_income.values
        gaps.append(np.abs(out.first_order.welfare.values - exact).max())
        sizes.append(np.abs(exact).max())
        parts = [out.first_order[n] for n in (
            "terms_of_trade", "volume_of_trade", "trade_cost", "export_tax_volume",
            "transfer_received",
        )]  # fmt: skip
        assert all(float(abs(part).max()) > 0 for part in parts)  # each instrument bites
    assert gaps[0] / sizes[0] < 0.02
    assert gaps[0] / gaps[1] == pytest.approx(4.0, rel=0.1)
    assert gaps[1] / gaps[2] == pytest.approx(4.0, rel=0.1)


def test_first_order_is_missing_where_a_flow_is_banned():
    world = random_world(Draw(N=4, J=2, seed=1, theta=(2.0, 8.0)))
    iceberg = np.ones(world.trade.shape)
    iceberg[0, 1, 2] = np.inf
    out = dt.simulate(world, dt.Policy(world, iceberg=iceberg))
    first = out.first_order
    assert np.isnan(first.welfare.sel(country="c01"))
    assert np.isnan(first.volume_of_trade.sel(country="c01"))
    assert np.isfinite(first.welfare.drop_sel(country="c01")).all()
    assert first.attrs["missing"] == "c01"
    assert "banned" in first.attrs["reason"]
    assert np.isfinite(out.real_income).all()  # the exact measure is there
