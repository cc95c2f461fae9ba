"""A flip rate from an architecture's attributes: a number, or a plan or comparison that hd_plugin wrote."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hd_plugin.errors import InputError, PlanMismatch, did_you_mean

__all__ = ["FlipRate", "check_rate", "find_flip_rate"]

_NUMBER_FORMATS = ("twos_complement", "sign_magnitude", "offset_binary", "gray")


@dataclass(frozen=True)
class FlipRate:
    """``value``: flips per weight bit and step, 0 to 1 (the paper's NHD); ``source``: where it was found."""

    value: float
    source: str


def find_flip_rate(attributes: Mapping[str, Any]) -> FlipRate:
    """The flip rate of ``attributes['flip_rate']``: a number, or the path of a plan or of a compare.json.

    A comparison needs ``layer`` and ``method`` beside it; a plan is checked against ``layer`` when that is given. A
    ``number_format`` beside them has to be the one that the flips were counted in. Raises InputError: no rate from 0
    to 1, a file that is neither, a layer or method that it does not hold; PlanMismatch: a plan for another layer.
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
    try:
        data = json.loads(path.read_text(encoding="utf8"))
    except FileNotFoundError as error:
        raise InputError(
            f"flip_rate: {value}: no such file; give a number from 0 to 1, or the absolute path of a plan or of "
            f"a compare.json (hosts run in folders of their own; this one is {Path.cwd()})"
        ) from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"flip_rate: {value}: not readable as JSON ({error})") from error
    schema = data.get("schema") if isinstance(data, dict) else None
    layer = None if attributes.get("layer") is None else str(attributes["layer"])
    if schema == "hd-plugin/plan/1":
        found, told = _of_plan(data, layer, path)
    elif schema == "hd-plugin/compare/1":
        found, told = _of_comparison(data, layer, attributes.get("method"), path)
    else:
        raise InputError(
            f"flip_rate: {path}: schema: {schema!r} found; 'hd-plugin/plan/1' or 'hd-plugin/compare/1' is needed"
        )
    counted = data.get("number_format")
    if number_format is not None and counted is not None and str(number_format) != counted:
        raise InputError(
            f"number_format: {number_format!r} in the architecture, but {path} counted flips in {counted!r}"
        )
    return FlipRate(check_rate(found, f"{path}: nhd"), told)


def _of_plan(data: Mapping[str, Any], layer: str | None, path: Path) -> tuple[Any, str]:
    if layer is not None and layer != data.get("layer"):
        raise PlanMismatch(
            f"flip_rate: {path} is a plan for layer {data.get('layer')!r}, but the architecture asks for layer "
            f"{layer!r}; give the plan of that layer"
        )
    if data.get("nhd") is None:
        raise InputError(
            f"flip_rate: {path}: nhd: missing; write the plan with 'hd-plugin optimize' or 'hd-plugin compare'"
        )
    return data["nhd"], f"{path} (layer {data.get('layer')}, {data.get('method')})"


def _of_comparison(data: Mapping[str, Any], layer: str | None, method: Any, path: Path) -> tuple[Any, str]:
    entries = data.get("layers")
    if not isinstance(entries, list) or not all(
        isinstance(e, dict) and isinstance(e.get("methods"), dict) for e in entries
    ):
        raise InputError(
            f"flip_rate: {path}: layers: not the list that a comparison holds; write it again with 'hd-plugin compare'"
        )
    layers = {str(entry.get("name")): entry["methods"] for entry in entries}
    if layer is None or method is None:
        raise InputError(f"flip_rate: {path} is a comparison; give 'layer' and 'method' beside it")
    if layer not in layers:
        raise InputError(f"layer: {path} has no layer {layer!r}; {did_you_mean(layer, layers)}")
    methods = layers[layer]
    if str(method) not in methods or not isinstance(methods[str(method)], dict):
        raise InputError(
            f"method: {path}, layer {layer!r}: no method {str(method)!r}; {did_you_mean(str(method), methods)}"
        )
    return methods[str(method)].get("nhd"), f"{path} (layer {layer}, {method})"


def check_rate(value: Any, where: str) -> float:
    """``value`` as a float; raises InputError unless it is a number from 0 to 1."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 0 <= value <= 1:
        raise InputError(
            f"{where}: {value!r} found; a number from 0 to 1 is needed (flips per weight bit and step)"
        )
    return float(value)
