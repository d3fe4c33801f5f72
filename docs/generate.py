"""Write the parts of the docs that are generated: notation, the index of models, JSON schemas, and
what code in the pages and the demo print.

    python docs/generate.py

A test checks that what lies here is current.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path

from detente.instruments import INSTRUMENTS
from detente.models.registry import DEFAULT, MODELS
from detente.report.schema import (
    horizons_schema,
    path_schema,
    run_schema,
    scenario_schema,
    table_schema,
)
from detente.variables import VARIABLES

HERE = Path(__file__).parent

PRINTED = re.compile(r"^```python\n(.*?)^```(?:\n\n```text\n(.*?)^```)?", re.M | re.S)
"""A block of Python, and what it prints where the page shows that."""


def notation() -> str:
    """docs/notation.md: every symbol with its dims, unit and definition."""
    lines = [
        "# Notation",
        "",
        "Generated from `variables.py`. Importer n, exporter i, sector j, input k.",
        "",
    ]
    for room, title in (
        ("world", "Base year and shares"), ("policy", "Policy"), ("outcome", "Results"),
        ("model", "Results that some models have"), ("quota", "Results under quotas"),
        ("path", "Results along a path"),
    ):  # fmt: skip
        lines += [f"## {title}", ""]
        # a result is read from an Outcome, and not always under its name in a dataset
        read, rule = ("", "") if room in ("world", "policy") else (" read as |", "---|")
        if room == "path":
            lines += [
                "Those of an outcome that are by country, or by sector and country, are there with",
                "`time` before their dims; these come on top.",
                "",
            ]
        lines += [
            f"| name |{read} symbol | dims | unit | definition |",
            f"|---|{rule}---|---|---|---|",
        ]
        for v in VARIABLES.values():
            if v.room == room:
                dims = ", ".join(("time", *v.dims) if room == "path" else v.dims)
                whole = "path" if room == "path" else "out"
                read = f" `{whole}.{v.read_as}` |" if rule else ""
                lines.append(
                    f"| `{v.name}` |{read} {v.symbol} | {dims} | {v.unit} | {v.definition} |"
                )
        lines.append("")
    lines += [
        "## Instruments",
        "",
        "| instrument | unit | range | changes nothing at | proceeds are income of |",
        "|---|---|---|---|---|",
    ]
    for row in INSTRUMENTS.values():
        neutral = "the world's own" if row.neutral is None else f"{row.neutral:g}"
        bounds = "any number" if row.lowest == float("-inf") else row.range
        lines.append(f"| {row.name} | {row.unit} | {bounds} | {neutral} | {row.owner} |")
    lines.append("")
    return "\n".join(lines)


def models_index() -> str:
    """docs/models/index.md: what there is in the registry, what each can do, its parameters."""
    lines = [
        "# The models",
        "",
        "Generated from `models/registry.py`. Each model is an assumption about how prices are set",
        "and how incomes arise; the same world, policy and questions go to all of them. A model",
        "refuses what it cannot do, and names those that can.",
        "",
        "| model | what it is | source |",
        "|---|---|---|",
    ]
    for name, kind in MODELS.items():
        first = " ".join((kind.__doc__ or "").split("\n\n")[0].split())
        default = " The default." if name == DEFAULT else ""
        lines.append(f"| [`{name}`]({name}.md) | {first}{default} | {kind.source} |")
    able: dict[str, Callable[..., tuple[str, ...]]] = {
        "instruments": lambda a: a.instruments,
        "deficit closures": lambda a: a.closures,
        "tasks": lambda a: a.tasks,
        "results of its own": lambda a: a.variables,
    }
    lines += ["", "## What each can do", "", f"| | {' | '.join(f'`{m}`' for m in MODELS)} |"]
    lines.append("|---" * (len(MODELS) + 1) + "|")
    for title, of in able.items():
        cells = [", ".join(of(kind.abilities)) or "none" for kind in MODELS.values()]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    lines += [
        "", "## Parameters", "",
        "Given with the model: `model={\"name\": ..., \"parameter\": ...}`.", "",
        "| model | parameter | default | what it is, and its range |", "|---|---|---|---|",
    ]  # fmt: skip
    for name, kind in MODELS.items():
        said = parameters(kind)
        lines += [
            f"| `{name}` | `{p}` | `{default!r}` | {text} |" for p, (default, text) in said.items()
        ] or [f"| `{name}` | none | | |"]
    lines += ["", "```{toctree}", ":hidden:", "", *MODELS, "```", ""]
    return "\n".join(lines)


def parameters(kind: type) -> dict[str, tuple[object, str]]:
    """Of a model class each parameter's default, and what its docstring says.

    Raises
    ------
    KeyError
        A parameter that the docstring's ``Attributes`` leave out.
    """
    _, _, section = (kind.__doc__ or "").partition("Attributes\n    ----------\n")
    entries = re.findall(r"^    (\w+) : (.*(?:\n     +.*)*)", section, re.M)
    said = {name: " ".join(text.split()).replace("|", "\\|") for name, text in entries}
    return {
        f.name: (None if f.default is MISSING else f.default, said[f.name]) for f in fields(kind)
    }


def printed(text: str) -> str:
    """A page with what its Python prints, where it shows that. Blocks run from top to bottom, in an
    empty folder; the registry of models is put back."""
    scope: dict[str, object] = {"__name__": "page"}

    def filled(block: re.Match[str]) -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(block[1], "page", "exec"), scope)
        code = f"```python\n{block[1]}```"
        return code if block[2] is None else f"{code}\n\n```text\n{out.getvalue()}```"

    before, models = os.getcwd(), dict(MODELS)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            return PRINTED.sub(filled, text)
        finally:
            os.chdir(before)
            MODELS.clear()
            MODELS.update(models)


def pages() -> dict[str, str]:
    """Generated files by path under docs/."""
    return {
        "notation.md": notation(),
        "models/index.md": models_index(),
        "schemas/scenario.schema.json": _json(scenario_schema()),
        "schemas/run.schema.json": _json(run_schema()),
        "schemas/path.schema.json": _json(path_schema()),
        "schemas/horizons.schema.json": _json(horizons_schema()),
        "schemas/table.schema.json": _json(table_schema()),
    }


def readme() -> str:
    """README.md with the output of ``make demo`` between its markers."""
    from rich.console import Console

    from detente.report.text import print_run
    from detente.runs import run

    buffer = io.StringIO()
    print_run(run("us-cars-25", theta="all"), Console(file=buffer, width=100))
    printed = "\n".join(line.rstrip() for line in buffer.getvalue().splitlines())
    text = (HERE.parent / "README.md").read_text("utf-8")
    block = f"<!-- demo -->\n```text\n{printed}\n```"
    return re.sub(r"<!-- demo -->\n```text\n.*?```", lambda _: block, text, flags=re.S)


def _json(schema: dict) -> str:
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name, text in pages().items():
        path = HERE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path)
    for path in sorted(HERE.rglob("*.md")):
        path.write_text(printed(path.read_text("utf-8")), encoding="utf-8")
    (HERE.parent / "README.md").write_text(readme(), encoding="utf-8")
