"""The public face, loaded on first use. The package itself, editors and type checkers read it here."""

import pathlib

from .bits import TransitionTable
from .energy import load_technology
from .engines import Array, load_array
from .errors import HdPluginError, InputError, MissingTool, PlanMismatch
from .hardware import Activations, AddressTables, Verification, VerifyOptions, verify
from .streaming import (
    Group,
    Jobs,
    Rounding,
    Search,
    StreamPlan,
    flips,
    hardware_flips,
    lower_bound,
    nhd,
    optimize,
    trellis,
)
from .study import (
    Comparison,
    EnergyPlanning,
    FlipComparison,
    Measurement,
    NetworkVerification,
    Planning,
    Result,
    Roundings,
    Scenario,
    characterize,
    compare,
    measure,
    plan,
    rewrite_network,
    round_weights,
    run,
    verify_network,
)
from .weights import Layer, Network, NetworkChoice, as_layer, bundled_networks, load_network

__version__: str

def write_report(result: Result, folder: str | pathlib.Path) -> pathlib.Path: ...

__all__ = [
    "Activations",
    "AddressTables",
    "Array",
    "Comparison",
    "EnergyPlanning",
    "FlipComparison",
    "Group",
    "HdPluginError",
    "InputError",
    "Jobs",
    "Layer",
    "Measurement",
    "MissingTool",
    "Network",
    "NetworkChoice",
    "NetworkVerification",
    "PlanMismatch",
    "Planning",
    "Result",
    "Rounding",
    "Roundings",
    "Scenario",
    "Search",
    "StreamPlan",
    "TransitionTable",
    "Verification",
    "VerifyOptions",
    "__version__",
    "as_layer",
    "bundled_networks",
    "characterize",
    "compare",
    "flips",
    "hardware_flips",
    "load_array",
    "load_network",
    "load_technology",
    "lower_bound",
    "measure",
    "nhd",
    "optimize",
    "plan",
    "rewrite_network",
    "round_weights",
    "run",
    "trellis",
    "verify",
    "verify_network",
    "write_report",
]
