"""An outcome's own words about itself, and its first-order terms one flow at a time."""

from __future__ import annotations

import numpy as np
import pytest

import detente as dt
from detente.errors import ConvergenceError, InputError, NoSolutionError
from detente.models.caliendo_parro import CaliendoParro
from detente.models.closure import Closure
from detente.outcome.economy import prepare
from detente.outcome.equilibrium import Equilibrium
from detente.outcome.objective import OBJECTIVES, objective, parse
from detente.outcome.phasing import Phase, part_of
from detente.outcome.simulate import restore
from detente.variables import variable
from detente.version import __version__
from worlds import Draw, build, random_world


def world_of(seed: int = 4, **more) -> dt.World:
    return random_world(Draw(N=4, J=2, seed=seed, theta=(2.0, 8.0), deficit=0.2, **more))


@pytest.fixture(scope="module")
def world() -> dt.World:
    return world_of()


def policies(world) -> tuple[dt.Policy, dt.Policy]:
    """A policy and a baseline that use every instrument."""
    rng = np.random.default_rng(1)
    shape = world.trade.shape
    own = world.value_added.values.sum(axis=0).min()
    paid = 0.02 * own * np.array([1.0, -2.0, 0.5, 0.5])
    made = []
    for k in range(2):
        pay = dict(zip(world.countries, ((k + 1) * paid).tolist(), strict=True))
        made.append(dt.Policy(
            world, tariff=rng.uniform(0, 0.4, shape), export_tax=rng.uniform(0, 0.2, shape),
            iceberg=rng.uniform(0.8, 1.3, shape), transfer=pay, title=f"policy {k}",
        ))  # fmt: skip
    return made[0], made[1]


@pytest.fixture(scope="module")
def out(world) -> dt.Outcome:
    policy, baseline = policies(world)
    return dt.simulate(world, policy, baseline=baseline, deficit="share", tol=1e-12)


def test_provenance_is_enough_to_run_again(world, out):
    said = out.provenance
    solution = out.after.solution
    assert said == {
        "package": "detente", "version": __version__, "world": "random",
        "world_hash": world.hash, "policy_hash": out.policy.hash,
        "baseline_hash": out.baseline.hash, "policy": "policy 0", "model": "caliendo-parro",
        "deficit": "share", "deficit_factor": out.deficit_factor, "theta": "own", "tol": 1e-12,
        "status": "converged", "method": solution.method, "steps": solution.steps,
        "residual": solution.residual, "checks": out.checks, "numeraire": "world value added",
    }  # fmt: skip
    assert said["policy_hash"] != said["baseline_hash"]
    again = dt.simulate(world, out.policy, baseline=out.baseline, deficit=said["deficit"],
                        tol=said["tol"])  # fmt: skip
    assert again.provenance == said


def test_every_variable_carries_the_unit_and_words_of_the_table(world, out):
    data = out.to_dataset()
    assert set(data.data_vars) == {
        "real_income", "real_wage", "wage", "consumer_price", "income", "revenue",
        "export_revenue", "deficit_after", "exports", "imports", "output", "output_value",
        "prices", "cost", "terms_of_trade", "volume_of_trade", "trade_cost", "export_tax_volume",
        "transfer_received", "welfare", "trade_after", "trade_before", "tariff",
        # what an audit works from
        "sector_exports", "tariff_before", "income_before", "revenue_before",
        "export_revenue_before",
        *(f"{name}_{when}" for when in ("before", "after") for name in (
            "wage_level", "price_level", "cost_level", "export_tax", "iceberg", "transfer")),
    }  # fmt: skip
    for name, array in data.data_vars.items():
        if name == "sector_exports":  # exports by sector, in the same words
            assert array.attrs["long_name"] == variable("exports").definition
            continue
        whole = str(name) in ("trade_before", "trade_after", "deficit_after")
        stem = str(name).removesuffix("_before").removesuffix("_after")
        row = variable(str(name) if whole else stem)
        assert array.attrs["unit"] == row.unit, name
        assert array.dims == row.dims, name
        if stem not in ("tariff", "export_tax", "iceberg", "transfer"):  # as the policy has them
            assert array.attrs["long_name"] == row.definition, name
    np.testing.assert_array_equal(data.tariff, out.policy.tariff)
    np.testing.assert_array_equal(data.trade_after - data.trade_before, out.trade_change)
    assert data.attrs["world_hash"] == world.hash
    assert data.attrs["checks"] == str(out.checks)
    assert data.attrs["steps"] == out.after.solution.steps
    assert out.sector_exports.dims == ("sector", "country")
    assert out.revenue_before.attrs["unit"] == "USD million"


