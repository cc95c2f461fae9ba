"""The channels of an ONNX model, and the model written back with them reordered."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from hd_plugin._atomic import atomic_path
from hd_plugin.errors import InputError
from hd_plugin.rewriting._channels import ChannelGraph, Space, order_of
from hd_plugin.rewriting._solve import Rewriting, solve
from hd_plugin.weights import Network, load_network
from hd_plugin.weights._readers._onnx import layer_names, load_model

__all__ = ["RewrittenOnnx", "rewrite_onnx"]

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


@dataclass(frozen=True, eq=False)
class RewrittenOnnx:
    """network : the reordered layers. told : what happened to each layer. output_order : int64[outputs]; output i of the new file is
    output output_order[i] of the old one."""

    network: Network
    told: list[Rewriting]
    output_order: np.ndarray


def rewrite_onnx(
    source: str | Path,
    target: str | Path | None,
    *,
    outputs: str = "keep",
    effort: str = "local",
    seed: int = 0,
    threads: int | None = None,
    **options: Any,
) -> RewrittenOnnx:
    """Write ``source`` to ``target`` (None: nowhere) with its channels reordered, as ``rewrite_torch`` does. options : of ``load_network``.

    Raises InputError for a file that is damaged or whose shapes cannot be inferred; MissingTool without onnx.
    """
    if outputs not in ("keep", "permute"):
        raise InputError(f"outputs: {outputs!r} found; keep or permute")
    path = Path(source)
    onnx, model = load_model(path)
    network = load_network(path, **{"spec": "none", **options})
    trace = _Trace(path, onnx, model)
    if outputs == "keep":
        trace.output.pin("network output")
    try:
        solution = solve(trace.graph, {layer.name: layer for layer in network.layers}, effort, seed, threads)
        moved = {
            key: solution.permuted(key, onnx.numpy_helper.to_array(trace.stored[key]))
            for key in {key for key, _ in trace.graph.axes}
        }
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    for key, values in moved.items():
        trace.stored[key].CopyFrom(
            onnx.numpy_helper.from_array(np.ascontiguousarray(values), trace.stored[key].name)
        )
    if target is not None:
        with atomic_path(Path(target)) as temporary:
            onnx.save(model, str(temporary))
    layers = [solution.layers.get(layer.name, layer) for layer in network.layers]
    return RewrittenOnnx(
        Network(network.name, layers, network.unmapped, str(target or source)),
        solution.told,
        order_of(trace.output, solution.orders),
    )


class _Trace:
    """``graph`` of the model, the ``stored`` tensors by name, and the space of its ``output``."""

    def __init__(self, path: Path, onnx: ModuleType, model: Any) -> None:
        self.onnx, self.graph, self.names = onnx, ChannelGraph(), layer_names(path, onnx, model)
        self.spaces: dict[str, Space] = {}
        self.stored = {t.name: t for t in model.graph.initializer}
        self.maker = {out: node for node in model.graph.node for out in node.output}
        self.understood: set[tuple[int, str]] = (
            set()
        )  # (node, stored input): uses whose meaning for the channels is known
        self.wanted = {name for node in model.graph.node for name in self._reads(node)} | {
            o.name for o in model.graph.output
        }
        for node in model.graph.node:
            if node.op_type == "Constant":
                self.stored.update({node.output[0]: a.t for a in node.attribute if a.name == "value"})
        self.shapes = self._inferred(path, model)
        for info in model.graph.input:
            if info.name not in self.stored and len(self._shape(info.name)) > 1:
                self.spaces[info.name] = self.graph.space(self._shape(info.name)[1], "network input")
        for node in model.graph.node:
            if node.op_type != "Constant":
                self.now = node
                self._node(node)
        self._pin_other_uses(model)
        made = [self.spaces[o.name] for o in model.graph.output if o.name in self.spaces]
        for space in made if len(model.graph.output) > 1 else []:
            space.pin("one of several network outputs")
        self.output = (
            made[0] if len(model.graph.output) == 1 and made else self.graph.space(1, "network output")
        )

    def _reads(self, node: Any) -> list[str]:
        """Inputs of a node, and what graphs inside of it (branches, loops) take from outside."""
        inner = [
            g
            for a in node.attribute
            for g in ([a.g] if a.type == self.onnx.AttributeProto.GRAPH else a.graphs)
        ]
        return (
            [name for name in node.input if name]
            + [name for g in inner for n in g.node for name in self._reads(n)]
            + [o.name for g in inner for o in g.output]
        )

    def _pin_other_uses(self, model: Any) -> None:
        """A stored tensor whose channels move must have no use that nobody looked at."""
        uses = [
            (self._root(name), id(node), name, f"operation {node.op_type} {node.name or node.output[0]!r}")
            for node in model.graph.node
            if self._root(node.output[0]) is None
            for name in self._reads(node)
        ]
        uses += [(self._root(o.name), 0, o.name, "a network output") for o in model.graph.output]
        for (key, _), space in self.graph.axes.items():
            for root, node, name, why in uses:
                if root == key and (node, name) not in self.understood:
                    space.pin(f"{why}, which uses {key}")

    def _inferred(self, path: Path, model: Any) -> dict[str, tuple[int, ...]]:
        try:
            graph = self.onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
        except self.onnx.shape_inference.InferenceError as error:
            raise InputError(
                f"{path}: the shapes of its tensors cannot be inferred ({str(error).splitlines()[0]})"
            ) from error
        return {
            info.name: tuple(d.dim_value for d in info.type.tensor_type.shape.dim)
            for info in (*graph.input, *graph.value_info, *graph.output)
            if info.type.HasField("tensor_type")
        }

    def _shape(self, name: str) -> tuple[int, ...]:
        """Sizes; 0 where one is not known. The batch may be unknown, nothing else."""
        return tuple(self.stored[name].dims) if name in self.stored else self.shapes.get(name, ())

    def _attribute(self, node: Any, name: str, default: Any) -> Any:
        return next(
            (self.onnx.helper.get_attribute_value(a) for a in node.attribute if a.name == name), default
        )

    def _numbers(self, name: str) -> list[int]:
        return (
            self.onnx.numpy_helper.to_array(self.stored[name]).reshape(-1).tolist()
            if name in self.stored
            else []
        )

    def _node(self, node: Any) -> None:
        inputs = self._reads(node)
        shape = self._shape(node.output[0])
        if node.op_type in ("Shape", "Size") or all(self._root(name) is not None for name in inputs):
            return  # sizes, which no order changes, and arithmetic on constants
        if len(shape) < 2 and not any(name in self.spaces for name in inputs):
            return
        plain = inputs == [name for name in node.input if name] and not any(
            name in self.wanted for name in node.output[1:]
        )
        out = self._space(node, inputs, shape) if plain and len(shape) > 1 and 0 not in shape[1:] else None
        why = f"operation {node.op_type} {node.name or node.output[0]!r}"
        if out is None:
            for name in inputs:
                if name in self.spaces:
                    self.spaces[name].pin(why)
        for i, name in enumerate(node.output):
            sizes = self._shape(name)
            if len(sizes) > 1 and sizes[1]:
                self.spaces[name] = out if out is not None and i == 0 else self.graph.space(sizes[1], why)

    def _root(self, name: str) -> str | None:
        """The stored tensor that ``name`` is, or is quantised or dequantised from; None for an activation."""
        if name in self.stored:
            return name
        node = self.maker.get(name)
        if node is None or node.op_type not in ("DequantizeLinear", "QuantizeLinear", "Identity"):
            return None
        return self._root(node.input[0])

    def _along(self, name: str, axis: int, space: Space) -> None:
        """The stored tensor ``name`` has channels along ``axis``; so have the scales and zero points on the way to it."""
        self.understood.add((id(self.now), name))
        while name not in self.stored:
            node = self.maker[name]
            for extra in node.input[1:]:
                if (
                    extra
                    and math.prod(self._shape(extra)) > 1
                    and self._attribute(node, "axis", 1) % len(self._shape(name)) == axis
                ):
                    self.graph.along(extra, 0, space)
            name = node.input[0]
        self.graph.along(name, axis, space)

    def _space(self, node: Any, inputs: list[str], shape: tuple[int, ...]) -> Space | None:
        kind, first = node.op_type, self.spaces.get(inputs[0])
        if kind in _LAYERS and first is not None:
            return self._layer(node, first, shape)
        if kind == "BatchNormalization" and first is not None and all(self._root(n) for n in inputs[1:]):
            for name in inputs[1:]:
                self._along(name, 0, first)
            return first
        if kind in _ELEMENTWISE:
            return self._elementwise(inputs, shape)
        if kind == "PRelu" and first is not None and self._root(inputs[1]):
            return first if self._constant(inputs[1], shape, first) else None
        if kind in ("QuantizeLinear", "DequantizeLinear") and first is not None:
            return first if all(math.prod(self._shape(name)) == 1 for name in inputs[1:]) else None
        if kind in _CHANNELWISE:
            return first
        if (
            kind == "Concat"
            and self._attribute(node, "axis", 0) % len(shape) == 1
            and all(name in self.spaces for name in inputs)
        ):
            return self.graph.side_by_side([self.spaces[name] for name in inputs])
        if kind in ("Flatten", "Reshape", "Squeeze", "ReduceMean", "Pad", "Resize"):
            return self._reshaped(node, inputs, shape)
        return None

    def _layer(self, node: Any, into: Space, shape: tuple[int, ...]) -> Space | None:
        index, beside = _LAYERS[node.op_type]
        weights = node.input[index]
        if self._root(weights) is None or node.output[0] not in self.names:
            return None
        sizes = self._shape(self._root(weights))
        groups = self._attribute(node, "group", 1)
        linear = node.op_type in ("Gemm", "MatMul")
        if (linear and (len(sizes) != 2 or len(shape) != 2 or self._attribute(node, "transA", 0))) or (
            not linear and len(sizes) != 4
        ):
            return None
        beside = [node.input[i] for i in beside if i < len(node.input) and node.input[i]]
        beside = [name for name in beside if math.prod(self._shape(self._root(name) or name)) > 1]
        channels = sizes[0] if not linear or self._attribute(node, "transB", 0) else sizes[1]
        if not all(self._root(name) and self._shape(self._root(name))[-1] == channels for name in beside):
            return None
        if groups > 1:
            if sizes[1] != 1 or groups != into.channels * into.repeat:
                return None
            out = self.graph.spread(into, sizes[0] // groups)
            self._along(weights, 0, out)
        else:
            turned = linear and not self._attribute(node, "transB", 0)
            out = self.graph.axes.get((self._root(weights), int(turned))) or self.graph.space(shape[1])
            self._along(weights, int(turned), out)
            self._along(weights, int(not turned), into)
            self.graph.layer(
                self.names[node.output[0]], self._root(weights), out, into, int(turned), int(not turned)
            )
        for name in beside:
            self._along(name, len(self._shape(self._root(name))) - 1, out)
        return out

    def _elementwise(self, inputs: list[str], shape: tuple[int, ...]) -> Space | None:
        moving = [name for name in inputs if name in self.spaces]
        wide = [self.spaces[name] for name in moving if self._shape(name)[1] == shape[1]]
        if not wide or any(len(self._shape(name)) != len(shape) for name in moving):
            return None
        for other in wide[1:]:
            self.graph.tie(wide[0], other)
        still = [name for name in inputs if name not in self.spaces]
        return wide[0] if all(self._constant(name, shape, wide[0]) for name in still) else None

    def _constant(self, name: str, shape: tuple[int, ...], space: Space) -> bool:
        """Whether a stored operand is a number, or one for each channel (which then moves along)."""
        if self._root(name) is None:
            return False
        sizes = self._shape(self._root(name))
        self.understood.add((id(self.now), name))
        if math.prod(sizes) == 1:
            return True
        axis = (
            1 - len(shape) + len(sizes)
        )  # where its channels are, counted from the right as broadcasting does
        if axis < 0 or sizes[axis] != shape[1] or math.prod(sizes) != shape[1]:
            return axis < 0 or sizes[axis] == 1
        self._along(name, axis, space)
        return True

    def _reshaped(self, node: Any, inputs: list[str], shape: tuple[int, ...]) -> Space | None:
        first, before = self.spaces.get(inputs[0]), self._shape(inputs[0])
        if first is None or len(before) < 2:
            return None
        if node.op_type == "Pad":
            pads = self._numbers(inputs[1]) if len(inputs) > 1 else list(self._attribute(node, "pads", []))
            low, high = (pads[1], pads[1 + len(before)]) if len(pads) == 2 * len(before) else (-1, -1)
            mode = self._attribute(node, "mode", b"constant")
            if (
                mode not in (b"constant", "constant")
                or first.repeat > 1
                or low < 0
                or high < 0
                or pads[0]
                or pads[len(before)]
                or len(inputs) > 3
            ):
                return None
            return self.graph.side_by_side(
                [
                    *([self.graph.space(low)] if low else []),
                    first,
                    *([self.graph.space(high)] if high else []),
                ]
            )
        if node.op_type == "ReduceMean":
            axes = self._attribute(node, "axes", None) or (
                self._numbers(inputs[1]) if len(inputs) > 1 else []
            )
            return first if axes and min(a % len(before) for a in axes) >= 2 else None
        if len(shape) == len(before):
            same = (
                node.op_type == "Resize"
                or shape[0] == before[0]
                or math.prod(shape[2:]) == math.prod(before[2:])
            )
            return (
                first
                if shape[1] == before[1]
                and same
                and (node.op_type == "Resize" or math.prod(shape[2:]) == math.prod(before[2:]))
                else None
            )
        if len(shape) == 2 and len(before) > 2 and shape[1] == math.prod(before[1:]) and 0 not in before[1:]:
            return self.graph.spread(first, math.prod(before[2:]))
        return first if shape[1] == before[1] and math.prod(shape[2:]) == math.prod(before[2:]) else None
