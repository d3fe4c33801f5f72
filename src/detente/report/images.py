"""Figures as bytes."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["new_figure", "png"]


def new_figure(width: float, height: float) -> Figure:
    """An empty figure that needs no screen; inches."""
    import logging

    # that its list of fonts cannot be kept costs a second, and is no news to the user
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=150, layout="constrained")


def png(figure: Figure) -> bytes:
    """A figure as PNG; the same figure gives the same bytes."""
    made = BytesIO()
    figure.savefig(made, format="png", facecolor="white", metadata={"Software": None})
    return made.getvalue()
