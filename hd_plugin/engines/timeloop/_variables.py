"""The variables of a run: the array's, and what the layer and its order set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hd_plugin._data_files import data_folder
from hd_plugin.engines._array import Array, read_variables
from hd_plugin.engines._protocol import Request
from hd_plugin.engines.timeloop._problem import shape_of
from hd_plugin.weights import Layer

__all__ = ["too_small", "variables_for"]

_DEFAULTS = "input_stationary_8x8.yaml"


def variables_for(
    request: Request, array: Array, technology: str = "", input_copies: int = 1
) -> dict[str, Any]:
    """The array's own variables over the bundled 8x8 array's, and what layer and plan set.

    technology : a name or path that the plug-in finds from any folder. input_copies : how often an unrolled
    problem holds each input.
    """
    layer, lut_bits = request.layer, request.lut_bits
    return {
        **read_variables(data_folder("arch") / _DEFAULTS),
        **array.variables,
        "technology": technology,
        "dataflow": array.dataflow,
        "rows": array.rows,
        "cols": array.cols,
        "weight_bits": layer.bits,
        "activation_bits": array.activation_bits,
        "psum_bits": array.psum_bits,
        "accumulator_bits": array.accumulator_bits,
        "number_format": layer.number_format,
        "weight_flip_rate": request.flip_rate,
        "lut_entries": layer.K * request.groups if lut_bits else 1,
        "lut_entry_bits": lut_bits,
        "lut_reads_per_cycle": int(lut_bits > 0),
        "input_copies": input_copies,
    }


def too_small(layer: Layer, array: Array) -> Iterator[str]:
    """A sentence for every buffer of the array that does not hold its part of the layer."""
    shape, given = shape_of(layer), variables_for(Request(layer, 1, 0.5), array)
    needed = {
        "weight_buffer_depth": layer.codes.size,
        "output_buffer_depth": shape.K * shape.pixels,
        "input_buffer_depth": shape.C * (shape.P + shape.R - 1) * (shape.Q + shape.S - 1),
        "accumulation_buffer_depth": shape.K * array.cols,
    }
    for name, words in needed.items():
        if isinstance(given.get(name), (int, float)) and given[name] < words:
            yield (
                f"variables.{name}: {given[name]} found, but layer {layer.name!r} needs {words} words; raise "
                f"it in an array file (arch/{_DEFAULTS} shows the form; --array FILE)"
            )
