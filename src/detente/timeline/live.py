"""Running scenarios again and again in one process: what does not change between them is kept."""

from __future__ import annotations

from collections import OrderedDict

from detente.outcome.economy import prepare
from detente.policy import Policy
from detente.policy.scenario import Law, Scenario
from detente.runs.build_policy import law_policy
from detente.runs.run import RunResult, run
from detente.timeline.days import Timeline
from detente.world import World

__all__ = ["LiveRuns"]

POLICIES = 24
"""Laws of a day kept; each holds three megabytes."""

BASES, OTHER_BASES = 12, 2
"""Solved baselines kept on the world itself and under each other elasticity set; each holds some
eight megabytes."""


class LiveRuns:
    """Runs of scenarios on the embedded world, fast when one follows the other.

    The law of a day comes from the timeline's arrays where it is read in the plain way (nothing
    left out, nothing announced); otherwise, and where there is no timeline, it is worked out from
    the ledger.
    """

    def __init__(self, world: World, timeline: Timeline | None = None) -> None:
        self.world, self.timeline = world, timeline
        self._laws: OrderedDict[tuple[World, str], Policy] = OrderedDict()

    def run(self, scenario: Scenario, theta: str | None = None) -> RunResult:
        """As :func:`detente.run`, on the same numbers."""
        result = run(scenario, theta=theta, world=self.world, laws=self._law, horizon="long")
        for outcome in result.by_theta.values():
            bases = prepare(outcome.world).bases
            while len(bases) > (BASES if outcome.world is self.world else OTHER_BASES):
                del bases[next(iter(bases))]
        return result

    def _law(self, law: Law, world: World) -> Policy:
        key = (world, law.model_dump_json(by_alias=True))
        if key not in self._laws:
            self._laws[key] = self._made(law, world)
            while len(self._laws) > POLICIES:
                self._laws.popitem(last=False)
        self._laws.move_to_end(key)
        return self._laws[key]

    def _made(self, law: Law, world: World) -> Policy:
        if self.timeline is not None and law == Law(date=law.date):
            place = self.timeline.place(law.date)
            return self.timeline.laws.policy(place, world, law.date)
        return law_policy(law, world)