def test_comparison_is_the_difference_in_points(world, out):
    other = dt.simulate(world, dt.Policy(world, tariff=0.2, title="flat"), baseline=out.baseline,
                        deficit="share")  # fmt: skip
    found = out.compare(other)
    for name, unit in (("real_income", "percentage points"), ("revenue", "USD million"),
                       ("trade_after", "USD million"), ("tariff", "fraction")):  # fmt: skip
        mine, theirs = out.to_dataset()[name], other.to_dataset()[name]
        np.testing.assert_array_equal(found[name], mine - theirs)
        assert found[name].attrs["unit"] == unit
    assert found.attrs == {"this": "policy 0", "other": "flat"}
    odd = [
        dt.simulate(world, out.policy, deficit="share"),
        dt.simulate(world, out.policy, baseline=out.baseline, deficit="fixed"),
        dt.simulate(world_of(5), deficit="share"),
    ]
    for one in odd:
        with pytest.raises(InputError, match="different origins"):
            out.compare(one)


def test_accounts_add_up(world, out):
    """Income is wages, both revenues, deficit and transfers; each from flows and rates."""
    for e, policy in ((out.base, out.baseline), (out.after, out.policy)):
        flows, t, tax = e.flows, policy.tariff.values, policy.export_tax.values
        np.testing.assert_allclose(e.point.tariff_revenue, (t * flows).sum(axis=(0, 2)), rtol=1e-9)
        sold = flows / (1 + tax)
        np.testing.assert_allclose(e.point.export_revenue, (flows - sold).sum(axis=(0, 1)),
                                   rtol=1e-9)  # fmt: skip
        wages = e.wage * world.value_added.values.sum(axis=0)
        total = wages + e.point.tariff_revenue + e.point.export_revenue + e.point.deficit
        np.testing.assert_allclose(e.point.income, total + policy.transfer.values, rtol=1e-12)
        np.testing.assert_allclose(e.point.Y, sold.sum(axis=1), rtol=1e-9)
    np.testing.assert_array_equal(out.export_revenue, out.after.point.export_revenue)
    np.testing.assert_array_equal(
        out.deficit_after, out.after.point.deficit + out.policy.transfer.values
    )
    np.testing.assert_array_equal(out.income, out.after.point.income)


