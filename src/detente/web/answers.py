"""JSON answers: rounded to what means something, with an ETag, kept by browsers for a while."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from fastapi import Request
from fastapi.responses import Response

__all__ = ["answer", "json_bytes", "plain_frame"]

DIGITS = 9
"""Significant digits sent; a solve is good to about ten."""


def json_bytes(body: Mapping[str, Any]) -> bytes:
    """Compact JSON; NaN and infinity become null."""
    return json.dumps(
        _plain(body), ensure_ascii=False, allow_nan=False, separators=(",", ":")
    ).encode()


def answer(
    request: Request, body: bytes, media_type: str = "application/json", seconds: int = 60
) -> Response:
    """``body`` with an ETag, or 304 where the browser holds it already."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    headers = {"ETag": tag, "Cache-Control": f"private, max-age={seconds}"}
    if request.method in ("GET", "HEAD") and tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def plain_frame(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table, numbers rounded column by column."""
    columns = {}
    for name in frame.columns:
        values = frame[name].to_numpy()
        if values.dtype.kind == "f":
            columns[str(name)] = _rounded(values)
        else:
            columns[str(name)] = [None if v is None else v for v in values.tolist()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _rounded(values: np.ndarray) -> list[float | None]:
    """Floats with ``DIGITS`` significant digits, None where there is no number."""
    fine = np.isfinite(values)
    safe = np.where(fine, values, 0.0)
    size = np.floor(np.log10(np.maximum(np.abs(safe), 1e-300)))
    places = np.clip(DIGITS - 1 - size, -300, 300)
    scale = 10.0 ** np.abs(places)
    rounded = np.where(places >= 0, np.round(safe * scale) / scale, np.round(safe / scale) * scale)
    return [v if f else None for v, f in zip(rounded.tolist(), fine.tolist(), strict=True)]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):  # numpy numbers
        return _plain(value.tolist())
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        shape = value.shape
        flat = _rounded(value.ravel())
        return (
            flat
            if len(shape) == 1
            else [flat[n : n + shape[1]] for n in range(0, len(flat), shape[1])]
        )
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value
