"""A flip rate from an architecture's attributes: a number, or a plan or comparison that hd_plugin wrote."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from hd_plugin._checked import Checked, check, read_json
from hd_plugin._wording import shown
from hd_plugin.errors import InputError, PlanMismatch, did_you_mean

__all__ = ["FlipRate", "check_rate", "find_flip_rate"]

_NUMBER_FORMATS = ("twos_complement", "sign_magnitude", "offset_binary", "gray")
_PLAN = "hd-plugin/plan/1"
_SCHEMAS = (_PLAN, "hd-plugin/compare/1", "hd-plugin/compare/2")


@dataclass(frozen=True)
class FlipRate:
    """``value``: flips per weight bit and step, 0 to 1 (the paper's NHD); ``source``: where it was found."""

    value: float
    source: str


class _File(Checked):
    """What a plan and a comparison have in common; their other fields are nothing to look at here."""

    model_config = ConfigDict(extra="ignore")
    number_format: str | None = None
    bits: int | None = None


class _Plan(_File):
    layer: str | None = None
    method: str | None = None
    nhd: Any = None  # plans from before rates were kept have none


class _Layer(_File):
    name: str
    methods: dict[str, Any]


class _Comparison(_File):
    layers: list[_Layer]


def find_flip_rate(attributes: Mapping[str, Any]) -> FlipRate:
    """The flip rate of ``attributes['flip_rate']``: a number, or the path of a plan or of a compare.json.

    A comparison needs ``layer`` and ``method`` beside it; a plan is checked against ``layer`` when that is
    given. A ``number_format`` or ``weight_bits`` beside them has to be the one that the flips were counted
    in. Raises InputError: no rate from 0 to 1, a file that is neither, a layer or method that it does not
    hold; PlanMismatch: a plan for another layer.
    """
    value = attributes["flip_rate"]
    number_format = attributes.get("number_format")
    if number_format is not None and str(number_format) not in _NUMBER_FORMATS:
        raise InputError(
            f"number_format: {number_format!r} is unknown; "
            + did_you_mean(str(number_format), _NUMBER_FORMATS)
        )
    if not isinstance(value, str):
        return FlipRate(check_rate(value, "flip_rate"), "the architecture file")
    path = Path(value)
    layer = None if attributes.get("layer") is None else str(attributes["layer"])
    file = _read(path)
    if isinstance(file, _Plan):
        found = _of_plan(file, layer, path)
    else:
        found = _of_comparison(file, layer, attributes.get("method"), path)
    if number_format is not None and file.number_format not in (None, str(number_format)):
        raise InputError(
            f"number_format: {number_format!r} in the architecture, but {path} counted flips in "
            f"{file.number_format!r}"
        )
    width = str(attributes.get("weight_bits", file.bits)).removesuffix(".0")  # hosts hand over floats
    if file.bits is not None and width != str(file.bits):
        raise InputError(
            f"weight_bits: {width} in the architecture, but {path} counted flips of {file.bits}-bit weights; "
            "a rate of flips a bit holds for its own width only"
        )
    return found


def _read(path: Path) -> _Plan | _Comparison:
    advice = (
        "give a number from 0 to 1, or the absolute path of a plan or of a compare.json "
        f"(hosts run in folders of their own; this one is {Path.cwd()})"
    )
    try:
        data = read_json(path, _SCHEMAS, advice)
    except InputError as error:
        raise InputError(f"flip_rate: {error}") from error
    is_plan = data["schema"] == _PLAN
    try:
        return check(_Plan, data, path) if is_plan else check(_Comparison, data, path)
    except InputError as error:
        command = "optimize" if is_plan else "compare"
        raise InputError(f"flip_rate: {error}; write it again with 'hd-plugin {command}'") from error


def _of_plan(plan: _Plan, layer: str | None, path: Path) -> FlipRate:
    if layer is not None and layer != plan.layer:
        raise PlanMismatch(
            f"flip_rate: {path} is a plan for layer {plan.layer!r}, but the architecture asks for layer "
            f"{layer!r}; give the plan of that layer"
        )
    if plan.nhd is None:
        raise InputError(
            f"flip_rate: {path}: nhd: missing; write the plan with 'hd-plugin optimize' or 'compare'"
        )
    return FlipRate(check_rate(plan.nhd, f"{path}: nhd"), f"{path} (layer {plan.layer}, {plan.method})")


def _of_comparison(file: _Comparison, layer: str | None, method: Any, path: Path) -> FlipRate:
    layers = {entry.name: entry.methods for entry in file.layers}
    if layer is None or method is None:
        raise InputError(f"flip_rate: {path} is a comparison; give 'layer' and 'method' beside it")
    if layer not in layers:
        raise InputError(f"layer: {path} has no layer {layer!r}; {did_you_mean(layer, layers)}")
    methods = layers[layer]
    method = str(method)
    if method not in methods:
        raise InputError(
            f"method: {path}, layer {layer!r}: no method {method!r}; {did_you_mean(method, methods)}"
        )
    entry = methods[method]
    nhd = entry.get("nhd") if isinstance(entry, Mapping) else None
    rate = check_rate(nhd, f"{path}: layer {layer!r}, method {method!r}: nhd")
    return FlipRate(rate, f"{path} (layer {layer}, {method})")


def check_rate(value: Any, where: str) -> float:
    """``value`` as a float; raises InputError unless it is a number from 0 to 1."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 0 <= value <= 1:
        raise InputError(
            f"{where}: {shown(value)} found; a number from 0 to 1 is needed (flips per weight bit and step)"
        )
    return float(value)