def test_first_order_terms_flow_by_flow(world, out):
    """The sums of the module's header, one importer and one exporter at a time."""
    b, a, old, new = out.base, out.after, out.baseline, out.policy
    c = np.exp(a.point.log_c - b.point.log_c)
    e0, e1 = old.export_tax.values, new.export_tax.values
    d = new.iceberg.values / old.iceberg.values
    M0, M1, t0 = b.flows, a.flows, old.tariff.values
    found = {name: np.zeros(4) for name in ("tot", "vot", "cost", "tax")}
    for j in range(2):
        for n in range(4):
            for i in range(4):
                fob = c[j, i] * (1 + e1[j, n, i]) / (1 + e0[j, n, i])
                found["tot"][i] += M0[j, n, i] * (fob - 1)
                found["tot"][n] -= M0[j, n, i] * (fob - 1)
                growth = M1[j, n, i] / M0[j, n, i] - fob * d[j, n, i]
                found["vot"][n] += t0[j, n, i] * M0[j, n, i] * growth
                found["cost"][n] -= M0[j, n, i] * (d[j, n, i] - 1)
                was, now = M0[j, n, i] / (1 + e0[j, n, i]), M1[j, n, i] / (1 + e1[j, n, i])
                found["tax"][i] += e0[j, n, i] * (now - was * c[j, i])
    moved = a.point.deficit - b.point.deficit + new.transfer.values - old.transfer.values
    first, share = out.first_order, 100 / b.point.income
    np.testing.assert_allclose(first.terms_of_trade, share * found["tot"], atol=1e-9)
    np.testing.assert_allclose(first.volume_of_trade, share * found["vot"], atol=1e-9)
    np.testing.assert_allclose(first.trade_cost, share * found["cost"], atol=1e-9)
    np.testing.assert_allclose(first.export_tax_volume, share * found["tax"], atol=1e-9)
    np.testing.assert_allclose(first.transfer_received, share * moved, atol=1e-9)
    assert first.attrs == {"missing": "", "reason": ""}
    detail = out.first_order_detail
    assert set(detail) == {"terms_of_trade", "volume_of_trade", "trade_cost", "export_tax_volume"}
    for name in detail:
        assert detail[name].dims == ("sector", "country", "partner")
        assert detail[name].attrs["unit"] == "percent"
        np.testing.assert_allclose(detail[name].sum(["sector", "partner"]), first[name], atol=1e-10)


def test_a_ban_lifted_counts_for_nothing_and_a_new_one_is_named(world):
    closed = np.ones(world.trade.shape)
    closed[0, 1, 2] = np.inf
    shut = dt.Policy(world, iceberg=closed)
    opened = dt.simulate(world, dt.Policy(world), baseline=shut)
    assert opened.first_order.attrs == {"missing": "", "reason": ""}
    for name in ("volume_of_trade", "trade_cost"):
        assert opened.first_order_detail[name].values[0, 1, 2] == 0.0
    new = dt.simulate(world, shut)
    assert new.first_order.attrs == {"missing": "c01", "reason": "a flow is banned"}
    kept = dt.simulate(world, dt.Policy(world, iceberg=closed, tariff=0.3), baseline=shut)
    assert kept.first_order.attrs["missing"] == ""
    assert np.isfinite(kept.first_order.welfare).all()


def test_an_outcome_restored_is_the_outcome(world, out):
    again = restore(world, out.policy, out.baseline, out.after.point, out.after.solution,
                    deficit="share", tol=1e-12)  # fmt: skip
    assert again.to_dataset().identical(out.to_dataset())
    assert again.provenance == out.provenance
    np.testing.assert_array_equal(again.trade, out.trade)


def test_checks_see_each_kind_of_error(out):
    """An equilibrium with one thing moved by 1% fails the check that watches it, by 1%."""
    e = out.after
    held = e.checks
    assert max(held.values()) < 1e-9

    def moved(**change) -> dict[str, float]:
        return Equilibrium(e.model, e.table, e.policy, e.closure, e.point._replace(**change),
                           e.solution).checks  # fmt: skip

    p = e.point
    assert moved(value_added=1.01 * p.value_added)["labour_markets"] == pytest.approx(0.01)
    assert moved(X_new=1.01 * p.X_new)["goods_markets"] == pytest.approx(0.01)
    deficit = p.deficit + 0.01 * p.income
    assert moved(deficit=deficit)["walras"] == pytest.approx(0.01)
    theta = e.table.theta[:, None]
    log_P = p.log_P_new + np.log(1.01) / theta  # every share sums to 1/1.01
    assert moved(log_P=log_P)["share_sums"] == pytest.approx(1 - 1 / 1.01)
    # errors below are as large as errors above
    assert moved(value_added=0.99 * p.value_added)["labour_markets"] == pytest.approx(0.01)
    assert moved(X_new=0.99 * p.X_new)["goods_markets"] == pytest.approx(0.01)


def test_numbers_that_did_not_converge_are_not_given(world):
    policy = dt.Policy(world, tariff=0.9)
    out = dt.simulate(world, policy, max_steps=2, method="anderson", throw=False)
    assert out.status == "max_steps"
    for name in ("real_income", "trade", "first_order", "output"):
        with pytest.raises(ConvergenceError, match=r"outcome.after holds what was reached"):
            getattr(out, name)
    assert np.isfinite(out.after.point.income).all()


