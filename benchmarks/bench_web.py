"""Fifty people scrub at once: latency of the page's data under load, against ``detente serve``.

    python -m benchmarks.bench_web [--users 50] [--seconds 20] [--write]

Each user moves a date slider (one move every quarter of a second on average), sometimes asks where
the trade went, sometimes sends a scenario of its own with a rate nobody sent before, so that
nothing but real work answers it. Every user's dates are random: the server's kept answers help as
they would help people. ``--write`` puts the figures into benchmarks/WEB.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import socket
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import httpx
import numpy as np

PAUSE = 0.25
"""Seconds between two moves of a user, on average."""

MIX = (("timeline", 0.7), ("flows", 0.15), ("simulate", 0.15))
"""What a move asks for."""

SELLERS = ("CHN", "MEX", "CAN", "DEU", "JPN", "KOR", "VNM", "IND", "BRA", "GBR")


class Record:
    """Latencies and failures by kind."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.errors: dict[str, int] = defaultdict(int)

    def rows(self) -> list[tuple[str, int, float, float, float, int]]:
        """(kind, answers, p50, p95, worst, errors), milliseconds."""
        out = []
        everything = [s for held in self.seconds.values() for s in held]
        for kind, seconds in [*self.seconds.items(), ("all", everything)]:
            ms = 1000 * np.array(seconds)
            p50, p95 = np.percentile(ms, [50, 95])
            errors = sum(self.errors.values()) if kind == "all" else self.errors[kind]
            out.append((kind, len(ms), p50, p95, ms.max(), errors))
        return out


class Line:
    """One connection that stays open, as a browser's; reading an answer costs next to nothing, so
    that the figures are the server's and not those of fifty clients on its own cores."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def ask(self, path: str, body: bytes | None = None) -> int:
        """The status of the answer, once all of it has arrived."""
        if self.writer is None or self.reader is None or self.writer.is_closing():
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\n"
        head += f"Host: 127.0.0.1:{self.port}\r\nAccept-Encoding: gzip\r\n"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self.writer.write(head.encode() + b"\r\n" + (body or b""))
        await self.writer.drain()
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        length = next((x for x in lines if x.startswith("content-length:")), None)
        if length is None:
            raise OSError("an answer without a length")
        await self.reader.readexactly(int(length.partition(":")[2]))
        return int(lines[0].split()[1])

    def close(self) -> None:
        """Hang up."""
        if self.writer is not None:
            self.writer.close()


async def user(number: int, port: int, until: float, known: dict[str, Any], record: Record) -> None:
    """One person: moves, waits for the answer, looks at it, moves again."""
    rng, line = random.Random(number), Line(port)
    await asyncio.sleep(rng.uniform(0, 2 * PAUSE))
    while time.perf_counter() < until:
        kind = rng.choices([k for k, _ in MIX], [w for _, w in MIX])[0]
        path, body = move(kind, rng, known)
        start = time.perf_counter()
        try:
            failed = await asyncio.wait_for(line.ask(path, body), 30) != 200
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            failed = True
            line.close()
        record.seconds[kind].append(time.perf_counter() - start)
        record.errors[kind] += failed
        await asyncio.sleep(rng.expovariate(1 / PAUSE))
    line.close()


def move(kind: str, rng: random.Random, known: dict[str, Any]) -> tuple[str, bytes | None]:
    """What one move asks for."""
    date = rng.choice(known["dates"])
    if kind == "timeline":
        return f"/api/timeline?date={date}", None
    if kind == "flows":
        seller, sector = rng.choice(SELLERS), rng.choice(known["sectors"])
        query = f"date={date}&importer=USA&exporter={seller}&sector={sector}"
        return f"/api/timeline/flows?{query}", None
    scenario = {**known["scenario"], "claims": []}
    measure = {**scenario["measures"][0], "rate_pct": round(rng.uniform(1, 60), 6)}
    body = json.dumps({**scenario, "measures": [measure]}).encode()
    return "/api/simulate?tables=countries", body


async def load(port: int, users: int, seconds: float) -> Record:
    """Everybody at once."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
        dates = (await http.get("/api/timeline/dates")).json()["rows"]
        world = (await http.get("/api/world")).json()
        known = {
            "dates": [r["date"] for r in dates],
            "sectors": [s["sector"] for s in world["sectors"] if s["kind"] == "goods"],
            "scenario": (await http.get("/api/scenarios/us-cars-25")).json(),
        }
    record = Record()
    until = time.perf_counter() + seconds
    await asyncio.gather(*(user(n, port, until, known, record) for n in range(users)))
    return record


