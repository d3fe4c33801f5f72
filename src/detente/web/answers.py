"""JSON answers: rounded to what means something, with an ETag, kept by browsers for a while."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import Response

__all__ = ["answer", "json_bytes"]

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


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value
