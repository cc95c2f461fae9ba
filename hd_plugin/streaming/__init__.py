"""Stream plans: groups of input channels and orders of output channels that flip few bits."""

from hd_plugin._journal import Journal
from hd_plugin.streaming._certify import group_lower_bounds, lower_bound
from hd_plugin.streaming._count import flips, group_flips, hardware_flips, nhd
from hd_plugin.streaming._efforts import EFFORTS, Effort
from hd_plugin.streaming._energy import EnergyObjective
from hd_plugin.streaming._jobs import Jobs, Progress
from hd_plugin.streaming._method import Method, SearchContext
from hd_plugin.streaming._methods import METHODS
from hd_plugin.streaming._optimize import check_rows, check_seed, lessen_energy, optimize, unsearched
from hd_plugin.streaming._paper import algorithm1, algorithm2
from hd_plugin.streaming._plan import Group, StreamPlan, file_order_plan
from hd_plugin.streaming._settings import Search
from hd_plugin.streaming._trellis import Rounding, round_to_plan, trellis

__all__ = [
    "EFFORTS",
    "METHODS",
    "Effort",
    "EnergyObjective",
    "Group",
    "Jobs",
    "Journal",
    "Method",
    "Progress",
    "Rounding",
    "Search",
    "SearchContext",
    "StreamPlan",
    "algorithm1",
    "algorithm2",
    "check_rows",
    "check_seed",
    "file_order_plan",
    "flips",
    "group_flips",
    "group_lower_bounds",
    "hardware_flips",
    "lessen_energy",
    "lower_bound",
    "nhd",
    "optimize",
    "round_to_plan",
    "trellis",
    "unsearched",
]
