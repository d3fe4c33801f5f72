"""From labelled worlds and policies to the bare arrays the models take."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from detente.models.blocks import Array, Economy, Instruments, by_country, to_exporters
from detente.models.caliendo_parro.preconditioner import Preconditioner, preconditioner
from detente.regime import Policy
from detente.world import World

__all__ = ["Prepared", "economy", "instruments", "prepare", "with_elasticities"]


@dataclass
class Prepared:
    """A world made ready for solving, kept as long as the world lives.

    ``unchanged`` is the policy of the world table; ``bases`` caches solved base equilibria by
    closure and baseline policy; ``labels`` are (sectors, countries).
    """

    economy: Economy
    own_income: Array
    steps: Preconditioner
    unchanged: Policy
    labels: tuple[list[str], list[str]]
    bases: dict[tuple[str, str], Any] = field(default_factory=dict)


_prepared: WeakKeyDictionary[World, Prepared] = WeakKeyDictionary()


def prepare(world: World) -> Prepared:
    """The bare economy of ``world``, its income and step direction; cached."""
    if world not in _prepared:
        bare = economy(world)
        revenue = (world.trade.values * world.tariff.values).sum(axis=(0, 2))
        _prepared[world] = Prepared(
            bare, bare.value_added + revenue, preconditioner(bare), Policy(world),
            (world.sectors, world.countries),
        )  # fmt: skip
    return _prepared[world]


def with_elasticities(prepared: Prepared, theta: Array) -> Prepared:
    """The same economy with other trade elasticities (J,), all above zero.

    Shares and levels do not depend on them, so that only the step direction is built anew.
    """
    bare = prepared.economy._replace(theta=np.asarray(theta, dtype=float))
    return replace(prepared, economy=bare, steps=preconditioner(bare), bases={})


def economy(world: World) -> Economy:
    """Shares and levels of a world.

    Output is value added plus inputs. Where a world was taken with ``identities="report"``,
    spending is what the shares imply at base wages, since the published columns disagree.
    """
    trade, tariff = world.trade.values, world.tariff.values
    inputs, va = world.inputs.values, world.value_added.values
    spending = (trade * (1 + tariff)).sum(axis=2)
    pi = trade * (1 + tariff) / np.where(spending > 0, spending, 1.0)[:, :, None]
    output = va + inputs.sum(axis=0)
    made = np.where(output > 0, output, 1.0)
    beta = np.where(output > 0, va / made, 1.0)
    gamma = np.ascontiguousarray((inputs / made).transpose(2, 1, 0))
    alpha = world.final.values / world.final.values.sum(axis=0)
    value_added = va.sum(axis=0)
    deficit = world.deficit.values.copy()
    if world.misses:
        spending = _implied_spending(spending, pi, gamma, alpha, tariff, value_added, deficit)
    return Economy(
        pi, beta, gamma, alpha, world.theta.values.copy(), tariff, value_added, spending, deficit
    )


def _implied_spending(
    guess: Array, pi: Array, gamma: Array, alpha: Array, tariff: Array, va: Array, deficit: Array
) -> Array:
    """Spending that the shares imply at base wages, by iterating on orders."""
    net = pi / (1 + tariff)
    kept = net.sum(axis=2)
    by_input = np.ascontiguousarray(gamma.transpose(0, 2, 1))
    X = guess
    for _ in range(500):
        income = va + (X * (1 - kept)).sum(axis=0) + deficit
        new = by_country(by_input, to_exporters(net, X)) + alpha * income
        # a market nobody orders from any more has no spending; keep the rest positive
        new = np.where(guess > 0, np.maximum(new, 0.0), 0.0)
        if np.abs(new - X).max() <= 1e-12 * X.max():
            return new
        X = new
    return X


def instruments(policy: Policy) -> Instruments:
    """Bare arrays of a policy; instruments nobody uses are None."""
    tax, iceberg = policy.export_tax.values, policy.iceberg.values
    return Instruments(
        policy.tariff.values,
        tax if (tax != 0.0).any() else None,
        iceberg if (iceberg != 1.0).any() else None,
        policy.transfer.values,
    )
