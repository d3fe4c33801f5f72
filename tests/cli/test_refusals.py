"""What the command line itself refuses exits with 2, whichever click is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import SCENARIO, Run


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("run", "Missing argument"),
        ("scenarios --format jsn", "'--format'"),
        ("serve --port 99999", "'--port'"),
        ("scenarios --no-such-option", "--no-such-option"),
        ("no-such-command", "no-such-command"),
    ],
)
def test_a_refusal_of_the_command_line_is_exit_2(detente: Run, line: str, words: str):
    done = detente(*line.split())
    assert done.returncode == 2
    assert words in done.stderr
    assert "fault of the program" not in done.stderr
    assert not done.stdout


QUOTA = """  - {imposer: USA, targets: [JPN], sectors: C29, instrument: quota,
     volume_pct_of_base: 80}
"""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("measures.1.volume_pct_of_base=-5", ["measures.1.volume_pct_of_base", "-5", "equal to 0"]),
        ("measures.1.rent=smugglers", ["measures.1.rent", "smugglers", "'importer', 'exporter'"]),
        ("measures.0.instrument=tarif", ["measures.0.instrument", "tarif", "'import_tariff'"]),
        ("deficit=balanced", ["deficit", "balanced", "'fixed', 'zero' or 'share'"]),
        ("model=krugman", ["own.yaml: model", "'krugman'", "caliendo-parro"]),
        ("model={kappa: 1}", ["own.yaml: model", "name is missing", "caliendo-parro"]),
        ("model={name: labour-supply, kappa: -1}", ["own.yaml: model", "kappa is -1", "above 0"]),
        ("model={name: labour-supply, kapa: 1}", ["own.yaml: model", "'kapa'", "mean kappa"]),
        ("claims.0.ours=profits[C29,KOR]", ["profits", "monopolistic", "real_income"]),
    ],
)
def test_a_wrong_model_or_quota_in_a_scenario_is_exit_2(
    detente: Run, tmp_path: Path, change: str, words: list[str]
):
    claims = "claims: [{statement: x, source: y, ours: 'real_income[KOR]'}]\n"
    (tmp_path / "own.yaml").write_text(SCENARIO + QUOTA + claims, encoding="utf-8")
    done = detente("run", "own.yaml", "--set", change)
    assert done.returncode == 2
    assert [w for w in words if w not in done.stderr] == []
    assert "Traceback" not in done.stderr
    assert not done.stdout
