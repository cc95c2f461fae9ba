"""Plots of training: learning curves, and accuracy against flips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hd_plugin.report._axes import SOFT, heading, legend, new_axis, plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hd_plugin.study import TrainingTable

__all__ = ["plot_curves", "plot_front"]

# Okabe and Ito's palette, a colour and a marker for each method
_STYLES = {"baseline": ("#8c8c8c", "s"), "paper": ("#d55e00", "^"), "trellis": ("#009e73", "o")}


@plot
def plot_front(result: TrainingTable, ax: Axes | None = None) -> Axes:
    """Top-1 against the mean flip reduction, a point a run: the trade-off that lambda or mu moves along."""
    ax = new_axis(ax, 6.4, 4.2)
    for method in dict.fromkeys(r.run.method for r in result.runs):
        colour, marker = _STYLES.get(method, ("#0072b2", "D"))
        mine = [r for r in result.runs if r.run.method == method]
        points = sorted((r.reductions.mean_hd_reduction, r.run.top1, r.run.strength) for r in mine)
        ax.plot([p[0] for p in points], [p[1] for p in points], marker=marker, color=colour, label=method)
        for x, y, strength in points if method != "baseline" else []:
            place = (x, y)
            ax.annotate(f"{strength:g}", place, (5, 4), textcoords="offset points", fontsize=8, color=SOFT)
    base = result.runs[0].run.top1
    ax.axhline(base - 1, color=SOFT, linewidth=0.8, linestyle=":")
    ax.annotate(
        "1 point under the baseline",
        (1.0, base - 1),
        xycoords=("axes fraction", "data"),
        ha="right",
        va="bottom",
        fontsize=8,
        color=SOFT,
    )
    ax.set_xlabel("mean flip reduction against the baseline in file order (x)")
    ax.set_ylabel("top-1 accuracy (%)")
    legend(ax, 1.4)
    heading(ax, "Accuracy against flips", result.model)
    return ax


@plot
def plot_curves(result: TrainingTable, ax: Axes | None = None) -> Axes:
    """Training loss (left) and flips under the present orders (right, dashed) by epoch, a colour a run."""
    ax = new_axis(ax, 6.4, 4.2)
    right = ax.twinx()
    right.spines[["top"]].set_visible(False)
    for i, (name, rows) in enumerate(result.curves.items()):
        (line,) = ax.plot([r.epoch for r in rows], [r.loss for r in rows], label=name, color=f"C{i}")
        flips = [(r.epoch, r.flips) for r in rows if r.flips is not None]
        if flips:
            right.plot(*zip(*flips), linestyle="--", color=line.get_color())
    ax.set_xlabel("epoch")
    ax.set_ylabel("training loss")
    right.set_ylabel("flips under the present orders (dashed)")
    legend(ax, 2.2)
    heading(ax, "Learning curves")
    return ax
