"""One table of every variable: name, symbol, dims, unit, definition.

Results take their units from here, ``docs/notation.md`` is generated from here, and so are the
tooltips of the pages. A variable that is not in this table cannot be put into an ``Outcome``.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["BILATERAL", "VARIABLES", "Variable", "variable"]

BILATERAL = ("sector", "importer", "exporter")
_SC = ("sector", "country")
_C = ("country",)


class Variable(NamedTuple):
    """One row of the table; ``room`` is world, policy, outcome, or model: an outcome variable
    that only some models have; quota: one that is only there under quotas.

    ``attribute`` says where an ``Outcome`` holds it, where that is not ``name``.
    """

    name: str
    symbol: str
    dims: tuple[str, ...]
    unit: str
    room: str
    definition: str
    attribute: str = ""

    @property
    def read_as(self) -> str:
        """The attribute of an ``Outcome`` that holds an outcome variable."""
        return self.attribute or self.name


_TABLE = (
    # world: the base year
    Variable("trade", "X", BILATERAL, "USD million", "world",
             "Sales a year at basic prices, without tariffs; the diagonal is domestic sales."),
    Variable("tariff", "t", BILATERAL, "fraction", "world",
             "Ad-valorem import tariff: 0.25 is 25%. In a policy: what holds after the change."),
    Variable("inputs", "Z", ("input", "sector", "country"), "USD million", "world",
             "Use of an input by a sector, at the user's prices, tariffs included."),
    Variable("value_added", "VA", _SC, "USD million", "world",
             "Wages, profits and taxes on production: gross output less inputs."),
    Variable("final", "F", _SC, "USD million", "world",
             "Household, government and investment spending at the user's prices."),
    Variable("deficit", "D", _C, "USD million", "world",
             "Imports less exports at basic prices; sums to zero over the world."),
    Variable("theta", "θ", ("sector",), "elasticity", "world",
             "Trade elasticity: a 1% higher delivered cost cuts a seller's share by θ%."),
    Variable("sigma", "σ", ("sector",), "elasticity", "world",
             "Elasticity of substitution between varieties, above 1; the markup over cost is "
             "σ/(σ-1). Only in worlds with markups."),
    Variable("base_profits", "Π0", _SC, "USD million", "world",
             "Profits, the table `profits`: sales over σ. Only in worlds with markups."),
    # shares behind the equations
    Variable("expenditure_share", "π", BILATERAL, "share", "world",
             "Part of the importer's spending on a sector that goes to an exporter."),
    Variable("value_added_share", "β", _SC, "share", "world",
             "Value added over gross output."),
    Variable("input_share", "γ", ("input", "sector", "country"), "share", "world",
             "Input over the user's gross output; with β they sum to one."),
    Variable("final_share", "α", _SC, "share", "world",
             "Part of a country's final spending that goes to a sector."),
    # policy
    Variable("export_tax", "e", BILATERAL, "fraction", "policy",
             "Ad-valorem tax of the exporter's state on the producer's price."),
    Variable("iceberg", "d", BILATERAL, "factor", "policy",
             "Resource cost of delivery over the base; 1.1 is 10% more, inf is a ban."),
    Variable("transfer", "T", _C, "USD million", "policy",
             "Income moved between countries; sums to zero."),
    Variable("quota", "Q", ("quota",), "USD million", "policy",
             "Volume at base-year prices that enters at the tariff; above it the over-quota rate "
             "is due, or nothing enters."),
    # outcome: country
    Variable("real_income", "I/P", _C, "percent", "outcome",
             "Exact change of income over the consumer price index (headline welfare)."),
    Variable("real_wage", "w/P", _C, "percent", "outcome",
             "Change of the wage over the consumer price index."),
    Variable("wage", "w", _C, "percent", "outcome",
             "Change of the wage, with world value added as the unit of account."),
    Variable("consumer_price", "P", _C, "percent", "outcome",
             "Change of the consumer price index, world value added as the unit of account."),
    Variable("wage_level", "ŵ", _C, "ratio", "outcome",
             "Wage over the world table's, before or after the change."),
    Variable("price_level", "P̂", _SC, "ratio", "outcome",
             "Buyers' price over the world table's, before or after; NaN where nobody can sell."),
    Variable("cost_level", "ĉ", _SC, "ratio", "outcome",
             "Unit cost over the world table's, before or after; NaN where an input is not to be "
             "had."),
    Variable("income", "I", _C, "USD million", "outcome",
             "Value added, tariff and export-tax revenue, deficit and transfers."),
    Variable("revenue", "R", _C, "USD million", "outcome",
             "Tariff revenue of the importer's state."),
    Variable("export_revenue", "E", _C, "USD million", "outcome",
             "Export-tax revenue of the exporter's state."),
    Variable("quota_rent", "Q", _C, "USD million", "outcome",
             "Rents of quotas that a country's firms and treasury receive; zero without quotas."),
    Variable("deficit_after", "D'+T", _C, "USD million", "outcome",
             "Trade deficit: imports less exports at border prices. It is the deficit of the "
             "closure named in the provenance plus the transfers received, rents of quotas among "
             "them."),
    Variable("exports", "EX", _C, "percent", "outcome",
             "Change of goods and services exports at border prices."),
    Variable("imports", "IM", _C, "percent", "outcome",
             "Change of goods and services imports at border prices."),
    # outcome: sector by country
    Variable("output", "Y/c", _SC, "percent", "outcome",
             "Change of the quantity produced: sales over the unit cost."),
    Variable("output_value", "Y", _SC, "percent", "outcome",
             "Change of the value of sales at basic prices."),
    Variable("prices", "P_j", _SC, "percent", "outcome",
             "Change of the price buyers pay for a sector's goods, all sellers together."),
    Variable("cost", "c", _SC, "percent", "outcome",
             "Change of the unit cost, which is the seller's price before taxes."),
    # outcome: bilateral
    Variable("trade_after", "X'", BILATERAL, "USD million", "outcome",
             "Flows after the change at border prices (export tax in, tariff out).", "trade"),
    Variable("trade_before", "X0", BILATERAL, "USD million", "outcome",
             "Flows before the change, at border prices."),
    Variable("trade_change", "ΔX", BILATERAL, "USD million", "outcome",
             "Flows after less flows before, at border prices."),
    # outcome, in monopolistic competition
    Variable("profits", "Π", _SC, "percent", "model",
             "Change of nominal profits, world value added as the unit of account (monopolistic); "
             "NaN where there were none, as where entry is free.", 'own("profits")'),
    Variable("firms", "M", _SC, "percent", "model",
             "Change of the number of firms, each with a variety of its own (monopolistic): zero "
             "where they are given, -100 where a sector has left.", 'own("firms")'),
    # outcome, in a period of staggered sourcing
    Variable("sector_wage", "w_j", _SC, "percent", "model",
             "Change of the wage that a sector pays, world value added as the unit of account "
             "(staggered): the country's wage where labour moves freely.", 'own("sector_wage")'),
    Variable("sector_labour", "E", _SC, "percent", "model",
             "Change of the labour that works in a sector, in efficiency units (staggered).",
             'own("sector_labour")'),
    Variable("real_wage_by_origin", "W_g/P", _SC, "percent", "path",
             "Change of the real wage of those who worked in a sector at the start of a path, "
             "wherever they work now; with their shares in pay they sum to the real wage."),
    Variable("sales", "X'/X0", BILATERAL, "percent", "outcome",
             "Change of one flow, at border prices."),
    # first-order decomposition
    Variable("terms_of_trade", "ToT", _C, "percent", "outcome",
             "Base exports times export prices less base imports times import prices, over "
             "income (Caliendo and Parro 2015, eq. 16).", "first_order.terms_of_trade"),
    Variable("volume_of_trade", "VoT", _C, "percent", "outcome",
             "Base tariffs times the change of import volumes, over income (same eq. 16).",
             "first_order.volume_of_trade"),
    Variable("trade_cost", "TC", _C, "percent", "outcome",
             "Resources lost on deliveries that became dearer, over income.",
             "first_order.trade_cost"),
    Variable("export_tax_volume", "EV", _C, "percent", "outcome",
             "Base export taxes times the change of export volumes, over income.",
             "first_order.export_tax_volume"),
    Variable("transfer_received", "TR", _C, "percent", "outcome",
             "Change of the trade deficit, transfers included, over income.",
             "first_order.transfer_received"),
    Variable("quota_rent_received", "QR", _C, "percent", "quota",
             "Change of the quota rents received from abroad, less those paid there, over income; "
             "only under quotas.", "first_order.quota_rent_received"),
    Variable("welfare", "W", _C, "percent", "outcome",
             "Sum of the first-order terms; base weights fed with finite changes, not the exact "
             "change of real income.", "first_order.welfare"),
    # outcome, in models that have them
    Variable("utility", "W", _C, "percent", "model",
             "Change of consumption less the disutility of hours worked (labour-supply).",
             'own("utility")'),
    Variable("labour", "L", _C, "percent", "model",
             "Change of hours worked (labour-supply).", 'own("labour")'),
    Variable("income_tax", "τ", _C, "percentage points", "model",
             "Points by which tariff revenue above the base lowers the tax on labour income "
             "(labour-supply).", 'own("income_tax")'),
)  # fmt: skip

VARIABLES: dict[str, Variable] = {v.name: v for v in _TABLE}


def variable(name: str) -> Variable:
    """The row of ``name``.

    Raises
    ------
    UnknownNameError
        ``name`` is not in the table.
    """
    if name not in VARIABLES:
        from detente.errors import UnknownNameError

        raise UnknownNameError.of("variable", name, VARIABLES)
    return VARIABLES[name]
