"""Plots of encodings: how far they err against what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hd_plugin.report._axes import heading, legend, new_axis, plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hd_plugin.study import FoundEncodings

__all__ = ["plot_encodings"]


@plot
def plot_encodings(result: FoundEncodings, ax: Axes | None = None) -> Axes:
    """The largest relative error against modelled area, the front beside compensated truncation."""
    ax = new_axis(ax, 6.4, 4.2)
    for found, name, marker, colour in (
        (result.truncations, "truncated, compensated", "s", "#8c8c8c"),
        (result.front, "found", "o", "#009e73"),
        (result.better, "found, no larger than truncated", "D", "#d55e00"),
    ):
        points = [(c.area, 100 * c.errors.max_relative) for c in found if c.errors.max_absolute]
        if not points:
            continue
        ax.plot(*zip(*points), marker=marker, markersize=4, linewidth=1, color=colour, label=name)
    ax.set_yscale("log")
    ax.set_xlabel(f"area of a PE at {result.settings.rows} rows (NAND2, modelled)")
    ax.set_ylabel("largest error (% of the largest product)")
    legend(ax, 2.2)
    heading(ax, "Error against area", f"{result.settings.a_bits} x {result.settings.w_bits} bits")
    return ax
