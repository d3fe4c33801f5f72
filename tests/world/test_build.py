"""Rebuild world-2022 from the raw tables: the shipped bytes come out again."""

import hashlib
import shutil
from importlib.resources import files

import pandas as pd
import pytest

from detente.build.world import build_world_2022, write
from detente.build.world.raw import FILES
from detente.errors import TableError
from raw_tables import raw_folder

SHIPPED = files("detente.world") / "data"
NAMES = ("world-2022.nc", "PROVENANCE.md", "build-report.csv")


@pytest.mark.raw_tables
def test_the_rebuild_equals_the_shipped_files_byte_for_byte(tmp_path):
    dataset, report = build_world_2022(raw_folder())
    paths = write(dataset, report, tmp_path / "new" / "folder")
    assert [p.name for p in paths] == list(NAMES)
    for path in paths:
        shipped = (SHIPPED / path.name).read_bytes()
        assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(shipped).digest(), path


@pytest.mark.raw_tables
def test_own_tariffs_replace_the_rates(tmp_path):
    own = pd.DataFrame(
        {"sector": ["C29"], "importer": ["CHN"], "exporter": ["USA"], "value": [0.5]}
    )
    dataset, _ = build_world_2022(raw_folder(), tariffs=own)
    assert dataset.attrs["id"] == "world-2022-own-tariffs"
    assert float(dataset.tariff.sel(sector="C29", importer="CHN", exporter="USA")) == 0.5
    for column, value in (("sector", "services"), ("exporter", "CHN"), ("value", -0.1)):
        with pytest.raises(TableError, match="tariffs"):
            build_world_2022(raw_folder(), tariffs=own.assign(**{column: value}))


@pytest.mark.raw_tables
@pytest.mark.parametrize("name", FILES)
def test_a_missing_or_short_raw_file_is_named(tmp_path, name):
    for each in FILES:
        (tmp_path / each).parent.mkdir(exist_ok=True)
        shutil.copyfile(raw_folder() / each, tmp_path / each)
    content = (tmp_path / name).read_bytes()
    if not name.endswith(".csv"):
        (tmp_path / name).write_bytes(content[: len(content) // 2])
        with pytest.raises(TableError, match=name.rsplit("/", 1)[1]):
            build_world_2022(tmp_path)
    else:
        (tmp_path / name).write_text("a,b\n1,2\n")
        with pytest.raises(TableError, match=name.rsplit("/", 1)[1]):
            build_world_2022(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(TableError, match="missing"):
        build_world_2022(tmp_path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(TableError, match="nowhere"):
        build_world_2022(tmp_path / "nowhere")
