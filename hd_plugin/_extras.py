"""Which extra of hd_plugin brings a library that is missing.

The package needs what the estimators need, pydantic and PyYAML; they live in a simulator's environment.
All else comes with an extra; what a person installs is ``standard``.
"""

from __future__ import annotations

from hd_plugin.errors import MissingTool

__all__ = ["EXTRAS", "install_line", "missing_library"]

# extra -> the modules that it brings; pyproject.toml has the distributions and their versions
EXTRAS = {
    "standard": (
        "click",
        "jinja2",
        "matplotlib",
        "numba",
        "numpy",
        "rich",
        "ruamel.yaml",
        "safetensors",
        "scipy",
        "tflite",
    ),
    "torch": ("torch", "PIL"),
    "onnx": ("onnx",),
    "synthesis": ("pyosys",),
}


def install_line(module: str) -> str | None:
    """The command that installs ``module`` (a part of it, too), or None for a library that is not ours."""
    for extra, modules in EXTRAS.items():
        if any(module == top or module.split(".")[0] == top.split(".")[0] for top in modules):
            return f"pip install 'hd-plugin[{extra}]'"
    return None


def missing_library(error: ModuleNotFoundError) -> MissingTool | None:
    """``error`` as one line that says what to install; None when the module is none that an extra brings."""
    line = install_line(error.name or "")
    return None if line is None else MissingTool(f"{error.name} is not installed; run: {line}")
