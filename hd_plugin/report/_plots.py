"""Plots of a comparison: each function draws on an axis, its own or the one given, and returns it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hd_plugin._wording import printable
from hd_plugin.energy import PARTS as NAMES
from hd_plugin.energy import TOTALS, EnergyBreakdown
from hd_plugin.report._axes import (
    GRID,
    SHADES,
    SOFT,
    another,
    bands,
    colour,
    figure_of,
    heading,
    hint,
    legend,
    name_ticks,
    new_axis,
    plot,
    wrapped,
)
from hd_plugin.report._text import energy, ratio, unit_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hd_plugin.study import Combined, Comparison

__all__ = ["PARTS", "plot_energy", "plot_energy_by_layer", "plot_figure3", "plot_nhd", "plot_reduction"]

# parts of the energy, and what people call them, in the order of their bars; leakage is in no bar
PARTS = {part.removesuffix("_J"): NAMES[part] for part in TOTALS["total"].parts}
_DATAPATH = ("mac", "weight_hop", "psum_hop", "lut")
_MARKS = "sD^vPX"


def others(result: Comparison) -> list[Combined]:
    """What was trained: the lines of ``trained`` about other networks, but not in file order."""
    return [c for c in result.trained if c.network != result.network and c.method != "baseline"]


def trained_label(one: Combined) -> str:
    """A trained network under a method, in a legend."""
    return f"{printable(one.network)}, {one.method}"


def least(result: Comparison) -> str:
    """The method of the least datapath energy in all; the file order where there is no other."""
    summary = result.summary()
    return min(result.methods[1:] or result.methods, key=lambda m: summary[m].datapath_energy_J)


def _columns(result: Comparison, series: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """What hovering over a layer tells: its number and name, and a line a series."""
    return [
        "\n".join((f"{i}. {printable(row.layer)}", *(f"{label}: {told[i - 1]}" for label, told in series)))
        for i, row in enumerate(result.of("baseline"), 1)
    ]


@plot
def plot_reduction(result: Comparison, ax: Axes | None = None) -> Axes:
    """Flip reduction of every layer under every method, as the paper's Figures 9 and 10; trained networks
    beside them.
    """
    ax = new_axis(ax)
    summary = result.summary()
    series = [
        (colour(m), m, [r.hd_reduction for r in result.of(m)], summary[m].mean_hd_reduction)
        for m in result.methods[1:]
    ]
    trained = others(result)
    series += [
        (another(i), trained_label(c), list(c.hd_reductions), c.mean_hd_reduction)
        for i, c in enumerate(trained)
    ]
    width = 0.8 / max(len(series), 1)
    for i, (shade, label, found, mean) in enumerate(series):
        x = np.arange(len(found)) + (i - (len(series) - 1) / 2) * width
        # a layer that lost all flips has no finite ratio, and no bar
        heights = [v if math.isfinite(v) else math.nan for v in found]
        ax.bar(x, heights, width, color=shade, label=f"{label} (mean {ratio(mean)})")
    ax.axhline(1, color=SOFT, linewidth=0.8)
    name_ticks(ax, [r.layer for r in result.of("baseline")])
    bands(
        ax,
        range(len(result.of("baseline"))),
        _columns(result, [(s[1], list(map(ratio, s[2]))) for s in series]),
    )
    ax.set_ylabel("flip reduction (x)")
    legend(ax, 2.2 if not trained else 4.4)
    heading(ax, "Fewer bit flips, layer by layer", result.network)
    return ax


@plot
def plot_nhd(result: Comparison, ax: Axes | None = None) -> Axes:
    """NHD of every layer before and after, as the paper's Figure 4."""
    ax = new_axis(ax)
    series = [(colour(m), m, [r.nhd for r in result.of(m)], "o") for m in result.methods]
    trained = others(result)
    series += [
        (another(i), trained_label(c), list(c.nhd), _MARKS[i % len(_MARKS)]) for i, c in enumerate(trained)
    ]
    for shade, label, nhd, marker in series:
        ax.plot(nhd, marker=marker, markersize=4, linewidth=1.2, color=shade, label=label)
    name_ticks(ax, [r.layer for r in result.of("baseline")])
    told = [(s[1], [f"{v:.3f}" for v in s[2]]) for s in series]
    bands(ax, range(len(result.of("baseline"))), _columns(result, told))
    ax.set_ylim(0, 0.58)
    ax.axhline(0.5, color=SOFT, linewidth=0.8, linestyle=":")
    ax.annotate(
        "random words: 0.5",
        (1, 0.5),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        xytext=(0, 5),
        ha="right",
        fontsize=8,
        color=SOFT,
    )
    ax.set_ylabel("NHD (flips per bit and step)")
    legend(ax, 1.3 if not trained else 2.9)
    heading(ax, "Bit-flip probability before and after")
    return ax


