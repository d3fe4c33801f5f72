"""Every reader of files from outside, and what must follow from what it takes."""

from __future__ import annotations

import json
import os
import tempfile
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

import detente as dt
from detente.cards import load_question
from detente.cards.draws import point
from detente.cards.question import question_folder
from detente.cli.run import _Earlier
from detente.errors import DetenteError
from detente.ledger import load_ledger
from detente.ledger.load import RECORDS
from detente.policy.scenario import Law, load_scenario, parse_scenario, scenario_folder
from detente.runs.build_policy import build_policy
from detente.texts import parse_json, parse_yaml, read_yaml, yaml_text
from detente.world.theta import read_theta_record
from fuzz.batch import read_in_batch
from fuzz.bodies import job_body, scenario_body
from fuzz.judge import LINES, Broken, Refusal, judged
from fuzz.trees import tree
from worlds import Draw, random_world

__all__ = ["READERS", "seeds"]

CARD = b"kind: ledger\ntitle: t\nversion: '1'\nrecord_from: 2018-01-01\nrecord_until: 2025-12-31\n"


@cache
def seeds(kind: str) -> tuple[Any, ...]:
    """Valid inputs of a kind as trees; those that the package ships."""
    if kind == "scenario":
        return _trees(sorted(scenario_folder().glob("*.yaml")))
    if kind == "question":
        return _trees(sorted(question_folder().glob("*.yaml")))
    if kind == "theta":
        return _trees(sorted(Path(str(files("detente.world") / "theta_sets")).glob("*.yaml")))
    if kind == "record":
        small = [p for p in sorted(RECORDS.rglob("*.yaml")) if p.stat().st_size < 6000]
        by_folder = {p.relative_to(RECORDS).parts[0]: p for p in reversed(small)}
        return _trees([*by_folder.values(), *small[::12]])
    assert kind == "run"
    scenario = load_scenario("us-cars-25")
    meta = {"scenario": scenario.model_dump(mode="json", by_alias=True), "theta_sets": ["fgo"],
            "compare": None, "status": "converged"}  # fmt: skip
    return (tree({"meta": meta, "rows": [{"country": "KOR", "real_income_pct": -0.1}]}),)


def _trees(paths: list[Path]) -> tuple[Any, ...]:
    return tuple(tree(read_yaml(p)) for p in paths)


@cache
def shelf() -> Path:
    """A folder for the files of this process."""
    held = tempfile.TemporaryDirectory(prefix="fuzz-")
    _kept.append(held)
    return Path(held.name)


_kept: list[tempfile.TemporaryDirectory[str]] = []


def _file(name: str, data: bytes) -> Path:
    path = shelf() / name
    path.write_bytes(data)
    return path


# --- what must follow -------------------------------------------------------------------------
def _scenario(data: bytes) -> None:
    path = _file("case.yaml", data)
    found = judged(lambda: load_scenario(path), str(path))
    if not isinstance(found, Refusal):
        _written_again(found)
        judged(lambda: _policy(found), str(path), twice=False)


def _policy(scenario: dt.Scenario) -> dt.Policy:
    """The policy on the embedded world; the law of a day is looked up, not worked out."""

    def law(asked: Law, world: dt.World) -> dt.Policy:
        view = load_ledger().at(asked.date, asked.known_on, asked.dates, asked.announced)
        view.without(asked.without).including(asked.including)
        return dt.Policy(world)

    try:
        return build_policy(scenario, dt.load_world(), folder=shelf(), laws=law)
    except DetenteError as error:  # an error of the law does not know the file
        raise type(error)(f"{scenario.source}: {error}") from None


def _written_again(scenario: dt.Scenario) -> None:
    """A scenario that was read, written as YAML and read again is the same."""
    plain = scenario.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    text = yaml_text(plain)
    again = parse_scenario(parse_yaml(text, "again"), "again")
    if again.model_dump() != scenario.model_dump():
        raise Broken(f"written and read again it is another: {text[:1000]}")


def _set(data: bytes) -> None:
    """``--set PATH=VALUE``, in a scenario and in a question."""
    where, _, value = data.decode("utf-8", "replace").partition("=")
    judged(lambda: load_scenario("us-cars-25", {where: value}), "--set", "us-cars-25")
    judged(lambda: load_question("courtship", {where: value}), "--set", "courtship")


