"""Worlds for tests: random ones that add up by construction, and the equations written out.

``random_world`` draws flows first and derives the rest, so that sales equal purchases to
rounding whatever is drawn. ``equation_errors`` evaluates the five equations of the model at an
outcome in the plainest way, from the tables of the world, without any of the kernels, scalings
or masks of the package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

import detente as dt
from detente.world.identities import DIMS

BILATERAL = ("sector", "importer", "exporter")


def names(letter: str, count: int) -> list[str]:
    return [f"{letter}{i:02d}" for i in range(count)]


def build(
    trade, *, tariff=None, inputs=None, theta: Any = 4.0, sigma=None, name="random"
) -> dt.World:
    """A strict world from bare arrays: (J, N, N), (J, N, N), (K, J, N), (J,) or a number."""
    J, N, _ = trade.shape
    here = np.arange(N)
    tariff = np.zeros_like(trade) if tariff is None else tariff
    inputs = np.zeros((J, J, N)) if inputs is None else inputs
    spending = (trade * (1 + tariff)).sum(axis=2)
    home = trade[:, here, here].sum(axis=0)
    arrays = {
        "trade": trade,
        "tariff": tariff,
        "inputs": inputs,
        "value_added": trade.sum(axis=1) - inputs.sum(axis=0),
        "final": np.maximum(spending - inputs.sum(axis=1), 0.0),  # rounding
        "deficit": (trade.sum(axis=(0, 2)) - home) - (trade.sum(axis=(0, 1)) - home),
        "theta": np.broadcast_to(np.asarray(theta, dtype=float), J).copy(),
    }
    sectors, countries = names("s", J), names("c", N)
    labels = {"sector": sectors, "input": sectors, "importer": countries, "exporter": countries,
              "country": countries}  # fmt: skip
    # not through from_tables, which costs more than a solve; tests/world has it
    world = dt.World(xr.Dataset({n: (d, arrays[n]) for n, d in DIMS.items()}, labels), name)
    return world if sigma is None else world.with_sigma(sigma)


@dataclass(frozen=True)
class Draw:
    """What a random world looks like; every field is something hypothesis can shrink."""

    N: int = 5
    J: int = 3
    seed: int = 0
    sparsity: float = 0.0
    """Part of the cross-border flows that are zero."""
    empty: float = 0.0
    """Part of the (sector, country) cells that neither produce nor sell."""
    homeless: float = 0.0
    """Part of the cells without exports, and of those without domestic sales."""
    inputs: bool = True
    largest_input_share: float = 0.8
    tariffs: bool = True
    theta: tuple[float, float] = (0.4, 65.0)
    deficit: float = 0.4
    """Largest deficit or surplus over value added."""


def random_world(draw: Draw) -> dt.World:
    """A random world of this kind; identities hold by construction."""
    rng = np.random.default_rng(draw.seed)
    J, N = draw.J, draw.N
    here = np.arange(N)
    size = np.exp(rng.normal(0, 1.3, N))
    trade = np.exp(rng.normal(0, 1.5, (J, N, N))) * size[:, None] * size
    trade[rng.random((J, N, N)) < draw.sparsity] = 0.0
    trade[:, here, here] = np.exp(rng.normal(1.5, 1.0, (J, N))) * size * size.sum()
    home = trade[:, here, here].copy()
    silent = rng.random((J, N)) < draw.homeless  # no exports of this sector
    trade = np.where(silent[:, None, :], 0.0, trade)
    trade[:, here, here] = np.where(rng.random((J, N)) < draw.homeless, 0.0, home)
    trade = np.where((rng.random((J, N)) < draw.empty)[:, None, :], 0.0, trade)
    for n in np.flatnonzero(trade[:, here, here].sum(axis=0) == 0):
        trade[rng.integers(J), n, n] = home[:, n].max()
    tariff = np.zeros((J, N, N))
    if draw.tariffs:
        tariff = np.exp(rng.normal(-2.5, 1.0, (J, N, N))) * (rng.random((J, N, N)) < 0.7)
        tariff[:, here, here] = 0.0

    share = np.zeros((J, J, N))
    if draw.inputs:
        share = rng.dirichlet(np.full(J, 0.5), (J, N)).transpose(2, 0, 1)  # input, user, country
        share = share * rng.uniform(0.1, draw.largest_input_share, (J, N))
        share[share < 1e-4] = 0.0
    while True:
        sold = trade.sum(axis=1)
        spending = (trade * (1 + tariff)).sum(axis=2)
        use = share * sold
        wanted = use.sum(axis=1)
        room = 0.9 * spending / np.where(wanted > 0, wanted, 1.0)
        inputs = use * np.minimum(1.0, np.where(wanted > 0, room, 0.0))[:, None, :]
        value_added = (sold - inputs.sum(axis=0)).sum(axis=0)
        gap = trade.sum(axis=(0, 2)) - trade.sum(axis=(0, 1))
        far = np.abs(gap) > draw.deficit * value_added
        if not far.any():
            break
        # a larger home market makes the same gap a smaller part of income
        for n in np.flatnonzero(far):
            trade[:, n, n] *= 1.3
    scale = 1e6 / trade.sum()
    low, high = np.log(draw.theta[0]), np.log(draw.theta[1])
    theta = np.exp(rng.uniform(low, high, J))
    return build(trade * scale, tariff=tariff, inputs=inputs * scale, theta=theta)


@dataclass(frozen=True)
class Change:
    """What a random policy does; probabilities are parts of the cross-border flows."""

    seed: int = 0
    tariffs: float = 0.5
    highest: float = 100.0
    lowest: float = -0.5
    bans: float = 0.0
    autarky: bool = False
    export_taxes: float = 0.0
    icebergs: float = 0.0
    transfers: float = 0.0
    """Largest transfer over the payer's value added."""


