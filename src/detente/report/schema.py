"""JSON schemas of what the commands print; published under ``docs/schemas``."""

from __future__ import annotations

from typing import Any

from detente.models.registry import MODELS
from detente.models.staggered.model import LABOUR
from detente.policy.scenario import Scenario
from detente.runs.horizons import AFTER

__all__ = ["run_schema", "table_schema"]

_NUMBER = {"type": ["number", "null"]}
_TEXT = {"type": "string"}

_META = {
    "type": "object",
    "required": [
        "package", "version", "world", "world_hash", "policy_hash", "baseline_hash", "model",
        "deficit", "theta", "tol", "status", "residual", "checks", "scenario",
    ],
    "properties": {
        "status": {"const": "converged"},
        "residual": {"type": "number"},
        "checks": {"type": "object", "additionalProperties": {"type": "number"}},
        "theta_sets": {"type": "array", "items": _TEXT},
        "audit": _TEXT,
        "horizon": _TEXT,
        "labour": {"enum": list(LABOUR)},
        "horizon_ranges": _TEXT,
        "horizon_ranges_without": {"type": "array", "items": _TEXT},
    },
}  # fmt: skip


def _rows(required: dict[str, Any], patterns: bool = True) -> dict[str, Any]:
    item: dict[str, Any] = {
        "type": "object",
        "required": list(required),
        "properties": required,
    }
    if patterns:
        # every further number carries its unit in its name
        item["patternProperties"] = {"_(pct|points|usd_bn)$": _NUMBER}
        item["additionalProperties"] = False
    return {"type": "array", "items": item}


def run_schema() -> dict[str, Any]:
    """Schema of ``detente run --format json`` and of ``run.json``."""
    country = {
        "country": _TEXT,
        "name": _TEXT,
        **{
            f"{name}": _NUMBER
            for name in (
                "real_income_pct", "real_income_usd_bn", "real_wage_pct", "consumer_price_pct",
                "exports_pct", "imports_pct", "tariff_revenue_usd_bn",
                "tariff_revenue_change_usd_bn", "first_order_welfare_pct", "terms_of_trade_pct",
                "volume_of_trade_pct",
            )
        },
    }  # fmt: skip
    flow = {"before_usd_bn": _NUMBER, "change_usd_bn": _NUMBER, "change_pct": _NUMBER}
    meta = dict(_META)
    meta["properties"] = {**_META["properties"], "scenario": {"$ref": "#/$defs/Scenario"}}
    scenario = scenario_schema()
    defs = scenario.pop("$defs", {})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "detente run",
        "type": "object",
        "required": ["meta", "rows", "sectors", "diversion", "redirection", "markets"],
        "properties": {
            "meta": meta,
            "rows": _rows(country),
            "sectors": _rows(
                {"sector": _TEXT, "country": _TEXT, "output_pct": _NUMBER, "exports_pct": _NUMBER,
                 "cost_pct": _NUMBER, "price_pct": _NUMBER, "sales_usd_bn": _NUMBER}
            ),
            "diversion": _rows({"sector": _TEXT, "importer": _TEXT, "exporter": _TEXT, **flow}),
            "redirection": _rows(
                {"sector": _TEXT, "importer": _TEXT, "exporter": _TEXT, "destination": _TEXT,
                 **flow}
            ),
            "horizons": _rows(
                {"country": _TEXT, "name": _TEXT, "horizon": {"enum": [*AFTER, "long_run"]},
                 "years": _NUMBER, "real_income_pct": _NUMBER, "real_income_low_pct": _NUMBER,
                 "real_income_high_pct": _NUMBER, "real_income_usd_bn": _NUMBER,
                 "real_wage_pct": _NUMBER, "exports_pct": _NUMBER}
            ),
            "groups": _rows(
                {"country": _TEXT, "sector": _TEXT, "horizon": {"enum": [*AFTER, "long_run"]},
                 "share_of_pay_pct": _NUMBER, "real_wage_pct": _NUMBER}
            ),
            "quotas": _rows(
                {"sector": _TEXT, "importer": _TEXT, "exporters": _TEXT, "regime": _TEXT,
                 "quota_usd_mn": _NUMBER, "volume_usd_mn": _NUMBER, "volume_over_quota": _NUMBER,
                 "rent_usd_mn": _NUMBER, "rent_to": _TEXT}
            ),
            "markets": _rows({"sector": _TEXT, "importer": _TEXT, "moved_usd_bn": _NUMBER}),
            "theta_range": _rows({"theta": _TEXT, "country": _TEXT, "real_income_pct": _NUMBER}),
            "comparison": _rows({"country": _TEXT, "name": _TEXT, "real_income_points": _NUMBER}),
            "claims": _rows(
                {"statement": _TEXT, "source": _TEXT, "ours": _TEXT, "ours_pct": _NUMBER,
                 "published_pct": _NUMBER, "years": _NUMBER}
            ),
            "audit": _rows(
                {"outcome": _TEXT, "check": _TEXT, "largest_relative_error": {"type": "number"},
                 "bound": {"type": "number"}, "passed": {"const": True}, "variable": _TEXT,
                 "country": _TEXT, "sector": _TEXT, "partner": _TEXT, "cells": {"type": "integer"}}
            ),
        },
        "additionalProperties": False,
        "$defs": {**defs, "Scenario": scenario},
    }  # fmt: skip


def table_schema() -> dict[str, Any]:
    """Schema of the commands that print one table (``world ...``, ``scenarios``)."""
    row = {"type": "object", "additionalProperties": {"type": ["string", "number", "null"]}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "detente tables",
        "type": "object",
        "required": ["meta", "rows"],
        "properties": {
            "meta": {
                "type": "object",
                "required": ["package", "version", "status", "command"],
                "properties": {"status": {"const": "ok"}},
            },
            "rows": {"type": "array", "items": row},
        },
        "additionalProperties": {"type": "array", "items": row},
    }


def scenario_schema(ref_template: str = "#/$defs/{model}") -> dict[str, Any]:
    """JSON schema of a scenario file, with the models there are."""
    schema = Scenario.model_json_schema(ref_template=ref_template)
    names = {"type": "string", "enum": list(MODELS)}
    schema["properties"]["model"]["anyOf"] = [
        names,
        {
            "type": "object",
            "required": ["name"],
            "properties": {"name": names},
            "description": "Parameters of the model stand beside its name.",
        },
    ]
    return schema
