"""Gradients against five-point differences, to 1e-6 and better, with everything switched on."""

from __future__ import annotations

import numpy as np
import pytest
from engine_cases import random_case, solve

import detente as dt
from detente.errors import InputError, UnknownNameError
from detente.models.caliendo_parro.linear import cotangent, tangent
from detente.outcome.gradient import exposure, gradient, jacobian
from detente.outcome.objective import OBJECTIVES

TIGHT = 1e-13


def value(out, name):
    variable, inside = name.removesuffix("]").split("[")
    labels = inside.split(",")
    if variable in ("exports", "imports") and len(labels) == 2:
        side = "exporter" if variable == "exports" else "importer"
        pick = {"sector": labels[0], side: labels[1]}
        other = "importer" if side == "exporter" else "exporter"
        sums = []
        for flows in (out.trade_before, out.trade):
            row = flows.sel(pick)
            sums.append(float(row.sum() - row.sel({other: labels[1]})))
        return 100 * (sums[1] / sums[0] - 1)
    array = getattr(out, variable)
    return float(array.sel(dict(zip(array.dims, labels, strict=True))))


def five_points(at, h):
    a, b, c, d = (at(s * h) for s in (-2, -1, 1, 2))
    return (a - 8 * b + 8 * c - d) / (12 * h)


def names(world):
    s, c = world.sectors, world.countries
    alive = world.output.values > 0

    def made(n):
        return f"{s[int(np.flatnonzero(alive[:, n])[0])]},{c[n]}"

    return [
        f"real_income[{c[0]}]", f"real_wage[{c[1]}]", f"wage[{c[2]}]", f"consumer_price[{c[0]}]",
        f"income[{c[1]}]", f"revenue[{c[2]}]", f"export_revenue[{c[1]}]", f"deficit_after[{c[0]}]",
        f"exports[{c[0]}]", f"imports[{s[1]},{c[2]}]", f"imports[{c[1]}]", f"output[{made(1)}]",
        f"output_value[{made(0)}]", f"prices[{s[-1]},{c[3]}]", f"cost[{made(2)}]",
        f"exports[{made(0)}]", f"trade[{s[0]},{c[1]},{c[1]}]",
        f"sales[{s[1]},{c[2]},{c[2]}]",
    ]  # fmt: skip


def cells(world, parts, count, seed):
    """Cells with a flow, one that is banned and one without a flow, where there are such."""
    rng = np.random.default_rng(seed)
    traded, banned = world.trade.values > 0, np.isinf(parts["iceberg"])
    live = rng.permutation(np.argwhere(traded & ~banned))[:count]
    rest = [*np.argwhere(traded & banned)[:1], *np.argwhere(~traded)[:1]]
    return [tuple(map(int, at)) for at in (*live, *rest)]


@pytest.mark.parametrize("deficit", ["fixed", "zero", "share"])
def test_every_objective_in_every_bilateral_instrument(deficit):
    seed = 1
    world, parts = random_case(3, 5, seed, idle=0.1, zeros=0.2)
    out = solve(world, parts, deficit=deficit, tol=TIGHT)
    wanted = names(world)
    assert {w.split("[")[0] for w in wanted} == set(OBJECTIVES)
    for wrt in ("tariff", "export_tax", "iceberg"):
        found = jacobian(out, wanted, wrt)
        size = np.abs(found.values).reshape(len(wanted), -1).max(axis=1)
        for cell in cells(world, parts, 2, seed):

            def at(step, cell=cell, wrt=wrt):
                moved = parts[wrt].copy()
                moved[cell] += step
                there = solve(world, {**parts, wrt: moved}, deficit=deficit, tol=TIGHT)
                return np.array([value(there, name) for name in wanted])

            if np.isinf(parts[wrt][cell]):
                assert (found.values[(slice(None), *cell)] == 0).all()
                continue
            numeric = five_points(at, 1e-4)
            error = np.abs(found.values[(slice(None), *cell)] - numeric)
            # USD values are large numbers: their differences carry rounding of their size
            allowed = 1e-6 * size + 1e-9 * np.abs(at(0.0))
            assert (error <= allowed).all(), (wrt, cell)
            # most outcomes move by far more than is allowed where there is a flow, none elsewhere
            moved = np.abs(numeric) > 10 * allowed
            alive = world.trade.values[cell] > 0 and np.isfinite(parts["iceberg"][cell])
            assert moved.sum() > len(wanted) / 2 if alive else not moved.any()


