"""``python -m benchmarks.peers``: the same cases beside what users would pick instead.

gegravity comes from PyPI into an environment of its own (``--gegravity`` names its interpreter;
without it one is made in a temporary folder). The R programs run where R and their sources are
given by path (``--rscript``, ``--cp2015``, ``--kite``) and are skipped with a message otherwise.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import xarray as xr

import detente as dt
from benchmarks import cases

HERE = Path(__file__).parent


def gravity_case(N: int, sigma: float = 5.0, seed: int = 0) -> dict:
    """Balanced structural gravity: trade costs drawn, flows scaled until they add up."""
    rng = np.random.default_rng(seed)
    place = rng.uniform(0, 1, (N, 2))
    distance = np.linalg.norm(place[:, None] - place[None], axis=2)
    log_cost = -1.0 * (1 + 2 * distance) * (1 - np.eye(N))
    size = rng.lognormal(0, 1, N)
    flows = np.exp(log_cost) * size[:, None] * size
    for _ in range(5000):
        flows *= (size / flows.sum(axis=1))[:, None]
        flows *= size / flows.sum(axis=0)
    shock = np.zeros((N, N))
    shock[0, 1] = shock[1, 0] = 0.5
    return {
        "names": [f"C{n:03d}" for n in range(N)], "sigma": sigma, "flows": (flows * 1e6).tolist(),
        "log_cost": log_cost.tolist(), "log_shock": shock.tolist(), "rescale": 1,
    }  # fmt: skip


def ours(case: dict) -> tuple[float, float, np.ndarray]:
    """(seconds from the bare table to the result, of which in the two solves, change of real
    income in percent)."""
    names, theta = case["names"], case["sigma"] - 1
    coords = {"sector": ["all"], "importer": names, "exporter": names}
    dims = ("sector", "importer", "exporter")
    began = time.perf_counter()
    world = dt.World.from_tables(
        xr.DataArray(np.array(case["flows"])[None], coords, dims), theta=theta, name="gravity"
    )
    policy = dt.Policy(world, iceberg=np.exp(-np.array(case["log_shock"]) / theta)[None])
    built = time.perf_counter()
    result = dt.simulate(world, policy, deficit="zero").real_income.values
    ended = time.perf_counter()
    return ended - began, ended - built, result


def shares_held(case: dict) -> np.ndarray:
    """Change of real income where output and expenditure shares keep their base values in
    market clearing, as gegravity's equations have it: a check of its solve, not of the model."""
    flows, theta = np.array(case["flows"]), case["sigma"] - 1
    made, spent = flows.sum(axis=0), flows.sum(axis=1)
    pi = flows / spent[:, None] * np.exp(np.array(case["log_shock"]))
    price = np.ones(len(made))
    for _ in range(100_000):
        bought = pi * price**-theta
        index = bought.sum(axis=1)
        step = ((bought * (spent / index)[:, None]).sum(axis=0) / made) ** 0.1
        price *= step
        if np.abs(step - 1).max() < 1e-13:
            break
    return 100 * (price * index ** (1 / theta) - 1)


