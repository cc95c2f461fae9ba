"""ONNX models: Conv, Gemm and MatMul weights in node order, floats or the integers of a quantised model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from hd_plugin._guard import why
from hd_plugin._wording import printable, shown
from hd_plugin.errors import InputError
from hd_plugin.weights._readers._onnx_graph import OnnxSizes, stored_tensors, unclaimed
from hd_plugin.weights._readers._raw import DAMAGE, DEPTHWISE, EMBEDDING, RawFile, RawLayer, Stored, need
from hd_plugin.weights._told import Unmapped

__all__ = ["layer_names", "load_model", "read"]

# operator -> (kind, input of the weights, of their scale, of their zero point); None: floats or through QDQ
_OPERATORS = {
    "Conv": ("conv", 1, None, None),
    "QLinearConv": ("conv", 3, 4, 5),
    "ConvInteger": ("conv", 1, None, 3),
    "Gemm": ("linear", 1, None, None),
    "MatMul": ("linear", 1, None, None),
    "QLinearMatMul": ("linear", 3, 4, 5),
    "MatMulInteger": ("linear", 1, None, 3),
    "ConvTranspose": ("transposed", 1, None, None),
}
_TRANSPARENT = ("Identity", "Transpose", "QuantizeLinear", "DequantizeLinear")


@dataclass(frozen=True, eq=False)
class _Constant:
    """A stored tensor. ``axis`` is the one that a per-channel scale runs along; scale None for floats."""

    name: str
    values: np.ndarray
    scale: np.ndarray | None = None
    zero_point: np.ndarray | int = 0
    axis: int = 0

    def floats(self) -> np.ndarray:
        def along(x: np.ndarray | int) -> np.ndarray:
            x = np.asarray(x, dtype=np.float64)
            rest = (1,) * (self.values.ndim - 1 - self.axis)
            return x if x.size == 1 else x.reshape((-1, *rest))

        assert self.scale is not None
        return (self.values - along(self.zero_point)) * along(self.scale)


def load_model(path: Path) -> tuple[ModuleType, Any]:
    """(onnx, ModelProto). Raises InputError on a damaged file; MissingTool without onnx."""
    onnx = need("onnx", "hd_plugin[onnx]")
    message = need("google.protobuf.message", "hd_plugin[onnx]")
    try:
        model = onnx.load(str(path))
    except (*DAMAGE, message.Error, onnx.checker.ValidationError) as error:
        raise InputError(
            f"{path}: not a readable ONNX model ({why(error)}); "
            "is the download complete, with its external data beside it?"
        ) from error
    if not model.opset_import or not model.graph.node:
        raise InputError(f"{path}: not an ONNX model, or a cut one: it has no operator set or no nodes")
    _check_names(path, model.graph)
    return onnx, model


def _check_names(path: Path, graph: Any) -> None:
    """InputError for names that are no UTF-8: the library hands those over as bytes."""
    names = [tensor.name for tensor in (*graph.initializer, *graph.input, *graph.output)]
    for node in graph.node:
        names += [node.name, node.op_type, *node.input, *node.output, *(a.name for a in node.attribute)]
    if wrong := [name for name in names if not isinstance(name, str)]:
        raise InputError(f"{path}: damaged ONNX model: name {shown(wrong[0])} is no text")


def layer_names(path: Path, onnx: ModuleType, model: Any) -> dict[str, str]:
    """The name that ``read`` gives to the layer which makes a tensor, by the tensor's name."""
    return {node.output[0]: printable(name) for name, node, _, _ in _Graph(path, onnx, model).named()}


def read(path: Path) -> RawFile:
    """Layers in node order; sizes from shape inference.

    A layer is named by its node, or by its weights where the node has no name. Depthwise, grouped, transposed
    and 1-D or 3-D convolutions are unmapped, as are stored tensors that belong to no layer. Raises InputError
    on a damaged file; MissingTool without onnx.
    """
    onnx, model = load_model(path)
    message = need("google.protobuf.message", "hd_plugin[onnx]")
    try:
        return _Graph(path, onnx, model).contents()
    except InputError:
        raise
    except (*DAMAGE, message.Error) as error:
        raise InputError(f"{path}: damaged ONNX model ({why(error)})") from error


