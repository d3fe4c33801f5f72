"""What `make package` judges by: licences as metadata states them."""

from __future__ import annotations

from typing import Any

import pytest
from tools.package_check import copyleft


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
