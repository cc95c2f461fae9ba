"""What functions and methods of PyTorch do to channels; None where nobody knows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import fx

from hd_plugin.rewriting._channels import ChannelGraph, Space
from hd_plugin.rewriting._torch_trace import shape_of

__all__ = ["QUERIES", "Call", "space_after"]

QUERIES = {"size", "dim", "getattr", "numel", "len", "ndimension"}  # of sizes, which no order changes
_PLANE = {  # of images only
    "max_pool2d",
    "avg_pool2d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
    "interpolate",
    "boolean_dispatch",
}
_CHANNELWISE = _PLANE | {
    "relu",
    "relu_",
    "relu6",
    "leaky_relu",
    "elu",
    "gelu",
    "silu",
    "hardswish",
    "hardsigmoid",
    "hardtanh",
    "sigmoid",
    "tanh",
    "dropout",
    "clamp",
    "contiguous",
    "float",
    "neg",
    "abs",
    "clone",
    "detach",
}
_ELEMENTWISE = {
    "add",
    "iadd",
    "add_",
    "sub",
    "isub",
    "sub_",
    "mul",
    "imul",
    "mul_",
    "truediv",
    "div",
    "div_",
    "maximum",
    "minimum",
}


@dataclass(frozen=True, eq=False)
class Call:
    """A function or method ``name`` at ``node``, the shape of what it makes, the spaces of nodes before."""

    graph: ChannelGraph
    node: fx.Node
    name: str
    shape: tuple[int, ...]
    spaces: dict[fx.Node, Space | None]

    @property
    def tensors(self) -> list[fx.Node]:
        """Inputs that have channels."""
        return [n for n in self.node.all_input_nodes if self.spaces.get(n) is not None]

    @property
    def first(self) -> Space:
        """The space of the first of them."""
        return self.space(self.tensors[0])

    @property
    def before(self) -> tuple[int, ...]:
        """Its shape."""
        return shape_of(self.tensors[0]) or ()

    def space(self, node: fx.Node) -> Space:
        space = self.spaces[node]
        assert space is not None
        return space

    def argument(self, at: int, name: str, default: Any = None) -> Any:
        return self.node.args[at] if len(self.node.args) > at else self.node.kwargs.get(name, default)


def space_after(call: Call) -> Space | None:
    """The channels of what the call makes; None where nobody knows."""
    moving = call.tensors
    others = [n for n in call.node.all_input_nodes if n not in moving and shape_of(n) is not None]
    if not moving or others:  # 1-D tensors, numbers
        return None
    if call.name in _ELEMENTWISE:
        return _elementwise(call)
    for rule in (_channelwise, _concatenated, _padded, _averaged, _sliced, _reshaped):
        found = rule(call)
        if found is not None:
            return found
    return None


def _elementwise(call: Call) -> Space | None:
    moving, shape = call.tensors, call.shape
    inputs = [n for n in call.node.all_input_nodes if shape_of(n)]
    shapes = [shape_of(n) or () for n in moving]
    if any(len(s) != len(shape) for s in shapes) or len(moving) < len(inputs):
        return None
    wide = [call.space(n) for n, s in zip(moving, shapes) if s[1] == shape[1]]
    for other in wide[1:]:
        call.graph.tie(wide[0], other)
    return wide[0]


def _channelwise(call: Call) -> Space | None:
    plane = call.name in _PLANE or call.node.target in (F.max_pool2d, F.adaptive_max_pool2d)
    if not (call.name in _CHANNELWISE or plane) or len(call.tensors) != 1:
        return None
    fits = call.shape[1] == call.before[1] and (len(call.before) == 4 or not plane)
    return call.first if fits else None


def _concatenated(call: Call) -> Space | None:
    if call.name not in ("cat", "concat") or call.argument(1, "dim", 0) % len(call.shape) != 1:
        return None
    given = call.argument(0, "tensors")
    if any(call.spaces.get(n) is None for n in given):
        return None
    return call.graph.side_by_side([call.space(n) for n in given])


def _padded(call: Call) -> Space | None:
    if call.name != "pad" or len(call.tensors) != 1:
        return None
    widths = [*call.argument(1, "pad"), *[0] * 8]
    at = 2 * (len(call.shape) - 2)
    low, high = widths[at : at + 2]
    constant = call.argument(2, "mode", "constant") == "constant"
    if not all(isinstance(w, int) for w in widths) or any(widths[at + 2 :]):
        return None
    if not (constant or low == high == 0) or call.first.repeat != 1 or low < 0 or high < 0:
        return None
    return call.graph.padded(call.first, low, high)


def _averaged(call: Call) -> Space | None:
    if call.name != "mean":
        return None
    dims = call.argument(1, "dim")
    dims = [dims] if isinstance(dims, int) else list(dims) if isinstance(dims, (tuple, list)) else []
    whole = bool(dims) and all(isinstance(d, int) for d in dims)
    return call.first if whole and min(d % len(call.before) for d in dims) >= 2 else None


def _sliced(call: Call) -> Space | None:
    if call.name != "getitem" or len(call.tensors) != 1 or call.tensors[0] is not call.node.args[0]:
        return None
    index: Any = call.node.args[1]
    index = index if isinstance(index, tuple) else (index,)
    if not all(isinstance(i, slice) for i in index):
        return None
    if any(isinstance(b, fx.Node) for i in index for b in (i.start, i.stop, i.step)):
        return None
    if len(index) < 2 or index[1] == slice(None):
        return call.first
    start, stop, step = index[1].indices(call.before[1])
    return call.graph.part(call.first, start, stop) if step == 1 and stop > start else None


def _reshaped(call: Call) -> Space | None:
    if call.name not in ("flatten", "view", "reshape", "squeeze", "unsqueeze"):
        return None
    shape, before = call.shape, call.before
    to_columns = len(shape) == 2 and shape[0] == before[0] and len(before) > 2
    if to_columns and call.name != "unsqueeze":
        return call.graph.spread(call.first, math.prod(before[2:]))
    same = shape[:2] == before[:2] and math.prod(shape[2:]) == math.prod(before[2:])
    return call.first if same else None
