"""What a person sees in the browser, as values for the end-to-end tests."""

from __future__ import annotations

import time
from typing import Any

__all__ = ["Console", "bars", "fills", "overflow", "percent", "until"]


class Console:
    """Collects what must not happen on a page: errors, warnings, refusals of the content policy."""

    def __init__(self, page: Any) -> None:
        self.found: list[str] = []
        page.on("console", self._message)
        page.on("pageerror", lambda error: self.found.append(f"page error: {error}"))

    def _message(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.found.append(f"{message.type}: {message.text}")


def percent(text: str) -> float:
    """+0.12% or −0.12% as a number."""
    return float(text.replace("−", "-").replace("%", "").replace("+", "").replace(",", ""))


def bars(page: Any, inside: str) -> dict[str, str]:
    """Key to written value of the bars drawn inside an element."""
    return dict(
        page.eval_on_selector_all(
            f"{inside} .bar-row:not([display=none])",
            "rows => rows.map(r => [r.dataset.key, r.querySelector('.bar-value').textContent])",
        )
    )


def fills(page: Any, inside: str = "#map") -> dict[str, str]:
    """Colour of every economy on the map."""
    return dict(
        page.eval_on_selector_all(
            f"{inside} [data-iso3]", "n => n.map(x => [x.dataset.iso3, x.getAttribute('fill')])"
        )
    )


def overflow(page: Any) -> int:
    """Pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def until(page: Any, expression: str, seconds: float = 90) -> None:
    """Waits until an expression is true in the page.

    Playwright's own ``wait_for_function`` evaluates text inside the page, which the content
    policy forbids.
    """
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"never true: {expression}"
        page.wait_for_timeout(40)
