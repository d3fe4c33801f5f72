"""From a scenario to a ``Policy`` on a world: the law of its day, and its measures on top."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from detente.policy.draft import Draft
from detente.policy.measures import change_of, said_of
from detente.policy.policy import Policy
from detente.policy.scenario import Law, Scenario
from detente.world import World

__all__ = ["build_policy", "law_policy"]

LawOf = Callable[[Law, World], Policy]
"""How the law of a day becomes a policy; a caller that holds such arrays ready gives its own."""


def build_policy(
    scenario: Scenario, world: World, *, folder: Path | None = None, start: Policy | None = None,
    laws: LawOf | None = None,
) -> Policy:  # fmt: skip
    """Apply the law and the measures of ``scenario`` to the tariffs of ``world`` (or ``start``).

    Where the scenario names a law (``policy: {date: ...}``) that is the start; the measures come
    on top, in order. ``laws`` makes the law of a day, :func:`law_policy` by default. What each
    measure does is said in :mod:`detente.policy.changes`.

    Raises
    ------
    UnknownNameError
        A country, group or sector the world does not hold.
    RecordError
        A table is missing or has no row for a flow it must cover.
    InputError
        The measures leave a rate at or below -100%.
    """
    if scenario.policy is not None:
        start = (laws or law_policy)(scenario.policy, world)
    draft = Draft(world) if start is None else Draft.of(start)
    draft.notes += () if start is None else start.notes
    for i, measure in enumerate(scenario.measures):
        where = f"{scenario.source}: measures.{i}"
        draft.put(change_of(measure, where, folder), said_of(measure, where))
    return draft.policy(scenario.title, where=scenario.source, remedy="rate_pct")


def law_policy(law: Law, world: World) -> Policy:
    """The law of a day as a policy on ``world``.

    Raises
    ------
    DateError
        The day lies outside the record.
    UnknownNameError
        ``without`` or ``with`` names no measure or programme.
    """
    from detente.law.apply import apply
    from detente.ledger import load_ledger

    view = load_ledger().at(law.date, law.known_on, law.dates, law.announced)
    return apply(view.without(law.without).including(law.including), world)
