"""The accelerator: an array of rows x cols PEs and its widths, from code or from the variables of an architecture."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from hd_plugin._data_files import data_folder
from hd_plugin._yaml import Problems, read_mapping
from hd_plugin.energy import Widths
from hd_plugin.errors import InputError, did_you_mean

__all__ = ["Array", "Expression", "arrays", "load_array", "read_variables"]

_RANGES = {
    "rows": (1, 4096),
    "cols": (1, 4096),
    "activation_bits": (1, 64),
    "psum_bits": (1, 64),
    "accumulator_bits": (1, 64),
}
_DATAFLOWS = ("input_stationary", "output_stationary")


class Expression(str):
    """A string that stood in a YAML file without quotes: Timeloop's front end takes it as arithmetic."""


class _Loader(yaml.SafeLoader):
    pass


def _scalar(loader: _Loader, node: yaml.ScalarNode) -> str:
    text = loader.construct_scalar(node)
    return Expression(text) if node.style is None else text


_Loader.add_constructor("tag:yaml.org,2002:str", _scalar)


@dataclass(frozen=True)
class Array:
    """The paper's Figure 1(a): ``rows`` input channels x ``cols`` output pixels, activations stationary.

    The weights' width comes from the layer. variables : the other variables of a Timeloop architecture (buffer sizes,
    say); the analytic engine does not need them. Raises InputError for a size or width out of range.
    """

    rows: int = 8
    cols: int = 8
    activation_bits: int = 8
    psum_bits: int = 16
    accumulator_bits: int = 32
    dataflow: str = "input_stationary"
    variables: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        problems = Problems("array")
        for name, (low, high) in _RANGES.items():
            problems.number(getattr(self, name), name, low, high, whole=True)
        problems.raise_any()

    def check_dataflow(self, needed: str) -> None:
        """Raises InputError for an array of another dataflow."""
        if self.dataflow != needed:
            raise InputError(
                f"array: dataflow {self.dataflow!r} found; orders of output channels stream through an {needed!r} "
                "array only (Timeloop itself runs the other architectures in arch/)"
            )

    def widths(self, weight_bits: int) -> Widths:
        return Widths(weight_bits, self.activation_bits, self.psum_bits, self.accumulator_bits)


def arrays(dataflow: str | None = None) -> list[str]:
    """Names of the arrays in arch/, every file of variables there; those of one dataflow, if given."""
    starts = tuple(f"{d}_" for d in _DATAFLOWS if dataflow in (None, d))
    return sorted(p.stem for p in data_folder("arch").glob("*.yaml") if p.stem.startswith(starts))


def read_variables(path: str | Path) -> dict[str, Any]:
    """The ``variables`` section of a Timeloop v4 file, strings without quotes as Expression. Raises InputError."""
    variables = read_mapping(path, _Loader).get("variables")
    if not isinstance(variables, dict):
        raise InputError(
            f"{path}: variables: missing; the variables of a Timeloop v4 architecture are needed, as in "
            "arch/input_stationary_8x8.yaml"
        )
    return {str(k): v for k, v in variables.items()}


def load_array(name: str | Path) -> Array:
    """An array from arch/ by name, or a YAML file of the same form (a Timeloop v4 ``variables`` section) by path.

    Raises InputError that lists ALL wrong variables.
    """
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = data_folder("arch") / f"{name}.yaml"
        if not path.exists():
            raise InputError(
                f"array: {str(name)!r} is unknown; {did_you_mean(str(name), arrays())} (or give a YAML file)"
            )
    variables = read_variables(path)
    problems = Problems(path)
    for key in sorted({"dataflow", *_RANGES} - set(variables)):
        near = difflib.get_close_matches(key, variables, 1, 0.8)
        problems.add(f"variables.{key}: missing" + (f" ({near[0]!r} found)" if near else ""))
    dataflow = variables.get("dataflow", _DATAFLOWS[0])
    if dataflow not in _DATAFLOWS:
        problems.add(f"variables.dataflow: {dataflow!r} found; {did_you_mean(str(dataflow), _DATAFLOWS)}")
    sizes = {
        f: problems.number(variables[f], f"variables.{f}", *r, whole=True)
        for f, r in _RANGES.items()
        if f in variables
    }
    problems.raise_any()
    rest = {k: v for k, v in variables.items() if k not in (*_RANGES, "dataflow")}
    return Array(**sizes, dataflow=str(dataflow), variables=rest)
