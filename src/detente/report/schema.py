"""JSON schemas of what the commands print; published under ``docs/schemas``."""

from __future__ import annotations

from typing import Any

from detente.models.registry import MODELS
from detente.models.staggered import Staggered
from detente.models.staggered.model import LABOUR
from detente.policy.scenario import Scenario
from detente.runs.horizons import AFTER
from detente.timeline.periods import EVERY
from detente.world.horizons import DEFAULT_HORIZON, HORIZONS, horizon_sets

__all__ = ["horizons_schema", "path_schema", "run_schema", "scenario_schema", "table_schema"]

_NUMBER = {"type": ["number", "null"]}
_TEXT = {"type": "string"}
_TRUTH = {"type": "boolean"}

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


def _rows(required: dict[str, Any], exact: bool = False) -> dict[str, Any]:
    item: dict[str, Any] = {
        "type": "object",
        "required": list(required),
        "properties": required,
        "additionalProperties": False,
    }
    if not exact:
        # every further number carries its unit in its name
        item["patternProperties"] = {"_(pct|points|usd_bn)$": _NUMBER}
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


def path_schema() -> dict[str, Any]:
    """Schema of ``detente path --format json``: rows by country, of a sector (``--sector``), of one
    flow (``--importer``, ``--exporter``) or by sector of origin (``--groups``)."""
    period = {"time": _TEXT, "first": _TEXT, "last": _TEXT}
    country = {**period, "country": _TEXT, "name": _TEXT}

    def numbers(*names: str) -> dict[str, Any]:
        return dict.fromkeys(names, _NUMBER)

    kinds = (
        {**country, **numbers("real_income_pct", "real_income_usd_bn", "real_wage_pct",
                              "exports_pct", "imports_pct", "tariff_revenue_usd_bn")},
        {**country, "sector": _TEXT, **numbers("output_pct", "prices_pct", "exports_pct",
                                               "wage_pct", "labour_pct")},
        {**period, "sector": _TEXT, "importer": _TEXT, "exporter": _TEXT,
         **numbers("sales_usd_bn", "sales_pct", "tariff_pct")},
        {**country, "sector": _TEXT, **numbers("real_wage_pct", "share_of_pay_pct")},
    )  # fmt: skip
    shares = {"anyOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}}]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "detente path",
        "type": "object",
        "required": ["meta", "rows"],
        "properties": {
            "meta": {
                "type": "object",
                "required": [
                    "package", "version", "command", "world", "world_hash", "baseline",
                    "baseline_hash", "policy_hashes", "model", "model_settings", "months_a_period",
                    "horizon", "from", "to", "every", "deficit", "theta", "tol", "status", "checks",
                    "scenario",
                ],
                "properties": {
                    "command": {"const": "path"},
                    "model": {"const": Staggered.name},
                    "model_settings": {
                        "type": "object",
                        "properties": {
                            "sigma": shares, "zeta": shares, "labour": {"enum": list(LABOUR)},
                            "mu": {"type": "number"}, "kappa": {"type": "number"},
                        },
                    },
                    "policy_hashes": {"type": "array", "items": _TEXT},
                    "months_a_period": {"enum": list(EVERY.values())},
                    "every": {"enum": list(EVERY)},
                    "horizon": _TEXT,
                    "from": _TEXT,
                    "to": _TEXT,
                    "ledger": _TEXT,
                    "law_assumed_after": _TEXT,
                    "scenario": {"type": ["string", "null"]},
                    "status": {"const": "converged"},
                    "checks": {"type": "object", "additionalProperties": {"type": "number"}},
                },
            },
            "rows": {"anyOf": [_rows(kind, exact=True) for kind in kinds]},
        },
        "additionalProperties": False,
    }  # fmt: skip


def horizons_schema() -> dict[str, Any]:
    """Schema of ``detente world horizons --format json``."""
    by_year = {
        f"after_{years}_years" if years > 1 else "after_1_year": {"type": "number"}
        for years in HORIZONS
    }
    row = {
        "horizon": {"enum": horizon_sets()}, "default": _TRUTH, "title": _TEXT,
        "sigma": {"type": "number", "minimum": 0},
        "zeta_a_year": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "long_run_theta": _TEXT, **by_year, "long_run": {"type": "number", "exclusiveMaximum": 0},
        "mu_a_year": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "kappa": {"type": "number", "exclusiveMinimum": 1}, "written": _TEXT, "citation": _TEXT,
    }  # fmt: skip
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "detente world horizons",
        "type": "object",
        "required": ["meta", "rows"],
        "properties": {
            "meta": {
                "type": "object",
                "required": ["package", "version", "status", "command", "default", "elasticity"],
                "properties": {
                    "status": {"const": "ok"},
                    "command": {"const": "world horizons"},
                    "default": {"const": DEFAULT_HORIZON},
                    "elasticity": _TEXT,
                },
            },
            "rows": _rows(row, exact=True),
        },
        "additionalProperties": False,
    }


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
