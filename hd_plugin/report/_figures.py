"""Every plot that a result has data for, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import TYPE_CHECKING

from hd_plugin.report._axes import figure_of
from hd_plugin.report._plots import plot_energy, plot_figure3, plot_nhd, plot_reduction
from hd_plugin.report._study_plots import plot_cluster_size, plot_convergence, plot_table_cost
from hd_plugin.report._training_plots import plot_curves, plot_front
from hd_plugin.study import SOURCES, Comparison, Result, TrainingTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figures"]


@singledispatch
def figures(result: Result) -> dict[str, Figure]:
    """Name -> figure; a result of another kind registers its own function."""
    return {}


@figures.register(Comparison)
def _comparison(result: Comparison) -> dict[str, Figure]:
    drawn: dict[str, Callable[[Comparison], Axes]] = {
        "reduction": plot_reduction,
        "nhd": plot_nhd,
        "energy": plot_energy,
    }
    if SOURCES[result.scenario.energy].needs_gates:
        drawn["figure3"] = plot_figure3
    found = {name: figure_of(draw(result)) for name, draw in drawn.items()}
    if studies := result.studies:
        found |= {
            "convergence": figure_of(plot_convergence(studies)),
            "cluster_size": figure_of(plot_cluster_size(studies)),
        }
        found |= {"table_cost": figure_of(plot_table_cost(studies))} if studies.table_cost else {}
    return found


@figures.register(TrainingTable)
def _training(result: TrainingTable) -> dict[str, Figure]:
    return {"front": figure_of(plot_front(result)), "curves": figure_of(plot_curves(result))}
