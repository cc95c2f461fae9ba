"""Timeloop and Accelergy as they are installed: found at run time, run in processes and folders apart."""

from hd_plugin.engines.timeloop._doctor import Examination, Served, examine
from hd_plugin.engines.timeloop._engine import MAPPINGS, TimeloopEngine
from hd_plugin.engines.timeloop._problem import (
    DIMENSIONS,
    Shape,
    load_problem,
    problem_of,
    shape_of,
    write_problems,
)
from hd_plugin.engines.timeloop._results import RunError
from hd_plugin.engines.timeloop._tools import Tools, find_tools

__all__ = [
    "DIMENSIONS",
    "MAPPINGS",
    "Examination",
    "RunError",
    "Served",
    "Shape",
    "TimeloopEngine",
    "Tools",
    "examine",
    "find_tools",
    "load_problem",
    "problem_of",
    "shape_of",
    "write_problems",
]
