"""Plots of a comparison: each function draws on an axis, its own or the one given, and returns it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hd_plugin.report._axes import colour, new_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hd_plugin.study import Comparison

__all__ = ["plot_energy", "plot_figure3", "plot_nhd", "plot_reduction"]

_TERMS = {
    "mac_J": ("MAC", "#0072b2"),
    "weight_hop_J": ("weight hops", "#56b4e9"),
    "psum_hop_J": ("partial-sum hops", "#009e73"),
    "lut_J": ("address table", "#d55e00"),
    "clock_J": ("clock", "#cc79a7"),
    "memory_J": ("memory", "#bdbdbd"),
}


def _layer_axis(ax: Axes, count: int) -> None:
    ax.set_xlim(-0.6, count - 0.4)
    step = 1 if count <= 40 else -(-count // 40)
    ax.set_xticks(range(0, count, step), [str(i + 1) for i in range(0, count, step)], fontsize=8)
    ax.set_xlabel("layer, in network order")


def plot_reduction(result: Comparison, ax: Axes | None = None) -> Axes:
    """Flip reduction of every layer under every method, as the paper's Figures 9 and 10."""
    ax = new_axis(ax)
    methods = result.methods[1:]
    width = 0.8 / max(len(methods), 1)
    for i, method in enumerate(methods):
        rows = result.of(method)
        mean = result.summary()[method].mean_hd_reduction
        ax.bar(
            np.arange(len(rows)) + (i - (len(methods) - 1) / 2) * width,
            [r.hd_reduction for r in rows],
            width,
            color=colour(method),
            label=f"{method} (mean {mean:.2f}x)",
        )
    ax.axhline(1, color="#555555", linewidth=0.8)
    _layer_axis(ax, len(result.of("baseline")))
    ax.set_ylabel("flip reduction (x)")
    ax.set_title(f"Fewer bit flips, layer by layer: {result.network}", loc="left", fontsize=11)
    ax.legend(frameon=False, ncols=3, loc="upper left", bbox_to_anchor=(0, -0.18), fontsize=9)
    return ax


def plot_nhd(result: Comparison, ax: Axes | None = None) -> Axes:
    """NHD of every layer before and after, as the paper's Figure 4."""
    ax = new_axis(ax)
    for method in result.methods:
        nhd = [r.nhd for r in result.of(method)]
        ax.plot(
            range(len(nhd)), nhd, marker="o", markersize=4, linewidth=1.2, color=colour(method), label=method
        )
    _layer_axis(ax, len(result.of("baseline")))
    ax.set_ylim(0, 0.58)
    ax.axhline(0.5, color="#555555", linewidth=0.8, linestyle=":")
    ax.annotate(
        "random words: 0.5",
        (1, 0.5),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        xytext=(0, 5),
        ha="right",
        fontsize=8,
        color="#555555",
    )
    ax.set_ylabel("NHD (flips per bit and step)")
    ax.set_title("Bit-flip probability before and after", loc="left", fontsize=11)
    ax.legend(frameon=False, ncols=4, loc="upper left", bbox_to_anchor=(0, -0.18), fontsize=9)
    return ax


def plot_energy(result: Comparison, ax: Axes | None = None) -> Axes:
    """Energy of the whole network by term, a bar a method."""
    ax = new_axis(ax, 10.0, 2.8)
    ax.grid(axis="x", color="#e6e6e6", linewidth=0.8)
    ax.grid(axis="y", visible=False)
    left = np.zeros(len(result.methods))
    for term, (label, shade) in _TERMS.items():
        values = np.array([1e6 * sum(getattr(r.energy, term) for r in result.of(m)) for m in result.methods])
        ax.barh(range(len(result.methods)), values, 0.6, left=left, color=shade, label=label)
        left += values
    ax.set_yticks(range(len(result.methods)), result.methods)
    ax.invert_yaxis()
    ax.set_xlabel("energy of the network (uJ)")
    ax.set_title(f"Where the energy goes ({result.provenance.technology.name})", loc="left", fontsize=11)
    ax.legend(frameon=False, ncols=6, loc="upper left", bbox_to_anchor=(0, -0.22), fontsize=9)
    return ax


def plot_figure3(result: Comparison, ax: Axes | None = None) -> Axes:
    """Energy of a PE in use and step against NHD, a dot a layer and method, as the paper's Figure 3. For
    modelled or simulated energies.
    """
    ax = new_axis(ax, 7.0, 4.4)
    x = np.array([r.nhd for r in result.rows])
    y = (
        np.array(
            [
                (r.energy.mac_J + r.energy.weight_hop_J + r.energy.psum_hop_J) / r.counts.weight_hops
                for r in result.rows
            ]
        )
        * 1e15
    )
    for method in result.methods:
        mine = np.array([r.method == method for r in result.rows])
        ax.scatter(x[mine], y[mine], 18, color=colour(method), label=method)
    clock = float(np.mean([r.energy.clock_J / r.counts.weight_hops for r in result.rows])) * 1e15
    if np.ptp(x) > 0:  # equal flip rates make no line
        slope, start = np.polyfit(x, y, 1)
        ends = np.array([0.0, x.max() * 1.05])
        ax.plot(
            ends,
            start + slope * ends,
            color="#555555",
            linewidth=1,
            label=f"straight line: {start:.0f} + {slope:.0f} x NHD",
        )
    if clock:
        ax.axhline(clock, color="#cc79a7", linewidth=1, linestyle=":", label="clock, beside it")
    ax.set_xlim(0, None)
    ax.set_ylim(0, None)
    ax.set_xlabel("NHD (flips per bit and step)")
    ax.set_ylabel("datapath energy of a PE in use and step (fJ)")
    ax.set_title(
        f"Flips against {result.scenario.energy} energy ({result.provenance.technology.name})",
        loc="left",
        fontsize=11,
    )
    ax.legend(frameon=False, fontsize=8)
    return ax
