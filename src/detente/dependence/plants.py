"""The tariff at which a new plant in the market pays for itself.

A plant of fixed cost F makes Q cars a year. Each saves the tariff t on its value v at the border
and costs a share g of that value more to make than at home. With A the worth today of one a year
(:func:`detente.games.bargaining.annuity`: over H years, at discount rho, where the tariff ends
with chance h a year and the plant then earns what one at home would), it pays where

    Q v (t - g) A >= F,   so that   t* = g + F / (Q v A).
"""

from __future__ import annotations

from dataclasses import dataclass

from detente.errors import InputError
from detente.games.bargaining import annuity

__all__ = ["Plant"]


@dataclass(frozen=True)
class Plant:
    """A plant that could be built in the market.

    Attributes
    ----------
    fixed_cost_usd_bn : F, USD billion, paid at the start
    cars_thousand : Q, thousand a year
    car_usd : v, value of a car at the border, USD
    horizon_years : H, how long the maker counts on it
    discount : rho, fraction a year
    cost_gap : g, what a car costs more than at home, as a fraction of v; may be below zero
    end_risk : h, chance a year that the tariff ends, fraction

    Raises
    ------
    InputError
        A cost below zero; an output, value or horizon that is not above zero; a rate below zero.
    """

    fixed_cost_usd_bn: float
    cars_thousand: float
    car_usd: float
    horizon_years: float
    discount: float
    cost_gap: float = 0.0
    end_risk: float = 0.0

    def __post_init__(self) -> None:
        if not self.fixed_cost_usd_bn >= 0:
            raise InputError(f"plant: fixed_cost_usd_bn is {self.fixed_cost_usd_bn}; zero or more")
        for name in ("cars_thousand", "car_usd", "horizon_years"):
            if not getattr(self, name) > 0:
                raise InputError(f"plant: {name} is {getattr(self, name)}; it must be above zero")
        for name in ("discount", "end_risk"):
            if not getattr(self, name) >= 0:
                raise InputError(
                    f"plant: {name} is {getattr(self, name)}; zero or more, 0.1 is 10%"
                )

    @property
    def output_usd_bn(self) -> float:
        """Q v, what a year's cars are worth at the border, USD billion."""
        return self.cars_thousand * self.car_usd / 1e6

    @property
    def years(self) -> float:
        """A, the years that one a year counts for."""
        return annuity(self.discount, self.end_risk, 0.0, self.horizon_years)

    def worth_usd_bn(self, tariff: float) -> float:
        """What the plant earns over one at home, less its fixed cost, USD billion today."""
        return self.output_usd_bn * (tariff - self.cost_gap) * self.years - self.fixed_cost_usd_bn

    @property
    def break_even(self) -> float:
        """t*, the tariff (fraction) at which it just pays; below zero where it pays anyway."""
        return self.cost_gap + self.fixed_cost_usd_bn / (self.output_usd_bn * self.years)