def _question(data: bytes) -> None:
    path = _file("case.yaml", data)
    found = judged(lambda: load_question(path), str(path))
    if not isinstance(found, Refusal):
        for name, prior in found.parameters.items():
            for u in (0.0, 0.5, 1.0):
                x = prior.at(u)
                if not isinstance(x, str) and not (np.isfinite(x) and prior.holds(x)):
                    raise Broken(f"{name}: draws {x} from {prior.text}")
        point(found.parameters)


def _theta(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    judged(lambda: read_theta_record(text, "own.yaml"), "own.yaml")


def _run(data: bytes) -> None:
    path = _file("case.json", data)
    judged(lambda: vars(_Earlier(path)), str(path))


def _json(data: bytes) -> None:
    judged(lambda: parse_json(data, "case.json"), "case.json")


def _yaml(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    found = judged(lambda: parse_yaml(text, "case.yaml"), "case.yaml")
    if not isinstance(found, Refusal):
        again = parse_yaml(yaml_text(found), "again")
        if repr(again) != repr(found):
            raise Broken(f"written and read again: {again!r:.300}, not {found!r:.300}")


def _table(data: bytes) -> None:
    """A table of shares beside a scenario."""
    path = _file("shares.csv", data)
    body = {
        "id": "own", "title": "t", "about": "a", "blurs": "b",
        "sources": [{"title": "s", "publisher": "p", "cite": "c"}],
        "measures": [{"imposer": "USA", "sectors": "C29", "instrument": "import_tariff",
                      "rate_pct": 25, "covered_share": {"table": "shares.csv"}}],
    }  # fmt: skip
    os.utime(path, ns=(0, zlib.crc32(data) << 20))  # tables are kept by path and time
    scenario = parse_scenario(body, "own.yaml")
    judged(lambda: build_policy(scenario, dt.load_world(), folder=shelf()).hash, "shares.csv")


# --- the ledger -------------------------------------------------------------------------------
def _record(data: bytes) -> None:
    _ledger({"ledger.yaml": CARD, "case.yaml": data})


def _card(data: bytes) -> None:
    _ledger({"ledger.yaml": data})


def _list(data: bytes) -> None:
    _ledger({"ledger.yaml": CARD, "lists/case.csv": data})


def _folder(data: bytes) -> None:
    """Several files: a JSON object from name to content."""
    names: dict[str, str] = json.loads(data)
    _ledger({name: text.encode("utf-8", "surrogateescape") for name, text in names.items()})


def _ledger(contents: Mapping[str, bytes]) -> None:
    with tempfile.TemporaryDirectory(dir=shelf()) as place:
        root = Path(place)
        for name, data in contents.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
        first = judged(lambda: load_ledger(root), "", lines=LINES, twice=False)
        if isinstance(first, Refusal):
            names = (*contents, *(ascii(name) for name in contents), "ledger.yaml", place)
            if not any(name in first for name in names):
                raise Broken(f"no file is named: {first[:500]}")
            return
        judged(lambda: _queries(first), "", twice=False)


def _queries(ledger: Any) -> None:
    """Whatever was taken can be asked about."""
    ledger.changes()
    for day in (ledger.record_from, *ledger.change_dates()[:3], ledger.record_until):
        for known in (None, day):
            ledger.at(day, known, announced=known is None)
    ledger.weak_evidence()


# --- worlds -----------------------------------------------------------------------------------
@cache
def small_world() -> dt.World:
    """A world of a few countries, whose file has some kilobytes."""
    return random_world(Draw(N=3, J=2, seed=7, theta=(2.0, 9.0)))


def _world(data: bytes) -> None:
    path = _file("case.nc", data)
    found = judged(lambda: dt.load_world(path), str(path), twice=False)
    if not isinstance(found, Refusal):
        again = dt.load_world(found.save(shelf() / "again.nc"))
        if again.hash != found.hash or again.countries != found.countries:
            raise Broken("saved and loaded again it is another world")


READERS: dict[str, Callable[[bytes], object]] = {
    "scenario": _scenario, "set": _set, "question": _question, "theta": _theta, "run": _run,
    "json": _json, "yaml": _yaml, "table": _table, "record": _record, "card": _card,
    "list": _list, "folder": _folder, "world": _world, "tables": read_in_batch,
    "body": scenario_body, "job": job_body,
}  # fmt: skip
"""By kind: reads the bytes of an input and raises ``Broken`` where a rule does not hold."""
