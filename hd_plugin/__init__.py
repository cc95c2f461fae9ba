"""Measure and minimise the bit flips of weights that stream into a systolic array, and price them in energy.

Names are loaded on first use, so that importing the package is quick and pulls in neither numba nor torch.
"""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

_HOME = {
    "load_network": "weights",
    "bundled_networks": "weights",
    "Layer": "weights",
    "Network": "weights",
    "optimize": "streaming",
    "flips": "streaming",
    "nhd": "streaming",
    "hardware_flips": "streaming",
    "lower_bound": "streaming",
    "trellis": "streaming",
    "Rounding": "streaming",
    "StreamPlan": "streaming",
    "Group": "streaming",
    "TransitionTable": "bits",
    "Array": "engines",
    "verify": "hardware",
    "Verification": "hardware",
    "Activations": "hardware",
    "AddressTables": "hardware",
    "compare": "comparison",
    "Comparison": "comparison",
    "HdPluginError": "errors",
    "InputError": "errors",
    "PlanMismatch": "errors",
    "MissingTool": "errors",
}
__all__ = ["__version__", *_HOME]


def __getattr__(name: str):
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
