"""Plots of the studies on one layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hd_plugin._ratios import times
from hd_plugin.errors import InputError
from hd_plugin.report._axes import SOFT, bands, colour, heading, legend, new_axis, plot
from hd_plugin.report._text import ratio

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hd_plugin.study import LayerStudies

__all__ = ["plot_cluster_size", "plot_convergence", "plot_table_cost"]


@plot
def plot_convergence(studies: LayerStudies, ax: Axes | None = None) -> Axes:
    """Algorithm 2 over its iterations from random starts, as the paper's Figure 5(a), and before the first
    one.
    """
    ax = new_axis(ax, 5.2, 3.4)
    curves = studies.convergence.curves
    steps = np.arange(curves.shape[1])
    ax.fill_between(
        steps,
        curves.min(0),
        curves.max(0),
        color=colour("cluster"),
        alpha=0.25,
        linewidth=0,
        label="least to most",
    )
    ax.plot(steps, curves.mean(0), color=colour("cluster"), label=f"mean of {len(curves)} runs")
    ax.set_xticks(steps[::3])
    ax.set_xlabel("iteration (0: channels dealt at random, each cluster in Algorithm 1's order)", fontsize=8)
    ax.set_ylabel("flips / flips in file order")
    told = zip(steps, curves.min(0), curves.mean(0), curves.max(0))
    bands(
        ax,
        steps.tolist(),
        [f"iteration {n}\nleast {a:.3f}, mean {b:.3f}, most {c:.3f}" for n, a, b, c in told],
    )
    legend(ax, 1.9)
    heading(ax, "Algorithm 2 converging", studies.convergence.layer)
    return ax


@plot
def plot_cluster_size(studies: LayerStudies, ax: Axes | None = None) -> Axes:
    """Flip reduction against channels per cluster, as the paper's Figure 5(c)."""
    ax = new_axis(ax, 5.2, 3.4)
    study = studies.cluster_size
    for method in ("segment", "cluster"):
        ax.plot(study.sizes, getattr(study, method), marker="o", color=colour(method), label=method)
    ax.set_xscale("log", base=2)
    ax.set_xticks(study.sizes, [str(s) for s in study.sizes])
    ax.set_xlabel("channels per cluster")
    ax.set_ylabel("flip reduction (x)")
    told = zip(study.sizes, study.segment, study.cluster)
    bands(
        ax,
        study.sizes,
        [f"{n} channels per cluster\nsegment: {ratio(a)}\ncluster: {ratio(b)}" for n, a, b in told],
    )
    legend(ax, 1.4)
    heading(ax, "Smaller clusters, fewer flips", study.layer)
    return ax


@plot
def plot_table_cost(studies: LayerStudies, ax: Axes | None = None) -> Axes:
    """Datapath energy against the array's size, with and without what the address table takes (paper, section
    5).
    """
    ax = new_axis(ax, 5.2, 3.4)
    study = studies.table_cost
    if study is None:
        raise InputError("table_cost: a layer of one output channel has no order and needs no table")
    base = np.asarray(study.datapath_J["baseline"])
    sizes = study.sizes
    ax.plot(
        sizes, np.asarray(study.datapath_J["direct"]) / base, color=colour("direct"), label="direct, no table"
    )
    for method in ("segment", "cluster"):
        whole, table = (np.asarray(each[method]) / base for each in (study.datapath_J, study.table_J))
        ax.plot(sizes, whole, marker="o", color=colour(method), label=method)
        ax.plot(
            sizes,
            whole - table,
            color=colour(method),
            linestyle=":",
            linewidth=1.2,
            label=f"{method} without its table",
        )
    ax.axhline(1, color=SOFT, linewidth=0.8)
    ax.set_xscale("log", base=2)
    ax.set_xticks(sizes, [f"{s}x{s}" for s in sizes], fontsize=8)
    ax.set_ylim(0, 1.6)  # tiny arrays lose by far: that they do is what matters
    ax.set_xlabel("array, rows x columns")
    ax.set_ylabel("datapath energy / file order")
    ratios = {m: list(map(times, base, study.datapath_J[m])) for m in ("direct", "segment", "cluster")}
    told = [
        "\n".join((f"{n} x {n} PEs, datapath energy", *(f"{m}: {ratio(ratios[m][i])} less" for m in ratios)))
        for i, n in enumerate(sizes)
    ]
    bands(ax, sizes, told)
    legend(ax, 2.3)
    heading(ax, "Where the address table pays", study.layer)
    return ax