def environment(given: str | None, folder: Path) -> str:
    """The interpreter that has gegravity."""
    if given:
        return given
    print("making an environment for gegravity ...", flush=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder / "gegravity")], check=True)
    python = str(folder / "gegravity" / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", "gegravity==0.3"], check=True)
    return python


def gegravity(python: str, sizes: list[int]) -> list[str]:
    """Rows of the table."""
    lines = [
        "## gegravity 0.3 (PyPI)",
        "",
        "One sector, balanced gravity data, one pair's trade cost falls. Base and counterfactual, "
        "from the bare table, labels and checks included; `solves` is the two solves alone. "
        "`omr_rescale` is the smallest power of ten from 1 to 1000 at which all three of its "
        "solves converge. The results differ by more than rounding because gegravity's full "
        "equilibrium keeps each country's share in world output and expenditure at its base value "
        "while prices move (`_full_ge`: `output_shr`, `cost_exp_shr`); ours moves them. The "
        "last column holds them and shows that both solve what they set out to solve.",
        "",
        "| countries | detente | solves | gegravity | ratio | ratio to solves | omr_rescale | "
        "largest difference, points of real income | with shares held |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    script = str(HERE / "peers_gegravity.py")
    for N in sizes:
        case = gravity_case(N)
        ours(case)
        found = [ours(case) for _ in range(9)]
        mine, solving = (float(np.median([f[k] for f in found])) for k in (0, 1))
        result = found[0][2]
        row = None
        for scale in (1, 10, 100, 1000):
            case["rescale"] = scale
            ran = subprocess.run(
                [python, script], input=json.dumps(case), capture_output=True, text=True,
                check=False,
            )  # fmt: skip
            if ran.returncode == 0:
                answer = json.loads(ran.stdout.strip().splitlines()[-1])
                if all("converged" in m for m in answer["solved"].values()):
                    off = float(np.abs(np.array(answer["real_income"]) - result).max())
                    held = float(np.abs(np.array(answer["real_income"]) - shares_held(case)).max())
                    theirs = answer["seconds"]
                    row = (
                        f"| {N} | {mine * 1e3:.0f} ms | {solving * 1e3:.0f} ms | {theirs:.2f} s | "
                        f"{theirs / mine:.0f} | {theirs / solving:.0f} | {scale} | {off:.2f} of "
                        f"{np.abs(result).max():.2f} | {held:.0e} |"
                    )
                    break
        lines.append(
            row
            or f"| {N} | {mine * 1e3:.0f} ms | {solving * 1e3:.0f} ms | never "
            "converged | - | - | - | - |"
        )
        print(lines[-1], flush=True)
    return [*lines, ""]


R_CP2015 = """
for (f in list.files(file.path("{source}", "R"), full.names = TRUE)) source(f)
load_all <- list.files(file.path("{source}", "data"), pattern = "rda$", full.names = TRUE)
for (f in load_all) load(f)
began <- proc.time()[["elapsed"]]
{call}
cat("SECONDS", proc.time()[["elapsed"]] - began, "\\n")
"""


def r_peer(name: str, rscript: str | None, source: str | None, call: str | None) -> list[str]:
    """Time an R peer on NAFTA; skipped with a message where something is not given."""
    title = [f"## {name} (R)", ""]
    option = name.lower()
    if not (rscript and source and call):
        message = f"Skipped: give --rscript, --{option} (sources) and --{option}-call (R code)."
        print(f"{name}: {message}")
        return [*title, message, ""]
    case = cases.nafta()
    if case is None:
        return [*title, "Skipped: no raw tables (set DETENTE_SHARED).", ""]
    code = R_CP2015.format(source=source, call=call)
    ran = subprocess.run([rscript, "-e", code], capture_output=True, text=True, check=False)
    found = [x for x in ran.stdout.splitlines() if x.startswith("SECONDS")]
    if not found:
        return [*title, f"Failed: {ran.stderr.strip()[-300:]}", ""]
    theirs = float(found[0].split()[1])
    world, policy = case
    fresh = []
    for _ in range(9):
        again = world.with_theta(world.theta)  # a new world: its base is solved again
        moved = dt.Policy(again, tariff=policy.tariff.values)
        began = time.perf_counter()
        dt.simulate(again, moved, deficit="zero")
        fresh.append(time.perf_counter() - began)
    mine = float(np.median(fresh))
    return [
        *title,
        f"NAFTA, base and counterfactual, two solves against two: {theirs:.2f} s, detente "
        f"{mine * 1e3:.0f} ms with the world prepared anew: {theirs / mine:.0f} times.",
        "",
    ]


def main() -> None:
    """Run every peer that is there and write PEERS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gegravity", help="interpreter of an environment with gegravity")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 20, 40])
    parser.add_argument("--rscript", help="path of Rscript")
    for name in ("cp2015", "kite"):
        parser.add_argument(f"--{name}", help=f"folder with the sources of {name}")
        parser.add_argument(f"--{name}-call", help="R code that solves NAFTA with it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lines = ["# Side by side", "", "Written by `python -m benchmarks.peers`.", ""]
        try:
            python = environment(given.gegravity, Path(folder))
            lines += gegravity(python, given.sizes)
        except (OSError, subprocess.CalledProcessError) as error:
            lines += ["## gegravity", "", f"Skipped: {error}", ""]
        lines += r_peer("cp2015", given.rscript, given.cp2015, given.cp2015_call)
        lines += r_peer("KITE", given.rscript, given.kite, given.kite_call)
    (HERE / "PEERS.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
