"""``simulate_many``: many policies on one world, on all cores."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import xarray as xr

from detente.errors import DetenteError, InputError, NoSolutionError
from detente.keywords import known_keywords
from detente.memory import Kept
from detente.models.blocks import Array, Instruments
from detente.models.registry import DEFAULT, parameter_hint
from detente.outcome import Outcome, simulate
from detente.outcome.economy import prepare
from detente.outcome.simulate import AnyModel, base_of, checked_model, restore
from detente.outcome.solver import solve_equilibrium
from detente.policy import Policy
from detente.policy.wedges import whole
from detente.runs.workers import Workers, cores, let_go, workers
from detente.solve.threads import one_thread
from detente.world import World

__all__ = ["Case", "Cases", "simulate_many"]


@dataclass(frozen=True)
class Case:
    """One policy's result.

    Attributes
    ----------
    policy : as given
    status : "converged", "cycling", "diverging", "max_steps", or "no_solution"
    outcome : the result; None where no equilibrium exists
    error : why there is no converged result; None where there is one
    """

    policy: Policy
    status: str
    outcome: Outcome | None
    error: DetenteError | None


@dataclass(frozen=True)
class Cases(Sequence[Case]):
    """Results in the order of the policies."""

    cases: tuple[Case, ...]

    @overload
    def __getitem__(self, index: int) -> Case: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Case]: ...
    def __getitem__(self, index: int | slice) -> Case | Sequence[Case]:
        return self.cases[index]

    def __len__(self) -> int:
        return len(self.cases)

    def __iter__(self) -> Iterator[Case]:
        return iter(self.cases)

    @property
    def status(self) -> list[str]:
        """The status of every case."""
        return [case.status for case in self.cases]

    @property
    def outcomes(self) -> list[Outcome]:
        """Every outcome.

        Raises
        ------
        DetenteError
            The error of the first case that has no converged result.
        """
        for case in self.cases:
            if case.error is not None:
                raise case.error
        return [case.outcome for case in self.cases if case.outcome is not None]

    def stack(self, name: str = "real_income") -> xr.DataArray:
        """One variable of every outcome along a leading dim ``case``; NaN where a case has no
        converged result, with the status of each as a coordinate."""
        done = [case.outcome for case in self.cases if case.error is None]
        found = [getattr(outcome, name) for outcome in done]
        if not found:
            raise InputError(f"stack: no case converged, so that there is no {name} to stack")
        values = np.full((len(self.cases), *found[0].shape), np.nan)
        values[[i for i, case in enumerate(self.cases) if case.error is None]] = found
        coords = {
            "case": np.arange(len(self.cases)),
            "status": ("case", self.status),
            **{d: found[0][d].values for d in found[0].dims},
        }
        return xr.DataArray(
            values, coords, ("case", *found[0].dims), name=name, attrs=found[0].attrs
        )


@known_keywords(parameter_hint)
@one_thread
def simulate_many(
    world: World,
    policies: Iterable[Policy],
    *,
    baseline: Policy | None = None,
    model: AnyModel = DEFAULT,
    deficit: str = "fixed",
    tol: float = 1e-10,
    method: str = "auto",
    max_steps: int = 400,
    executor: Executor | None = None,
    throw: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Cases:
    """Simulate many policies on one world, on all cores.

    The base equilibrium and the world's preparation are made once in each process. Every case
    starts from the base, so that its numbers are those of :func:`simulate`, bit for bit,
    whatever the order and the number of workers.

    Parameters
    ----------
    world, baseline, model, deficit, tol, method, max_steps : as in :func:`simulate`
    policies : built on ``world``; those with quotas are solved in this process
    executor : any ``concurrent.futures`` executor, or a client with its ``submit``; None uses
        worker processes on all cores, which stay up for later calls, and this process on one
    throw : raise the first error instead of recording it
    progress : called with (cases done, cases in all)

    Returns
    -------
    Cases
        In the order of ``policies``, each with its status; a case that fails stops no other.

    Raises
    ------
    InputError
        A policy built on another world; an unknown closure or method.
    """
    policies = list(policies)
    options: dict[str, Any] = {
        "model": checked_model(model, deficit, "simulate_many", world), "deficit": deficit,
        "tol": tol, "method": method, "max_steps": max_steps,
    }  # fmt: skip
    first = simulate(world, baseline=baseline, **options)  # checks names, solves the base once
    for p in policies:
        if p.world is not world and p.world.hash != world.hash:
            raise InputError(
                f"simulate_many: a policy ({p.title or 'untitled'}) was built on {p.world.name}, "
                f"the world is {world.name}; build it on the world it is simulated on"
            )
    # price wedges come with an outcome, not with the point that travels: solved here
    plain = [p for p in policies if not p.quota]
    helpers = (cores() - 1) if executor is None else 0
    if executor is None and helpers and len(plain) >= WORTHWHILE:
        executor = workers(helpers)
    count = len(policies)

    def counted(done: int, _: int) -> None:
        if progress is not None:
            progress(done, count)

    found = iter(_answers(world, plain, first.baseline, options, executor, helpers, counted))
    answers: list[Answer | None] = [None if p.quota else next(found) for p in policies]
    done = len(plain)
    for i, p in enumerate(policies):
        if p.quota:
            answers[i], done = _solve(world, p, first.baseline, options), done + 1
            counted(done, count)
    cases: list[Case] = []
    for p, answer in zip(policies, answers, strict=True):
        assert answer is not None
        cases.append(_case(world, p, first.baseline, options, answer))
        if throw and cases[-1].error is not None:
            raise cases[-1].error
    return Cases(tuple(cases))


WORTHWHILE = 8
"""Cases from which on worker processes are started."""

CHUNK = 4
"""Cases sent to a worker at a time."""

Answer = Outcome | tuple[Any, Any] | DetenteError
"""A case solved here, the point and solution of one solved elsewhere, or why there is none."""


def _answers(
    world: World,
    policies: list[Policy],
    baseline: Policy,
    options: dict[str, Any],
    executor: Executor | None,
    helpers: int,
    progress: Callable[[int, int], None] | None,
) -> list[Answer]:
    """One answer a policy. With ``helpers`` this process takes chunks from the end while the
    workers take them from the front; otherwise the executor takes them all."""
    answers: list[Answer | None] = [None] * len(policies)
    chunks = [range(i, min(i + CHUNK, len(policies))) for i in range(0, len(policies), CHUNK)]
    done = 0

    def put(chunk: range, found: list[Answer]) -> None:
        nonlocal done
        for i, answer in zip(chunk, found, strict=True):
            answers[i] = answer
        done += len(chunk)
        if progress is not None:
            progress(done, len(policies))

    if executor is None:
        for chunk in chunks:
            put(chunk, [_solve(world, policies[i], baseline, options) for i in chunk])
    else:
        load = pickle.dumps((world, baseline), pickle.HIGHEST_PROTOCOL)
        key = f"{world.hash} {baseline.hash}"
        if isinstance(executor, Workers):
            executor.first(key, _keep, key, load)
            load = None  # it has been sent
        bare = [_bare(p) for p in policies]
        futures = [
            executor.submit(_remote, key, load, bare[chunk.start : chunk.stop], options)
            for chunk in chunks
        ]
        with let_go(executor, futures):
            pairs = list(zip(chunks, futures, strict=True))
            for chunk, future in reversed(pairs) if helpers else ():
                if future.cancel():
                    put(chunk, [_solve(world, policies[i], baseline, options) for i in chunk])
            for chunk, future in pairs:
                if not future.cancelled():
                    put(chunk, future.result())
    return [answer for answer in answers if answer is not None]


def _solve(world: World, p: Policy, baseline: Policy, options: dict[str, Any]) -> Answer:
    outcome = simulate(world, p, baseline=baseline, throw=False, **options)
    return outcome.error if outcome.status == "no_solution" and outcome.error else outcome


def _case(
    world: World, p: Policy, baseline: Policy, options: dict[str, Any], answer: Answer
) -> Case:
    if isinstance(answer, DetenteError):
        return Case(p, "no_solution", None, answer)
    if isinstance(answer, tuple):
        answer = restore(
            world,
            p,
            baseline,
            *answer,
            model=options["model"],
            deficit=options["deficit"],
            tol=options["tol"],
        )
    return Case(p, answer.status, answer, answer.error)


# --- what travels -------------------------------------------------------------------------------
Bare = tuple[Any, Any, Any, Any]


def _bare(p: Policy) -> Bare:
    """A policy as what differs from the world: cells and values, None where nothing does."""
    parts: list[Any] = []
    for values, usual in (
        (whole(p, "tariff").values, p.world.tariff.values),
        (whole(p, "export_tax").values, 0.0),
        (whole(p, "iceberg").values, 1.0),
    ):
        cells = np.flatnonzero(values != usual)
        parts.append((cells.astype(np.int32), values.ravel()[cells]) if cells.size else None)
    return parts[0], parts[1], parts[2], p.transfer.values


def _full(part: Any, usual: Array) -> Array:
    if part is None:
        return usual
    values = usual.copy()
    values.flat[part[0]] = part[1]
    return values


_kept: Kept[str, tuple[World, Policy]] = Kept(4)


def _keep(key: str, load: bytes) -> None:
    """Unpack a world and its baseline and keep them for the tasks to come."""
    if key not in _kept:
        _kept[key] = pickle.loads(load)


@one_thread
def _remote(
    key: str, load: bytes | None, bares: list[Bare], options: dict[str, Any]
) -> list[Answer]:
    """Solve a chunk of policies in another process."""
    if load is not None:
        _keep(key, load)
    world, baseline = _kept[key]
    prepared = prepare(world, options["model"])
    base = base_of(prepared, baseline, options["deficit"], min(options["tol"], 1e-10))
    zero, one = np.zeros(world.tariff.shape), np.ones(world.tariff.shape)
    found: list[Answer] = []
    for tariff, tax, iceberg, transfer in bares:
        policy = Instruments(
            _full(tariff, world.tariff.values),
            None if tax is None else _full(tax, zero),
            None if iceberg is None else _full(iceberg, one),
            transfer,
        )
        try:
            e = solve_equilibrium(
                prepared, policy, options["deficit"], tol=options["tol"],
                start=base.solution.value, method=options["method"],
                max_steps=options["max_steps"], throw=False,
            )  # fmt: skip
        except NoSolutionError as error:
            found.append(error)
        else:
            found.append((e.point, e.solution))
    return found
