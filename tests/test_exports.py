"""What ``import detente`` offers: listed once, typed, and loaded when it is used."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import detente as dt

STUB = Path(dt.__file__).with_suffix(".pyi").read_text(encoding="utf-8")


def test_every_public_name_is_there_and_in_the_list():
    listed = re.findall(r"^from (\S+) import (\w+) as (\w+)$", STUB, re.MULTILINE)
    assert len(listed) == sum(line.startswith("from") for line in STUB.splitlines())
    assert all(name == again for _, name, again in listed)  # "as" is what makes it public
    names = sorted(name for _, name, _ in listed)
    assert names == sorted(dt.__all__) == sorted(dir(dt))
    for home, name, _ in listed:
        module = sys.modules[f"detente{home}"] if getattr(dt, name) is not None else None
        assert getattr(dt, name) is getattr(module, name), name


def test_a_name_that_is_not_there_is_refused():
    with pytest.raises(AttributeError, match="simulat"):
        dt.simulat  # noqa: B018
    with pytest.raises(ImportError, match="simulat"):
        exec("from detente import simulat")


def test_nothing_is_loaded_before_it_is_used():
    code = (
        "import sys, detente\n"
        "print(sorted(m for m in sys.modules if m.startswith('detente.') or m == 'numpy'))\n"
        "detente.World\n"
        "print('numpy' in sys.modules, 'detente.tariff_war' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['detente.version']\nTrue False\n"
