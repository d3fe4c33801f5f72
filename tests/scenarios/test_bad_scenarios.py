"""Bad scenario files: each error names the file, the field, the value and what to do."""

import os
from pathlib import Path

import pytest

import detente as dt
from detente.errors import InputError
from detente.policy.scenario import load_scenario
from detente.runs.build_policy import build_policy

BAD = Path(__file__).parent / "bad"

# file: what the message must hold (field, value, remedy)
FAULTS = {
    "unknown-country": ["measures.0.targets", "'Chna'", "did you mean China"],
    "unknown-sector": ["measures.0.sectors", "'C299'", "did you mean C29"],
    "unknown-instrument": ["measures.0.instrument", "'import_tarif'", "'import_tariff'"],
    "unknown-key": ["measures.0.target", "unknown key", "did you mean targets"],
    "unknown-top-key": ["modle", "unknown key", "did you mean model"],
    "unknown-claim-key": ["claims.0.published", "unknown key", "did you mean publish"],
    "rate-2500": ["measures.0.rate_pct", "2500", "at most 1000", "allow_prohibitive: true"],
    "rate-minus-150": ["measures.0.rate_pct", "-150", "above -100"],
    "prohibitive-subsidy": ["measures.0.rate_pct", "-150", "above -100"],
    "rate-as-fraction": ["measures.0.rate", "unknown key", "did you mean", "rate_pct"],
    "duplicate-key": ["'rate_pct'", "twice", "lines 12 and 13", "keep one"],
    "no-source": ["sources", "is missing; add it"],
    "empty-sources": ["sources", "at least 1 item"],
    "source-without-place": ["sources.0", "Order", "needs a url or a cite"],
    "no-measures": ["measures", "is empty", "policy: {date: ...}"],
    "rate-nan": ["measures.0.rate_pct", "finite number", "nan"],
    "share-nan": ["measures.0.covered_share", "nan"],
    "share-150": ["measures.0.covered_share", "less than or equal to 1", "150"],
    "rate-for-a-ban": ["measures.0", "rate_pct", "ban"],
    "quota-below-zero": ["measures.0.volume_pct_of_base", "-10", "greater than or equal to 0"],
    "quota-without-volume": ["measures.0", "volume_pct_of_base", "volume_usd_mn"],
    "quota-rent-owner": ["measures.0.rent", "'smugglers'", "'importer', 'exporter' or 'auction'"],
    "no-rate": ["measures.0", "rate_pct is needed", "import_tariff"],
    "no-such-table": ["measures.0.covered_share", "'us-car-2024.csv'", "us-cars-2024.csv"],
    "table-outside": ["measures.0.covered_share", "pyproject.toml", "bare file name"],
    "table-of-rates-as-share": ["us-column-1-2024.csv, line 2", "share", "rate_pct"],
    "table-with-nan": ["nan-share.csv, line 2", "share is 'nan'", "a number from 0 to 1"],
    "table-without-the-sector": ["measures.0.covered_share", "services", "narrow the sectors"],
    "partner-without-a-rate": ["measures.0.rate_pct", "CHN has no value", "a default"],
    "alias": ["alias", "not allowed", "write the value out"],
    "list": ["a mapping of keys is needed", "list"],
    "not-yaml": ["not valid YAML"],
    "latin-1": ["not UTF-8"],
    "imposer-is-target": ["measures.0", "no pair of different countries"],
    # base 25% of the table, less 99 and 50 points: 0.250143 - 1.49 = -1.239857
    "subsidy-of-everything": ["-123.986%", "USA", "C29", "CHN", "above -100%", "raise rate_pct"],
}


def build(name: str):
    path = BAD / f"{name}.yaml"
    return build_policy(load_scenario(path), dt.load_world(), folder=BAD)


def test_every_bad_file_is_tried():
    assert {p.stem for p in BAD.glob("*.yaml")} == {*FAULTS, "prohibitive"}


@pytest.mark.parametrize("name", FAULTS)
def test_the_message_says_where_what_and_how(name):
    with pytest.raises(InputError) as error:
        build(name)
    text = str(error.value)
    in_table = name in ("table-of-rates-as-share", "table-with-nan")
    for part in FAULTS[name] + ([] if in_table else [f"{name}.yaml"]):
        assert part in text, text


def test_a_prohibitive_rate_is_taken_when_asked_for():
    tariff = build("prohibitive").tariff.sel(sector="C29", importer="USA", exporter="CHN")
    base = dt.load_world().tariff.sel(sector="C29", importer="USA", exporter="CHN")
    assert float(tariff) == pytest.approx(float(base) + 25.0, abs=1e-12)  # 2500% is 25 times


def test_a_file_that_is_not_there_lists_what_ships():
    with pytest.raises(InputError, match=r"nowhere\.yaml: no such scenario file; shipped: .*us-ca"):
        load_scenario("nowhere.yaml")
    with pytest.raises(InputError, match="did you mean us-cars-25"):
        load_scenario("us-cars-52")


def test_set_names_the_path_it_cannot_follow():
    with pytest.raises(InputError, match=r"measures.9.rate_pct.*use a number from 0 to 0"):
        load_scenario("us-cars-25", {"measures.9.rate_pct": "15"})
    with pytest.raises(InputError, match=r"us-cars-25\.yaml: .*measures\.0\.rate_pct: 2500 is out"):
        load_scenario("us-cars-25", {"measures.0.rate_pct": "2500"})


def test_an_edited_table_is_read_again(tmp_path):
    text = (BAD / "table-with-nan.yaml").read_text()
    (tmp_path / "own.yaml").write_text(text)
    table = tmp_path / "nan-share.csv"
    world = dt.load_world()
    at = {"sector": "C29", "importer": "USA", "exporter": "CHN"}
    base = float(world.tariff.sel(at))
    for step, share in enumerate((0.5, 0.25)):
        table.write_text(f"sector,exporter,share\nC29,CHN,{share}\n")
        os.utime(table, ns=(0, step))
        policy = build_policy(load_scenario(tmp_path / "own.yaml"), world, folder=tmp_path)
        assert float(policy.tariff.sel(at)) == pytest.approx(base + share * 0.25, abs=1e-12)
