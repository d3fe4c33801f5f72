"""How long after a move of the slider the front page shows the new day, in a real browser.

Starts ``detente serve``, opens the front page in Chromium, moves the slider 200 times (half with
the arrow keys, half by dragging the mouse) and prints the 50th and 95th percentile and the largest
of two times, both from the input event:

* painted: until the second animation frame after the page's date is that of the move (map, list,
  words and cursor are drawn in one go with it);
* settled: until the links to the measures and the table from the JSON twin of the last day of a
  pause are there.

    python -m benchmarks.bench_scrub [--moves 200] [--url http://127.0.0.1:8000]
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from typing import Any

import numpy as np

PORT = 8745

# from the input event to the second frame after the page shows the day of that event or a later one
PROBE = """
window.painted = []; window.settled = []; window.moves = 0;
document.addEventListener('DOMContentLoaded', () => {
  const [slider, day, table] = ['#scrub', '#shown-date', '#all']
    .map(q => document.querySelector(q));
  let waiting = [], resting = null;
  slider.addEventListener('input', e => {
    window.moves += 1;
    waiting.push(e.timeStamp); resting = e.timeStamp;
  }, true);
  new MutationObserver(() => {
    const since = waiting; waiting = [];
    requestAnimationFrame(() => requestAnimationFrame(() => {
      for (const t of since) window.painted.push(performance.now() - t);
    }));
  }).observe(day, {attributes: true, attributeFilter: ['datetime']});
  new MutationObserver(() => {
    if (resting === null || table.dataset.date !== day.dateTime) return;
    const since = resting; resting = null;
    requestAnimationFrame(() => requestAnimationFrame(() => {
      window.settled.push(performance.now() - since);
    }));
  }).observe(table, {attributes: true, attributeFilter: ['data-date']});
});
"""
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def serve() -> tuple[subprocess.Popen[bytes], str]:
    """``detente serve`` on a port of its own."""
    code = "import sys; from detente.cli.main import main; sys.argv[0] = 'detente'; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "serve", "--port", str(PORT)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return process, f"http://127.0.0.1:{PORT}"


def wait(url: str) -> None:
    """Until the server has solved every date."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{url}/api/timeline/series", timeout=120) as answer:
                answer.read()
                return
        except OSError:
            time.sleep(0.5)
    raise SystemExit("the server did not answer")


def move(page: Any, moves: int) -> None:
    """Half of the moves by key, half by mouse, as a person would."""
    page.focus("#scrub")
    for n in range(moves // 2):
        page.keyboard.press("ArrowLeft" if (n // 25) % 2 == 0 else "ArrowRight")
        page.wait_for_timeout(250 if n % 5 == 4 else 60)
    box = page.locator("#scrub").bounding_box()
    x, y = box["x"] + 0.6 * box["width"], box["y"] + box["height"] / 2
    page.mouse.click(x, y)
    page.mouse.down()
    step, seen = box["width"] / 120, page.evaluate("window.moves")
    while page.evaluate("window.moves") < seen + moves // 2:
        x += step
        if not box["x"] + 12 < x < box["x"] + box["width"] - 12:
            step = -step
        page.mouse.move(x, y)
        page.wait_for_timeout(30)
    page.mouse.up()
    page.wait_for_timeout(3000)


def line(name: str, times: list[float]) -> str:
    p50, p95, most = np.percentile(times, [50, 95, 100])
    return f"{name:8} n={len(times):4}  p50 {p50:6.0f} ms  p95 {p95:6.0f} ms  max {most:6.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--moves", type=int, default=200)
    parser.add_argument("--url", help="a running server; by default one is started")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    browser_path = os.environ.get("DETENTE_CHROMIUM") or shutil.which("chromium")
    if browser_path is None:
        raise SystemExit("Chromium was not found; name it in DETENTE_CHROMIUM")
    process, url = (None, options.url) if options.url else serve()
    try:
        wait(url)
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=browser_path, args=FLAGS)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.add_init_script(PROBE)
            page.goto(f"{url}/?date=2025-08-07")
            while not page.evaluate("document.documentElement.dataset.ready === 'true'"):
                page.wait_for_timeout(100)
            page.wait_for_timeout(1000)
            move(page, options.moves)
            painted, settled = page.evaluate("[window.painted, window.settled]")
            version = browser.version
            browser.close()
    finally:
        if process is not None:
            process.terminate()
            process.wait(20)
    load = os.getloadavg()[0]
    print(f"Chromium {version}, {os.cpu_count()} cores, load {load:.1f}, 1440x900, no GPU")
    print(line("painted", painted))
    print(line("settled", settled))


if __name__ == "__main__":
    main()
