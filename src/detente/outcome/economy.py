"""From labelled worlds and policies to the bare arrays the models take."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from detente.instruments import INSTRUMENTS
from detente.memory import Kept
from detente.models.bars import PolicyGradient
from detente.models.blocks import Array, Instruments, Quota
from detente.models.model import Model, Redrawn, Tables
from detente.models.registry import DEFAULT, model_of, refuse_unable
from detente.policy import Policy
from detente.policy.wedges import beside, whole
from detente.variables import BILATERAL
from detente.world import World

__all__ = ["WEDGES", "Prepared", "instruments", "prepare", "slope", "tables", "with_elasticities"]

WEDGES = ("tariff", "export_tax", "iceberg")
"""What models see between a producer and a buyer."""


BASES = 32
"""Base equilibria kept for a world and model, by closure and baseline."""


@dataclass
class Prepared:
    """A world made ready for solving in a model, kept as long as the world lives.

    ``economy`` is the model's base, ``steps`` its step direction. ``unchanged`` is the policy of
    the world table; ``bases`` caches solved base equilibria by closure and baseline policy;
    ``labels`` are (sectors, countries).
    """

    model: Model
    economy: Any
    own_income: Array
    steps: Any
    unchanged: Policy
    labels: tuple[list[str], list[str]]
    bases: Kept[tuple[str, str], Any] = field(default_factory=lambda: Kept(BASES))


_prepared: WeakKeyDictionary[World, Kept[Model, Prepared]] = WeakKeyDictionary()

KEPT = 8
"""Models, or sets of their parameters, for which one world is kept ready."""


def prepare(world: World, model: Model | None = None) -> Prepared:
    """The base of ``world`` in a model, its income and step direction; cached.

    Raises
    ------
    InputError
        The world does not suit the model.
    """
    model = model or model_of(DEFAULT)
    held = _prepared.setdefault(world, Kept(KEPT))
    if model not in held:
        bare = tables(world)
        base = model.base(bare)
        unchanged = next((p.unchanged for p in held.values()), None) or Policy(world)
        held[model] = Prepared(
            model, base, model.own_income(bare, base), model.steps(base), unchanged,
            (world.sectors, world.countries),
        )  # fmt: skip
    return held[model]


def with_elasticities(prepared: Prepared, theta: Array) -> Prepared:
    """The same economy with other trade elasticities (J,), all above zero.

    Shares and levels do not depend on them, so that only the step direction is built anew.

    Raises
    ------
    InputError
        The model cannot do "cards".
    """
    model = prepared.model
    refuse_unable(model, "task", "cards", "drawn elasticities")
    assert isinstance(model, Redrawn)  # with the ability goes the method
    bare = model.with_elasticities(prepared.economy, theta)
    return replace(prepared, economy=bare, steps=model.steps(bare), bases=Kept(BASES))


def tables(world: World) -> Tables:
    """The tables of a world as bare arrays."""
    return Tables(
        world.trade.values, world.tariff.values, world.inputs.values, world.value_added.values,
        world.final.values, world.deficit.values, world.theta.values,
        None if world.sigma is None else world.sigma.values,
        None if world.profits is None else world.profits.transpose("sector", "country").values,
        not world.misses,
    )  # fmt: skip


def instruments(policy: Policy) -> Instruments:
    """Bare arrays of a policy, with what acts within each; instruments nobody uses are None."""
    tariff, tax, iceberg = (whole(policy, name).values for name in WEDGES)
    return Instruments(
        tariff,
        tax if (tax != 0.0).any() else None,
        iceberg if (iceberg != 1.0).any() else None,
        policy.transfer.values,
        _quotas(policy) if policy.quota else (),
    )


def slope(policy: Policy, found: PolicyGradient, name: str) -> Array:
    """Derivative in one instrument of a policy, from those in what models see: by the chain rule
    times the rest of its wedge, summed over the flows that one cell of it reaches."""
    row = INSTRUMENTS[name]
    value = getattr(found, row.within or name)
    if name not in WEDGES and not row.within:
        return value
    rest = beside(policy, name)
    if rest is not None:
        value = np.where(value == 0.0, 0.0, value) * np.where(value == 0.0, 1.0, rest)
    over = tuple(k for k, d in enumerate(BILATERAL) if d not in row.dims)
    return value.sum(axis=over) if over else value


def _quotas(policy: Policy) -> tuple[Quota, ...]:
    """Quotas by position; in the policy's order."""
    j = {label: at for at, label in enumerate(policy.world.sectors)}
    n = {label: at for at, label in enumerate(policy.world.countries)}
    return tuple(
        Quota(
            j[q.sector], n[q.importer], tuple(n[c] for c in q.exporters), q.volume_usd_mn, q.over,
            q.rent,
        )
        for q in policy.quota
    )  # fmt: skip
