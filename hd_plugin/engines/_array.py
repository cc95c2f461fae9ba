"""The accelerator: an array of rows x cols PEs and its widths, from code or from arch/*.yaml."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hd_plugin._data_files import data_folder
from hd_plugin._yaml import Problems, read_mapping
from hd_plugin.energy import Widths
from hd_plugin.errors import InputError, did_you_mean

__all__ = ["Array", "arrays", "load_array"]

_RANGES = {"rows": (1, 4096), "cols": (1, 4096), "activation_bits": (1, 64), "psum_bits": (1, 64),
           "accumulator_bits": (1, 64)}


@dataclass(frozen=True)
class Array:
    """The paper's Figure 1(a): ``rows`` input channels x ``cols`` output pixels, activations stationary.

    The weights' width comes from the layer. Raises InputError for a size or width out of range.
    """

    rows: int = 8
    cols: int = 8
    activation_bits: int = 8
    psum_bits: int = 16
    accumulator_bits: int = 32

    def __post_init__(self) -> None:
        problems = Problems("array")
        for field, (low, high) in _RANGES.items():
            problems.number(getattr(self, field), field, low, high, whole=True)
        problems.raise_any()

    def widths(self, weight_bits: int) -> Widths:
        return Widths(weight_bits, self.activation_bits, self.psum_bits, self.accumulator_bits)


def arrays() -> list[str]:
    """Names of the arrays in arch/."""
    return sorted(p.stem for p in data_folder("arch").glob("*.yaml"))


def load_array(name: str | Path) -> Array:
    """An array from arch/ by name, or a YAML file of the same form by path. InputError lists ALL wrong fields."""
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = data_folder("arch") / f"{name}.yaml"
        if not path.exists():
            raise InputError(f"array: {str(name)!r} is unknown; {did_you_mean(str(name), arrays())} (or give a YAML file)")
    data = read_mapping(path)
    problems = Problems(path)
    problems.keys(data, {"array", "description", "dataflow", *_RANGES}, {"array", "dataflow", *_RANGES})
    if data.get("dataflow", "input_stationary") != "input_stationary":
        problems.add(f"dataflow: {data['dataflow']!r} found; the analytic engine knows 'input_stationary'")
    fields = {f: problems.number(data[f], f, *r, whole=True) for f, r in _RANGES.items() if f in data}
    problems.raise_any()
    return Array(**fields)