def random_policy(world: dt.World, change: Change) -> dt.Policy:
    """A random policy of this kind."""
    rng = np.random.default_rng(change.seed)
    shape = world.trade.shape
    N = shape[1]
    abroad = ~np.eye(N, dtype=bool)

    def where(part: float):
        return (rng.random(shape) < part) & abroad

    def rates():
        """Half subsidies and ordinary duties, half spread over the whole range in logs."""
        small = rng.uniform(change.lowest, min(1.0, change.highest), shape)
        wide = np.exp(rng.uniform(np.log(0.01), np.log(max(change.highest, 0.02)), shape))
        return np.where(rng.random(shape) < 0.5, small, wide)

    tariff = np.where(where(change.tariffs), rates(), world.tariff.values)
    tax = np.where(where(change.export_taxes), rates(), 0.0)
    iceberg = np.where(
        where(change.icebergs), np.exp(rng.uniform(np.log(0.5), np.log(20.0), shape)), 1.0
    )
    iceberg = np.where(where(change.bans), np.inf, iceberg)
    if change.autarky:
        alone = rng.integers(N)
        iceberg[:, alone, abroad[alone]] = np.inf
        iceberg[:, abroad[alone], alone] = np.inf
    paid = rng.uniform(0, change.transfers, N) * world.value_added.values.sum(axis=0)
    transfer = paid.mean() - paid if change.transfers else np.zeros(N)
    transfer -= transfer.mean()
    return dt.Policy(
        world,
        tariff=tariff,
        export_tax=tax,
        iceberg=iceberg,
        transfer=dict(zip(world.countries, transfer.tolist(), strict=True)),
        title="random",
        prohibitive=True,
    )


