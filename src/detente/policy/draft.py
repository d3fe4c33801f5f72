"""From changes to a ``Policy``: the one place that knows what a change does to arrays.

How a rate meets the one in force, what a covered share pays, what a ban of a share costs, and what
no policy may hold, is said here once, for the law of a day, the measures of a scenario and the
moves of games alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np

from detente.errors import InputError
from detente.policy.bans import cost_of_leaving
from detente.policy.changes import (
    Ban,
    Change,
    Cost,
    Levy,
    Pact,
    Schedule,
    TariffQuota,
    Withdrawal,
)
from detente.policy.policy import Policy
from detente.policy.quota import Quota
from detente.policy.scope import Places, Said, numbers_of, scope_of
from detente.policy.wedges import rates
from detente.world import World

__all__ = ["Draft", "amend", "met"]

Array: TypeAlias = np.ndarray


def met(form: str, base: Array, rate: float | Array, share: float | Array) -> Array:
    """The rate that results where ``rate`` falls on a ``share`` of a flow that pays ``base``.

    ``form`` is "added" t + r, "total" max(t, r), "replaced" r or, for preferences, "capped"
    min(t, r). The part out of scope stays at t.
    """
    if form == "added":
        return base + share * rate
    if form == "capped":
        return base + share * (np.minimum(base, rate) - base)
    new = np.maximum(base, rate) if form == "total" else rate
    # a rate on a whole flow is that rate to the last bit
    return np.where(np.equal(share, 1.0), new, base + share * (new - base))


def amend(policy: Policy, changes: Iterable[Change], title: str = "") -> Policy:
    """``policy`` with ``changes`` applied in order.

    Raises
    ------
    UnknownNameError
        A country or sector nobody knows.
    InputError
        A change that reaches no flow, or changes that together leave a tax at or below -100%.
    """
    draft = Draft.of(policy)
    for change in changes:
        draft.put(change)
    return draft.policy(title or policy.title)


class Draft:
    """Arrays of a policy in the making; :meth:`put` changes them, :meth:`policy` ends it.

    Parameters
    ----------
    world : whose labels the changes use
    tariff, export_tax, iceberg : where it starts, (sector, importer, exporter); left as they are.
        By default the tariffs of the world, no export taxes, no costs
    transfer, quotas : as of :class:`~detente.policy.Policy`
    open_ : shares of flows that earlier bans left open, as of :class:`~detente.policy.Policy`
    gather_bans : bans become costs at the end, together: where many records of a law ban parts of
        one flow, what each leaves is multiplied up first

    Attributes
    ----------
    tariff, export_tax, iceberg, quotas : as they stand
    notes : lines for the policy's notes
    """

    def __init__(
        self, world: World, *, tariff: Array | None = None, export_tax: Array | None = None,
        iceberg: Array | None = None, transfer: Any = None,
        quotas: Iterable[Quota | dict[str, Any]] = (), open_: Array | None = None,
        gather_bans: bool = False,
    ) -> None:  # fmt: skip
        self.world = world
        self.tariff = world.tariff.values if tariff is None else tariff
        self.export_tax = np.zeros(self.tariff.shape) if export_tax is None else export_tax
        self.iceberg = np.ones(self.tariff.shape) if iceberg is None else iceberg
        self.quotas: list[Quota | dict[str, Any]] = list(quotas)
        self.notes: list[str] = []
        self._transfer = transfer
        self._left = np.ones(self.tariff.shape) if gather_bans else None
        self._open = open_
        self._own: set[str] = set()

    @classmethod
    def of(cls, policy: Policy) -> Draft:
        """A draft that starts from a policy; its notes are not taken along."""
        return cls(
            policy.world, **rates(policy), transfer=policy.transfer, quotas=policy.quota,
            open_=policy.open,
        )  # fmt: skip

    # --- the changes ----------------------------------------------------------------------------
    def put(self, change: Change, said: Said | None = None) -> None:
        """Apply one change; ``said`` is how messages name it and its fields.

        Raises
        ------
        UnknownNameError
            A country or sector the world does not hold.
        RecordError
            A flow in scope without a number.
        InputError
            A change that reaches no flow, or costs beyond any number.
        """
        if isinstance(change, Levy):
            self._levy(change, said or Said("levy"))
        elif isinstance(change, Pact):
            self._pact(change, said)
        elif isinstance(change, Withdrawal):
            fields = {"imposer": "country", "targets": "partner"}
            self._ban(change.ban, said or Said("withdrawal", fields))
        elif isinstance(change, Ban):
            self._ban(change, said or Said("ban"))
        elif isinstance(change, Cost):
            self._cost(change, said or Said("cost"))
        elif isinstance(change, TariffQuota):
            self._quota(change, said or Said("quota"))
        else:
            self._schedule(change)

    def _levy(self, change: Levy, said: Said) -> None:
        world = self.world
        scope = scope_of(world, said, change.imposer, change.targets, change.sectors,
                         change.except_targets)  # fmt: skip
        at = scope.exports if change.instrument == "export_tax" else scope.imports
        rates = self._mine(change.instrument)
        if change.base is None:
            base = rates[at]
        else:
            given = numbers_of(world, scope, change.base, said.field("base"))
            base = np.broadcast_to(given, rates[at].shape)
        rate = numbers_of(world, scope, change.rate, said.field("rate"))
        share = numbers_of(world, scope, change.covered_share, said.field("covered_share"))
        share = share * numbers_of(world, scope, change.taxed_share, said.field("taxed_share"))
        with np.errstate(over="ignore", invalid="ignore"):  # seen by `check`
            rates[at] = met(change.form, base, rate, share)

    def _pact(self, change: Pact, said: Said | None) -> None:
        members = {"imposer": "members", "targets": "members"}
        said = said or Said(f"agreement {change.name}", members)
        at = scope_of(self.world, said, change.members, change.members, change.sectors,
                      except_sectors=change.except_sectors).imports  # fmt: skip
        tariff, share = self._mine("tariff"), change.utilisation * change.phase_in
        tariff[at] = met("capped", tariff[at], change.preferential, share)
        cut = change.phase_in * change.non_tariff_cut
        if cut:
            self._grow(at, 1.0 - cut, said, "non_tariff_cut")

    def _cost(self, change: Cost, said: Said) -> None:
        scope = scope_of(self.world, said, change.imposer, change.targets, change.sectors,
                         change.except_targets)  # fmt: skip
        covered = numbers_of(self.world, scope, change.covered_share, said.field("covered_share"))
        for at in _flows(scope.imports, scope.exports, change.flow):
            self._grow(at, 1.0 + covered * change.cost, said, "cost")

    def _ban(self, change: Ban, said: Said) -> None:
        scope = scope_of(self.world, said, change.imposer, change.targets, change.sectors,
                         change.except_targets)  # fmt: skip
        covered = numbers_of(self.world, scope, change.covered_share, said.field("covered_share"))
        for at in _flows(scope.imports, scope.exports, change.flow):
            if self._left is not None:
                self._left[at] *= 1.0 - covered
            else:
                theta = self.world.theta.values[at[0]]
                self._shut(at, 1.0 - covered)
                self._grow(at, cost_of_leaving(1.0 - covered, theta), said, "covered_share")

    def _shut(self, at: Places, left: float | Array) -> None:
        """Remember what bans leave of each flow, once a ban leaves a part."""
        if self._open is None:
            if not ((np.asarray(left) > 0.0) & (np.asarray(left) < 1.0)).any():
                return  # whole bans are seen in the costs
            self._open = np.where(np.isinf(self.iceberg), 0.0, 1.0)
        elif "open" not in self._own:
            self._open = self._open.copy()
        self._own.add("open")
        rest = self._open[at] * left
        some = (self._open[at] > 0.0) & (np.asarray(left) > 0.0)  # however little
        self._open[at] = np.where(some, np.maximum(rest, np.finfo(float).tiny), rest)

    def _quota(self, change: TariffQuota, said: Said) -> None:
        """One a sector and importer, shared by the targets, or one for each of them."""
        world = self.world
        scope = scope_of(world, said, change.imposer, change.targets, change.sectors,
                         change.except_targets)  # fmt: skip
        if change.within is not None:
            self._mine("tariff")[scope.imports] = change.within
        sellers: dict[int, list[str]] = {}
        for n, i in zip(scope.imposers.tolist(), scope.targets.tolist(), strict=True):
            sellers.setdefault(n, []).append(world.countries[i])
        count = len(scope.sectors) * len(sellers)
        if change.volume_usd_mn is not None and (count > 1 or change.each_target):
            each = ", with a quota for each target" if change.each_target else ""
            volume = said.fields.get("volume", "volume")
            raise InputError(
                f"{said.field('volume_usd_mn')}: it is one amount, and the measure has {count} "
                f"pairs of sector and importer{each}; write a measure for each, or give {volume}"
            )
        amount = (
            {"volume": change.volume}
            if change.volume_usd_mn is None
            else {"volume_usd_mn": change.volume_usd_mn}
        )
        for j in scope.sectors[:, 0]:
            for n, names in sellers.items():
                self.quotas += [
                    {
                        "sector": world.sectors[j], "importer": world.countries[n],
                        "exporter": who, "over": change.over, "rent": change.rent, **amount,
                    }
                    for who in ([[one] for one in names] if change.each_target else [names])
                ]  # fmt: skip

    def _schedule(self, change: Schedule) -> None:
        rows = [self.world.countries.index(c) for c in change.importers]
        tariff, found = self._mine("tariff"), self.world.tariff.values[:, rows]
        # a country may stand behind two laws, its own and that of a union it belonged to
        changed = tariff[:, rows] != found
        both = tariff[:, rows] + (change.tariff - found)
        tariff[:, rows] = np.where(changed, both, change.tariff)
        if self._left is not None:
            self._left[:, rows] *= change.left
        else:
            at = (np.arange(len(tariff))[:, None, None], np.array(rows)[:, None],
                  np.arange(tariff.shape[2]))  # fmt: skip
            theta = self.world.theta.values[:, None, None]
            self._shut(at, change.left)
            self._grow(at, cost_of_leaving(change.left, theta), Said("schedule"), "left")
        self.notes += change.notes

    def _grow(self, at: Places, factor: float | Array, said: Said, field: str) -> None:
        """Multiply costs; what grows beyond any number would be taken for a ban nobody wrote."""
        iceberg = self._mine("iceberg")
        old = iceberg[at]
        with np.errstate(over="ignore"):
            new = old * factor
        banned = np.isinf(old) | np.isinf(factor)
        if not (np.isfinite(new) | banned).all() or not (new > 0).all():
            raise InputError(
                f"{said.field(field)}: the measures together change costs beyond any number; write "
                f"{said.fields.get('ban', 'a Ban')} where no trade is to be left"
            )
        iceberg[at] = new

    def _mine(self, name: str) -> Array:
        """An array to write into; copied when it is first written."""
        if name not in self._own:
            setattr(self, name, getattr(self, name).copy())
            self._own.add(name)
        return getattr(self, name)

    # --- the end --------------------------------------------------------------------------------
    def check(self, where: str = "", remedy: str = "rate") -> None:
        """Refuse taxes at or below -100% or beyond any number; ``remedy`` is what a writer would
        change.

        Raises
        ------
        InputError
            The message names the first cell.
        """
        start, world = f"{where}: " if where else "", self.world
        for name in ("tariff", "export_tax"):
            if name not in self._own:
                continue
            values = getattr(self, name)
            if values.min() > -1.0 and values.max() < np.inf:
                continue
            if not np.isfinite(values).all():
                raise InputError(
                    f"{start}the measures together leave a {name} larger than any number; lower "
                    f"{remedy}"
                )
            j, n, e = np.argwhere(values <= -1.0)[0]
            raise InputError(
                f"{start}the measures together leave a {name} of {100 * values[j, n, e]:g}% for "
                f"{world.countries[n]} on {world.sectors[j]} from {world.countries[e]}; it must "
                f"stay above -100%; raise {remedy}"
            )

    def policy(self, title: str = "", *, where: str = "", remedy: str = "rate") -> Policy:
        """What was drawn up, as a policy; ``where`` stands before messages.

        Raises
        ------
        InputError
            Taxes out of range, or quotas that do not fit the tariffs.
        """
        iceberg, shares = self.iceberg, self._open
        if self._left is not None:
            if (self._left < 1.0).any():
                shares = self._left if shares is None else shares * self._left
            iceberg = iceberg * cost_of_leaving(self._left, self.world.theta.values[:, None, None])
        try:
            return Policy(
                self.world, tariff=self.tariff, export_tax=self.export_tax, iceberg=iceberg,
                transfer=self._transfer, quota=self.quotas, open=shares, title=title,
                notes=tuple(self.notes), prohibitive=True,
            )  # fmt: skip
        except InputError as error:
            self.check(where, remedy)  # says it in the writer's words, where it can
            if not where:
                raise
            raise InputError(f"{where}: {error}") from None


def _flows(imports: Places, exports: Places, flow: str) -> list[Places]:
    return {"import": [imports], "export": [exports], "both": [imports, exports]}[flow]
