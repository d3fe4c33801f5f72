"""The audit: it passes what is right, and names the place of every fault planted."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import detente as dt
from detente.errors import AuditError, InputError
from worlds import Change, Draw, random_policy, random_world

CLOSURES = ("fixed", "zero", "share")


def solved(deficit: str = "share", seed: int = 8) -> dt.Outcome:
    """An outcome with everything on: base tariffs, a baseline with taxes, icebergs and bans, a
    policy with others, transfers."""
    world = random_world(Draw(N=5, J=3, seed=seed, theta=(1.0, 12.0), deficit=0.2))
    kind = {"highest": 1.0, "lowest": 0.0, "export_taxes": 0.4, "icebergs": 0.4, "transfers": 0.05}
    before = random_policy(world, Change(seed=1, bans=0.05, **kind))
    after = random_policy(world, Change(seed=2, bans=0.15, **kind))
    return dt.simulate(world, after, baseline=before, deficit=deficit)


@pytest.fixture(scope="module")
def outcome() -> dt.Outcome:
    return solved()


def failing(found: dt.Audit) -> dict[str, tuple[str, str]]:
    return {c.name: (c.country, c.sector) for c in found.failures}


# --- what is right passes ---------------------------------------------------------------------
@pytest.mark.parametrize("deficit", CLOSURES)
def test_a_right_outcome_passes(deficit):
    found = dt.audit(solved(deficit))
    assert found.passed, found.summary
    assert found.raise_if_failed() is found
    assert f"{len(found.checks)} checks passed" in found.summary
    table = found.table
    assert (table["largest_relative_error"] <= table["bound"]).all()
    assert {"market clearing", "Walras' law", "another currency", "no change"} <= set(
        table["check"]
    )
    assert (table["cells"] > 0).all()  # no check is empty here


def test_the_embedded_world_passes_under_every_closure():
    world = dt.load_world()
    policy = dt.Policy(world, tariff=0.1)
    for deficit in CLOSURES:
        assert dt.audit(dt.simulate(world, policy, deficit=deficit), again=False).passed


def test_a_seller_that_lost_an_input_has_no_price():
    """What cannot be made has no cost, and no first-order term is made up from one."""
    from worlds import build

    # good 1 of country 0 has one seller, and goes into its good 2
    trade = np.array([np.diag([9.0, 9.0]) + 2.0, np.diag([4.0, 4.0]), np.diag([3.0, 5.0])])
    trade[2, 1, 0] = 2.0
    trade[0, 0, 1] += 2.0
    inputs = np.zeros((3, 3, 2))
    inputs[1, 2] = [4.0, 4.0]
    trade[2, 0, 1] = 1.0
    trade[0, 1, 0] += 1.0
    world = build(trade, inputs=inputs, theta=4.0)
    iceberg = np.ones(trade.shape)
    iceberg[1, 0, 0] = np.inf
    out = dt.simulate(world, dt.Policy(world, iceberg=iceberg))
    assert np.isnan(float(out.cost.sel(sector="s02", country="c00")))
    assert float(out.output.sel(sector="s02", country="c00")) == -100.0
    assert np.isnan(out.first_order.terms_of_trade.sel(country=["c00", "c01"])).all()
    assert dt.audit(out).passed


# --- faults in the output ---------------------------------------------------------------------
EXPECTED = {
    "real_income": "real income",
    "real_wage": "real income",
    "revenue": "tariff revenue",
    "revenue_before": "tariff revenue",
    "export_revenue": "export-tax revenue",
    "export_revenue_before": "export-tax revenue",
    "income": "budgets",
    "income_before": "budgets",
    "deficit_after": "reported deficits",
    "trade_after": "trade flows",
    "trade_before": "trade flows",
    "tariff": "trade flows",
    "tariff_before": "trade flows",
    "export_tax_after": "trade flows",
    "export_tax_before": "trade flows",
    "iceberg_after": "trade flows",
    "iceberg_before": "trade flows",
    "transfer_after": "trade balance",
    "transfer_before": "trade balance",
    "wage_level_after": "labour markets",
    "wage_level_before": "labour markets",
    "price_level_after": "price indices",
    "price_level_before": "price indices",
    "cost_level_after": "unit costs",
    "cost_level_before": "unit costs",
    **dict.fromkeys(
        ("wage", "consumer_price", "exports", "imports", "output", "output_value", "prices",
         "cost", "sector_exports"),
        "reported changes",
    ),
    **dict.fromkeys(
        ("terms_of_trade", "volume_of_trade", "trade_cost", "export_tax_volume",
         "transfer_received", "welfare"),
        "first-order terms",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def labelled() -> dict[bool, tuple[xr.Dataset, dt.World]]:
    """Labelled outputs with and without bans: with them most first-order terms have no value."""
    out = solved()
    plain = dt.Policy(
        out.world, tariff=out.policy.tariff, export_tax=out.policy.export_tax,
        iceberg=out.policy.iceberg.where(np.isfinite(out.policy.iceberg), 1.0),
        transfer=out.policy.transfer,
    )  # fmt: skip
    free = dt.Policy(out.world, tariff=out.policy.tariff * 0.5, export_tax=0.1)
    other = dt.simulate(out.world, plain, baseline=free, deficit="share")
    return {True: (out.to_dataset(), out.world), False: (other.to_dataset(), other.world)}


def test_every_labelled_variable_is_covered(labelled):
    assert set(EXPECTED) == set(labelled[True][0].data_vars)


@pytest.mark.parametrize("bans", [True, False])
@pytest.mark.parametrize("name", EXPECTED)
def test_a_slight_fault_in_any_variable_is_found_where_it_is(labelled, name, bans):
    ds, world = labelled[bans]
    assert dt.audit(ds, world, again=False).passed
    values = ds[name].values
    size = np.where(np.isfinite(values), np.abs(values), 0.0)
    if ds[name].dims == ("sector", "importer", "exporter"):
        # a rate on no flow changes nothing; on a flow too small to count, hardly anything
        side = "before" if name.endswith("before") else "after"
        flows = ds[f"trade_{side}"].values
        size = size * (flows > 1e-3 * flows.sum(axis=2, keepdims=True))
    if not size.any():
        assert bans or name.endswith("transfer_before"), name
        return
    rng = np.random.default_rng(len(name))
    cells = np.argwhere(size > 0.05 * size.max())
    at = tuple(cells[rng.integers(len(cells))])
    wrong = ds.copy(deep=True)
    wrong[name].values[at] *= 1 + 1e-4
    found = dt.audit(wrong, world, again=False)
    assert not found.passed
    failed = failing(found)
    assert EXPECTED[name] in failed, found.summary
    label = {d: str(ds[d].values[i]) for d, i in zip(ds[name].dims, at, strict=True)}
    country, sector = failed[EXPECTED[name]]
    assert country == label.get("country", label.get("importer")), (label, found.summary)
    assert sector == label.get("sector", "")
    with pytest.raises(AuditError, match=found.worst.name) as caught:
        found.raise_if_failed()
    assert caught.value.country == found.worst.country
    assert caught.value.check == found.worst.name


def test_a_flow_through_a_ban_is_found_however_small(outcome):
    ds = outcome.to_dataset().copy(deep=True)
    j, n, i = np.argwhere(outcome.policy.banned.values & (ds.trade_before.values > 0))[0]
    ds.trade_after.values[j, n, i] = 1e-12
    found = dt.audit(ds, outcome.world, again=False)
    countries, sectors = outcome.world.countries, outcome.world.sectors
    (check,) = (c for c in found.failures if c.name == "no flow where none can be")
    assert (check.country, check.sector, check.partner) == (countries[n], sectors[j], countries[i])
    assert check.place == f"{countries[n]} {sectors[j]} from {countries[i]}"


# --- faults in the solver ---------------------------------------------------------------------
def plant(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """Break one formula such that the solver still converges: money is moved, not lost."""
    from detente.models.caliendo_parro import model
    from detente.models.closure import Closure

    evaluate, build = model.evaluate, model.build_kernel

    def revenue(z, base, k, closure):
        p = evaluate(z, base, k, closure)
        moved = 0.001 * p.tariff_revenue[0] * (np.eye(5)[1] - np.eye(5)[0])
        return p._replace(
            tariff_revenue=p.tariff_revenue + moved,
            income=p.income + moved,
            X_new=p.X_new + base.alpha * moved,
        )

    def use(base, policy):
        k = build(base, policy)
        swapped = k.gamma_by_input.copy()
        swapped[3, [0, 1]] = swapped[3, [1, 0]]  # country, input
        return k._replace(gamma_by_input=swapped)

    def elasticity(base, policy):
        return build(base._replace(theta=base.theta * np.array([1.0, 1.001, 1.0])), policy)

    if fault == "revenue":
        monkeypatch.setattr(model, "evaluate", revenue)
    elif fault == "deficit":
        right = Closure.deficit
        shift = 0.0001 * (np.eye(5)[2] - np.eye(5)[4])
        monkeypatch.setattr(
            Closure, "deficit", lambda self, own: right(self, own) + shift * own.sum()
        )
    else:
        monkeypatch.setattr(model, "build_kernel", {"use": use, "elasticity": elasticity}[fault])


@pytest.mark.parametrize(
    ("fault", "check", "country", "sector"),
    [
        ("revenue", "tariff revenue", {"c00", "c01"}, {""}),
        ("use", "market clearing", {"c03"}, {"s00", "s01"}),
        ("elasticity", "price indices", None, {"s01"}),
        ("deficit", "trade balance", {"c02", "c04"}, {""}),
    ],
)
def test_a_wrong_formula_in_the_solver_is_found(monkeypatch, fault, check, country, sector):
    plant(monkeypatch, fault)
    out = solved(seed=9)
    assert out.status == "converged"
    # by the solver's own books markets clear
    assert out.checks["goods_markets"] < 1e-8 > out.checks["labour_markets"]
    failed = failing(dt.audit(out, again=False))
    assert check in failed, failed
    assert country is None or failed[check][0] in country
    assert failed[check][1] in sector


def test_a_result_that_depends_on_the_currency_is_found(monkeypatch):
    """A deficit in absolute money is right in one currency only."""
    from detente.models.closure import Closure

    out = solved("fixed")
    right = Closure.deficit

    def absolute(self, own):
        return right(self, own) + 10.0 * (np.eye(5)[0] - np.eye(5)[1])

    monkeypatch.setattr(Closure, "deficit", absolute)
    assert "another currency" in failing(dt.audit(out))


# --- what can be audited ----------------------------------------------------------------------
def test_a_saved_dataset_is_audited_like_the_outcome(outcome, tmp_path: Path):
    path = tmp_path / "outcome.nc"
    outcome.to_dataset().to_netcdf(path, engine="h5netcdf")
    saved, live = dt.audit(path, outcome.world), dt.audit(outcome)
    assert saved.passed
    assert saved.table["check"].tolist() == live.table["check"].tolist()
    assert saved.table["cells"].tolist() == live.table["cells"].tolist()


def test_what_cannot_be_audited_says_why(outcome, tmp_path: Path):
    ds = outcome.to_dataset()
    with pytest.raises(InputError, match="load_world"):
        dt.audit(ds)
    with pytest.raises(InputError, match="hash"):
        dt.audit(ds, random_world(Draw(N=5, J=3, seed=77)))
    with pytest.raises(InputError, match="cost_level_after"):
        dt.audit(ds.drop_vars("cost_level_after"), outcome.world)
    with pytest.raises(InputError, match="no attribute"):
        dt.audit(ds.assign_attrs().drop_attrs(), outcome.world)
    with pytest.raises(InputError, match="'tol' is"):
        dt.audit(ds.assign_attrs(tol="small"), outcome.world)
    with pytest.raises(InputError, match="does not exist"):
        dt.audit(tmp_path / "nowhere")
    (tmp_path / "outcome.nc").write_text("no netCDF", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read"):
        dt.audit(tmp_path)


# --- the command ------------------------------------------------------------------------------
def test_a_failed_audit_is_exit_3_and_prints_no_result(monkeypatch, capsys, tmp_path: Path):
    from detente.cli.main import main

    right = dt.Outcome.revenue.func

    def wrong(self):
        array = right(self).copy()
        array.loc["KOR"] *= 1.001
        return array

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(dt.Outcome, "revenue", property(wrong))
    monkeypatch.setattr(sys, "argv", ["detente", "run", "us-cars-25", "--audit", "--out", "folder"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "tariff revenue, KOR" in printed.err
    assert not (tmp_path / "folder").exists()