# --- what simulate accepts --------------------------------------------------------------------
def test_a_policy_of_a_world_with_other_elasticities_is_welcome(world):
    other = dt.World(world.dataset.assign(theta=2 * world.theta), "other elasticities")
    policy = dt.Policy(world, tariff=0.3)
    found = dt.simulate(other, policy)
    same = dt.simulate(other, dt.Policy(other, tariff=0.3))
    np.testing.assert_array_equal(found.real_income, same.real_income)


@pytest.mark.parametrize("what", ["policy", "baseline"])
@pytest.mark.parametrize("odd", ["tariffs", "countries", "sectors"])
def test_a_policy_of_another_world_is_refused(world, what, odd):
    if odd == "tariffs":
        other = dt.World(world_of(5).dataset, "other")  # the same labels
    elif odd == "countries":
        named = [f"d{k}" for k in range(4)]
        other = dt.World(world.dataset.assign_coords(importer=named, exporter=named, country=named),
                         "other")  # fmt: skip
    else:
        other = dt.World(world.dataset.assign_coords(sector=["u", "v"], input=["u", "v"]), "other")
    with pytest.raises(InputError, match=f"the {what} was built on other, the world is random"):
        dt.simulate(world, **{what: dt.Policy(other)})


@pytest.mark.parametrize("tol", [0.0, -1.0, np.nan])
def test_tolerances_must_be_above_zero(world, tol):
    with pytest.raises(InputError, match="must be above zero"):
        dt.simulate(world, tol=tol)
    assert dt.simulate(world, tol=0.5).status == "converged"


def test_a_start_of_another_size_is_refused(world, out):
    large = dt.simulate(random_world(Draw(N=5, J=2, seed=1)))
    with pytest.raises(InputError, match="another size"):
        dt.simulate(world, start=large)
    near = dt.simulate(world, out.policy, baseline=out.baseline, deficit="share", start=out)
    assert near.after.solution.steps < out.after.solution.steps
    np.testing.assert_allclose(near.real_income, out.real_income, atol=1e-7)


def test_bases_are_kept_by_closure_and_baseline(world):
    held = prepare(world).bases
    before = len(held)
    baseline = dt.Policy(world, tariff=0.123)
    one = dt.simulate(world, baseline=baseline, deficit="fixed")
    assert len(held) == before + 1
    assert dt.simulate(world, dt.Policy(world, tariff=0.5), baseline=baseline).base is one.base
    assert dt.simulate(world, baseline=baseline, deficit="zero").base is not one.base
    assert len(held) == before + 2


def test_names_of_objectives(world):
    assert parse(world, "real_income[c02]") == ("real_income", (2,))
    assert parse(world, " output [ s01 , c03 ] ") == ("output", (1, 3))
    assert parse(world, "exports[c01]") == ("exports", (1,))
    assert parse(world, "exports[s00,c01]") == ("exports", (0, 1))
    assert parse(world, "trade[s01,c02,c00]") == ("trade", (1, 2, 0))


# --- a table that does not add up -------------------------------------------------------------
def test_a_table_that_misses_is_solved_at_the_spending_its_shares_imply():
    """Spending such that every market clears at base wages, written out."""
    world = world_of(6)
    wrong = world.dataset.copy(deep=True)
    wrong["final"] = wrong.final * np.array([[1.1], [0.95]])
    tables = {n: wrong[n] for n in ("trade", "tariff", "inputs", "value_added", "final", "deficit",
                                    "theta")}  # fmt: skip
    odd = dt.World.from_tables(**tables, identities="report")
    assert odd.misses
    base = prepare(odd).economy
    X = base.spending
    net = base.pi / (1 + base.tariff)
    sold = np.einsum("jn,jni->ji", X, net)
    revenue = (X - np.einsum("jn,jni->jn", X, net)).sum(axis=0)
    income = base.value_added + revenue + base.deficit
    wanted = np.einsum("njk,jn->kn", base.gamma, sold) + base.alpha * income
    np.testing.assert_allclose(X, wanted, rtol=1e-9)
    published = (world.trade * (1 + world.tariff)).sum("exporter").values
    assert np.abs(X / published - 1).max() > 1e-3


