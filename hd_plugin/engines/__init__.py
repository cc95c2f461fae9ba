"""Action counts and energy of a layer on an array; one small protocol, an engine a file."""

from hd_plugin.engines._accesses import Accesses, ComponentResult
from hd_plugin.engines._analytic import AnalyticEngine, analytic_counts, check_sizes
from hd_plugin.engines._array import Array, Expression, arrays, load_array
from hd_plugin.engines._engines import ENGINES, check_engine_options, engine_options, get_engine
from hd_plugin.engines._protocol import Engine, Evaluation, Request

__all__ = [
    "ENGINES",
    "Accesses",
    "AnalyticEngine",
    "Array",
    "ComponentResult",
    "Engine",
    "Evaluation",
    "Expression",
    "Request",
    "analytic_counts",
    "arrays",
    "check_engine_options",
    "check_sizes",
    "engine_options",
    "get_engine",
    "load_array",
]
