"""What ONNX operations that change shapes do to channels; None where nobody knows."""

from __future__ import annotations

import math
from typing import Any

from hd_plugin.rewriting._channels import ChannelGraph, Space
from hd_plugin.rewriting._onnx_model import OnnxModel

__all__ = ["RESHAPING", "reshaped"]

RESHAPING = ("Flatten", "Reshape", "Squeeze", "ReduceMean", "Pad", "Resize")


def reshaped(model: OnnxModel, graph: ChannelGraph, node: Any, space: Space) -> Space | None:
    """The channels of what ``node`` makes of a tensor with the channels ``space``."""
    inputs = [name for name in node.input if name]
    before, shape = model.shape(inputs[0]), model.shape(node.output[0])
    if len(before) < 2:
        return None
    if node.op_type == "Pad":
        return _padded(model, graph, node, space)
    if node.op_type == "ReduceMean":
        axes = model.attribute(node, "axes", None) or (model.numbers(inputs[1]) if len(inputs) > 1 else [])
        return space if axes and min(a % len(before) for a in axes) >= 2 else None
    plane = math.prod(shape[2:]) == math.prod(before[2:])
    if len(shape) == len(before):
        return space if shape[1] == before[1] and (node.op_type == "Resize" or plane) else None
    if len(shape) == 2 and len(before) > 2 and shape[1] == math.prod(before[1:]) and 0 not in before[1:]:
        return graph.spread(space, math.prod(before[2:]))
    return space if shape[1] == before[1] and plane else None


def _padded(model: OnnxModel, graph: ChannelGraph, node: Any, space: Space) -> Space | None:
    inputs = [name for name in node.input if name]
    dims = len(model.shape(inputs[0]))
    pads = model.numbers(inputs[1]) if len(inputs) > 1 else list(model.attribute(node, "pads", []))
    if len(pads) != 2 * dims or len(inputs) > 3 or space.repeat > 1:
        return None
    low, high = pads[1], pads[1 + dims]
    if model.attribute(node, "mode", b"constant") not in (b"constant", "constant"):
        return None
    if low < 0 or high < 0 or pads[0] or pads[dims]:  # channels cut off, or images beside the batch
        return None
    return graph.padded(space, low, high)
