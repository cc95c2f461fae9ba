"""Plots of the studies on one layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hd_plugin.errors import InputError
from hd_plugin.report._axes import colour, new_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hd_plugin.study import LayerStudies

__all__ = ["plot_cluster_size", "plot_convergence", "plot_table_cost"]


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
    ax.set_title(f"Algorithm 2 converging: {studies.convergence.layer[-30:]}", loc="left", fontsize=11)
    ax.legend(frameon=False, fontsize=9)
    return ax


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
    ax.set_title(f"Smaller clusters, fewer flips: {study.layer[-30:]}", loc="left", fontsize=11)
    ax.legend(frameon=False, fontsize=9)
    return ax


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
    ax.axhline(1, color="#555555", linewidth=0.8)
    ax.set_xscale("log", base=2)
    ax.set_xticks(sizes, [f"{s}x{s}" for s in sizes], fontsize=8)
    ax.set_ylim(0, 1.6)  # tiny arrays lose by far: that they do is what matters
    ax.set_xlabel("array, rows x columns")
    ax.set_ylabel("datapath energy / file order")
    ax.set_title(f"Where the address table pays: {study.layer[-22:]}", loc="left", fontsize=11)
    ax.legend(frameon=False, fontsize=8)
    return ax
