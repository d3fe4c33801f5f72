"""Addresses: of a record's page, of its rows in a list, and of sources outside."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from detente.ledger.browse import Row

__all__ = ["record_rows", "record_url", "safe_link"]


def record_url(key: str) -> str:
    """The page of a record."""
    return f"/ledger/{quote(key)}"


def record_rows(rows: list[Row]) -> list[dict[str, Any]]:
    """Rows of the list with their addresses."""
    return [{**vars(row), "url": record_url(row.id)} for row in rows]


def safe_link(url: str) -> str:
    """``url`` where it is http or https, else "": nothing else becomes a link."""
    plain = url.strip()
    return plain if plain.lower().startswith(("https://", "http://")) else ""
