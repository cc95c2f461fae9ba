"""Plots: each function draws a comparison on an axis, its own or the one given, and returns the axis."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hd_plugin._atomic import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hd_plugin.comparison import Comparison

__all__ = [
    "figures",
    "new_axis",
    "plot_all",
    "plot_cluster_size",
    "plot_convergence",
    "plot_energy",
    "plot_figure3",
    "plot_nhd",
    "plot_reduction",
    "plot_table_cost",
    "save_figure",
]

# Okabe and Ito's palette: told apart by colour-blind readers and in grey
COLOURS = {"baseline": "#8c8c8c", "direct": "#56b4e9", "segment": "#e69f00", "cluster": "#009e73"}
_TERMS = {
    "mac_J": ("MAC", "#0072b2"),
    "weight_hop_J": ("weight hops", "#56b4e9"),
    "psum_hop_J": ("partial-sum hops", "#009e73"),
    "lut_J": ("address table", "#d55e00"),
    "clock_J": ("clock", "#cc79a7"),
    "memory_J": ("memory", "#bdbdbd"),
}


def new_axis(ax: Axes | None, width: float = 10.0, height: float = 3.6) -> Axes:
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(width, height), layout="constrained").add_subplot()
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    ax.set_axisbelow(True)
    return ax


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
        mean = result.summary()[method]["mean_hd_reduction"]
        ax.bar(
            np.arange(len(rows)) + (i - (len(methods) - 1) / 2) * width,
            [r.hd_reduction for r in rows],
            width,
            color=COLOURS[method],
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
            range(len(nhd)), nhd, marker="o", markersize=4, linewidth=1.2, color=COLOURS[method], label=method
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
    for term, (label, colour) in _TERMS.items():
        values = np.array([1e6 * sum(getattr(r.energy, term) for r in result.of(m)) for m in result.methods])
        ax.barh(range(len(result.methods)), values, 0.6, left=left, color=colour, label=label)
        left += values
    ax.set_yticks(range(len(result.methods)), result.methods)
    ax.invert_yaxis()
    ax.set_xlabel("energy of the network (uJ)")
    ax.set_title(f"Where the energy goes ({result.technology})", loc="left", fontsize=11)
    ax.legend(frameon=False, ncols=6, loc="upper left", bbox_to_anchor=(0, -0.22), fontsize=9)
    return ax


def plot_figure3(result: Comparison, ax: Axes | None = None) -> Axes:
    """Energy of a PE in use and step against NHD, a dot a layer and method, as the paper's Figure 3. For modelled or simulated energies."""
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
        ax.scatter(x[mine], y[mine], 18, color=COLOURS[method], label=method)
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
        f"Flips against {result.provenance['options']['energy']} energy ({result.technology})",
        loc="left",
        fontsize=11,
    )
    ax.legend(frameon=False, fontsize=8)
    return ax


def plot_convergence(result: Comparison, ax: Axes | None = None) -> Axes:
    """Algorithm 2 over its iterations from random starts, as the paper's Figure 5(a). Needs ``studies``."""
    ax = new_axis(ax, 5.2, 3.4)
    study = result.studies["convergence"]
    curves = np.asarray(study["curves"])
    steps = np.arange(1, curves.shape[1] + 1)
    ax.fill_between(
        steps,
        curves.min(0),
        curves.max(0),
        color=COLOURS["cluster"],
        alpha=0.25,
        linewidth=0,
        label="least to most",
    )
    ax.plot(steps, curves.mean(0), color=COLOURS["cluster"], label=f"mean of {len(curves)} runs")
    ax.set_ylim(0, None)  # a search that stalls at once shall look flat
    ax.set_xlabel("iteration")
    ax.set_ylabel("flips / unoptimised flips")
    ax.set_title(f"Algorithm 2 converging: {study['layer'][-30:]}", loc="left", fontsize=11)
    ax.legend(frameon=False, fontsize=9)
    return ax


def plot_cluster_size(result: Comparison, ax: Axes | None = None) -> Axes:
    """Flip reduction against channels per cluster, as the paper's Figure 5(c). Needs ``studies``."""
    ax = new_axis(ax, 5.2, 3.4)
    study = result.studies["cluster_size"]
    for method in ("segment", "cluster"):
        ax.plot(study["sizes"], study[method], marker="o", color=COLOURS[method], label=method)
    ax.set_xscale("log", base=2)
    ax.set_xticks(study["sizes"], [str(s) for s in study["sizes"]])
    ax.set_xlabel("channels per cluster")
    ax.set_ylabel("flip reduction (x)")
    ax.set_title(f"Smaller clusters, fewer flips: {study['layer'][-30:]}", loc="left", fontsize=11)
    ax.legend(frameon=False, fontsize=9)
    return ax


def plot_table_cost(result: Comparison, ax: Axes | None = None) -> Axes:
    """Datapath energy against the array's size, with and without what the address table takes (paper, section 5). Needs ``studies``."""
    ax = new_axis(ax, 5.2, 3.4)
    study = result.studies["table_cost"]
    base = np.asarray(study["datapath_J"]["baseline"])
    sizes = study["sizes"]
    ax.plot(
        sizes,
        np.asarray(study["datapath_J"]["direct"]) / base,
        color=COLOURS["direct"],
        label="direct, no table",
    )
    for method in ("segment", "cluster"):
        whole, table = (np.asarray(study[k][method]) / base for k in ("datapath_J", "table_J"))
        ax.plot(sizes, whole, marker="o", color=COLOURS[method], label=method)
        ax.plot(
            sizes,
            whole - table,
            color=COLOURS[method],
            linestyle=":",
            linewidth=1.2,
            label=f"{method} without its table",
        )
    ax.axhline(1, color="#555555", linewidth=0.8)
    ax.set_xscale("log", base=2)
    ax.set_xticks(sizes, [f"{s}x{s}" for s in sizes], fontsize=8)
    ax.set_ylim(0, 1.6)  # tiny arrays lose by far: that they do is what matters
    ax.set_xlabel("array, rows x columns")
    ax.set_ylabel("datapath energy / file order")
    ax.set_title(f"Where the address table pays: {study['layer'][-22:]}", loc="left", fontsize=11)
    ax.legend(frameon=False, fontsize=8)
    return ax


def figures(result: Comparison) -> dict[str, Figure]:
    """Name -> figure, every plot that the comparison has data for."""
    drawn: dict[str, Any] = {"reduction": plot_reduction, "nhd": plot_nhd, "energy": plot_energy}
    if result.provenance["options"]["energy"] != "flips":
        drawn["figure3"] = plot_figure3
    if result.studies:
        drawn |= {"convergence": plot_convergence, "cluster_size": plot_cluster_size}
    if "table_cost" in result.studies:
        drawn["table_cost"] = plot_table_cost
    return {name: draw(result).figure for name, draw in drawn.items()}


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


def plot_all(result: Comparison, folder: str | Path) -> list[Path]:
    """Every plot as a PNG under ``folder``; returns the files."""
    paths = []
    for name, figure in figures(result).items():
        paths.append(Path(folder) / f"{name}.png")
        save_figure(figure, paths[-1])
    return paths