def alone(url: str) -> list[tuple[str, float, float]]:
    """One person: (what, p50, p95) in milliseconds, nothing from the server's memory."""
    with httpx.Client(base_url=url, timeout=30) as http:
        scenario = http.get("/api/scenarios/us-cars-25").json()
        out = []
        for name, tables in (
            ("POST /api/simulate, countries", "countries"),
            ("POST /api/simulate, all tables", ""),
        ):
            taken = []
            for n in range(40):
                rate = 10 + n / 7 + (0.01 if tables else 0)
                measure = {**scenario["measures"][0], "rate_pct": rate}
                body = {**scenario, "measures": [measure]}
                params = {"tables": tables} if tables else {}
                start = time.perf_counter()
                http.post("/api/simulate", params=params, json=body).raise_for_status()
                taken.append(1000 * (time.perf_counter() - start))
            p50, p95 = np.percentile(taken[5:], [50, 95])
            out.append((name, float(p50), float(p95)))
    return out


def serve(port: int) -> tuple[subprocess.Popen[bytes], float, float]:
    """The server, and the seconds until its first answer and until every date was solved."""
    code = "import sys; from detente.cli.main import main; sys.argv[0] = 'detente'; main()"
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code, "serve", "--port", str(port)])
    url = f"http://127.0.0.1:{port}"
    while True:
        try:
            httpx.get(f"{url}/api/timeline?date=2025-04-10", timeout=60).raise_for_status()
            break
        except httpx.TransportError:
            time.sleep(0.05)
    first = time.perf_counter() - start
    httpx.get(f"{url}/api/timeline/series", timeout=120).raise_for_status()
    return process, first, time.perf_counter() - start


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="put the figures into WEB.md")
    given = parser.parse_args()
    port = given.port
    if not port:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    process, first, all_dates = serve(port)
    url = f"http://127.0.0.1:{port}"
    try:
        quiet = alone(url)
        record = asyncio.run(load(port, given.users, given.seconds))
    finally:
        process.terminate()
        process.wait()
    text = report(given.users, given.seconds, record, quiet, first, all_dates)
    print(text)
    if given.write:
        Path(__file__).with_name("WEB.md").write_text(text, encoding="utf-8")
    worst = next(r for r in record.rows() if r[0] == "all")
    if worst[3] > 1000 or worst[5]:
        raise SystemExit("target missed: p95 under one second, no errors")


def report(
    users: int, seconds: float, record: Record, quiet: list[tuple[str, float, float]],
    first: float, all_dates: float,
) -> str:  # fmt: skip
    """The figures as Markdown."""
    busy = os.getloadavg()[0]
    lines = [
        "# The page under load",
        "",
        f"Made by `python -m benchmarks.bench_web --users {users} --seconds {seconds:g} --write` "
        f"on {os.cpu_count()} cores ({platform.machine()}, Python {platform.python_version()}); "
        f"server and users share them. Load average at the end {busy:.1f}.",
        "",
        f"{users} people, a move every {PAUSE} s each: "
        + ", ".join(f"{100 * w:.0f}% {k}" for k, w in MIX)
        + ". Scenarios are never the same twice. Target: p95 under 1,000 ms, no errors.",
        "",
        "| asked | answers | p50 ms | p95 ms | worst ms | errors |",
        "|---|---|---|---|---|---|",
    ]
    for kind, count, p50, p95, worst, errors in record.rows():
        lines.append(f"| {kind} | {count:,} | {p50:.0f} | {p95:.0f} | {worst:.0f} | {errors} |")
    total = sum(len(s) for s in record.seconds.values())
    lines += ["", f"{total / seconds:.0f} answers a second.", "", "One person, nothing kept:", "",
              "| asked | p50 ms | p95 ms |", "|---|---|---|"]  # fmt: skip
    lines += [f"| {name} | {p50:.0f} | {p95:.0f} |" for name, p50, p95 in quiet]
    lines += [
        "",
        f"From `detente serve` to its first answered day: {first:.1f} s; to every date solved: "
        f"{all_dates:.1f} s.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
