"""What a gradient says about itself, what it keeps, and tariffs by how much they hurt."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import detente as dt
from detente.errors import ConvergenceError, InputError, UnknownNameError
from detente.outcome.gradient import _one, _space, exposure, gradient, jacobian
from detente.outcome.objective import objective
from worlds import Draw, random_world


@pytest.fixture(scope="module")
def out() -> dt.Outcome:
    world = random_world(Draw(N=4, J=3, seed=6, theta=(2.0, 6.0), sparsity=0.3, deficit=0.2))
    rng = np.random.default_rng(0)
    tariff = rng.uniform(0, 0.4, world.trade.shape)
    return dt.simulate(world, dt.Policy(world, tariff=tariff), tol=1e-12)


def test_labels_and_units(out):
    one = gradient(out, "real_income[c01]")
    assert one.name == "gradient"
    assert one.dims == ("sector", "importer", "exporter")
    assert "of" not in one.coords
    assert one.attrs == {"unit": "percent per unit tariff (1 = 100 points)",
                         "long_name": "derivative in each tariff", "wrt": "tariff"}  # fmt: skip
    assert one.sector.values.tolist() == out.world.sectors
    for dim in ("importer", "exporter"):
        assert one[dim].values.tolist() == out.world.countries
    paid = jacobian(out, ["real_income[c01]", "wage[c02]"], "transfer")
    assert paid.dims == ("of", "country")
    assert paid.of.values.tolist() == ["real_income[c01]", "wage[c02]"]
    assert paid.country.values.tolist() == out.world.countries
    assert paid.attrs["unit"] == "percent per USD million received"
    mixed = jacobian(out, ["real_income[c01]", "revenue[c02]"], "iceberg")
    assert mixed.attrs["unit"].startswith("own unit per unit iceberg factor")
    np.testing.assert_allclose(mixed[0], gradient(out, "real_income[c01]", "iceberg"), rtol=1e-7,
                               atol=1e-9)  # fmt: skip
    # a name alone or a sum alone is one objective
    assert jacobian(out, "wage[c02]").of.values.tolist() == ["wage[c02]"]
    both = {"wage[c02]": 2.0, "wage[c00]": -0.5}
    assert jacobian(out, both).of.values.tolist() == ["2 wage[c02] + -0.5 wage[c00]"]
    assert objective(out, both).unit == "percent"


def test_what_cannot_be_differentiated(out):
    with pytest.raises(UnknownNameError, match=r"wrt: .*'tarif'.*did you mean tariff"):
        gradient(out, "wage[c02]", "tarif")
    with pytest.raises(InputError, match="an empty sum"):
        gradient(out, {})
    for odd in (np.nan, np.inf):
        with pytest.raises(InputError, match="weight of wage"):
            gradient(out, {"wage[c02]": odd})
    with pytest.raises(InputError, match="different units"):
        gradient(out, {"wage[c02]": 1.0, "revenue[c02]": 1.0})
    with pytest.raises(UnknownNameError, match=r"of: .*'wages'"):
        gradient(out, "wages[c02]")


def test_one_space_for_one_outcome(out):
    assert _space(out) is _space(out)
    other = dt.simulate(out.world, out.policy, tol=1e-12)
    assert _space(other) is not _space(out)


def test_an_adjoint_that_stops_short_is_refused(out):
    part = objective(out, "real_income[c01]")
    good = _space(out)

    def off(by) -> Any:
        return SimpleNamespace(solve=lambda target, rtol: good.solve(target, rtol=rtol) * by)

    for by, fine in ((1 + 1e-11, True), (1 + 1e-6, False), (np.nan, False)):
        if fine:
            _one(out, part, off(by), "tariff", None)
            continue
        with pytest.raises(ConvergenceError, match=r"gradient of real_income\[c01\]: .* close to"):
            _one(out, part, off(by), "tariff", None)


@pytest.mark.parametrize("to", ["tariff", "export_tax"])
@pytest.mark.parametrize(
    "by",
    [("importer", "exporter", "sector"), ("sector", "importer"), ("exporter",), ("sector",),
     ("exporter", "importer")],
)  # fmt: skip
def test_exposure_is_the_gradient_summed(out, to, by):
    """Per point, over what is not asked for; without own sales where both countries are."""
    frame = exposure(out, "c01", to=to, by=by)
    assert list(frame) == [*by, "percent_per_point"]
    slope = gradient(out, "real_income[c01]", to) / 100
    alive = out.trade > 0
    assert not alive.values.all()
    others = [d for d in ("sector", "importer", "exporter") if d not in by]
    expected = {}
    for key, held in alive.any(others).transpose(*by).to_series().items():
        at = dict(zip(by, key if isinstance(key, tuple) else (key,), strict=True))
        if held and at.get("importer", 0) != at.get("exporter", 1):
            expected[tuple(at.values())] = float(slope.sel(at).sum())
    found = {tuple(row[:-1]): row[-1] for row in frame.itertuples(index=False)}
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, rel=1e-9, abs=1e-12)
    assert frame.percent_per_point.is_monotonic_increasing
    assert frame.index.tolist() == list(range(len(frame)))


def test_exposure_in_a_world_is_at_its_own_tariffs(out):
    at = exposure(out.world, "c01")
    same = exposure(dt.simulate(out.world), "c01")
    assert at.drop(columns="percent_per_point").equals(same.drop(columns="percent_per_point"))
    np.testing.assert_allclose(at.percent_per_point, same.percent_per_point, atol=1e-9)
    with pytest.raises(UnknownNameError, match=r"to: .*'iceberg'"):
        exposure(out.world, "c01", to="iceberg")
    with pytest.raises(UnknownNameError, match=r"by: .*'country'"):
        exposure(out.world, "c01", by=("country",))