# --- phasing in -------------------------------------------------------------------------------
def test_parts_of_a_policy_are_parts_of_its_logs(world):
    policy, _ = policies(world)
    prepared = prepare(world)
    base = prepared.economy
    from detente.outcome.economy import instruments

    closed = np.where(np.arange(4) == 2, np.inf, policy.iceberg.values)
    whole = instruments(dt.Policy(world, tariff=policy.tariff, export_tax=policy.export_tax,
                                  iceberg=closed, transfer=policy.transfer))  # fmt: skip
    half = part_of(whole, base, 0.5)
    assert half.export_tax is not None
    assert half.iceberg is not None
    np.testing.assert_allclose((1 + half.tariff) ** 2, (1 + base.tariff) * (1 + whole.tariff),
                               rtol=1e-12)  # fmt: skip
    np.testing.assert_allclose((1 + half.export_tax) ** 2, 1 + policy.export_tax.values, rtol=1e-12)
    open_ = np.isfinite(closed)
    np.testing.assert_allclose(half.iceberg[open_] ** 2, closed[open_], rtol=1e-12)
    # a ban costs (1 - share)^-4 and leaves at most (1 - share)^4 of the flow at equal prices
    kept = (half.iceberg ** -base.theta[:, None, None])[~open_]
    assert (half.iceberg[~open_] >= 0.5**-4 - 1e-9).all()
    assert (kept <= 0.5**4 + 1e-9).all()
    np.testing.assert_allclose(half.transfer, 0.5 * policy.transfer.values)
    assert part_of(whole, base, 1.0) is whole
    none = part_of(whole, base, 0.0)
    np.testing.assert_allclose(none.tariff, base.tariff, rtol=1e-14)
    plain = part_of(instruments(dt.Policy(world, tariff=0.5)), base, 0.5)
    assert plain.export_tax is None
    assert plain.iceberg is None


def test_deficits_shrink_before_trade_is_closed(world):
    policy, _ = policies(world)
    from detente.outcome.economy import instruments

    prepared = prepare(world)
    base, bare = prepared.economy, instruments(policy)
    closure = Closure("zero", base.deficit, prepared.own_income)
    quarter = Phase(CaliendoParro(), base, bare, closure, 0.25)
    assert quarter.closure.name == "fixed"
    np.testing.assert_allclose(quarter.closure.base_deficit, 0.5 * base.deficit)
    np.testing.assert_allclose(quarter.problem.policy.tariff, base.tariff, rtol=1e-14)
    later = Phase(CaliendoParro(), base, bare, closure, 0.75)
    assert later.closure.name == "zero"
    np.testing.assert_allclose(later.problem.policy.transfer, 0.5 * bare.transfer)
    whole = Phase(
        CaliendoParro(), base, bare, Closure("fixed", base.deficit, prepared.own_income), 0.75
    )
    assert whole.closure.name == "fixed"
    np.testing.assert_allclose(whole.problem.policy.transfer, 0.75 * bare.transfer)


def test_the_economy_at_a_point_is_that_of_the_flows_there(world, out):
    """Shares, tax wedge, spending and value added of an equilibrium, from its flows."""
    e = out.after
    problem = Phase(CaliendoParro(), e.table, e.policy, Closure("share", *e.closure[1:]), 1.0)
    here = CaliendoParro().economy_at(e.point, problem.problem)
    paid = e.flows * (1 + e.policy.tariff)
    np.testing.assert_allclose(here.pi, paid / paid.sum(axis=2, keepdims=True), rtol=1e-8)
    np.testing.assert_allclose(here.spending, paid.sum(axis=2), rtol=1e-8)
    sold = (here.spending[:, :, None] * here.pi / (1 + here.tariff)).sum(axis=1)
    np.testing.assert_allclose(sold, e.point.Y, rtol=1e-8)
    np.testing.assert_allclose(here.value_added, e.point.value_added, rtol=1e-8)


