"""The nearest value of each parameter that changes the verdict of the point."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from detente.cards.draws import Prior, Value
from detente.cards.evaluate import Found
from detente.cards.kind import Answer

__all__ = ["GRID", "Probe", "flips", "probes"]

GRID = 6
"""Values of each parameter tried for the nearest flip."""

Probe = tuple[str, Value, dict[str, Value]]
"""The parameter moved, to what, and all values."""


def probes(priors: Mapping[str, Prior], centre: Mapping[str, Value]) -> list[Probe]:
    """One parameter at a time over its range, the others at their points."""
    out: list[Probe] = []
    for name, prior in priors.items():
        if prior.fixed:
            continue
        values = (
            prior.choices
            if prior.choices is not None
            else [prior.at(float(u)) for u in np.linspace(0.0, 1.0, GRID)]
        )
        out += [(name, v, {**centre, name: v}) for v in values if v != centre[name]]
    return out


def flips(
    priors: Mapping[str, Prior], centre: Mapping[str, Value], named: str,
    tried: Sequence[tuple[Probe, Found]], answer: Callable[[Mapping[str, Value]], Found],
) -> pd.DataFrame:  # fmt: skip
    """The smallest change of each parameter that changes the point verdict ``named``; the
    smallest change first, as a share of the range (``moved``)."""
    rows = []
    for name, prior in priors.items():
        mine = [
            (value, a.verdict)
            for (which, value, _), a in tried
            if which == name and isinstance(a, Answer)
        ]
        if prior.fixed:
            continue
        other = [(v, label) for v, label in mine if label != named]
        row: dict[str, Any] = {
            "parameter": name, "flips": bool(other), "point": _show(centre[name]),
            "at": "", "to": "", "moved": np.nan, "range": prior.text,
        }  # fmt: skip
        if other and prior.choices is not None:
            at, label = other[0]
            row |= {"at": _show(at), "to": label, "moved": 1.0}
        elif other:
            start = prior.share(centre[name])
            at, label = min(other, key=lambda x: abs(prior.share(x[0]) - start))
            near, far = start, prior.share(at)
            for _ in range(4):
                middle = 0.5 * (near + far)
                value = prior.at(middle)
                a = answer({**centre, name: value})
                if isinstance(a, Answer) and a.verdict != named:
                    far, at, label = middle, value, a.verdict
                else:
                    near = middle
            row |= {"at": _show(at), "to": label, "moved": abs(far - start)}
        rows.append(row)
    columns = ["parameter", "flips", "point", "at", "to", "moved", "range"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["flips"] = frame["flips"].astype(bool)
    return frame.sort_values("moved", kind="stable", na_position="last", ignore_index=True)


def _show(value: Value) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
