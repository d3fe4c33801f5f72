"""World files made to break their reader: HDF5 can do much that a world needs not."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import h5py
import numpy as np
from hypothesis import strategies as st

from fuzz.readers import shelf, small_world
from fuzz.trees import damaged_bytes

__all__ = ["CHANGES", "changed", "world_files"]

VARIABLES = ("trade", "tariff", "inputs", "value_added", "final", "deficit", "theta")
LABELS = ("sector", "country", "importer", "exporter", "input")
Change = Callable[[h5py.File, str, int], None]


def plain() -> bytes:
    """The file of a small world."""
    path = small_world().save(shelf() / "plain.nc")
    return path.read_bytes()


def _again(f: h5py.File, name: str, data: Any = None, **how: Any) -> Any:
    """Put another dataset in the place of a variable."""
    del f[name]
    return f.create_dataset(name, data=data, **how)


def _number(value: float) -> Change:
    def change(f: h5py.File, name: str, n: int) -> None:
        flat = f[name][...].reshape(-1)
        if flat.dtype.kind == "f":
            flat[n % len(flat)] = value
            f[name][...] = flat.reshape(f[name].shape)

    return change


def _everywhere(value: float) -> Change:
    def change(f: h5py.File, name: str, n: int) -> None:
        if f[name].dtype.kind == "f":
            f[name][...] = value

    return change


def _label(text: str) -> Change:
    def change(f: h5py.File, name: str, n: int) -> None:
        for label in LABELS if n % 2 else LABELS[n % 5 : n % 5 + 1]:
            f[label][0] = text

    return change


def _attribute(key: str, value: Any, whole: bool = False) -> Change:
    def change(f: h5py.File, name: str, n: int) -> None:
        (f if whole else f[name]).attrs[key] = value

    return change


def _typed(dtype: Any) -> Change:
    def change(f: h5py.File, name: str, n: int) -> None:
        shape = f[name].shape
        _again(f, name, shape=shape, dtype=dtype)

    return change


def _shape(shape: Any, chunks: Any = None, dtype: str = "f8") -> Change:
    def change(f: h5py.File, name: str, n: int) -> None:
        _again(f, name, shape=shape, chunks=chunks, dtype=dtype)

    return change


def _drop(f: h5py.File, name: str, n: int) -> None:
    del f[name]


def _permute(f: h5py.File, name: str, n: int) -> None:
    values = f[name][...]
    if values.dtype.kind == "f":
        made = _again(f, name, values.T)
        for d, size in enumerate(values.T.shape):
            scale = next((s for s in LABELS if s in f and f[s].shape == (size,)), "")
            made.dims[d].attach_scale(f[scale])


def _external(f: h5py.File, name: str, n: int) -> None:
    _again(f, name, shape=(6,), dtype="u1", external=[("/etc/hostname", 0, 6)])


def _virtual(f: h5py.File, name: str, n: int) -> None:
    layout = h5py.VirtualLayout(shape=(3,), dtype="f8")
    layout[:] = h5py.VirtualSource("other.nc", "x", shape=(3,))
    del f[name]
    f.create_virtual_dataset(name, layout)


def _link(target: Any) -> Change:
    def change(f: h5py.File, name: str, n: int) -> None:
        del f[name]
        f[name] = target

    return change


def _hard(f: h5py.File, name: str, n: int) -> None:
    other = VARIABLES[n % len(VARIABLES)]
    if other != name and other in f:
        del f[name]
        f[name] = f[other]


def _group(f: h5py.File, name: str, n: int) -> None:
    del f[name]
    f.create_group(name).create_dataset("x", data=[1.0])


def _extra(f: h5py.File, name: str, n: int) -> None:
    for k in range(1 + n % 3 * 150):
        f.create_dataset(f"own {k}", data=[1.0])


def _filter(f: h5py.File, name: str, n: int) -> None:
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((1,))
    plan.set_filter(40000 + n % 100, h5py.h5z.FLAG_OPTIONAL)
    del f[name]
    space = h5py.h5s.create_simple((3,))
    h5py.h5d.create(f.id, name.encode(), h5py.h5t.IEEE_F64LE, space, plan)


def _detach(f: h5py.File, name: str, n: int) -> None:
    values = f[name][...]
    _again(f, name, values)


def _scale(f: h5py.File, name: str, n: int) -> None:
    f[name].make_scale(name)


def _many_attributes(f: h5py.File, name: str, n: int) -> None:
    for k in range(120):
        f[name].attrs[f"a{k}"] = k


def _small(f: h5py.File, name: str, n: int) -> None:
    for label in LABELS:
        _again(f, label, shape=(0,), dtype=h5py.string_dtype()).make_scale(label)


CHANGES: dict[str, Change] = {
    **{f"{v}": _number(v) for v in
       (-1.0, -0.0, 0.0, np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, -1e-9, 1e30)},
    **{f"all {v}": _everywhere(v) for v in (0.0, -1.0, np.nan, 1e308, 5e-324, 1e-300, 1.0)},
    **{f"label {t[:9]!r}": _label(t) for t in
       ("c01", "", " ", "all", "é", "x" * 70_000, "\x1b[31m", "\u202e", "a\nb")},
    **{f"attribute {k} {str(v)[:9]}": _attribute(k, v) for k, v in
       (("scale_factor", 2.0), ("add_offset", 1.0), ("units", "days since 2000-01-01"),
        ("units", b"\xff\xfe"), ("units", np.nan), ("units", "x" * 60_000), ("x", [1, 2]),
        ("x", h5py.Empty("f8")), ("_FillValue", 0.0), ("dtype", "bool"), ("\x1b", "\x1b"),
        ("x", np.bool_(True)), ("calendar", "noleap"), ("coordinates", "a b"))},
    **{f"file {k} {str(v)[:9]}": _attribute(k, v, True) for k, v in
       (("id", "x" * 60_000), ("id", 3), ("id", ""), ("id", "\x1b[31m\n"), ("id", [1, 2]),
        ("identities", "report"), ("identities", 1), ("identities", [1]), ("derived", ""))},
    **{f"type {t}": _typed(t) for t in
       ("f4", "f2", "i1", "u8", ">f8", "S5", "c16", "?", "O", "V4")  if t not in ("O", "V4")},
    "compound": _typed(np.dtype([("a", "f8"), ("b", "i4")])),
    "enum": _typed(h5py.enum_dtype({"a": 1, "b": 2}, basetype="i4")),
    "reference": _typed(h5py.ref_dtype), "opaque": _typed(h5py.opaque_dtype(np.dtype("M8[s]"))),
    "array": _typed(np.dtype(("f8", (2,)))), "ragged": _typed(h5py.vlen_dtype("f8")),
    "text": _typed(h5py.string_dtype()), "long double": _typed(np.dtype(np.longdouble)),
    "huge": _shape((2**40,), (1024,)), "cube": _shape((10**6, 10**6, 10**6), (10, 10, 10)),
    "chunk": _shape((3,), (3,)), "huge chunk": _shape((1,), None), "scalar": _shape(()),
    "wide text": _shape((3,), None, "S2000000"), "empty": _shape((0,), None),
    "endless": lambda f, name, n: _again(f, name, shape=(3,), maxshape=(None,), chunks=(2**24,),
                                         dtype="f8"),
    "none": lambda f, name, n: _again(f, name, h5py.Empty("f8")),
    "drop": _drop, "permute": _permute, "external": _external, "virtual": _virtual,
    "soft": _link(h5py.SoftLink("/trade")), "dangling": _link(h5py.SoftLink("/nowhere")),
    "outside": _link(h5py.ExternalLink("/etc/hostname", "/x")), "hard": _hard, "group": _group,
    "type as name": _link(np.dtype("f8")), "extra": _extra, "filter": _filter, "detach": _detach,
    "scale": _scale, "many attributes": _many_attributes, "no labels": _small,
}  # fmt: skip
"""By name, what is done to one variable or label of a world file."""


def changed(data: bytes, changes: list[tuple[str, str, int]]) -> bytes:
    """A world file with changes (name, variable, a number) made; those that HDF5 itself refuses
    are left out."""
    made = BytesIO(data)
    with h5py.File(made, "r+") as f:
        for name, variable, n in changes:
            try:
                CHANGES[name](f, variable, n)
            except (OSError, ValueError, TypeError, LookupError, RuntimeError, AttributeError):
                continue
    return made.getvalue()


@st.composite
def world_files(draw: Callable[..., Any]) -> bytes:
    """A small world with a few changes, or with damaged bytes."""
    data = plain()
    if draw(st.integers(0, 3)):
        one = st.tuples(
            st.sampled_from(list(CHANGES)), st.sampled_from([*VARIABLES, *LABELS]),
            st.integers(0, 99),
        )  # fmt: skip
        data = changed(data, draw(st.lists(one, min_size=1, max_size=2)))
    if draw(st.integers(0, 3)) == 3:
        data = draw(damaged_bytes([data], 3))
    return data[: draw(st.integers(0, len(data)))] if draw(st.integers(0, 19)) == 19 else data
