"""The trade war as a path: quarter by quarter under the law as recorded, and a year on from each
change of it, as small arrays."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any

import numpy as np

from detente.errors import DateError, DetenteError
from detente.models.blocks import Array
from detente.outcome.march import March, Stage, Standing, Start
from detente.outcome.outcome import Outcome
from detente.runs.horizons import staggered_of, world_under
from detente.solve.threads import one_thread
from detente.timeline.days import COLUMNS, rebased
from detente.timeline.laws import Laws
from detente.timeline.path import law_stages
from detente.timeline.periods import Period, periods
from detente.version import __version__
from detente.world import World
from detente.world.horizons import DEFAULT_HORIZON, HorizonRecord, horizon_record

__all__ = ["PATH_COLUMNS", "LawPath", "against", "law_calendar", "law_march", "law_path",
           "made_from", "pack", "path_columns", "unpack"]  # fmt: skip

PATH_COLUMNS = tuple(
    COLUMNS[name]
    for name in ("real_income_pct", "real_wage_pct", "exports_pct", "imports_pct",
                 "tariff_revenue_usd_bn")
)  # fmt: skip
"""The timeline's columns that move with trade; tariffs are the law's, and need no path."""

RELATIVE = np.array([c.relative for c in PATH_COLUMNS])[:, None]

YEAR = 12
TOL = 1e-10


@dataclass(frozen=True, eq=False)
class LawPath:
    """What the model says would have happened under the recorded law, and a year on.

    The path begins at rest under the law of its first day, 1 January 2018: every number is against
    that rest. In a quarter the tariffs of its days count by their number. A quarter is one number:
    the path "to a day" is that of the quarter in which the day lies, later changes in that quarter
    included by their days.

    One year after a date, its law having stayed, is one step of twelve months from where buyers
    stood as the date's quarter began. What is approximated: the days of the quarter before the date
    are taken under the date's law too, and all who choose anew within the year do so at
    the year's one set of prices, where four steps of a quarter would let each choose at its own.

    Attributes
    ----------
    horizon : the horizon set
    until : the last day that the ledger records; the law of that day is taken to stay
    quarters, first, last : name, first and last day of each quarter
    columns (quarter, column, country) : ``PATH_COLUMNS``, percent, revenue in USD billion a year
    output (quarter, sector, country) : change of quantities made, percent
    dates : the change dates
    after (date, column, country) : one year after each, as ``columns``
    error : why the path ends early; what has no solution is NaN
    """

    horizon: str
    until: str
    quarters: tuple[str, ...]
    first: tuple[str, ...]
    last: tuple[str, ...]
    columns: Array
    output: Array
    dates: tuple[str, ...]
    after: Array
    error: str = ""

    def quarter(self, day: str) -> int:
        """The place of the quarter in which a day lies.

        Raises
        ------
        DateError
            The day is not on the path.
        """
        if not self.first[0] <= day <= self.last[-1]:
            raise DateError(
                f"date {day}: the path runs from {self.first[0]} to {self.last[-1]}; ask for a day "
                "in between"
            )
        return bisect_right(self.first, day) - 1

    def stood(self, since: str) -> int:
        """The place of the last quarter that was over when a day began; -1: rest, before the path.

        Raises
        ------
        DateError
            The day is not on the path.
        """
        q = self.quarter(since)
        return q - 1

    def columns_since(self, since: str) -> Array:
        """``columns``, changes against how the world stood when ``since`` began."""
        return against(self.columns, self.stood(since))

    def output_since(self, since: str) -> Array:
        """``output`` against how the world stood when ``since`` began."""
        base = self.stood(since)
        return self.output if base < 0 else rebased(self.output, self.output[base])

    def after_since(self, since: str) -> Array:
        """``after`` against how the world stood when ``since`` began."""
        base = self.stood(since)
        if base < 0:
            return self.after
        return np.where(RELATIVE, rebased(self.after, self.columns[base]), self.after)

    def to_bytes(self) -> bytes:
        """The path as a file."""
        head = {k: v for k, v in vars(self).items() if k not in ("columns", "output", "after")}
        return pack(head, {"columns": self.columns, "output": self.output, "after": self.after})

    @classmethod
    def from_bytes(cls, data: bytes) -> LawPath:
        """Read what :meth:`to_bytes` wrote."""
        head, arrays = unpack(data)
        lists = {k: tuple(v) for k, v in head.items() if isinstance(v, list)}
        return cls(**{**head, **lists, **arrays})


def against(columns: Array, base: int) -> Array:
    """Columns (..., quarter, column, country) against those of one quarter; -1: as they are. What
    is no change stays."""
    if base < 0:
        return columns
    then = columns[..., base : base + 1, :, :]
    return np.where(RELATIVE, rebased(columns, then), columns)


@one_thread
def law_path(laws: Laws, world: World, horizon: str = DEFAULT_HORIZON) -> LawPath:
    """Walk the path of the recorded law, and from every change date a year on; some six seconds.

    Raises
    ------
    UnknownNameError
        No such horizon set.
    ConvergenceError
        There is no equilibrium to begin with.
    """
    record = horizon_record(horizon)
    calendar = law_calendar(laws)
    march = law_march(laws, world, record)
    start = march.start()
    stages = law_stages(laws, march.world, calendar)
    shape = (len(PATH_COLUMNS), len(world.countries))
    columns = np.full((len(stages), *shape), np.nan)
    output = np.full((len(stages), len(world.sectors), shape[1]), np.nan)
    stood: list[Standing] = []
    standing, error = march.standing(start), ""
    for q, stage in enumerate(stages):
        stood.append(standing)
        try:
            out = march.step(start, standing, stage)
        except DetenteError as stop:
            error = str(stop)
            break
        columns[q], output[q] = path_columns(out), out.output.values
        standing = march.after(out)
    path = LawPath(
        record.id, laws.until, tuple(p.name for p in calendar), tuple(s.first for s in stages),
        tuple(s.last for s in stages), columns, output, laws.dates,
        np.full((len(laws.dates), *shape), np.nan), error,
    )  # fmt: skip
    return replace(path, after=_years(laws, path, march, start, stood))


def _years(
    laws: Laws, path: LawPath, march: March, start: Start, stood: Sequence[Standing]
) -> Array:
    """One year after each date. Dates of a quarter with the same law have the same year."""
    found = path.after.copy()
    held: dict[tuple[int, int], int] = {}
    near = None
    for place, day in enumerate(laws.dates):
        q = path.quarter(day)
        if q >= len(stood):
            break
        key = (laws.same_as[place], q)
        if key in held:
            found[place] = found[held[key]]
            continue
        held[key] = place
        stage = Stage(day, day, day, laws.policy(place, march.world), YEAR)
        here = stood[q] if near is None else stood[q]._replace(z=near)
        try:
            out = march.step(start, here, stage)
        except DetenteError:
            continue  # no number for this date
        found[place], near = path_columns(out), out.after.solution.value
    return found


def path_columns(out: Outcome) -> Array:
    """The columns of a period, (column, country)."""
    return np.stack([
        out.real_income.values, out.real_wage.values, out.exports.values, out.imports.values,
        1e-3 * out.revenue.values,
    ])  # fmt: skip


def law_calendar(laws: Laws) -> list[Period]:
    """The quarters from the first date to the one in which the record ends."""
    return periods(laws.dates[0][:7], laws.until[:7])


def law_march(
    laws: Laws, world: World, record: HorizonRecord, sigma: float | None = None,
    zeta: float | None = None, theta: str | float | None = None,
) -> March:  # fmt: skip
    """From rest under the law of the first date, by quarters; parameters instead of the set's."""
    here = world_under(world, theta or record.theta or "own")
    model = staggered_of(record, sigma=sigma, zeta=zeta)
    return March(here, laws.policy(0, here), model, 3, "fixed", TOL)


