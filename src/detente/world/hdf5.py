"""Tables out of a netCDF file, by a reader that trusts nothing in it.

A netCDF-4 file is HDF5, and HDF5 can do more than hold tables: keep its numbers in another file of
the machine, show parts of other files as its own, link to them, and declare arrays of any size
in a few bytes. A world needs none of that, so none of it is taken. What is damaged can also send
the HDF5 library round in circles, or bring its process down; a file from outside is therefore
read by a process of its own (:func:`read_apart`), which this module is when it is run.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np

from detente.errors import WorkerError

__all__ = ["MAX_CELLS", "Refused", "Tables", "kill_all", "read_apart", "read_tables", "reason"]

MAX_OBJECTS = 200
"""A world has seven variables, their dimensions, and some attributes."""

MAX_CELLS = 250_000_000
"""Numbers in all variables (2 GB): four times a world of 240 countries by 300 sectors."""

MAX_ATTRIBUTES, MAX_ATTRIBUTE_BYTES = 100, 1_000_000

SECONDS = 120
"""Time for reading one file; the embedded world takes a hundredth of a second."""

MEMORY_BYTES = 12_000_000_000

_KILL = int(getattr(signal, "SIGKILL", 9))

_ALARM = int(getattr(signal, "SIGALRM", 0))
"""By which the system ends a reader that is late, whatever the clock of the machine does; where it
does not, the parent looks at the clock."""

_LACKING = 77
"""Exit code of a reader without memory."""

_reading: set[subprocess.Popen[bytes]] = set()

_FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}
"""Ways of packing that come with h5py; others would load code from elsewhere."""

_NETCDF = frozenset(
    {
        "DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME", "_FillValue", "_NCProperties",
        "_Netcdf4Dimid", "_Netcdf4Coordinates", "_nc3_strict",
    }
)  # fmt: skip
"""Attributes that belong to the format, not to the table."""


class Refused(Exception):  # noqa: N818 - it travels as a sentence, not as an error
    """Why a file is not taken."""


class Tables(NamedTuple):
    """Arrays by name, the names of their dims, and attributes of each ("" for the file's own)."""

    arrays: dict[str, np.ndarray]
    dims: dict[str, tuple[str, ...]]
    attrs: dict[str, dict[str, Any]]


# --- reading ----------------------------------------------------------------------------------
def read_tables(data: bytes, labels: frozenset[str]) -> Tables:
    """Every variable of a netCDF file; ``labels`` hold texts, all others numbers.

    Raises
    ------
    Refused
        The file reaches beyond itself, declares too much, or holds what is no plain table.
    Exception
        Whatever the HDF5 library makes of damage.
    """
    import h5py

    with h5py.File(BytesIO(data), "r") as file:
        found = dict(_variables(file))
        cells = 0
        for name, variable in found.items():
            cells += _declared(variable, name)
            if cells > MAX_CELLS:
                raise Refused(f"{cells:,} numbers up to {name!r}, at most {MAX_CELLS:,} are read")
            _kind(variable, name, labels)
        attrs = {"": _attributes(file, "the file")}
        attrs.update({name: _attributes(v, name) for name, v in found.items()})
        dims = {name: _dims(v, name) for name, v in found.items()}
        return Tables(
            {name: _values(v, name, name in labels) for name, v in found.items()}, dims, attrs
        )


def _variables(file: Any) -> Iterator[tuple[str, Any]]:
    import h5py

    for count, name in enumerate(file):
        if count >= MAX_OBJECTS:
            raise Refused(f"more than {MAX_OBJECTS} variables and groups are in it")
        if not isinstance(file.get(name, getlink=True), h5py.HardLink):
            raise Refused(f"{name!r} is a link, which may lead to another file")
        found = file[name]
        if isinstance(found, h5py.Group):
            raise Refused(f"{name!r} is a group; a world has its variables at the top")
        if not isinstance(found, h5py.Dataset):
            raise Refused(f"{name!r} is neither a variable nor a dimension")
        yield name, found


def _declared(variable: Any, name: str) -> int:
    """How many numbers a variable says it has, once its storage is known to be its own."""
    if variable.external:
        raise Refused(f"{name!r} keeps its numbers in another file")
    if variable.is_virtual:
        raise Refused(f"{name!r} is put together from other files")
    plan = variable.id.get_create_plist()
    for n in range(plan.get_nfilters()):
        code = plan.get_filter(n)[0]
        if code not in _FILTERS:
            known = ", ".join(_FILTERS.values())
            raise Refused(f"{name!r} is packed by filter {code}; {known} are read")
    if variable.shape is None:
        raise Refused(f"{name!r} holds nothing")
    return max(math.prod(variable.shape), math.prod(variable.chunks or (0,)))


def _kind(variable: Any, name: str, labels: frozenset[str]) -> None:
    import h5py

    dtype = variable.dtype
    texts = h5py.check_string_dtype(dtype) is not None or dtype.kind in "SU"
    numbers = dtype.kind in "fiu" and h5py.check_enum_dtype(dtype) is None
    if name in labels and not texts:
        raise Refused(f"{name!r} holds {_words(dtype)}, labels are texts")
    if name not in labels and not numbers:
        raise Refused(f"{name!r} holds {_words(dtype)}, not numbers")


def _words(dtype: Any) -> str:
    import h5py

    if h5py.check_enum_dtype(dtype) is not None or dtype.kind == "b":
        return "truth values or names"
    if h5py.check_string_dtype(dtype) is not None or dtype.kind in "SU":
        return "texts"
    return {"c": "complex numbers", "V": "records"}.get(dtype.kind, f"values of type {dtype}")


def _attributes(owner: Any, name: str) -> dict[str, Any]:
    import h5py

    found: dict[str, Any] = {}
    if len(owner.attrs) > MAX_ATTRIBUTES:
        raise Refused(f"{name!r} has more than {MAX_ATTRIBUTES} attributes")
    for key in owner.attrs:
        if key in _NETCDF:
            continue
        if h5py.h5a.open(owner.id, key.encode()).get_storage_size() > MAX_ATTRIBUTE_BYTES:
            raise Refused(f"attribute {key!r} of {name!r} is larger than a megabyte")
        value = owner.attrs[key]
        if isinstance(value, bytes):
            value = value.decode()
        if isinstance(value, np.ndarray | np.generic):
            value = value.tolist()
        if key in ("scale_factor", "add_offset") or (key == "units" and " since " in str(value)):
            raise Refused(f"{name!r} has {key!r} = {value!r}, by which numbers stand for others")
        if not all(_plain(x) for x in (value if isinstance(value, list) else [value])):
            raise Refused(f"attribute {key!r} of {name!r} is neither text nor number")
        found[key] = value
    return found


def _plain(value: Any) -> bool:
    if isinstance(value, str):
        return not any("\ud800" <= c <= "\udfff" for c in value)  # bytes that are no text
    return isinstance(value, int | float) and not isinstance(value, bool)


def _dims(variable: Any, name: str) -> tuple[str, ...]:
    """Names of the dims; a dimension's own labels lie along itself."""
    if variable.is_scale:
        return (name,)
    if any(len(d) != 1 for d in variable.dims):
        raise Refused(f"{name!r} has a dimension without a name")
    return tuple(d[0].name.rpartition("/")[2] for d in variable.dims)


def _values(variable: Any, name: str, texts: bool) -> np.ndarray:
    if not texts:
        return np.asarray(variable[...], dtype=np.float64)
    raw = variable[...].reshape(-1)
    try:
        found = [x.decode() if isinstance(x, bytes) else str(x) for x in raw]
    except UnicodeDecodeError:
        raise Refused(f"labels of {name!r} are not UTF-8 text") from None
    odd = next((x for x in found if not x.isprintable() or not x.strip()), None)
    if odd is not None:
        raise Refused(f"label {odd[:60]!r} of {name!r} cannot be printed")
    return np.array(found, dtype=np.str_)


# --- apart ------------------------------------------------------------------------------------
def read_apart(data: bytes, labels: frozenset[str], seconds: float = SECONDS) -> Tables:
    """:func:`read_tables` in a process of its own, with limits on time and memory.

    Raises
    ------
    Refused
        As there; or the file could not be read, for whatever reason that lies in it.
    MemoryError
        The reader had too little.
    WorkerError
        The reader was killed, or did not start.
    """
    head = json.dumps([len(data), sorted(labels), os.getpid(), seconds]).encode() + b"\n"
    path = os.pathsep.join(p for p in sys.path if p)
    with subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,  # Ctrl-C is for this process, which ends the other
    ) as process:  # fmt: skip
        _reading.add(process)
        try:
            out, err = process.communicate(head + data, None if _ALARM else seconds)
        except subprocess.TimeoutExpired:
            raise _late(seconds) from None
        finally:
            process.kill()
            _reading.discard(process)
    if _ALARM and process.returncode == -_ALARM:
        raise _late(seconds)
    if process.returncode or not out:
        raise _why_not(process.returncode, err.decode(errors="replace").splitlines())
    with np.load(BytesIO(out), allow_pickle=False) as z:
        said = json.loads(z["said"].tobytes())
        if "refused" in said:
            raise Refused(said["refused"])
        dims = {name: tuple(names) for name, names in said["dims"].items()}
        return Tables({name: z[f"_{name}"] for name in dims}, dims, said["attrs"])


