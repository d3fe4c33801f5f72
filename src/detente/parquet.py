"""Tables that ship with the package as Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["read_frame", "read_shipped"]


def read_shipped(path: Path) -> pa.Table:
    """The table, read by this thread alone.

    The files are small. And pyarrow's usual readers hand their work to threads of their own: where
    none can be started, for want of memory, they wait for it for ever.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, pre_buffer=False) as file:
        return file.read(use_threads=False)


def read_frame(path: Path) -> pd.DataFrame:
    """The same as a frame."""
    return read_shipped(path).to_pandas(use_threads=False)
