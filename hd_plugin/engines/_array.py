"""The accelerator: rows x cols PEs and their widths, from code or from the variables of an architecture."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import Field, ValidationError, field_serializer, field_validator

from hd_plugin._checked import Checked, Whole, read_mapping, told
from hd_plugin._data_files import data_folder
from hd_plugin._parsed import PlainLoader
from hd_plugin._wording import joined, shown
from hd_plugin.energy import Widths
from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.weights import Layer

__all__ = ["Array", "Expression", "arrays", "load_array", "read_variables"]

Dataflow = Literal["input_stationary", "output_stationary"]
_Size = Annotated[Whole, Field(ge=1, le=4096)]
_Bits = Annotated[Whole, Field(ge=1, le=64)]
_EXPRESSION = "expression"
_OF_A_NETWORK = ("weight_bits", "number_format")


class Expression(str):
    """A string that stood in a YAML file without quotes: Timeloop's front end takes it as arithmetic."""


class _Loader(PlainLoader):
    pass


def _scalar(loader: _Loader, node: yaml.ScalarNode) -> str:
    text = loader.construct_scalar(node)
    return Expression(text) if node.style is None else text


_Loader.add_constructor("tag:yaml.org,2002:str", _scalar)


def _variable(value: Any, name: str) -> Any:
    """A variable as JSON could hold it, but for expressions. Raises ValueError for anything else."""
    if isinstance(value, Mapping):
        if set(value) == {_EXPRESSION} and isinstance(value[_EXPRESSION], str):
            return Expression(value[_EXPRESSION])
        return {str(key): _variable(item, f"{name}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_variable(item, f"{name}[{i}]") for i, item in enumerate(value)]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ValueError(
        f"{name}: {shown(value)} found; a number, a text, true or false, a list or a mapping of them is "
        "needed"
    )


def _as_json(value: Any) -> Any:
    """A variable for JSON, where ``{"expression": TEXT}`` tells an expression from a text."""
    if isinstance(value, Expression):
        return {_EXPRESSION: str(value)}
    if isinstance(value, dict):
        return {key: _as_json(item) for key, item in value.items()}
    return [_as_json(item) for item in value] if isinstance(value, list) else value


class Array(Checked):
    """The paper's Figure 1(a): ``rows`` input channels x ``cols`` output pixels, activations stationary.

    The weights' width comes from the layer. variables : the other variables of a Timeloop architecture
    (buffer sizes, say), where ``Expression`` or ``{"expression": "2**19"}`` is arithmetic and a plain
    string a text; the analytic engine does not need them. Raises InputError that lists all sizes and widths
    out of range.
    """

    rows: _Size = 8
    cols: _Size = 8
    activation_bits: _Bits = 8
    psum_bits: _Bits = 16
    accumulator_bits: _Bits = 32
    dataflow: Dataflow = "input_stationary"
    variables: dict[str, Any] = Field(default_factory=dict)

    @field_validator("variables", mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        return {str(name): _variable(value, str(name)) for name, value in given.items()}

    @field_serializer("variables")
    def _for_json(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {name: _as_json(value) for name, value in variables.items()}

    def check_dataflow(self, needed: str) -> None:
        """Raises InputError for an array of another dataflow."""
        if self.dataflow != needed:
            raise InputError(
                f"array: dataflow {self.dataflow!r} found; orders of output channels stream through an "
                f"{needed!r} array only (Timeloop itself runs the other architectures in arch/)"
            )

    def check_weights(self, layers: Iterable[Layer]) -> None:
        """Raises InputError when the variables say other weights (width, format) than the layers have."""
        for layer in layers:
            own = {"weight_bits": layer.bits, "number_format": layer.number_format}
            for name, value in own.items():
                found = self.variables.get(name, value)
                if found != value:
                    option = "--bits" if name == "weight_bits" else "--number-format"
                    raise InputError(
                        f"array: variables.{name}: {found!r} found, but the weights of layer {layer.name!r} "
                        f"are {value!r}; take it out of the array file, or read the network with "
                        f"{option} {found}"
                    )

    def widths(self, weight_bits: int) -> Widths:
        return Widths(weight_bits, self.activation_bits, self.psum_bits, self.accumulator_bits)


def arrays(dataflow: str | None = None) -> list[str]:
    """Names of the arrays in arch/, every file of variables there; those of one dataflow, if given."""
    starts = tuple(f"{d}_" for d in get_args(Dataflow) if dataflow in (None, d))
    return sorted(p.stem for p in data_folder("arch").glob("*.yaml") if p.stem.startswith(starts))


def read_variables(path: str | Path) -> dict[str, Any]:
    """The ``variables`` of a Timeloop v4 file, strings without quotes as Expression. Raises InputError."""
    variables = read_mapping(path, _Loader).get("variables")
    if not isinstance(variables, dict):
        raise InputError(
            f"{path}: variables: missing; the variables of a Timeloop v4 architecture are needed, as in "
            "arch/input_stationary_8x8.yaml"
        )
    return {str(k): v for k, v in variables.items()}


def load_array(name: str | Path) -> Array:
    """An array from arch/ by name, or by path a YAML file of that form: the ``variables`` of Timeloop v4.

    A bundled file's width and format of weights are there for Timeloop run by hand; here the network tells
    them. A file of one's own is held to what it says (``Array.check_weights``). Raises InputError that lists
    ALL wrong variables.
    """
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = data_folder("arch") / f"{name}.yaml"
        if not path.exists():
            raise InputError(
                f"array: {str(name)!r} is unknown; {did_you_mean(str(name), arrays())} (or give a YAML file)"
            )
    variables = read_variables(path)
    if path.suffix != Path(name).suffix:
        variables = {k: v for k, v in variables.items() if k not in _OF_A_NETWORK}
    own = [name for name in Array.model_fields if name != "variables"]
    problems = []
    for name in (name for name in own if name not in variables):
        near = difflib.get_close_matches(name, variables, 1, 0.8)
        problems.append(f"variables.{name}: missing" + (f" ({near[0]!r} found)" if near else ""))
    fields = {name: variables.pop(name) for name in own if name in variables}
    try:
        array = Array.model_validate({**fields, "variables": variables})
    except ValidationError as error:
        problems += [f"variables.{text.removeprefix('variables: ')}" for text in told(Array, error)]
    if problems:
        raise InputError(f"{path}: " + joined(problems))
    return array