def made_from(laws: Laws, *also: object) -> str:
    """What a path is kept under: a hash of the laws and world, the program and ``also``."""
    text = json.dumps([laws.key, __version__, _program(), *also], default=str)
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _program() -> str:
    """SHA-256 of the code and data that turn laws into paths."""
    digest = hashlib.sha256()
    for room, inside in (
        ("models", ""), ("models", "caliendo_parro"), ("models", "staggered"), ("outcome", ""),
        ("solve", ""), ("timeline", ""), ("world", "horizon_sets"), ("world", "theta_sets"),
    ):  # fmt: skip
        folder = files("detente") / room / inside if inside else files("detente") / room
        for file in sorted(folder.iterdir(), key=lambda f: f.name):
            if file.name.endswith((".py", ".yaml")):
                digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


def pack(head: Mapping[str, Any], arrays: Mapping[str, Array]) -> bytes:
    """A few words and arrays as one file."""
    text = np.frombuffer(json.dumps(head, ensure_ascii=False).encode(), dtype=np.uint8)
    out = BytesIO()
    held: dict[str, Any] = {"head": text, **arrays}
    np.savez_compressed(out, **held)
    return out.getvalue()


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    """What :func:`pack` wrote."""
    with np.load(BytesIO(data), allow_pickle=False) as held:
        arrays = {name: held[name] for name in held.files}
    return json.loads(arrays.pop("head").tobytes()), arrays
