"""Who and what a measure reaches: targets and products, with exceptions."""

from __future__ import annotations

from pydantic import model_validator

from detente.records import Flag

from .fields import HsCode, Iso3, RecordId, Strict, Text

__all__ = ["Entity", "Products", "ProductsPart", "Targets", "TargetsPart"]


class TargetsPart(Strict):
    """Countries by ISO code and groups by id."""

    countries: tuple[Iso3, ...] = ()
    groups: tuple[RecordId, ...] = ()


class Targets(TargetsPart):
    """All countries, or some, less exceptions. The imposer is never its own target."""

    all: Flag = False
    but: TargetsPart = TargetsPart()

    @model_validator(mode="after")
    def _some(self) -> Targets:
        if not (self.all or self.countries or self.groups):
            raise ValueError("name countries or groups, or write all: true")
        if self.all and (self.countries or self.groups):
            raise ValueError("all: true cannot stand beside countries or groups; use but")
        return self


class ProductsPart(Strict):
    """HS codes (2 to 10 digits; a short code covers all below it), lists by id, model sectors."""

    codes: tuple[HsCode, ...] = ()
    lists: tuple[RecordId, ...] = ()
    sectors: tuple[Text, ...] = ()


class Products(ProductsPart):
    """All goods, or some, less exceptions; or a scope outside goods, in words."""

    all: Flag = False
    outside_goods: Text | None = None
    but: ProductsPart = ProductsPart()

    @model_validator(mode="after")
    def _some(self) -> Products:
        named = bool(self.codes or self.lists or self.sectors)
        if sum([self.all, named, self.outside_goods is not None]) != 1:
            raise ValueError(
                "give one of: all: true; codes, lists or sectors; outside_goods in words"
            )
        return self


class Entity(Strict):
    """A firm or body named by an entity list or sanction."""

    name: Text
    country: Iso3
    note: Text | None = None