class _Graph:
    """One model's main graph, with its stored tensors and the nodes between them and the layers."""

    def __init__(self, path: Path, onnx, model) -> None:
        self.path, self.onnx, self.nodes = path, onnx, list(model.graph.node)
        self.stored = stored_tensors(model.graph)
        self.maker = {out: node for node in self.nodes for out in node.output}
        self.graph = model.graph
        self.sizes = OnnxSizes(onnx, model)

    def contents(self) -> RawFile:
        found, used = RawFile([]), set[str]()
        for name, node, kind, constant in self.named():
            used |= self._behind(node)
            reason = self._why_not(node, kind, constant)
            if reason or constant is None:
                shape = tuple(constant.values.shape) if constant else ()
                found.unmapped.append(Unmapped(name, reason, shape))
            else:
                found.layers.append(self._layer(name, node, kind, constant))
        for name, shape, reason in unclaimed(self.graph, self.stored, used, _OPERATORS):
            if reason == EMBEDDING:
                raw = RawLayer(
                    name.removesuffix(".weight"),
                    shape,
                    lambda name=name: Stored(self._array(name)),  # type: ignore[misc]
                    aside=EMBEDDING,
                )
                found.layers.append(raw)
            else:
                found.unmapped.append(Unmapped(name, reason, shape))
        return found

    def _behind(self, node: Any) -> set[str]:
        """Names of the stored tensors that a node reads, through operations that change no number."""
        found: set[str] = set()
        waiting = [name for name in node.input if name]
        while waiting:
            name = waiting.pop()
            if name in self.stored:
                found.add(name)
            elif name in self.maker and self.maker[name].op_type in _TRANSPARENT:
                waiting += [n for n in self.maker[name].input if n]
        return found

    def named(self) -> Iterator[tuple[str, Any, str, _Constant | None]]:
        """(name, node, kind, weights) of every layer, mapped or not."""
        seen: dict[str, int] = {}
        for node in self.nodes:
            if node.op_type not in _OPERATORS:
                continue
            kind = _OPERATORS[node.op_type][0]
            constant = self._weights(node)
            if constant is None and kind == "linear" and len(node.input) > 1 and not self._left(node):
                continue  # activations times activations (attention): no weights stream here
            name = node.name or (constant.name.removesuffix(".weight") if constant else node.output[0])
            seen[name] = seen.get(name, 0) + 1
            yield name + (f"#{seen[name]}" if seen[name] > 1 else ""), node, kind, constant

    def _left(self, node) -> bool:
        return self._constant(node.input[0]) is not None

    def _attribute(self, node, name: str, default):
        for attribute in node.attribute:
            if attribute.name == name:
                return self.onnx.helper.get_attribute_value(attribute)
        return default

    def _array(self, name: str) -> np.ndarray:
        array = np.asarray(self.onnx.numpy_helper.to_array(self.stored[name]))
        if array.dtype.kind in "fiu":
            return array
        # int4 and bfloat16 come as types of ml_dtypes, which NumPy's own arithmetic does not take
        whole = "int" in array.dtype.name
        return array.astype(np.int16 if whole else np.float32)

    def _constant(self, name: str) -> _Constant | None:
        """The stored tensor behind ``name``, through _TRANSPARENT operations."""
        if name in self.stored:
            return _Constant(name, self._array(name))
        node = self.maker.get(name)
        if node is None or node.op_type not in _TRANSPARENT:
            return None
        inner = self._constant(node.input[0])
        # floats before a QuantizeLinear are requantised anyway
        if inner is None or node.op_type in ("Identity", "QuantizeLinear"):
            return inner
        if node.op_type == "Transpose":
            order = list(self._attribute(node, "perm", range(inner.values.ndim)[::-1]))
            return replace(inner, values=inner.values.transpose(order), axis=order.index(inner.axis))
        if inner.values.dtype.kind == "f":
            return inner
        zero = self._array(node.input[2]) if len(node.input) > 2 and node.input[2] else 0
        axis = self._attribute(node, "axis", 1) % inner.values.ndim
        return replace(inner, scale=self._array(node.input[1]), zero_point=zero, axis=axis)

    def _weights(self, node) -> _Constant | None:
        kind, index, at_scale, at_zero = _OPERATORS[node.op_type]
        found = self._constant(node.input[index]) if len(node.input) > index else None
        if found is None or found.values.dtype.kind == "f" or found.scale is not None:
            return found
        zero = (
            self._array(node.input[at_zero])
            if at_zero and len(node.input) > at_zero and node.input[at_zero]
            else 0
        )
        scale = self._array(node.input[at_scale]) if at_scale else np.array(1.0)
        return replace(
            found, scale=scale, zero_point=zero, axis=0 if kind == "conv" else found.values.ndim - 1
        )

    def _why_not(self, node, kind: str, constant: _Constant | None) -> str:
        if kind == "transposed":
            return "transposed convolution"
        if constant is None:
            return "its weights are computed or stand on the left, not stored on the right"
        wanted = 4 if kind == "conv" else 2
        if constant.values.ndim != wanted:
            return (
                f"weights of {constant.values.ndim} dimensions; only {wanted} are mapped for {node.op_type}"
            )
        groups = self._attribute(node, "group", 1) if kind == "conv" else 1
        if groups > 1:
            return DEPTHWISE if constant.values.shape[1] == 1 else f"grouped convolution, groups={groups}"
        return ""

    def _layer(self, name: str, node, kind: str, constant: _Constant) -> RawLayer:
        where = f"{self.path}: layer {name!r}"
        if kind == "linear" and not (node.op_type == "Gemm" and self._attribute(node, "transB", 0)):
            constant = replace(constant, values=constant.values.T, axis=1 - constant.axis)
        window, hw = None, self.sizes.vectors(node.output[0])
        if kind == "conv":
            window, hw = self.sizes.window(node, constant.values.shape[2:]), self.sizes.plane(node.output[0])
        shape = tuple(constant.values.shape)
        if constant.scale is not None and max(np.ndim(constant.scale), np.ndim(constant.zero_point)) > 1:
            raise InputError(
                f"{where}: blocked quantisation (a scale of {np.ndim(constant.scale)} dimensions) is not "
                "supported; export with one scale per tensor or output channel"
            )

        def load() -> Stored:
            if constant.scale is None:
                return Stored(constant.values)
            if constant.axis != 0 and np.size(constant.scale) > 1:
                return Stored(constant.floats())  # a scale per input channel: no [K] can hold it
            return Stored(constant.values, constant.scale, constant.zero_point)

        return RawLayer(name, shape, load, hw, window)
