"""A source: where a statement of the record was read, and how far it can be trusted."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, model_validator

from .fields import Article, Evidence, IsoDate, RecordId, Share, Strict, Text

__all__ = ["ShareOf", "Source", "Sourced"]

QUOTE_WORDS = 25


def _short(value: str) -> str:
    words = len(value.split())
    if words > QUOTE_WORDS:
        raise ValueError(f"the quote has {words} words; keep at most {QUOTE_WORDS}")
    return value


class Source(Strict):
    """One text. Evidence: A official text, B reputable text, C secondary, G general knowledge."""

    title: Text
    publisher: Text
    cite: Text | None = None
    url: Text | None = None
    date_read: IsoDate
    quote: Annotated[Text, AfterValidator(_short)] | None = None
    evidence: Evidence
    article: Article | None = None

    @model_validator(mode="after")
    def _findable(self) -> Source:
        if self.cite is None and self.url is None:
            raise ValueError("give cite (90 FR 14705) or url, so that the text can be found")
        return self

    @property
    def label(self) -> str:
        """Title and citation in one line."""
        return f"{self.title}, {self.cite or self.url}"


class Sourced(Strict):
    """A record with an id, a title and at least one source, each under a short key."""

    id: RecordId
    title: Text
    sources: dict[RecordId, Source]
    notes: Text | None = None

    @model_validator(mode="after")
    def _has_source(self) -> Sourced:
        if not self.sources:
            raise ValueError("sources is empty; every record needs at least one source")
        return self


class ShareOf(Strict):
    """A share from a date on: a number, or a table kept with the package."""

    starts: IsoDate
    share_pct: Share | None = None
    table: Text | None = None
    assumption: RecordId | None = None

    @model_validator(mode="after")
    def _one(self) -> ShareOf:
        if (self.share_pct is None) == (self.table is None):
            raise ValueError("give either share_pct or table")
        if self.share_pct is not None and self.assumption is None:
            raise ValueError("a share_pct needs the id of its assumption record")
        return self
