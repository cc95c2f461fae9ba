"""Results as terminal tables, plots (one function a plot), one self-contained HTML page, and files in a
folder.
"""

# these modules register their tables
from hd_plugin.report import _encoding_tables, _gate_tables, _host_tables, _mac_report, _proof_tables  # noqa: F401
from hd_plugin.report._encoding_plots import plot_encodings
from hd_plugin.report._figures import figures
from hd_plugin.report._files import write_report
from hd_plugin.report._html import write_html
from hd_plugin.report._plots import plot_energy, plot_energy_by_layer, plot_figure3, plot_nhd, plot_reduction
from hd_plugin.report._study_plots import plot_cluster_size, plot_convergence, plot_table_cost
from hd_plugin.report._svg import save_figure
from hd_plugin.report._tables import combined_table, tables
from hd_plugin.report._training_plots import plot_curves, plot_front

__all__ = [
    "combined_table",
    "figures",
    "plot_cluster_size",
    "plot_convergence",
    "plot_curves",
    "plot_encodings",
    "plot_energy",
    "plot_energy_by_layer",
    "plot_figure3",
    "plot_front",
    "plot_nhd",
    "plot_reduction",
    "plot_table_cost",
    "save_figure",
    "tables",
    "write_html",
    "write_report",
]
