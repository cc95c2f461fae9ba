"""The channels of an ONNX model: which of them move together, and which have to stay."""

from __future__ import annotations

import math
from typing import Any

from hd_plugin.rewriting._channels import ChannelGraph, Space
from hd_plugin.rewriting._onnx_model import OnnxModel
from hd_plugin.rewriting._onnx_shapes import RESHAPING, reshaped

__all__ = ["OnnxChannels"]

_CHANNELWISE = {
    "Relu",
    "LeakyRelu",
    "Clip",
    "Elu",
    "Selu",
    "Gelu",
    "Sigmoid",
    "HardSigmoid",
    "HardSwish",
    "Tanh",
    "Softplus",
    "Mish",
    "Identity",
    "Dropout",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Cast",
    "Neg",
    "Abs",
}
_ELEMENTWISE = {"Add", "Sub", "Mul", "Div", "Max", "Min", "Sum"}
# operator -> (weights, what runs along their output channels beside them)
_LAYERS = {
    "Conv": (1, (2,)),
    "Gemm": (1, (2,)),
    "MatMul": (1, ()),
    "QLinearConv": (3, (4, 5, 8)),
    "ConvInteger": (1, (3,)),
}


class OnnxChannels:
    """``graph`` of the model, and the space of its ``output``. names : of layers, by what they make."""

    def __init__(self, model: OnnxModel, names: dict[str, str]) -> None:
        self.model, self.names, self.graph = model, names, ChannelGraph()
        self.spaces: dict[str, Space] = {}
        # (node, stored input): uses whose meaning for the channels is known
        self.understood: set[tuple[int, str]] = set()
        for info in model.inputs:
            if info.name not in model.stored and len(model.shape(info.name)) > 1:
                self.spaces[info.name] = self.graph.space(model.shape(info.name)[1], "network input")
        for node in model.nodes:
            if node.op_type != "Constant":
                self._node(node)
        self._pin_other_uses()
        made = [self.spaces[name] for name in model.outputs if name in self.spaces]
        if len(model.outputs) > 1:
            for space in made:
                space.pin("one of several network outputs")
        alone = len(model.outputs) == 1 and bool(made)
        self.output = made[0] if alone else self.graph.space(1, "network output")

    def _pin_other_uses(self) -> None:
        """A stored tensor whose channels move must have no use that nobody looked at."""
        model = self.model
        uses = [
            (model.root(name), id(node), name, model.told(node))
            for node in model.nodes
            if model.root(node.output[0]) is None
            for name in model.reads(node)
        ]
        uses += [(model.root(name), 0, name, "a network output") for name in model.outputs]
        for (key, _), space in self.graph.axes.items():
            for root, node, name, why in uses:
                if root == key and (node, name) not in self.understood:
                    space.pin(f"{why}, which uses {key}")

    def _node(self, node: Any) -> None:
        model, inputs = self.model, self.model.reads(node)
        shape = model.shape(node.output[0])
        if node.op_type in ("Shape", "Size") or all(model.root(name) is not None for name in inputs):
            return  # sizes, which no order changes, and arithmetic on constants
        if len(shape) < 2 and not any(name in self.spaces for name in inputs):
            return
        alone = not any(name in model.wanted for name in node.output[1:])
        plain = alone and inputs == [name for name in node.input if name]
        known = len(shape) > 1 and 0 not in shape[1:]
        out = self._space(node, inputs, shape) if plain and known else None
        why = model.told(node)
        if out is None:
            for name in inputs:
                if name in self.spaces:
                    self.spaces[name].pin(why)
        for i, name in enumerate(node.output):
            sizes = model.shape(name)
            if len(sizes) > 1 and sizes[1]:
                self.spaces[name] = out if out is not None and i == 0 else self.graph.space(sizes[1], why)

    def _space(self, node: Any, inputs: list[str], shape: tuple[int, ...]) -> Space | None:
        """The channels of what the node makes; None where nobody knows."""
        kind, first = node.op_type, self.spaces.get(inputs[0])
        if kind in _ELEMENTWISE:
            return self._elementwise(node, inputs, shape)
        if kind == "Concat":
            return self._concatenated(node, inputs, shape)
        if first is None or kind in _CHANNELWISE:
            return first if kind in _CHANNELWISE else None
        if kind in _LAYERS:
            return self._layer(node, first, shape)
        if kind == "BatchNormalization":
            return self._normalised(node, inputs, first)
        if kind == "PRelu":
            return first if self._constant(node, inputs[1], shape, first) else None
        if kind in ("QuantizeLinear", "DequantizeLinear"):
            return first if all(math.prod(self.model.shape(name)) == 1 for name in inputs[1:]) else None
        if kind in RESHAPING:
            return reshaped(self.model, self.graph, node, first)
        return None

    def _along(self, node: Any, name: str, axis: int, space: Space) -> None:
        """The stored tensor ``name`` has channels along ``axis``; so have scales and zero points of it."""
        model = self.model
        self.understood.add((id(node), name))
        while name not in model.stored:
            made = model.maker[name]
            for extra in made.input[1:]:
                several = extra and math.prod(model.shape(extra)) > 1
                if several and model.attribute(made, "axis", 1) % len(model.shape(name)) == axis:
                    self.graph.along(extra, 0, space)
            name = made.input[0]
        self.graph.along(name, axis, space)

    def _normalised(self, node: Any, inputs: list[str], space: Space) -> Space | None:
        if not all(self.model.root(name) for name in inputs[1:]):
            return None
        for name in inputs[1:]:
            self._along(node, name, 0, space)
        return space

    def _concatenated(self, node: Any, inputs: list[str], shape: tuple[int, ...]) -> Space | None:
        if self.model.attribute(node, "axis", 0) % len(shape) != 1:
            return None
        if not all(name in self.spaces for name in inputs):
            return None
        return self.graph.side_by_side([self.spaces[name] for name in inputs])

    def _layer(self, node: Any, into: Space, shape: tuple[int, ...]) -> Space | None:
        model = self.model
        index, places = _LAYERS[node.op_type]
        weights = node.input[index]
        key = model.root(weights)
        if key is None or node.output[0] not in self.names:
            return None
        sizes, groups = model.shape(key), model.attribute(node, "group", 1)
        linear = node.op_type in ("Gemm", "MatMul")
        if len(sizes) != (2 if linear else 4):
            return None
        if linear and (len(shape) != 2 or model.attribute(node, "transA", 0)):
            return None
        turned = linear and not model.attribute(node, "transB", 0)
        given = [node.input[i] for i in places if i < len(node.input) and node.input[i]]
        beside = [name for name in given if math.prod(model.sizes(name)) > 1]
        if not all(model.root(name) and model.sizes(name)[-1] == sizes[int(turned)] for name in beside):
            return None
        if groups > 1:
            if sizes[1] != 1 or groups != into.channels * into.repeat:
                return None
            out = self.graph.spread(into, sizes[0] // groups)
            self._along(node, weights, 0, out)
        else:
            out = self.graph.axes.get((key, int(turned))) or self.graph.space(shape[1])
            self._along(node, weights, int(turned), out)
            self._along(node, weights, int(not turned), into)
            self.graph.layer(self.names[node.output[0]], key, out, into, int(turned), int(not turned))
        for name in beside:
            self._along(node, name, len(model.sizes(name)) - 1, out)
        return out

    def _elementwise(self, node: Any, inputs: list[str], shape: tuple[int, ...]) -> Space | None:
        moving = [name for name in inputs if name in self.spaces]
        wide = [self.spaces[name] for name in moving if self.model.shape(name)[1] == shape[1]]
        if not wide or any(len(self.model.shape(name)) != len(shape) for name in moving):
            return None
        for other in wide[1:]:
            self.graph.tie(wide[0], other)
        still = [name for name in inputs if name not in self.spaces]
        return wide[0] if all(self._constant(node, name, shape, wide[0]) for name in still) else None

    def _constant(self, node: Any, name: str, shape: tuple[int, ...], space: Space) -> bool:
        """Whether a stored operand is a number, or one for each channel (which then moves along)."""
        if self.model.root(name) is None:
            return False
        sizes = self.model.sizes(name)
        self.understood.add((id(node), name))
        if math.prod(sizes) == 1:
            return True
        axis = 1 - len(shape) + len(sizes)  # of its channels, counted from the right as broadcasting does
        if axis < 0 or sizes[axis] != shape[1] or math.prod(sizes) != shape[1]:
            return axis < 0 or sizes[axis] == 1
        self._along(node, name, axis, space)
        return True