def test_two_countries_by_hand():
    """Symmetric countries, one sector: a tariff of both at 25% with theta 4. Wages stay at one by
    symmetry; the share of home goods is a/(a + b 1.25^-4), and so on."""
    a, b, t, theta = 60.0, 40.0, 0.25, 4.0
    world = build(np.array([[[a, b], [b, a]]]), theta=theta)
    out = dt.simulate(world, dt.Policy(world, tariff=t), tol=1e-12)
    served = a / 100 + b / 100 * (1 + t) ** -theta
    home = a / 100 / served
    spent = 100 / (home + (1 - home) / (1 + t))  # wages are what sellers keep
    np.testing.assert_allclose(out.wage, 0.0, atol=1e-9)
    np.testing.assert_allclose(1 + out.consumer_price / 100, served ** (-1 / theta), rtol=1e-9)
    np.testing.assert_allclose(out.income, spent, rtol=1e-9)
    np.testing.assert_allclose(out.revenue, spent - 100, rtol=1e-8)
    flow = spent * (1 - home) / (1 + t)
    np.testing.assert_allclose(out.exports, 100 * (flow / b - 1), rtol=1e-8)
    np.testing.assert_allclose(out.imports, 100 * (flow / b - 1), rtol=1e-8)
    np.testing.assert_allclose(out.prices, 100 * (served ** (-1 / theta) - 1), rtol=1e-8)
    np.testing.assert_allclose(out.cost, 0.0, atol=1e-8)
    np.testing.assert_allclose(out.output, 0.0, atol=1e-8)
    real = spent / 100 / served ** (-1 / theta)
    np.testing.assert_allclose(1 + out.real_income / 100, real, rtol=1e-9)


def test_objectives_have_the_unit_of_their_variable():
    for name, row in OBJECTIVES.items():
        assert row.unit == variable("trade_after" if name == "trade" else name).unit, name


@pytest.mark.parametrize("name", ["output", "output_value", "prices", "cost", "exports", "imports"])
def test_what_was_zero_has_no_percent_change(name):
    """Country 1 makes and buys nothing of sector 1."""
    trade = np.array([[[6.0, 2.0], [2.0, 6.0]], [[5.0, 0.0], [0.0, 0.0]]])
    out = dt.simulate(build(trade, theta=4.0), dt.Policy(build(trade, theta=4.0), tariff=0.1))
    with pytest.raises(InputError, match="was zero before the change, so it has no percent"):
        objective(out, f"{name}[s01,c01]")
    assert objective(out, f"{name}[s00,c01]").unit == "percent"


def test_balance_is_judged_against_the_size_of_the_world():
    """A country alone must balance: to a billionth of world value added, in any unit of money."""
    trade = np.array([[[6.0, 2.0, 0.0], [2.0, 6.0, 0.0], [0.0, 0.0, 9.0]]])
    for unit in (1.0, 1e6):
        world = build(unit * trade, theta=4.0)
        size = float(world.value_added.sum())
        for part, possible in ((1e-10, True), (1e-8, False)):
            pay = {"c00": -part * size, "c02": part * size}
            policy = dt.Policy(world, transfer=pay)
            if possible:
                assert dt.simulate(world, policy).status == "converged"
            else:
                with pytest.raises(NoSolutionError, match="neither buys nor sells abroad"):
                    dt.simulate(world, policy)


def test_a_transfer_is_paid_by_all_in_proportion_to_value_added(world, out):
    """So a transfer to everybody in that proportion is none, and moves nothing."""
    payers = world.value_added.sum("sector").values
    for name in ("real_income[c02]", "revenue[c00]", "output[s01,c03]"):
        slope = dt.gradient(out, name, "transfer").values
        assert abs(payers @ slope) < 1e-9 * np.abs(payers * slope).sum()
        assert np.abs(slope).max() > 0