def _late(seconds: float) -> Refused:
    return Refused(f"it could not be read within {seconds:g} seconds: it is damaged")


def _why_not(code: int, said: list[str]) -> Exception:
    """Whose fault it is that a reader gave no answer: the file's, or the machine's."""
    if code == _LACKING or any("MemoryError" in line for line in said[-1:]):
        return MemoryError()
    if code != -_KILL and not said:
        return Refused(f"it brought its reader down (code {code}): it is damaged")
    why = f" ({said[-1][:200]})" if said else ""
    return WorkerError(
        f"the process that reads a world file ended with code {code}{why}; it may have run out of "
        "memory: free some and try again"
    )


def reason(error: Exception) -> str:
    """Why a file is not taken, in one line, from whatever was raised while it was read."""
    lines = str(error).splitlines()
    return lines[0][:300] if lines else type(error).__name__


def kill_all() -> None:
    """Kill every process that reads a file; for a process that ends at once."""
    for process in list(_reading):
        process.kill()


def _die_with_parent(parent: int) -> None:
    """A file that sends the library round in circles must not do so for nobody."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, _KILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(0)


def _limited() -> bool:
    """Limit the memory of this process; False where it may have even less."""
    try:
        import resource
    except ImportError:  # not on this system; the clock still runs
        return True
    allowed = resource.getrlimit(resource.RLIMIT_AS)[0]
    if allowed != resource.RLIM_INFINITY and allowed < MEMORY_BYTES:
        return False
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    return True


def _main() -> None:
    """Read a file from standard input; write its tables, or what is wrong, to standard output."""
    size, labels, parent, seconds = json.loads(sys.stdin.buffer.readline())
    if _ALARM:
        signal.signal(_ALARM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)
    _die_with_parent(parent)
    import h5py  # noqa: F401 - a machine that cannot load it is not the file's fault

    arrays: dict[str, np.ndarray] = {}
    scarce = not _limited()
    try:
        tables = read_tables(sys.stdin.buffer.read(size), frozenset(labels))
    except Exception as error:
        if scarce and isinstance(error, MemoryError):
            os._exit(_LACKING)
        said: dict[str, Any] = {"refused": reason(error)}
    else:
        arrays = {f"_{name}": values for name, values in tables.arrays.items()}
        said = {"dims": tables.dims, "attrs": tables.attrs}
    out = BytesIO()
    np.savez(out, said=np.frombuffer(json.dumps(said).encode(), np.uint8), **arrays)  # pyright: ignore
    sys.stdout.buffer.write(out.getvalue())


if __name__ == "__main__":
    sys.path.remove(os.path.dirname(os.path.abspath(__file__)))  # its neighbours are no libraries
    _main()
