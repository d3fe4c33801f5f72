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
from pydantic import BaseModel

__all__ = ["Raw", "answer", "frame_json", "json_bytes", "shaped"]

DIGITS = 9
"""Significant digits sent; a solve is good to about ten."""


class Raw(bytes):
    """JSON that is ready to be sent."""


def json_bytes(body: Mapping[str, Any]) -> bytes:
    """Compact JSON; NaN and infinity become null."""
    parts = []
    for key, value in body.items():
        made = value if isinstance(value, Raw) else _dumps(_plain(value))
        parts.append(_dumps(str(key)) + b":" + made)
    return b"{" + b",".join(parts) + b"}"


def _dumps(value: Any) -> bytes:
    return json.dumps(
        value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False
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


def shaped(shape: type[BaseModel], view: Mapping[str, Any]) -> Response:
    """``view`` as JSON, checked against its shape; for large ones beside the event loop."""
    body = shape.model_validate(view).model_dump_json().encode()
    return Response(body, media_type="application/json")


def frame_json(frame: pd.DataFrame) -> Raw:
    """Rows of a table, numbers rounded column by column: tables are what takes longest to send."""
    columns = {}
    for name in frame.columns:
        values = frame[name].to_numpy()
        if values.dtype.kind == "f":
            columns[str(name)] = _rounded(values)
        else:
            columns[str(name)] = values.tolist()
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return Raw(_dumps(rows))


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
    kind = type(value)
    if kind is float:
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        flat = _rounded(value.ravel())
        if value.ndim == 1:
            return flat
        width = value.shape[1]
        return [flat[n : n + width] for n in range(0, len(flat), width)]
    return _plain(value.tolist()) if hasattr(value, "tolist") else value
