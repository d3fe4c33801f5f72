"""No file over 500 lines, no function over 120: a reader finds one idea in a place."""

from __future__ import annotations

import ast
from pathlib import Path

import detente

PACKAGE = Path(detente.__file__).parent


def test_files_and_functions_stay_short():
    long: list[str] = []
    for file in sorted(PACKAGE.rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        name = file.relative_to(PACKAGE)
        if text.count("\n") > 500:
            long.append(f"{name}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > 120:
                    long.append(f"{name}: {node.name} has {lines} lines")
    assert long == []
