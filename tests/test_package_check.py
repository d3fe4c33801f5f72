"""What `make package` and `make lowest` judge by: licences, metadata, lower bounds."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from tools.bounds_check import untried
from tools.package_check import Findings, copyleft, metadata


@pytest.mark.parametrize(
    "metadata",
    [
        {"license_expression": "GPL-3.0-or-later"},
        {"license_expression": "MIT AND LGPL-2.1-only"},
        {"license_expression": "AGPL-3.0-only OR GPL-2.0-only"},
        {"license": "LGPLv3"},
        {"license": "GNU GPL"},
        {"license": "GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007\n..."},
        {"classifier": ["License :: OSI Approved :: GNU Affero General Public License v3"]},
    ],
)
def test_gpl_like_licences_are_found(metadata: dict[str, Any]):
    assert copyleft(metadata) is not None


@pytest.mark.parametrize(
    "metadata",
    [
        {"license_expression": "BSD-3-Clause AND MIT"},
        {"license_expression": "MIT OR GPL-2.0-only"},
        {"license_expression": "BSD-3-Clause AND GPL-3.0-or-later WITH GCC-exception-3.1"},
        {"license": "Copyright 2001 somebody\n...\nparts are under the GPL"},
        {"license": "MPL-2.0", "classifier": ["License :: OSI Approved"]},
        {},
    ],
)
def test_others_are_not(metadata: dict[str, Any]):
    assert copyleft(metadata) is None


METADATA = """\
Metadata-Version: 2.4
Name: some
Version: 1.0
Summary: A thing.
License-Expression: MIT
Requires-Python: >=3.11
Description-Content-Type: text/markdown

# A thing
"""


@pytest.mark.parametrize(
    ("edit", "word"),
    [
        (("", ""), ""),
        (("Version: 1.0", "Version: one"), "version"),
        (("License-Expression: MIT", "License-Expression: ours"), "license"),
        (("Requires-Python: >=3.11\n", ""), "requires_python"),
        (("text/markdown", "text/plain"), "README is text/plain"),
        (("# A thing\n", ""), "no description"),
    ],
)
def test_wrong_metadata_is_a_finding(tmp_path: Path, edit: tuple[str, str], word: str):
    wheel = tmp_path / "some-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("some-1.0.dist-info/METADATA", METADATA.replace(*edit, 1))
    findings = Findings()
    metadata(wheel, findings)
    assert len(findings.wrong) == bool(word)
    assert all(word in line for line in findings.wrong)


def test_a_bound_that_is_not_installed_is_untried():
    held = {"one": "1.2.0", "two": "2.1", "three": "3"}.__getitem__
    assert untried(["one>=1.2", "two>=2.1,<3"], held) == []
    (above,) = untried(["one>=1.2", "two>=2.0"], held)
    assert "two>=2.0" in above
    assert "2.1 is installed" in above
    (without,) = untried(["three<4"], held)
    assert "no lower bound" in without
