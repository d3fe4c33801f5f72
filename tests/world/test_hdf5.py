"""World files that reach beyond themselves, declare too much, or hold what is no table."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

import detente as dt
from detente.errors import FileError, TableError, WorkerError
from detente.world.files import LABELS
from detente.world.hdf5 import MAX_CELLS, Refused, read_apart, read_tables
from worlds import build

DAMAGED = Path(__file__).parent / "damaged"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return build(np.array([[[10.0, 2.0], [2.0, 10.0]]]), theta=4.0).save(tmp_path / "own.nc")


def again(file: h5py.File, name: str, **how) -> None:
    """The variable made anew, with the same values and dims unless said otherwise."""
    dims = [d[0].name for d in file[name].dims]
    kept = {"data": file[name][...], **how}
    del file[name]
    file.create_dataset(name, **{k: v for k, v in kept.items() if v is not None})
    for axis, dim in enumerate(dims):
        if axis < file[name].ndim:
            file[name].dims[axis].attach_scale(file[dim])


def external(file: h5py.File, folder: Path) -> None:
    np.array([9.0]).tofile(folder / "secret.bin")
    again(file, "theta", data=None, shape=(1,), dtype="f8",
          external=[(str(folder / "secret.bin"), 0, 8)])  # fmt: skip


def virtual(file: h5py.File, folder: Path) -> None:
    with h5py.File(folder / "other.h5", "w") as other:
        other["x"] = np.array([9.0])
    layout = h5py.VirtualLayout(shape=(1,), dtype="f8")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "x", shape=(1,))
    del file["theta"]
    file.create_virtual_dataset("theta", layout)


def links(kind):
    def attack(file: h5py.File, folder: Path) -> None:
        with h5py.File(folder / "other.h5", "w") as other:
            other["theta"] = np.array([9.0])
        del file["theta"]
        file["theta"] = kind(folder)

    return attack


def attribute(name: str, value):
    def attack(file: h5py.File, folder: Path) -> None:
        file["theta"].attrs[name] = value

    return attack


def huge(file: h5py.File, folder: Path) -> None:
    again(file, "theta", data=None, shape=(10**10,), dtype="f8", chunks=(1000,))


def huge_blocks(file: h5py.File, folder: Path) -> None:
    again(file, "theta", data=None, shape=(1,), maxshape=(None,), dtype="i1", chunks=(2 * 10**9,))


def group(file: h5py.File, folder: Path) -> None:
    file.create_group("more")


def many(file: h5py.File, folder: Path) -> None:
    for n in range(300):
        file.create_dataset(f"x{n}", data=1.0)


def filtered(file: h5py.File, folder: Path) -> None:
    again(file, "theta", chunks=(1,), scaleoffset=2)


def kind(values, **how):
    return lambda file, folder: again(file, "theta", data=values, **how)


def numbers_as_labels(file: h5py.File, folder: Path) -> None:
    del file["sector"]
    file["sector"] = np.array([1])
    file["sector"].make_scale("sector")


ATTACKS = {
    "external storage": (external, "keeps its numbers in another file"),
    "virtual": (virtual, "put together from other files"),
    "external link": (
        links(lambda f: h5py.ExternalLink(str(f / "other.h5"), "theta")), "is a link"),
    "soft link": (links(lambda f: h5py.SoftLink("/deficit")), "is a link"),
    "group": (group, "is a group"),
    "many objects": (many, "more than 200 variables"),
    "huge": (huge, f"10,000,000,0\\d\\d numbers.*at most {MAX_CELLS:,}"),
    "huge blocks": (huge_blocks, "numbers up to 'theta'"),
    "filter": (filtered, "is packed by filter 6"),
    "text": (kind(["four"]), "'theta' holds texts"),
    "truth": (kind(np.array([True])), "'theta' holds truth values"),
    "records": (kind(np.array([(1.0,)], dtype=[("a", "f8")])), "'theta' holds records"),
    "complex": (kind(np.array([4.0j])), "'theta' holds"),
    "references": (
        lambda file, _: again(
            file, "theta", data=None, shape=(1,), dtype=h5py.ref_dtype),
        "'theta' holds"),
    "numbers as labels": (numbers_as_labels, "labels are texts"),
    "days": (attribute("units", "days since 2000-01-01"), "stand for others"),
    "packed": (attribute("scale_factor", 10.0), "stand for others"),
    "large attribute": (attribute("note", "x" * 60_000), None),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_a_file_that_is_more_than_tables_is_refused(name: str, saved: Path):
    attack, words = ATTACKS[name]
    with h5py.File(saved, "a") as file:
        attack(file, saved.parent)
    data = saved.read_bytes()
    if words is None:  # large, but not too large
        assert len(read_tables(data, LABELS).attrs["theta"]["note"]) == 60_000
        return
    with pytest.raises(Refused, match=words):
        read_tables(data, LABELS)


def test_the_file_and_the_remedy_are_named(saved: Path):
    with h5py.File(saved, "a") as file:
        external(file, saved.parent)
    with pytest.raises(FileError, match=r"own\.nc: .*'theta' keeps.*World\.save") as caught:
        dt.load_world(saved)
    assert isinstance(caught.value, TableError)


def test_both_readers_read_the_same(saved: Path):
    here, apart = (read(saved.read_bytes(), LABELS) for read in (read_tables, read_apart))
    assert here.dims == apart.dims
    assert here.attrs == apart.attrs
    for name, values in here.arrays.items():
        assert values.dtype == apart.arrays[name].dtype
        np.testing.assert_array_equal(values, apart.arrays[name])
    assert dt.load_world(saved).hash == dt.load_world(saved).hash


def test_damage_that_never_ends_is_ended():
    # three bytes changed, found by chance: the HDF5 library goes round in circles
    with pytest.raises(Refused, match="not be read within 3 seconds: it is damaged"):
        read_apart((DAMAGED / "endless.nc").read_bytes(), LABELS, seconds=3)


def test_a_reader_that_comes_down_is_a_refusal(saved: Path, monkeypatch: pytest.MonkeyPatch):
    from detente.world import hdf5

    monkeypatch.setattr(hdf5.sys, "executable", "/bin/false")
    with pytest.raises(Refused, match="brought its reader down"):
        read_apart(saved.read_bytes(), LABELS)


@pytest.mark.skipif(os.name != "posix", reason="scripts, signals")
@pytest.mark.parametrize(
    ("script", "raised", "says"),
    [
        ("kill -9 $$", WorkerError, "ended with code -9"),
        ("echo 'ImportError: no room' >&2; exit 1", WorkerError, r"code 1 \(ImportError: no room"),
        ("echo MemoryError >&2; exit 1", MemoryError, "^$"),
        ("exit 77", MemoryError, "^$"),
        ("kill -11 $$", Refused, "code -11"),
    ],
)
def test_a_machine_that_fails_is_not_the_fault_of_the_file(
    saved: Path, monkeypatch: pytest.MonkeyPatch, script: str, raised: type, says: str
):
    from detente.world import hdf5

    reader = saved.parent / "reader"
    reader.write_text(f"#!/bin/sh\ncat >/dev/null\n{script}\n")
    reader.chmod(0o755)
    monkeypatch.setattr(hdf5.sys, "executable", str(reader))
    with pytest.raises(raised, match=says):
        read_apart(saved.read_bytes(), LABELS)


def test_a_world_read_in_its_dims_order_only(saved: Path):
    with h5py.File(saved, "a") as file:
        again(file, "value_added", data=None, shape=(2, 1), dtype="f8")
    with pytest.raises(TableError, match="value_added"):
        dt.load_world(saved)
