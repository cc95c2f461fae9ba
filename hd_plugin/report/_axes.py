"""What all plots share: axes, colours, and files that are the same from run to run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hd_plugin._atomic import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["colour", "figure_of", "new_axis", "save_figure"]

# Okabe and Ito's palette: told apart by colour-blind readers and in grey
_METHODS = {"baseline": "#8c8c8c", "direct": "#56b4e9", "segment": "#e69f00", "cluster": "#009e73"}
_OTHERS = ("#cc79a7", "#d55e00", "#0072b2", "#f0e442")


def colour(method: str) -> str:
    """A method's colour: its own, or for one that was registered later, one by its name."""
    return _METHODS.get(method) or _OTHERS[sum(map(ord, method)) % len(_OTHERS)]


def new_axis(ax: Axes | None, width: float = 10.0, height: float = 3.6) -> Axes:
    """``ax``, or the one axis of a new figure of this size in inches, in the project's style."""
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(width, height), layout="constrained").add_subplot()
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    ax.set_axisbelow(True)
    return ax


def figure_of(ax: Axes) -> Figure:
    """The whole figure that an axis is in."""
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ValueError("this axis is in no figure")
    return figure


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write .png or .svg, whole or not at all; the same figure gives the same bytes."""
    import matplotlib

    path = Path(path)
    with (
        atomic_path(path) as temporary,
        matplotlib.rc_context({"svg.hashsalt": "hd_plugin", "svg.fonttype": "none"}),
    ):
        metadata = {"Software": None} if path.suffix == ".png" else {"Date": None, "Creator": None}
        figure.savefig(temporary, dpi=150, metadata=metadata)
