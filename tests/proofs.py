"""Solving one random case, and proving the answer by other means than those that made it.

A converged case is put through the equations written out (:func:`worlds.equation_errors`) and
audited from its labelled output; a refusal is proved true. Used by the tests and by
``many_worlds.py``.
"""

from __future__ import annotations

import numpy as np

import detente as dt
from detente.errors import NoSolutionError
from detente.models.caliendo_parro.equations import equations, evaluate
from detente.outcome.economy import instruments, prepare
from worlds import Change, Draw, equation_errors, random_policy, random_world

LOOSE = 1e-6
"""The shares of a price index err by theta (up to 65) times what a log price does; tol is 1e-10
in logs, so a bound of 1e-8 on the package's own checks and 1e-6 on what is recomputed."""


def examine(draw: Draw, change: Change, deficit: str, proof: str = "sampled") -> str:
    """Solve one case and prove the answer; returns what it was."""
    world = random_world(draw)
    policy = random_policy(world, change)
    try:
        out = dt.simulate(world, policy, deficit=deficit)
    except NoSolutionError as error:
        prove_refusal(error, world, policy, deficit, LARGEST_PROOF[proof])
        return error.reason
    assert out.status == "converged"
    assert max(out.checks.values()) < 1e-7, out.checks
    assert out.after.solution.residual <= 1e-10
    for equilibrium in (out.base, out.after):
        errors = equation_errors(world, equilibrium, deficit)
        worst = max(errors, key=lambda name: errors[name])
        assert errors[worst] < LOOSE, (worst, errors[worst])
    assert np.isfinite(out.real_income).all()
    banned = policy.banned.values
    assert (out.trade.values[banned] == 0.0).all()
    dt.audit(out, again=False).raise_if_failed()
    if change.seed % 10 == 0:  # the second route, on a sample
        other = dt.simulate(
            world, policy, deficit=deficit, method="newton-krylov", start=out, throw=False
        )
        assert other.status == "converged"
        np.testing.assert_allclose(other.after.wage, out.after.wage, rtol=1e-6)
    return "converged"


# --- refusals ---------------------------------------------------------------------------------
def open_flows(world, policy) -> np.ndarray:
    return (world.trade.values > 0) & ~policy.banned.values


def live_flows(world, policy) -> np.ndarray:
    """Open flows from sellers who can produce to markets that somebody buys in, peeled off one
    at a time."""
    flows = open_flows(world, policy)
    uses = world.inputs.values > 0  # input, user, country
    final = world.final.values > 1e-12 * world.final.values.sum()
    J, N, _ = flows.shape
    while True:
        able, wanted = flows.any(axis=1), final.copy()
        for n in range(N):
            for j in range(J):
                if able[j, n] and not all(flows[k, n].any() for k in range(J) if uses[k, j, n]):
                    able[j, n] = False
                wanted[j, n] |= any(uses[j, k, n] and able[k, n] for k in range(J))
        less = flows & able[:, None, :] & wanted[:, :, None]
        if (less == flows).all():
            return flows
        flows = less


def prove_refusal(error: NoSolutionError, world, policy, deficit: str, largest: int) -> None:
    countries = world.countries
    named = np.isin(countries, error.countries)
    assert named.any()
    assert error.reason != "no balance" or not named.all()
    assert all(c in str(error) for c in error.countries[:5])
    # the base is refused on its own account where the closure alone has no solution
    policies = [policy, dt.Policy(world)]
    if error.reason == "no seller":
        assert any(
            all(
                world.final.sel(country=c, sector=s) > 0
                and not live_flows(world, p)[world.sectors.index(s), countries.index(c)].any()
                for c, s in zip(error.countries, error.sectors, strict=True)
            )
            for p in policies
        )
    elif error.reason == "no sales":
        assert any(not live_flows(world, p)[:, :, named].any() for p in policies)
    elif error.reason == "no balance":
        assert any(cannot_balance(world, p, named, deficit) for p in policies)
    elif error.reason in ("no income", "no path"):
        ends = any(path_ends(error, world, p, deficit, largest) for p in policies)
        assert ends, f"the path does not end as said: {error}"
    elif error.reason == "no share":
        assert deficit == "share"
        assert any(errs_everywhere(world, p) for p in policies)
    else:
        raise AssertionError(f"unknown reason {error.reason!r}")


def cannot_balance(world, policy, inside, deficit: str) -> bool:
    """The set trades one way only (or not at all), against the sign of what it must run."""
    linked = live_flows(world, policy).any(axis=0)
    buys, sells = linked[inside][:, ~inside].any(), linked[~inside][:, inside].any()
    if buys and sells:
        return False
    need = policy.transfer.values[inside].sum()
    own = world.deficit.values[inside]
    if deficit == "fixed":
        need += own.sum()
    if deficit == "share":
        own = own[np.abs(own) > 1e-9 * world.value_added.values.sum()]
        if not buys and not sells:
            return own.size > 0 or need != 0
        return bool(need <= 0 and (own <= 0).all() if buys else need >= 0 and (own >= 0).all())
    return bool(need != 0 if not buys and not sells else need <= 0 if buys else need >= 0)


