"""Write the parts of the docs that are generated: notation and JSON schemas.

    python docs/generate.py

A test checks that what lies here is current.
"""

from __future__ import annotations

import json
from pathlib import Path

from detente.report.schema import run_schema, scenario_schema, table_schema
from detente.variables import VARIABLES

HERE = Path(__file__).parent


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
        ("model", "Results that some models have"),
    ):  # fmt: skip
        # a result is read from an Outcome, and not always under its name in a dataset
        read, rule = (" read as |", "---|") if room in ("outcome", "model") else ("", "")
        lines += [
            f"## {title}",
            "",
            f"| name |{read} symbol | dims | unit | definition |",
            f"|---|{rule}---|---|---|---|",
        ]
        for v in VARIABLES.values():
            if v.room == room:
                dims = ", ".join(v.dims)
                read = f" `out.{v.read_as}` |" if rule else ""
                lines.append(
                    f"| `{v.name}` |{read} {v.symbol} | {dims} | {v.unit} | {v.definition} |"
                )
        lines.append("")
    return "\n".join(lines)


def pages() -> dict[str, str]:
    """Generated files by path under docs/."""
    return {
        "notation.md": notation(),
        "schemas/scenario.schema.json": _json(scenario_schema()),
        "schemas/run.schema.json": _json(run_schema()),
        "schemas/table.schema.json": _json(table_schema()),
    }


def readme() -> str:
    """README.md with the output of ``make demo`` between its markers."""
    import io
    import re

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
    (HERE.parent / "README.md").write_text(readme(), encoding="utf-8")
