"""Does the memory of `detente serve` stay flat? Mixed requests for a while, memory all along.

    python -m benchmarks.soak [--minutes 20] [--users 6]

Users ask for pages, their JSON twins, scenarios nobody sent before, files of scenarios, cards in
the background, and things that are wrong; their dates, countries and rates are random, so that
kept answers fill up as they would over days. Memory is read from /proc (Linux): RSS of the server,
of the process that workers are forked from, and of the workers, in MB, and open descriptors of the
server. Memory is called flat where the mean of the last quarter is within ``--allowed`` percent of
that of the quarter before it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import socket
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np

from benchmarks.bench_web import Line, serve

PROC = Path("/proc")

MIX = (
    ("timeline", 20), ("front", 5), ("flows", 10), ("series", 3), ("simulate", 25), ("yaml", 5),
    ("country", 8), ("country data", 8), ("sector", 5), ("ledger", 6), ("record", 6), ("why", 4),
    ("point", 6), ("job", 1), ("wrong", 8), ("static", 5),
)  # fmt: skip
"""What a user asks for, and how often."""


class Sample(NamedTuple):
    """Memory at a moment, MB; ``workers`` is a sum over ``count`` processes."""

    seconds: float
    server: float
    forker: float
    workers: float
    count: int
    files: int


def tree(root: int) -> dict[int, int]:
    """Every process below ``root`` with its parent."""
    parents: dict[int, int] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has ended
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    below, todo = {}, [root]
    while todo:
        here = todo.pop()
        for pid, parent in parents.items():
            if parent == here:
                below[pid] = parent
                todo.append(pid)
    return below


def rss(pid: int) -> float:
    """Resident memory, MB; 0 where the process has ended."""
    try:
        text = (PROC / str(pid) / "status").read_text()
    except OSError:
        return 0.0
    line = next((x for x in text.splitlines() if x.startswith("VmRSS:")), "VmRSS: 0 kB")
    return int(line.split()[1]) / 1024


def sample(server: int, begun: float) -> Sample:
    """Memory now."""
    below = tree(server)
    direct = [pid for pid, parent in below.items() if parent == server]
    rest = [pid for pid in below if pid not in direct]
    return Sample(
        time.perf_counter() - begun, rss(server), sum(map(rss, direct)), sum(map(rss, rest)),
        len(rest), len(list((PROC / str(server) / "fd").iterdir())),
    )  # fmt: skip


def move(kind: str, rng: random.Random, known: dict[str, Any]) -> tuple[str, bytes | None]:
    """The address and body of one request."""
    date, country = rng.choice(known["dates"]), rng.choice(known["countries"])
    sector, record = rng.choice(known["sectors"]), rng.choice(known["records"])
    other = rng.choice(known["countries"])
    scenario = {**known["scenario"], "claims": []}
    measure = {**scenario["measures"][0], "rate_pct": round(rng.uniform(1, 60), 6)}
    body = json.dumps({**scenario, "measures": [measure]}).encode()
    card = {"question": "courtship", "draws": 2, "seed": rng.randrange(10**6)}
    level = {"parameters": {"penalty_pct": round(rng.uniform(0, 50), 5)}}
    asked: dict[str, tuple[str, bytes | None]] = {
        "timeline": (f"/api/timeline?date={date}&since={rng.choice(known['dates'])}", None),
        "front": (f"/?date={date}", None),
        "flows": (f"/api/timeline/flows?date={date}&importer={other}&exporter={country}"
                  f"&sector={sector}", None),
        "series": ("/api/timeline/series?variable=real_wage_pct", None),
        "simulate": (rng.choice(("/api/simulate", "/api/simulate?tables=countries")), body),
        "yaml": ("/api/scenario/yaml", body),
        "country": (f"/countries/{country}?date={date}", None),
        "country data": (f"/api/countries/{country}?date={date}", None),
        "sector": (f"/sectors/{sector}?date={date}", None),
        "ledger": (f"/ledger?on={date}", None),
        "record": (f"/ledger/{record}", None),
        "why": (f"/why?date={date}&importer=USA&exporter={country}&hs=8703", None),
        "point": ("/api/questions/courtship/point", json.dumps(level).encode()),
        "job": ("/api/jobs", json.dumps(card).encode()),
        "wrong": rng.choice((
            (f"/nowhere/{rng.random()}", None), ("/api/timeline?date=2031-01-01", None),
            ("/api/simulate", b"[" * 5000), ("/api/jobs", b'{"question": 1}'),
            (f"/ledger?text={rng.random()}&page=7", None),
        )),
        "static": ("/static/site.css", None),
    }  # fmt: skip
    return asked[kind]


async def user(number: int, port: int, until: float, known: dict[str, Any], seen: Counter) -> None:
    """One user: asks, waits for the answer, asks again."""
    rng, line = random.Random(number), Line(port)
    kinds, weights = zip(*MIX, strict=True)
    while time.perf_counter() < until:
        kind = rng.choices(kinds, weights)[0]
        try:
            status = await asyncio.wait_for(line.ask(*move(kind, rng, known)), 60)
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            seen[f"{kind} {type(error).__name__}"] += 1
            line = Line(port)
            continue
        seen["answers"] += 1
        if status == 503 or status == 500:
            seen[f"{kind} {status}"] += 1
        if kind == "wrong":
            line.close()
            line = Line(port)  # the server hangs up after some of these
        await asyncio.sleep(rng.expovariate(20))
    line.close()


async def watch(server: int, until: float, begun: float, every: float, seen: Counter,
                samples: list[Sample]) -> None:  # fmt: skip
    """Write memory down now and then, and print it."""
    print("| s | server MB | forker MB | workers MB | workers | descriptors | answers |")
    print("|---|---|---|---|---|---|---|")
    while time.perf_counter() < until:
        s = sample(server, begun)
        samples.append(s)
        print(f"| {s.seconds:.0f} | {s.server:.0f} | {s.forker:.0f} | {s.workers:.0f} | {s.count} "
              f"| {s.files} | {seen['answers']:,} |", flush=True)  # fmt: skip
        await asyncio.sleep(every)


async def soak(
    server: int, port: int, minutes: float, users: int
) -> tuple[list[Sample], Counter[str]]:
    """Everybody at once."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
        world = (await http.get("/api/world")).json()
        known = {
            "dates": [r["date"] for r in (await http.get("/api/timeline/dates")).json()["rows"]],
            "countries": [r["country"] for r in world["rows"] if r["country"] != "ROW"],
            "sectors": [s["sector"] for s in world["sectors"] if s["kind"] == "goods"],
            "records": [r["id"] for r in (await http.get("/api/ledger")).json()["rows"]],
            "scenario": (await http.get("/api/scenarios/us-cars-25")).json(),
        }
    seen: Counter[str] = Counter()
    samples: list[Sample] = []
    begun = time.perf_counter()
    until = begun + 60 * minutes
    every = min(30.0, 60 * minutes / 16)
    await asyncio.gather(
        watch(server, until, begun, every, seen, samples),
        *(user(n, port, until, known, seen) for n in range(users)),
    )
    samples.append(sample(server, begun))
    return samples, seen


def growth(samples: list[Sample], which: str) -> float:
    """Percent by which the mean of the last quarter is above that of the quarter before."""
    values = np.array([getattr(s, which) for s in samples])
    quarter = max(len(values) // 4, 1)
    return float(100 * (values[-quarter:].mean() / values[-2 * quarter : -quarter].mean() - 1))


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--users", type=int, default=6)
    parser.add_argument("--allowed", type=float, default=3.0, help="percent of growth, see above")
    given = parser.parse_args()
    if not (PROC / "self" / "status").exists():
        sys.exit("soak: memory is read from /proc, which this system does not have")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process, _first, _all = serve(port)
    try:
        samples, seen = asyncio.run(soak(process.pid, port, given.minutes, given.users))
    finally:
        process.terminate()
        process.wait()
    print("\nseen:", ", ".join(f"{what} {count:,}" for what, count in sorted(seen.items())))
    grown = {which: growth(samples, which) for which in ("server", "workers")}
    print("last quarter against the one before: "
          + ", ".join(f"{which} {value:+.1f}%" for which, value in grown.items()))  # fmt: skip
    if max(grown.values()) > given.allowed:
        sys.exit(f"memory grows: allowed are {given.allowed:g}%")


if __name__ == "__main__":
    main()
