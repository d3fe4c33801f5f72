"""What is kept has a bound, and what is used stays."""

from __future__ import annotations

import ast
import pickle
from pathlib import Path

import pytest

import detente
from detente.memory import Kept


def test_the_one_used_longest_ago_gives_way():
    kept: Kept[str, int] = Kept(3)
    for n, key in enumerate("abc"):
        kept[key] = n
    assert kept["a"] == 0  # a use
    assert "b" in kept  # none
    kept["d"] = 3
    assert list(kept) == ["c", "a", "d"]
    assert len(kept) == 3
    kept["c"] = 9
    kept["e"] = 4
    assert dict(kept) == {"d": 3, "c": 9, "e": 4}
    del kept["c"]
    with pytest.raises(KeyError):
        _ = kept["c"]
    again = pickle.loads(pickle.dumps(kept))
    assert (dict(again), again.most) == (dict(kept), 3)
    with pytest.raises(ValueError, match="at least one"):
        Kept(0)


def test_no_module_keeps_without_a_bound():
    """A dict that a module fills as it is asked grows with the age of a server."""
    root = Path(detente.__file__).parent
    found = []
    for file in sorted(root.rglob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign):
                value, targets = node.value, node.targets
            elif isinstance(node, ast.AnnAssign):
                value, targets = node.value, [node.target]
            else:
                continue
            if isinstance(value, ast.Dict) and not value.keys:
                names = [t.id for t in targets if isinstance(t, ast.Name)]
                found += [f"{file.relative_to(root)}: {n}" for n in names if n != "__all__"]
    assert found == []
