"""Elasticity sets against the papers' numbers."""

import csv

import numpy as np
import pytest

from detente.errors import RecordError, UnknownNameError
from detente.world.theta import (
    DEFAULT_THETA,
    read_theta_record,
    theta_record,
    theta_set,
    theta_sets,
)
from raw_tables import raw_folder

SETS = ["bsy", "cp", "cp-estimates", "fgo", "gyy", "ll", "shapiro", "uniform4"]

# Caliendo & Parro (2015), Table 1, 99% sample.
CP_TABLE_1 = {
    "A01_02": 9.11, "B05_06": 13.53, "C10T12": 2.62, "C13T15": 8.10, "C16": 11.50, "C17_18": 16.52,
    "C19": 64.85, "C20": 3.13, "C22": 1.67, "C23": 2.41, "C24": 3.28, "C25": 6.99, "C28": 1.45,
    "C27": 12.91, "C31T33": 3.98, "C26": (12.95 + 3.95 + 8.71) / 3,
}  # fmt: skip


def test_names_and_default():
    assert sorted(theta_sets()) == SETS
    assert theta_sets()[0] == DEFAULT_THETA == "fgo"
    with pytest.raises(UnknownNameError, match="fgo"):
        theta_set("fog")


@pytest.mark.parametrize("name", SETS)
def test_every_set_is_whole_and_cited(name):
    theta, record = theta_set(name), theta_record(name)
    assert theta.dims == ("sector",)
    assert theta.sizes["sector"] == 23
    assert bool((theta > 0).all())
    assert theta.attrs["citation"]
    assert record.horizon == "long-run"
    assert record.checked


@pytest.mark.parametrize("name", SETS)
def test_values_are_means_of_the_mapped_source_industries(name):
    record = theta_record(name)
    assert set(record.mapping) == set(record.values) - {"services"}
    for sector, industries in record.mapping.items():
        expected = np.mean([record.source_values[i] for i in industries]) if industries else 4.0
        assert record.values[sector] == pytest.approx(expected, abs=5e-5)


def test_caliendo_parro_as_estimated_and_as_used():
    estimates, used = theta_set("cp-estimates"), theta_set("cp")
    for sector, value in CP_TABLE_1.items():
        assert float(estimates.sel(sector=sector)) == pytest.approx(value, abs=5e-5)
        assert float(used.sel(sector=sector)) == pytest.approx(value, abs=5e-5)
    assert estimates.sel(sector=["C29", "C30"]).values.tolist() == [1.84, 0.39]
    assert used.sel(sector=["C29", "C30"]).values.tolist() == [8.22, 8.22]


def test_fontagne_guimbard_orefice_range():
    goods = theta_set("fgo").drop_sel(sector="services")
    assert (float(goods.min()), float(goods.max())) == (2.91, 10.56)


def test_uniform_four():
    assert bool((theta_set("uniform4") == 4).all())


def _text() -> str:
    record = theta_record("uniform4")
    values = "\n".join(f"  {k}: {v}" for k, v in record.values.items())
    fields = "".join(f"{k}: text\n" for k in ("title", "citation", "where", "checked", "services",
                                              "notes"))  # fmt: skip
    return f"id: mine\nyear: 2020\nhorizon: long-run\n{fields}values:\n{values}\n"


def test_a_good_record_reads():
    assert read_theta_record(_text(), "mine.yaml").id == "mine"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  C29: 4.0\n", "", "C29"),
        ("  C29: 4.0\n", "  C29: -4.0\n", "C29"),
        ("  C29: 4.0\n", "  C29: 4.0\n  C29: 5.0\n", "twice"),
        ("  C29: 4.0\n", "  C29: 4.0\n  C99: 5.0\n", "C99"),
        ("  C29: 4.0\n", "  C29: .nan\n", "C29"),
        ("  C29: 4.0\n", "  C29: four\n", "C29"),
        ("year: 2020\n", "year: 2020\nextra: 1\n", "extra"),
        ("year: 2020\n", "year: [\n", "YAML"),
    ],
)
def test_bad_records_are_refused(old, new, message):
    with pytest.raises(RecordError, match=message) as caught:
        read_theta_record(_text().replace(old, new), "mine.yaml")
    assert "mine.yaml" in str(caught.value)


@pytest.mark.raw_tables
def test_cp_estimates_match_the_published_table():
    with open(raw_folder() / "published_results.csv", newline="", encoding="utf-8") as file:
        rows = {r[0]: float(r[2]) for r in csv.reader(file) if r[0].startswith("cp15_theta_99_")}
    source = list(theta_record("cp-estimates").source_values.values())
    assert source == [rows[f"cp15_theta_99_{i:02d}"] for i in range(1, 21)]


@pytest.mark.raw_tables
def test_sets_average_to_the_compiled_file():
    """The compiled file merges industries; our finer values average to its numbers."""
    import h5py

    pairs = {"fgo": "FGO", "gyy": "GYY", "bsy": "BSY", "shapiro": "Shap", "ll": "LL"}
    with h5py.File(raw_folder() / "icio/ICIO2022.mat") as file:
        refs = file["data/sectors"][()].ravel()
        sectors = ["".join(chr(c) for c in file[r][()].ravel()) for r in refs]
        raw = {n: file[f"data/sigma/{k}/epsilon_S"][()].ravel() for n, k in pairs.items()}
    for name, numbers in raw.items():
        given = dict(zip(sectors, numbers, strict=True))
        for a, b in (("A01", "A02"), ("A01", "A03"), ("B05", "B06"), ("B07", "B08"),
                     ("C24A", "C24B"), ("C301", "C302T309")):  # fmt: skip
            assert given[a] == given[b]
        record = theta_record(name)
        same = {"A01": "A01_02", "B05": "B05_06", "B07": "B07_08", "C24A": "C24"}
        for code in ("A01", "B05", "B07", "B09", "C10T12", "C13T15", "C19", "C24A", "C25", "C26",
                     "C27", "C28", "C31T33"):  # fmt: skip
            assert record.values[same.get(code, code)] == pytest.approx(given[code], abs=6e-5)
        for code, parts in (("C16", ["C16", "C17_18"]), ("C20", ["C20", "C21"]),
                            ("C22", ["C22", "C23"]), ("C301", ["C29", "C30"])):  # fmt: skip
            industries = dict.fromkeys(i for p in parts for i in record.mapping[p])
            mean = np.mean([record.source_values[i] for i in industries])
            assert mean == pytest.approx(given[code], abs=6e-4), (name, code)