def equation_errors(world: dt.World, equilibrium, deficit: str) -> dict[str, float]:
    """The equations of the model at ``outcome.base`` or ``outcome.after``, written out.

    Only wages, price indices and spending are taken from the equilibrium; everything else is
    computed here from the tables of the world and the levels of the policy. Each entry is the
    largest relative error of one identity.
    """
    trade, t0 = world.trade.values, world.tariff.values
    Z, va = world.inputs.values, world.value_added.values
    policy = equilibrium.policy
    t = policy.tariff
    e = np.zeros_like(t) if policy.export_tax is None else policy.export_tax
    d = np.ones_like(t) if policy.iceberg is None else policy.iceberg
    transfer = policy.transfer
    log_w, log_P = equilibrium.point.log_w, equilibrium.point.log_P
    X = equilibrium.point.X

    spending0 = (trade * (1 + t0)).sum(axis=2)
    sold0 = va + Z.sum(axis=0)
    made = np.where(sold0 > 0, sold0, 1.0)
    theta = world.theta.values[:, None, None]
    errors: dict[str, float] = {}
    log_c = (va * log_w + np.einsum("kjn,kn->jn", Z, log_P)) / made
    open_ = (trade > 0) & np.isfinite(d) & _able(world, d)[:, None, :]
    served = open_.any(axis=2)
    share0 = trade * (1 + t0) / np.where(spending0 > 0, spending0, 1.0)[:, :, None]
    rise = np.log(np.where(open_, (1 + t) / (1 + t0) * (1 + e) * d, 1.0)) + log_c[:, None, :]
    terms = np.where(open_, np.log(np.where(open_, share0, 1.0)) - theta * rise, -np.inf)
    top = np.where(served, terms.max(axis=2), 0.0)
    with np.errstate(divide="ignore"):
        log_sum = top + np.log(np.exp(terms - top[:, :, None]).sum(axis=2))
    # in thetas: that is the error of the shares a price index makes
    P = np.where(served, -log_sum - theta[:, :, 0] * log_P, 0.0)
    shares = np.exp(terms + theta * log_P[:, :, None])
    paid = shares * X[:, :, None]
    border = paid / (1 + t)
    at_gate = border / (1 + e)
    # where nobody sells nobody may buy
    flow_gap = np.where(
        served & (X > 0), np.abs(shares.sum(axis=2) - 1), np.where(served, 0.0, X / va.sum())
    )
    flow_gap = float(np.where(spending0 > 0, flow_gap, 0.0).max())
    Y = at_gate.sum(axis=1)
    export_revenue = (border - at_gate).sum(axis=(0, 1))
    tariff_revenue = (paid - border).sum(axis=(0, 2))
    imports, exports = border.sum(axis=(0, 2)), border.sum(axis=(0, 1))
    wage_bill = np.exp(log_w) * va.sum(axis=0)
    labour = (np.where(sold0 > 0, va / made, 1.0) * Y).sum(axis=0)
    D = equilibrium.point.deficit
    income = wage_bill + tariff_revenue + export_revenue + D + transfer
    alpha = world.final.values / world.final.values.sum(axis=0)
    X_new = np.einsum("kjn,jn->kn", Z / made, Y) + alpha * income
    used = spending0 > 0
    world_income = va.sum()
    errors["prices"] = float(np.abs(P).max())
    errors["spending"] = float(
        np.abs(np.where(used, X_new / np.where(used & (X > 0), X, 1.0) - 1, 0.0))[X > 0].max()
    )
    errors["flows sum to spending"] = flow_gap
    errors["labour markets"] = float(np.abs(labour / wage_bill - 1).max())
    errors["trade balance"] = float((np.abs(imports - exports - D - transfer) / income).max())
    errors["world value added"] = abs(wage_bill.sum() / world_income - 1)
    errors["world deficits"] = abs(D.sum()) / world_income
    errors["world transfers"] = abs(transfer.sum()) / world_income
    if deficit == "zero":
        errors["deficits are zero"] = float(np.abs(D).max() / world_income)
    elif deficit == "fixed":
        errors["deficits are fixed"] = float(np.abs(D - world.deficit.values).max() / world_income)
    errors["incomes are positive"] = float(max(0.0, -income.min()))
    return errors


def _able(world: dt.World, iceberg) -> np.ndarray:
    """Who can produce at all: each input in use must have a seller who can produce."""
    trade, Z = world.trade.values, world.inputs.values
    open_ = (trade > 0) & np.isfinite(iceberg)
    able = open_.any(axis=1)
    while True:
        served = (open_ & able[:, None, :]).any(axis=2)  # (input, country)
        lacking = ((Z > 0) & ~served[:, None, :]).any(axis=0)
        again = able & ~lacking
        if (again == able).all():
            return able
        able = again
