"""The audit of the models beside the default one: it passes what is right, and finds the fault in
every labelled variable and in formulas of the solver."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import detente as dt
from detente.errors import InputError
from detente.models import registry
from detente.models.labour_supply import LabourSupply
from detente.models.model import Model
from detente.models.monopolistic import Monopolistic
from detente.outcome.audit import CHECKS
from worlds import Change, Draw, random_policy, random_world

NU = (0.3, 0.1, 0.0, 0.2, 0.15)
MODELS: dict[str, Model] = {
    "firms given": Monopolistic("none"),
    "firms enter": Monopolistic("free"),
    "income tax": LabourSupply(nu=NU),
    "lump sum, no scale": LabourSupply(nu=NU, psi=0.0, revenue="lump-sum"),
    "exact": LabourSupply(kappa=0.8, nu=0.1, phi=1.1, disutility="exact"),
}


def solved(name: str, deficit: str = "share", seed: int = 9, bans: float = 0.15) -> dt.Outcome:
    """An outcome with all that a model knows, from a baseline that is not the world table."""
    model = MODELS[name]
    firms = isinstance(model, Monopolistic)
    draw = Draw(N=5, J=3 if firms else 1, seed=seed, theta=(1.5, 7.0), inputs=False, deficit=0.2)
    world = random_world(draw)
    if firms:
        world = world.with_sigma(1.0 + world.theta.values)
    taxes = 0.3 if firms else 0.0
    kind: dict[str, Any] = {"highest": 0.8, "lowest": 0.0, "icebergs": 0.3, "transfers": 0.03}
    before = random_policy(world, Change(seed=1, export_taxes=taxes, **kind))
    after = random_policy(world, Change(seed=2, export_taxes=taxes, bans=bans, **kind))
    return dt.simulate(world, after, baseline=before, model=model, deficit=deficit)


def failing(found: dt.Audit) -> dict[str, tuple[str, str]]:
    return {c.name: (c.country, c.sector) for c in found.failures}


def test_every_model_that_can_be_audited_has_checks():
    assert set(registry.able("task", "audit")) == set(CHECKS)


# --- what is right passes ---------------------------------------------------------------------
@pytest.mark.parametrize("deficit", ["fixed", "zero", "share"])
@pytest.mark.parametrize("name", MODELS)
def test_a_right_outcome_passes(name, deficit):
    found = dt.audit(solved(name, deficit))
    assert found.passed, found.summary
    own = {"firms and profits"} if isinstance(MODELS[name], Monopolistic) else {"hours", "welfare"}
    assert {*own, "price indices", "another currency", "no change"} <= set(found.table["check"])
    assert (found.table["cells"] > 0).all()


def test_quotas_of_firms_are_audited():
    world = solved("firms given").world
    quota = {"sector": "s00", "importer": "c00", "exporter": ["c01", "c02"], "volume": 0.5}
    out = dt.simulate(world, dt.Policy(world, quota=quota), model="monopolistic")
    assert float(out.quota_rent.sel(country="c00")) > 0
    assert dt.audit(out).raise_if_failed().passed
    ds = out.to_dataset().copy(deep=True)
    ds.quota_rent_after.values[0] *= 1.001
    assert "quota rents" in failing(dt.audit(ds, world, again=False))


def test_a_sector_that_left_is_not_worth_entering():
    """With free entry sectors leave countries, and the audit judges that no first firm would come
    back. Where one is taken out of an equilibrium in which it is at home, its buyers turn to the
    others and prices are a percent higher, some would."""
    out = solved("firms enter")
    assert (out.own("firms") == -100).any()
    assert dt.audit(out).passed
    ds = out.to_dataset().copy(deep=True)
    j, i = np.argwhere(ds.firms.values > -100)[0]
    paid = ds.trade_after.values[j] * (1 + ds.tariff.values[j])
    rest = paid.sum(axis=1) - paid[:, i]
    assert (rest > 0).all()
    ds.trade_after.values[j] *= (paid.sum(axis=1) / rest)[:, None]
    ds.trade_after.values[j, :, i] = 0.0
    ds.price_level_after.values[j] *= 1.01
    gone = out.world.countries[i], out.world.sectors[j]
    assert failing(dt.audit(ds, out.world, again=False))["nobody would enter"] == gone


def test_a_saved_run_is_audited_with_its_parameters(tmp_path: Path):
    out = solved("income tax")
    path = tmp_path / "outcome.nc"
    out.to_dataset().to_netcdf(path)
    assert dt.audit(path, out.world).passed
    ds = out.to_dataset()
    ds.attrs["model_settings"] = ds.attrs["model_settings"].replace("'kappa': 0.5", "'kappa': 0.51")
    assert "hours" in failing(dt.audit(ds, out.world, again=False))
    ds.attrs["model_settings"] = "[" * 5000
    with pytest.raises(InputError, match=r"'model_settings' is .*parameters of the model"):
        dt.audit(ds, out.world)


# --- faults in the output ---------------------------------------------------------------------
def expected(model: Model) -> dict[str, str]:
    found = {
        "real_income": "real income", "real_wage": "real income", "deficit_after":
        "reported deficits",
        **dict.fromkeys(("revenue", "revenue_before"), "tariff revenue"),
        **dict.fromkeys(("export_revenue", "export_revenue_before"), "export-tax revenue"),
        **dict.fromkeys(("income", "income_before"), "budgets"),
        "tariff": "trade flows", "tariff_before": "trade flows",
        **dict.fromkeys(("wage", "consumer_price", "exports", "imports", "output", "output_value",
                         "prices", "cost", "sector_exports"), "reported changes"),
    }  # fmt: skip
    for side in ("after", "before"):
        found |= {f"{n}_{side}": "trade flows" for n in ("trade", "export_tax", "iceberg")}
        found |= {f"transfer_{side}": "trade balance", f"price_level_{side}": "price indices"}
        found |= {f"{n}_level_{side}": "unit costs" for n in ("wage", "cost")}
    if isinstance(model, Monopolistic):
        return found | {"firms": "firms and profits", "profits": "firms and profits"}
    return found | {"utility": "welfare", "labour": "hours", "income_tax": "hours"}


NONE = ("terms_of_trade", "volume_of_trade", "trade_cost", "export_tax_volume",
        "transfer_received", "welfare")  # fmt: skip
"""First-order terms, which these models do not have: NaN."""


@pytest.fixture(scope="module", params=list(MODELS))
def labelled(request) -> tuple[Model, xr.Dataset, dt.World]:
    out = solved(request.param)
    return MODELS[request.param], out.to_dataset(), out.world


def test_a_slight_fault_in_any_variable_is_found_where_it_is(labelled):
    model, ds, world = labelled
    checks = expected(model)
    assert set(checks) | set(NONE) == set(ds.data_vars)
    assert dt.audit(ds, world, again=False).passed
    tried = 0
    for name, check in checks.items():
        values = ds[name].values
        size = np.where(np.isfinite(values), np.abs(values), 0.0)
        if ds[name].dims == ("sector", "importer", "exporter"):
            # a rate on no flow changes nothing; on a flow too small to count, hardly anything
            flows = ds[f"trade_{'before' if name.endswith('before') else 'after'}"].values
            size = size * (flows > 1e-3 * flows.sum(axis=2, keepdims=True))
        if not size.any():
            continue
        cells = np.argwhere(size > 0.05 * size.max())
        at = tuple(cells[np.random.default_rng(len(name)).integers(len(cells))])
        wrong = ds.copy(deep=True)
        # transfers are a hundredth of what is spent, to which balances are held
        wrong[name].values[at] *= 1 + (1e-2 if "transfer" in name else 1e-4)
        found = dt.audit(wrong, world, again=False)
        [failed] = [c for c in found.failures if c.name == check] or [None]
        assert failed is not None, (name, found.summary)
        label = {d: str(ds[d].values[i]) for d, i in zip(ds[name].dims, at, strict=True)}
        # where firms enter, a flow that is wrong makes its seller's number of firms wrong
        places = {failed.country} if len(label) < 3 else {failed.country, failed.partner}
        assert places & {label.get("country"), label.get("importer"), label.get("exporter")}
        tried += 1
    assert tried >= len(checks) - 6  # what is not levied, and firms or profits that stay


# --- faults in the solver ---------------------------------------------------------------------
def plant_firms(patch: pytest.MonkeyPatch, fault: str) -> None:
    from detente.models.monopolistic import model

    base_of, kernel, evaluate = model.base_of, model.build_kernel, model.evaluate

    def labour(tables, entry):
        base = base_of(tables, entry)
        return base._replace(rho=base.rho * np.array([1.0, 0.999, 1.0]))

    def substitution(base, policy):
        return kernel(base._replace(theta=base.theta * np.array([1.0, 1.0, 1.001])), policy)

    def revenue(z, base, k, closure):
        p = evaluate(z, base, k, closure)
        moved = 0.001 * p.tariff_revenue[0] * (np.eye(5)[1] - np.eye(5)[0])
        return p._replace(
            tariff_revenue=p.tariff_revenue + moved, income=p.income + moved,
            X_new=p.X_new + base.alpha * moved,
        )  # fmt: skip

    name, wrong = {
        "markup": ("base_of", labour),
        "substitution": ("build_kernel", substitution),
        "revenue": ("evaluate", revenue),
    }[fault]
    patch.setattr(model, name, wrong)


def plant_hours(patch: pytest.MonkeyPatch, fault: str) -> None:
    from detente.models.labour_supply import model

    economy, evaluate, utility = model.economy, model.evaluate, model.log_utility

    def parameter(tables, at):
        more = {"hours": "kappa", "scale": "psi", "pass-through": "phi", "wedge": "nu"}[fault]
        return economy(tables, at._replace(**{more: getattr(at, more) * 1.001}))

    def tax(z, base, k, closure):
        p = evaluate(z, base, k, closure)
        kept = 1.0 - 1.01 * p.relief
        return p._replace(
            relief=1.01 * p.relief,
            log_L_new=base.at.kappa * (p.log_w - p.log_P_new[0] - np.log(kept)),
        )

    if fault == "tax":
        patch.setattr(model, "evaluate", tax)
    elif fault == "welfare":
        patch.setattr(model, "log_utility", lambda p, base: 1.001 * utility(p, base))
    else:
        patch.setattr(model, "economy", parameter)


@pytest.mark.parametrize(
    ("name", "fault", "check"),
    [
        ("firms given", "markup", "labour markets"),
        ("firms given", "substitution", "price indices"),
        ("firms given", "revenue", "tariff revenue"),
        ("firms enter", "substitution", "price indices"),
        ("firms enter", "revenue", "tariff revenue"),
        ("income tax", "hours", "hours"),
        ("income tax", "scale", "unit costs"),
        ("income tax", "pass-through", "price indices"),
        ("income tax", "wedge", "unit costs"),
        ("income tax", "tax", "hours"),
        ("exact", "welfare", "welfare"),
    ],
)
def test_a_wrong_formula_in_the_solver_is_found(monkeypatch, name, fault, check):
    plant = plant_firms if isinstance(MODELS[name], Monopolistic) else plant_hours
    plant(monkeypatch, fault)
    out = solved(name)
    assert out.status == "converged"
    found = dt.audit(out, again=False)
    assert check in failing(found), found.summary