def _networks(result: Comparison) -> dict[str, EnergyBreakdown]:
    """Energy of the whole network by method, and of every trained one."""
    found = {m: EnergyBreakdown.sum(r.energy for r in result.of(m)) for m in result.methods}
    return found | {trained_label(c): c.energy for c in others(result)}


@plot
def plot_energy(result: Comparison, ax: Axes | None = None) -> Axes:
    """Energy of the whole network by part, a bar a method; trained networks below."""
    found = _networks(result)
    ax = new_axis(ax, 10.0, 1.7 + 0.34 * len(found))
    ax.grid(axis="x", color=GRID, linewidth=0.8)
    ax.grid(axis="y", visible=False)
    unit, name = unit_of(max(e.total_J for e in found.values()), "J")
    left = np.zeros(len(found))
    for part, label in PARTS.items():
        values = np.array([getattr(e, f"{part}_J") for e in found.values()])
        bars = ax.barh(range(len(found)), values / unit, 0.62, left=left, color=SHADES[part], label=label)
        for bar, value, (of, whole) in zip(bars, values, found.items()):
            hint(bar, f"{of}\n{label}: {energy(value)} of {energy(whole.total_J)}")
        left += values / unit
    inches = figure_of(ax).get_figwidth()
    labels = [wrapped(of, int(inches * 4.5)) for of in found]
    ax.set_yticks(range(len(found)), labels)
    ax.invert_yaxis()
    ax.set_xlabel(f"energy of the network ({name})")
    legend(ax, 1.25 if inches < 7 else 1.1, max(len(line) for of in labels for line in of.split("\n")) / 11)
    heading(ax, f"Where the energy goes ({result.provenance.technology.name})")
    return ax


@plot
def plot_energy_by_layer(result: Comparison, ax: Axes | None = None, method: str | None = None) -> Axes:
    """Datapath energy of every layer by part: file order on the left (pale), ``method`` beside it; by default
    the one of the least datapath energy in all.
    """
    ax = new_axis(ax)
    method = method or least(result)
    pair = (("baseline", -0.2, 0.45), (method, 0.2, 1.0))
    unit, name = unit_of(max(r.energy.datapath_J for r in result.rows), "J")
    for of, shift, alpha in pair:
        rows = result.of(of)
        below = np.zeros(len(rows))
        for part in _DATAPATH:
            values = np.array([getattr(r.energy, f"{part}_J") for r in rows]) / unit
            label = PARTS[part] if alpha == 1 else None
            x = np.arange(len(rows)) + shift
            ax.bar(x, values, 0.38, bottom=below, color=SHADES[part], alpha=alpha, label=label)
            below += values
    name_ticks(ax, [r.layer for r in result.of("baseline")])
    told = [
        (f"{of}, {label}", [energy(getattr(r.energy, f"{part}_J")) for r in result.of(of)])
        for of, *_ in pair
        for part, label in PARTS.items()
    ]
    bands(ax, range(len(result.of("baseline"))), _columns(result, told))
    ax.set_ylim(0, 1.05 * max(r.energy.datapath_J for r in result.rows) / unit)
    ax.set_ylabel(f"datapath energy ({name})")
    legend(ax, 1.55)
    heading(ax, f"Datapath energy by layer and part: file order (pale) and {method}")
    return ax


@plot
def plot_figure3(result: Comparison, ax: Axes | None = None) -> Axes:
    """Energy of a PE in use and step against NHD, a dot a layer and method, as the paper's Figure 3. For
    modelled or simulated energies.
    """
    ax = new_axis(ax, 10.0, 4.2)
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
        mine = [i for i, r in enumerate(result.rows) if r.method == method]
        dots = ax.scatter(x[mine], y[mine], 18, color=colour(method), label=method)
        names = [printable(result.rows[i].layer) for i in mine]
        hint(dots, *(f"{n}, {method}\nNHD {x[i]:.3f}, {y[i]:.3g} fJ" for n, i in zip(names, mine)))
    clock = float(np.mean([r.energy.clock_J / r.counts.weight_hops for r in result.rows])) * 1e15
    if np.ptp(x) > 0:  # equal flip rates make no line
        slope, start = np.polyfit(x, y, 1)
        ends = np.array([0.0, x.max() * 1.05])
        label = f"straight line: {start:.0f} + {slope:.0f} x NHD"
        ax.plot(ends, start + slope * ends, color=SOFT, linewidth=1, label=label)
    if clock:
        ax.axhline(clock, color=SHADES["clock"], linewidth=1, linestyle=":", label="clock, beside it")
    ax.set_xlim(0, None)
    ax.set_ylim(0, None)
    ax.set_xlabel("NHD (flips per bit and step)")
    ax.set_ylabel("energy of a PE in use\nand step (fJ)")
    legend(ax, 2.2)
    heading(ax, f"Flips against {result.scenario.energy} energy ({result.provenance.technology.name})")
    return ax
