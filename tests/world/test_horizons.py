"""Horizon sets: every shipped one loads, and meets what its source prints; breaches are named."""

from __future__ import annotations

from importlib.resources import files

import pytest

from detente.errors import RecordError, UnknownNameError
from detente.models.staggered import Staggered
from detente.runs.horizons import staggered_of
from detente.world.horizons import (
    DEFAULT_HORIZON,
    elasticity_after,
    horizon_record,
    horizon_sets,
    read_horizon_record,
)

FOLDER = files("detente.world") / "horizon_sets"


def text(name: str = "cgmt") -> str:
    return (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


def test_the_default_comes_first_and_every_set_loads():
    names = horizon_sets()
    assert names[0] == DEFAULT_HORIZON == "cgmt-sectors"
    assert {"cgmt", "cgmt-code", "blp"} < set(names)
    for name in names:
        record = horizon_record(name)
        assert record.id == name
        assert record.citation
        assert record.labour.mu_low <= record.labour.mu <= record.labour.mu_high
        for labour in ("mobile", "sticky"):
            model = staggered_of(record, labour)
            assert (model.sigma, model.zeta, model.mu) == (record.sigma, record.zeta,
                                                           record.labour.mu)  # fmt: skip


def test_published_elasticities_are_met():
    """Ten estimates by horizon (Chen, Goes, Muendler and Trottner 2023), tariffs included, and two
    of flows at border prices (Boehm, Levchenko and Pandalai-Nayar 2023)."""
    ten = [-0.620, -0.898, -1.143, -1.359, -1.550, -1.718, -1.866, -1.997, -2.112, -2.213]
    cgmt, blp = horizon_record("cgmt"), horizon_record("blp")
    assert cgmt.theta is not None
    assert blp.theta is not None
    assert [p.value for p in cgmt.published] == ten
    for years, value in enumerate(ten, start=1):
        found = elasticity_after(years, cgmt.theta, cgmt.sigma, cgmt.zeta)
        assert found == pytest.approx(value, abs=0.001)
    for years, value in ((1, -0.76), (10, -2.12)):
        found = elasticity_after(years, blp.theta, blp.sigma, blp.zeta) - 1.0
        assert found == pytest.approx(value, abs=0.001)
    assert (1 - blp.zeta) ** 10 == pytest.approx(0.1, abs=1e-3)  # as its text says


def test_every_published_number_of_every_set_is_met():
    for name in horizon_sets():
        r = horizon_record(name)
        for p in r.published:
            assert r.theta is not None, f"{name}: published numbers belong to an own long run"
            found = elasticity_after(p.years, r.theta, r.sigma, r.zeta) - (p.of == "exclusive")
            assert found == pytest.approx(p.value, abs=0.001), f"{name}, {p.years} years"


def test_the_default_has_the_pace_of_the_estimates_and_the_world_s_long_run():
    mine, cgmt = horizon_record(), horizon_record("cgmt")
    assert (mine.sigma, mine.zeta) == (cgmt.sigma, cgmt.zeta)
    assert mine.theta is None
    assert mine.long_run == "the world's, by sector"
    assert (Staggered().sigma, Staggered().zeta) == (mine.sigma, mine.zeta)


@pytest.mark.parametrize(("theta", "sigma", "zeta"), [(4.0, 0.5, 0.2), (9.0, 2.5, 0.05)])
def test_the_formula_starts_at_sigma_and_ends_at_theta(theta, sigma, zeta):
    assert elasticity_after(0, theta, sigma, zeta) == pytest.approx(1 - sigma)
    assert elasticity_after(1e4, theta, sigma, zeta) == pytest.approx(-theta)
    assert elasticity_after(1, theta, sigma, 1.0) == -theta
    year = elasticity_after(1, theta, sigma, zeta)
    months = elasticity_after(12, theta, sigma, 1 - (1 - zeta) ** (1 / 12))
    assert months == pytest.approx(year, rel=1e-12)


def test_an_unknown_set_is_named_with_those_there_are():
    with pytest.raises(UnknownNameError, match=r"horizon set.*'cgtm'.*cgmt"):
        horizon_record("cgtm")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("sigma: 1.3045", "sigma: 1.0", "sigma: is 1, where the price index has another form"),
        ("sigma: 1.3045", "sigma: 1", "sigma: is 1"),
        ("sigma: 1.3045", "sigma: -0.2", "sigma"),
        ("sigma: 1.3045", "sigma: .nan", "sigma"),
        ("sigma: 1.3045", "sigma: '1.3'", "sigma"),
        ("zeta: 0.1183", "zeta: 0", "zeta"),
        ("zeta: 0.1183", "zeta: 1.2", "zeta"),
        ("theta: 2.97", "theta: 0", "theta"),
        ("  mu: 0.1\n", "  mu: 0\n", "mu"),
        ("  mu: 0.1\n", "  mu: 1.1\n", "mu"),
        ("  kappa: 1.5", "  kappa: 1", "kappa"),
        ("id: cgmt", "id: Own Set", "id"),
        ('date: "2026-11-24"', 'date: "yesterday"', "date"),
        ("notes: >-", "remarks: >-", "remarks"),
        ("zeta: 0.1183", "zeta: 0.1183\nzeta: 0.2", "zeta"),
        ("of: inclusive", "of: both", "of"),
        ("years: 1,", "years: 0,", "years"),
        ("zeta: 0.1183\n", "", "zeta"),
    ],
)
def test_a_breach_of_the_schema_names_file_and_field(old, new, words):
    broken = text().replace(old, new, 1)
    assert broken != text()
    with pytest.raises(RecordError, match=f"(?s)own.yaml.*{words}"):
        read_horizon_record(broken, "own.yaml")
    assert read_horizon_record(text(), "own.yaml") == horizon_record("cgmt")