@pytest.mark.parametrize("deficit", ["fixed", "zero", "share"])
def test_transfers(deficit):
    world, parts = random_case(2, 4, 3)
    out = solve(world, parts, deficit=deficit, tol=TIGHT)
    wanted = [f"real_income[{c}]" for c in world.countries]
    gaps = [f"deficit_after[{c}]" for c in world.countries]
    found = jacobian(out, wanted, "transfer")
    gap = jacobian(out, gaps, "transfer")
    direction = np.array([1.0, -2.0, 0.5, 0.5])
    scale = 0.01 * float(world.value_added.sum("sector").min())

    def at(step):
        paid = {
            c: parts["transfer"][c] + step * scale * d
            for c, d in zip(world.countries, direction, strict=True)
        }
        there = solve(world, {**parts, "transfer": paid}, deficit=deficit, tol=TIGHT)
        flows = there.trade
        bought = flows.sum(["sector", "exporter"]).values
        return there.real_income.values, bought - flows.sum(["sector", "importer"]).values

    numeric = five_points(lambda step: at(step)[0], 0.1) / scale
    np.testing.assert_allclose(found.values @ direction, numeric, rtol=1e-6)
    # imports less exports of the flows: no use of the name that is differentiated
    numeric = five_points(lambda step: at(step)[1], 0.1) / scale
    np.testing.assert_allclose(gap.values @ direction, numeric, rtol=1e-5, atol=1e-7)
    if deficit != "share":
        np.testing.assert_allclose(gap.values @ direction, direction, atol=1e-9)
    assert found.attrs["unit"] == "percent per USD million received"


def test_zero_and_banned_flows_have_zero_gradient():
    world, parts = random_case(3, 5, 5, zeros=0.3)
    out = solve(world, parts)
    found = gradient(out, f"real_income[{world.countries[0]}]")
    assert found.dims == ("sector", "importer", "exporter")
    assert found.attrs["unit"] == "percent per unit tariff (1 = 100 points)"
    none = (world.trade.values == 0) | np.isinf(parts["iceberg"])
    assert (found.values[none] == 0).all()
    assert (found.values[~none] != 0).any()


def test_weighted_sums_and_sharing():
    world, parts = random_case(3, 5, 6)
    out = solve(world, parts)
    a, b = (f"real_income[{c}]" for c in world.countries[:2])
    both = gradient(out, {a: 2.0, b: -0.5})
    one, two = jacobian(out, [a, b])
    np.testing.assert_allclose(both, 2 * one - 0.5 * two, atol=1e-9)
    np.testing.assert_allclose(gradient(out, a), one, atol=1e-10)


def test_exposure_is_the_gradient_per_point_worst_first():
    world, _ = random_case(3, 5, 7, zeros=0.2)
    me = world.countries[0]
    table = exposure(world, me)
    assert list(table.columns) == ["importer", "exporter", "sector", "percent_per_point"]
    assert table["percent_per_point"].is_monotonic_increasing
    off = world.trade.values.copy()
    off[:, np.arange(5), np.arange(5)] = 0
    assert len(table) == int((off > 0).sum())
    slope = gradient(dt.simulate(world), f"real_income[{me}]") / 100
    row = table.iloc[0]
    assert row["percent_per_point"] == pytest.approx(
        float(slope.sel(sector=row["sector"], importer=row["importer"], exporter=row["exporter"]))
    )
    by = exposure(world, me, by=["importer"])
    assert by["percent_per_point"].sum() == pytest.approx(float(slope.sum()))


@pytest.mark.parametrize(
    ("of", "wrt", "match"),
    [
        ("real_incom[AAA]", "tariff", "did you mean real_income"),
        ("real_income", "tariff", r"write real_income\[country\]"),
        ("real_income[S000, AAA]", "tariff", r"write real_income\[country\]"),
        ("real_income[AAZ]", "tariff", "AAZ"),
        ("output[S009, AAA]", "tariff", "S009"),
        ("real_income[AAA]", "tarif", "did you mean tariff"),
        ("real_income[all]", "tariff", "stands for 4 labels"),
    ],
)
def test_unknown_names(of, wrt, match):
    world, parts = random_case(2, 4, 8, bans=False)
    with pytest.raises(UnknownNameError, match=match):
        gradient(solve(world, parts), of, wrt)


def test_sums_must_make_sense():
    world, parts = random_case(2, 4, 8)
    out = solve(world, parts)
    with pytest.raises(InputError, match="different units"):
        gradient(out, {"real_income[AAA]": 1.0, "revenue[AAA]": 1.0})
    with pytest.raises(InputError, match="empty sum"):
        gradient(out, {})
    with pytest.raises(InputError, match="must be a number"):
        gradient(out, {"real_income[AAA]": np.nan})


@pytest.mark.parametrize("deficit", ["fixed", "zero", "share"])
def test_tangent_and_cotangent_are_transposes(deficit):
    world, parts = random_case(4, 6, 9, idle=0.1, zeros=0.2)
    e = solve(world, parts, deficit=deficit).after
    rng = np.random.default_rng(0)
    v, y = rng.normal(size=(2, e.solution.value.size))
    forward = tangent(v, e.point, e.economy, e.kernel, e.closure)
    back = cotangent(y, e.point, e.economy, e.kernel, e.closure)
    assert y @ forward == pytest.approx(v @ back, rel=1e-11)
