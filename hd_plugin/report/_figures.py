"""Every plot that a result has data for, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, singledispatch
from typing import TYPE_CHECKING

from hd_plugin.report._axes import figure_of, new_axis
from hd_plugin.report._encoding_plots import plot_encodings
from hd_plugin.report._plots import (
    others,
    plot_energy,
    plot_energy_by_layer,
    plot_figure3,
    plot_nhd,
    plot_reduction,
)
from hd_plugin.report._study_plots import plot_cluster_size, plot_convergence, plot_table_cost
from hd_plugin.report._training_plots import plot_curves, plot_front
from hd_plugin.study import SOURCES, Comparison, FoundEncodings, Result, TrainingTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figures"]

_NARROW = 4.4  # inches: a telephone's width, at letters that can be read there


@singledispatch
def figures(result: Result, *, narrow: bool = False) -> dict[str, Figure]:
    """Name -> figure; narrow : those that are too wide for a telephone, drawn anew for its width. A result of
    another kind registers its own function.
    """
    return {}


@figures.register(Comparison)
def _comparison(result: Comparison, *, narrow: bool = False) -> dict[str, Figure]:
    networks = len(result.methods) + len(others(result))
    # with the height of the narrow form
    drawn: dict[str, tuple[Callable[[Axes | None], Axes], float]] = {
        "reduction": (partial(plot_reduction, result), 4.4),
        "nhd": (partial(plot_nhd, result), 4.0),
        "energy": (partial(plot_energy, result), 2.4 + 0.4 * networks),
        "energy_by_layer": (partial(plot_energy_by_layer, result), 4.2),
    }
    if SOURCES[result.scenario.energy].needs_gates:
        drawn["figure3"] = (partial(plot_figure3, result), 4.2)
    made = {n: draw(new_axis(None, _NARROW, tall) if narrow else None) for n, (draw, tall) in drawn.items()}
    if result.studies and not narrow:
        made["convergence"] = plot_convergence(result.studies)
        made["cluster_size"] = plot_cluster_size(result.studies)
        if result.studies.table_cost:
            made["table_cost"] = plot_table_cost(result.studies)
    return {name: figure_of(ax) for name, ax in made.items()}


@figures.register(TrainingTable)
def _training(result: TrainingTable, *, narrow: bool = False) -> dict[str, Figure]:
    if narrow:
        return {}
    return {"front": figure_of(plot_front(result)), "curves": figure_of(plot_curves(result))}


@figures.register(FoundEncodings)
def _encodings(result: FoundEncodings, *, narrow: bool = False) -> dict[str, Figure]:
    return {} if narrow else {"encodings": figure_of(plot_encodings(result))}
