"""Comparisons as terminal tables, plots (one function a plot) and one self-contained HTML page."""
from hd_plugin.report._html import write_html
from hd_plugin.report._plots import (plot_all, plot_cluster_size, plot_convergence, plot_energy, plot_nhd, plot_reduction)
from hd_plugin.report._tables import (compare_tables, doctor_tables, layers_table, measure_table, networks_table,
                                       optimize_table)

__all__ = ["compare_tables", "doctor_tables", "layers_table", "measure_table", "networks_table", "optimize_table", "plot_all", "plot_cluster_size",
           "plot_convergence", "plot_energy", "plot_nhd", "plot_reduction", "write_html"]
