"""The plain fields every record is made of: dates, codes, percentages, ids.

Each type carries the sentence a record writer reads when the field is wrong.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from detente.errors import shown

__all__ = [
    "Article",
    "Evidence",
    "HsCode",
    "Iso3",
    "IsoDate",
    "Pct",
    "RecordId",
    "Share",
    "Strict",
    "Text",
]


class Strict(BaseModel):
    """Base of every record part: unknown keys are refused and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


def _iso_date(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError(f"{shown(value)} is not a date; write YYYY-MM-DD")
    try:
        date.fromisoformat(value)
    except ValueError as bad:
        raise ValueError(
            f"{shown(value)} is an impossible date ({bad}); check day and month"
        ) from None
    return value


def _hs_code(value: object) -> str:
    if isinstance(value, int):
        raise ValueError(
            f'HS code {shown(value)} must be in quotes, "{shown(value)}", to keep leading zeros'
        )
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is not an HS code")
    code = value.replace(".", "").replace(" ", "")
    if not re.fullmatch(r"[0-9]{2}|[0-9]{4,10}", code):
        raise ValueError(f"{shown(value)} is not an HS code; give 2 or 4 to 10 digits")
    return code


def _iso3(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z]{3}", value):
        raise ValueError(
            f"{shown(value)} is not an ISO country code; write three capitals, as in KOR"
        )
    return value


def _number(value: object, low: float, high: float, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{shown(value)} is not a number; write {what} without a sign, as in 25")
    if not low <= value <= high:
        raise ValueError(
            f"{shown(value)} is out of range; {what} lies between {low:g} and {high:g}"
        )
    return float(value)


def _record_id(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z0-9][a-z0-9.-]*(/[a-z0-9.-]+)*", value):
        raise ValueError(f"{shown(value)} is not an id; use small letters, digits, - and /")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be text and not empty")
    return value


IsoDate = Annotated[str, BeforeValidator(_iso_date)]
HsCode = Annotated[str, BeforeValidator(_hs_code)]
Iso3 = Annotated[str, BeforeValidator(_iso3)]
Pct = Annotated[float, BeforeValidator(lambda v: _number(v, 0, 1000, "a rate in percent"))]
Share = Annotated[float, BeforeValidator(lambda v: _number(v, 0, 100, "a share in percent"))]
Amount = Annotated[float, BeforeValidator(lambda v: _number(v, 0, 1e6, "an amount"))]
RecordId = Annotated[str, BeforeValidator(_record_id)]
Text = Annotated[str, BeforeValidator(_text)]
Article = Literal[
    "asia-financial-2025-03",
    "wsj-mint-2024-05",
    "firstpost-2025-10",
    "digest-2025-03",
    "newsletter-2025-05",
]
Evidence = Literal["A", "B", "C", "G"]