def test_each_route_keeps_its_own_history(world, out):
    two = dt.simulate(world, out.policy, baseline=out.baseline, deficit="share", tol=1e-12,
                      method="newton-krylov")  # fmt: skip
    assert (two.after.solution.method, out.after.solution.method) == ("newton-krylov", "anderson")
    np.testing.assert_allclose(two.real_income, out.real_income, atol=1e-8)
    assert two.after.solution.history[-1] == two.after.solution.residual


def test_detail_of_a_banned_flow_is_finite(world):
    """The cell of a new ban keeps what can be said of it; its country's sums are NaN."""
    closed = np.ones(world.trade.shape)
    closed[0, 1, 2] = np.inf
    detail = dt.simulate(world, dt.Policy(world, iceberg=closed)).first_order_detail
    for name in detail:
        assert np.isfinite(detail[name]).all(), name


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("alone", "c02 neither buys nor sells abroad, so that its deficit and transfers must be "
                  "zero"),
        ("buys", "c02 can buy but not sell abroad, so that its deficit and transfers must be "
                 "above zero"),
        ("sells", "c02 can sell but not buy abroad, so that its deficit and transfers must be "
                  "below zero"),
    ],
)  # fmt: skip
def test_who_cannot_balance_is_told_what_it_must_and_what_it_has(way, words):
    trade = np.array([[[6.0, 2.0, 1.0], [2.0, 6.0, 1.0], [1.0, 1.0, 9.0]]])
    world = build(1000 * trade, theta=4.0)
    iceberg = np.ones(trade.shape)
    if way in ("alone", "sells"):
        iceberg[:, 2, :2] = np.inf
    if way in ("alone", "buys"):
        iceberg[:, :2, 2] = np.inf
    amount = 70.0 if way == "sells" else -70.0
    pay = {"c00": -amount, "c02": amount}
    with pytest.raises(NoSolutionError) as caught:
        dt.simulate(world, dt.Policy(world, iceberg=iceberg, transfer=pay))
    assert words in str(caught.value)
    assert f"yet they are {amount:.0f} USD million (deficit='fixed')" in str(caught.value)


def test_who_makes_only_what_nobody_orders_has_no_sales():
    """Country 1 sells good 1 at home, as an input of its good 0, which may no longer be sold."""
    trade = np.array([[[9.0, 2.0], [1.0, 6.0]], [[4.0, 0.0], [0.0, 3.0]]])
    inputs = np.zeros((2, 2, 2))
    inputs[1, 0] = [4.0, 3.0]
    world = build(trade, inputs=inputs, theta=4.0)
    assert (world.final.sel(sector="s01") == 0).all()
    iceberg = np.ones(trade.shape)
    iceberg[0, :, 1] = np.inf
    with pytest.raises(NoSolutionError, match="c01 can sell nothing"):
        dt.simulate(world, dt.Policy(world, iceberg=iceberg), deficit="zero")


def test_income_that_ends_under_the_zero_closure_is_named():
    world = build(np.array([[[6.0, 2.0], [2.0, 6.0]]]), theta=4.0)
    pay = {"c00": -40.0, "c01": 40.0}  # five times what it has
    with pytest.raises(NoSolutionError, match=r"income of c00 falls to zero") as caught:
        dt.simulate(world, dt.Policy(world, transfer=pay), deficit="zero")
    assert caught.value.reason == "no income"


def test_own_income_of_the_table_is_what_is_spent_less_the_deficit(world):
    spent = world.final.values.sum(axis=0)
    np.testing.assert_allclose(prepare(world).own_income, spent - world.deficit.values, rtol=1e-9)


def test_a_ban_counts_however_small_the_flow():
    """Trade of a fraction of a USD million."""
    world = build(np.array([[[6.0, 0.2], [0.2, 6.0]]]), theta=4.0)
    iceberg = np.ones((1, 2, 2))
    iceberg[0, 0, 1] = iceberg[0, 1, 0] = np.inf
    first = dt.simulate(world, dt.Policy(world, iceberg=iceberg)).first_order
    assert first.attrs["missing"] == "c00, c01"
