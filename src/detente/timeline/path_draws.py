"""How far the path of the recorded law could lie elsewhere: draws of what nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from detente.errors import DetenteError, InputError
from detente.models.blocks import Array
from detente.solve.threads import one_thread
from detente.timeline.days import rebased
from detente.timeline.laws import Laws
from detente.timeline.path import law_stages
from detente.timeline.paths import against, law_calendar, law_march, pack, path_columns, unpack
from detente.world import World
from detente.world.horizons import horizon_record, horizon_sets
from detente.world.theta import theta_sets

__all__ = ["DRAWS", "HIGH", "LOW", "SEED", "Drawn", "PathDraws", "draw_parameters", "draw_paths"]

DRAWS = 40
SEED = 2018
LOW, HIGH = 10, 90
"""Percentiles of the draws between which a band lies."""

WIDER = 0.25
"""How far draws go beyond the horizon sets, as a part of what those span: the sets are point
estimates, with standard errors of that size or larger. Not below the lowest sigma: where
quantities hardly react, most sets of elasticities leave the first quarters without a solution."""

AT_ONE = 1e-4
"""How close to one sigma may not come: there the price index has another form."""


@dataclass(frozen=True)
class Drawn:
    """One draw: quantities' elasticity, share a year that chooses anew, long-run elasticities."""

    sigma: float
    zeta: float
    theta: str | float


@dataclass(frozen=True, eq=False)
class PathDraws:
    """Paths under drawn parameters.

    ``columns`` (draw, quarter, column, country) and ``output`` (draw, quarter, sector, country) in
    single precision; ``asked`` draws were tried, those without a whole path are left out.
    """

    columns: Array
    output: Array
    asked: int

    @property
    def solved(self) -> int:
        """How many of the draws have a path."""
        return len(self.columns)

    def band(self, base: int) -> tuple[Array, Array]:
        """Low and high of the columns, (quarter, column, country), each draw against its own world
        of the quarter at ``base`` (-1: rest)."""
        return _band(against(self.columns, base))

    def output_band(self, base: int, sector: int) -> tuple[Array, Array]:
        """Low and high of the output of a sector, (quarter, country)."""
        found = self.output[:, :, sector]
        return _band(found if base < 0 else rebased(found, found[:, base : base + 1]))

    def to_bytes(self) -> bytes:
        """The draws as a file."""
        return pack({"asked": self.asked}, {"columns": self.columns, "output": self.output})

    @classmethod
    def from_bytes(cls, data: bytes) -> PathDraws:
        """Read what :meth:`to_bytes` wrote."""
        head, arrays = unpack(data)
        return cls(**arrays, **head)


def _band(draws: Array) -> tuple[Array, Array]:
    if not len(draws):
        nothing = np.full(draws.shape[1:], np.nan)
        return nothing, nothing
    low, high = np.percentile(draws.astype(float), (LOW, HIGH), axis=0)
    return low, high


def draw_parameters(count: int = DRAWS, seed: int = SEED) -> list[Drawn]:
    """Seeded draws: sigma uniform over what the horizon sets span and a quarter of it more above,
    zeta and a quarter more on either side, one from each of ``count`` equal slices; theta each of
    the theta sets, and of the horizon sets' own numbers, equally often.

    Raises
    ------
    InputError
        Fewer than one draw, or more than a thousand.
    """
    if not 1 <= count <= 1000:
        raise InputError(f"path: {count} draws; from 1 to 1,000 can be made")
    rng = np.random.default_rng(seed)
    sets = [horizon_record(name) for name in horizon_sets()]
    thetas: list[str | float] = [*theta_sets(), *sorted({s.theta for s in sets if s.theta})]
    which = rng.permutation(np.arange(count) % len(thetas))

    def slices(values: Sequence[float], below: float) -> Array:
        at = (rng.permutation(count) + rng.random(count)) / count
        span = max(values) - min(values)
        return min(values) + span * ((1.0 + WIDER + below) * at - below)

    sigma = slices([s.sigma for s in sets], 0.0)
    zeta = slices([s.zeta for s in sets], WIDER)
    sigma = np.where(np.abs(sigma - 1.0) < AT_ONE, 1.0 + AT_ONE, sigma)
    return [
        Drawn(float(s), float(z), thetas[t]) for s, z, t in zip(sigma, zeta, which, strict=True)
    ]


@one_thread
def draw_paths(
    laws: Laws, world: World, draws: Sequence[Drawn],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> PathDraws:  # fmt: skip
    """Walk the path of the recorded law under each draw, a second or two each."""
    calendar, record = law_calendar(laws), horizon_record()
    # the law of each period is worked out once for all draws
    plain = [(s, s.policy) for s in law_stages(laws, world, calendar)]
    columns, output = [], []
    progress(0, len(draws))
    # draws with the same elasticities one after the other share what their worlds are made of
    for done, drawn in enumerate(sorted(draws, key=lambda d: str(d.theta))):
        march = law_march(laws, world, record, drawn.sigma, drawn.zeta, drawn.theta)
        stages = [replace(stage, levied=law.under(march.world)) for stage, law in plain]
        try:
            walked = [(path_columns(o), o.output.values) for o in march.walk(march.start(), stages)]
        except DetenteError:
            walked = []
        if walked:
            columns.append(np.stack([c for c, _ in walked]).astype(np.float32))
            output.append(np.stack([o for _, o in walked]).astype(np.float32))
        progress(done + 1, len(draws))
    Q, N = len(calendar), len(world.countries)
    return PathDraws(
        np.stack(columns) if columns else np.empty((0, Q, 5, N), dtype=np.float32),
        np.stack(output) if output else np.empty((0, Q, len(world.sectors), N), dtype=np.float32),
        len(draws),
    )