def errs_everywhere(world, policy) -> bool:
    """Levenberg and Marquardt with differences for slopes, from starts of its own, leave an error
    under the share closure; and some country does trade one way only."""
    from scipy.optimize import least_squares

    from detente.models.caliendo_parro.kernel import build_kernel
    from detente.models.closure import Closure

    linked = live_flows(world, policy).any(axis=0)
    reach = np.linalg.matrix_power(linked.astype(float) + np.eye(len(linked)), len(linked)) > 0
    if (reach == reach.T).all():
        return False
    prepared, bare = prepare(world), instruments(policy)
    kernel = build_kernel(prepared.economy, bare)
    base = prepared.economy
    base = base._replace(spending=base.spending * (1 - kernel.unused))
    closure = Closure("share", base.deficit, prepared.own_income)
    N, size = len(linked), len(linked) * (1 + 2 * len(base.theta))
    if size > 130:  # differences take too long; taken at its word
        return True

    def errors(z):
        with np.errstate(all="ignore"):
            r = equations(evaluate(z, base, kernel, closure), base, kernel)
        return np.where(np.isfinite(r), r, 1e3)

    rng = np.random.default_rng(7)
    least = np.inf
    for spread in (0.1, 0.5, 1.0):
        start = np.concatenate([rng.normal(0, spread, N), np.zeros(size - N)])
        end = least_squares(errors, start, method="lm", max_nfev=100 * size)
        least = min(least, float(np.abs(end.fun).max()))
    # an equilibrium has an error of 1e-10; a valley of errors of 1e-5 that runs to wages of zero
    # is none
    return least > 1e-6


LARGEST_PROOF = {"sampled": 14, "full": 90}
"""Unknowns up to which a path is followed a second time with dense matrices, which takes seconds;
refusals of larger worlds are taken at their word."""


def path_ends(error, world, policy, deficit: str, largest: int) -> bool:
    """Follow the equilibrium again with small steps and dense Newton solves: it must end
    before the measures are complete, with the named income gone or with a singular Jacobian.

    Newton's method can leap over the end of a path to an equilibrium that does not grow out of
    the base. A step along a path is about as long as the tangents at its two ends say, the better
    the smaller it is; one over four times as long is taken for a leap, and tried again smaller."""
    from detente.models.caliendo_parro import CaliendoParro
    from detente.models.caliendo_parro.linear import tangent
    from detente.outcome.phasing import Phase

    prepared = prepare(world)
    base, bare = prepared.economy, instruments(policy)
    from detente.models.caliendo_parro.kernel import build_kernel
    from detente.models.closure import Closure

    unused = build_kernel(base, bare).unused
    base = base._replace(spending=base.spending * (1 - unused))
    closure = Closure(deficit, base.deficit, prepared.own_income)
    z, share, step = np.zeros(base.value_added.size * (1 + 2 * len(base.theta))), 0.0, 1 / 16
    who = world.countries.index(error.countries[0])
    if z.size > largest:
        return True

    def jacobian(problem, p):
        with np.errstate(all="ignore"):
            return np.column_stack(
                [tangent(v, p, problem.base, problem.kernel, problem.closure)
                 for v in np.eye(z.size)]
            )  # fmt: skip

    def solve(at: float, z):
        problem = Phase(CaliendoParro(), base, bare, closure, at).problem
        with np.errstate(all="ignore"):
            for _ in range(12):
                p = evaluate(z, problem.base, problem.kernel, problem.closure)
                r = equations(p, problem.base, problem.kernel)
                if not np.isfinite(r).all():
                    return None
                if np.abs(r).max() < 1e-8:
                    return (z, p, problem) if (p.income > 0).all() else None
                try:
                    move = np.linalg.solve(jacobian(problem, p), -r)
                except np.linalg.LinAlgError:
                    return None
                z = z + move * min(1.0, 2.0 / max(np.abs(move).max(), 1e-300))
        return None

    def speed(at: float, reached) -> float:
        """How fast the unknowns move per share of the measures, by the tangent forwards: under
        the zero closure the path has a corner halfway."""
        z, p, problem = reached
        ahead = 1e-6 if at < 0.9 else -1e-6
        later = Phase(CaliendoParro(), base, bare, closure, at + ahead).problem
        with np.errstate(all="ignore"):
            there = equations(
                evaluate(z, later.base, later.kernel, later.closure), later.base, later.kernel
            )
            gap = there - equations(p, problem.base, problem.kernel)
        try:
            move = np.linalg.solve(jacobian(problem, p), -gap)
        except np.linalg.LinAlgError:
            return np.inf
        return float(np.abs(move).max()) / abs(ahead)

    reached = solve(0.0, z)
    assert reached is not None
    here = speed(0.0, reached)
    for _ in range(500):
        if share == 1.0 or step < 1e-6:
            break
        step = min(step, 1.0 - share)
        found = solve(share + step, reached[0])
        moved = np.inf if found is None else float(np.abs(found[0] - reached[0]).max())
        there = 0.0 if found is None else speed(share + step, found)
        if found is None or moved > 4 * step * min(here, there) + 1e-4:
            step /= 4
        else:
            here = there
            share, reached, step = share + step, found, min(2 * step, 1 / 16)
    if share == 1.0:
        return False
    _, p, problem = reached
    wage_bill = np.exp(p.log_w) * base.value_added
    left = p.income / np.maximum(wage_bill, base.value_added)
    if left[who] < 0.05 or left.min() < 0.05:
        return True
    values = np.linalg.svd(jacobian(problem, p), compute_uv=False)
    return bool(values[-1] < 0.1 * values[-2])
