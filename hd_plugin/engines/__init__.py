"""Action counts and energy of a layer on an array; one small protocol, an engine a file."""

from hd_plugin.engines._analytic import analytic_counts
from hd_plugin.engines._array import Array, arrays, load_array
from hd_plugin.engines._protocol import ENGINES, AnalyticEngine, Engine, Evaluation, Request, get_engine

__all__ = [
    "ENGINES",
    "AnalyticEngine",
    "Array",
    "Engine",
    "Evaluation",
    "Request",
    "analytic_counts",
    "arrays",
    "get_engine",
    "load_array",
]
