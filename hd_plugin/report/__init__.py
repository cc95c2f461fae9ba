"""Comparisons as terminal tables, plots (one function a plot) and one self-contained HTML page."""

from hd_plugin.report._energy_tables import characterise_tables, objective_tables
from hd_plugin.report._html import write_html
from hd_plugin.report._plots import (
    plot_all,
    plot_cluster_size,
    plot_convergence,
    plot_energy,
    plot_figure3,
    plot_nhd,
    plot_reduction,
    plot_table_cost,
)
from hd_plugin.report._tables import (
    combined_table,
    compare_tables,
    doctor_tables,
    layers_table,
    measure_table,
    networks_table,
    optimize_table,
    rewrite_table,
    training_table,
    trellis_table,
    verify_table,
)
from hd_plugin.report._training_plots import plot_curves, plot_front

__all__ = [
    "characterise_tables",
    "combined_table",
    "compare_tables",
    "doctor_tables",
    "layers_table",
    "measure_table",
    "networks_table",
    "objective_tables",
    "optimize_table",
    "plot_all",
    "plot_cluster_size",
    "plot_convergence",
    "plot_curves",
    "plot_energy",
    "plot_figure3",
    "plot_front",
    "plot_nhd",
    "plot_reduction",
    "plot_table_cost",
    "rewrite_table",
    "training_table",
    "trellis_table",
    "verify_table",
    "write_html",
]
