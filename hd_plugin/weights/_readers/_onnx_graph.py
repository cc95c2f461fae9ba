"""What an ONNX graph tells beside its layers: sizes, strides and paddings, and what else it stores."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

from hd_plugin.errors import InputError
from hd_plugin.weights._layer import Window
from hd_plugin.weights._readers._raw import DAMAGE, EMBEDDING, same_padding

__all__ = ["OnnxSizes", "stored_tensors", "unclaimed"]

_PACKED = ("MatMulNBits", "MatMulBnb4", "MatMulFpQ4", "GatherBlockQuantized")
_REAL = (1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 16)  # TensorProto: floats and integers of 8 bits or more


def stored_tensors(graph: Any) -> Mapping[str, Any]:
    """The tensors that a graph holds itself, by name: initializers and the values of its constants."""
    stored = {t.name: t for t in graph.initializer}
    for node in graph.node:
        value = next((a.t for a in node.attribute if a.name == "value"), None)
        if node.op_type == "Constant" and value is not None:
            stored[node.output[0]] = value
    return stored


class OnnxSizes:
    """Shapes of the tensors of a graph; a graph whose shapes cannot be inferred just has fewer."""

    def __init__(self, onnx: ModuleType, model: Any) -> None:
        self.onnx = onnx
        try:
            graph = onnx.shape_inference.infer_shapes(model).graph
        except (*DAMAGE, onnx.shape_inference.InferenceError):
            graph = model.graph
        self.dims: dict[str, list[Any]] = {}
        for info in (*graph.value_info, *graph.output, *graph.input):
            self.dims[info.name] = list(info.type.tensor_type.shape.dim)
        stored = {t.name for t in graph.initializer}
        real = [i.name for i in graph.input if i.name not in stored and self.dims[i.name]]
        self.batch = self.dims[real[0]][0] if real else None

    def plane(self, name: str) -> tuple[int, int] | None:
        """(height, width) of an NCHW tensor."""
        dims = [d.dim_value for d in self.dims.get(name, [])]
        return (dims[2], dims[3]) if len(dims) == 4 and min(dims[2:]) > 0 else None

    def vectors(self, name: str) -> tuple[int, int] | None:
        """How many vectors of one image or text a tensor [..., channels] holds, as (vectors, 1)."""
        dims = self.dims.get(name, [])
        if len(dims) < 2:
            return None
        first, rest = dims[0], [d.dim_value for d in dims[1:-1]]
        if rest and min(rest) < 1:
            return None
        if self.batch is not None and (first.dim_value, first.dim_param) == (
            self.batch.dim_value,
            self.batch.dim_param,
        ):
            return math.prod(rest), 1
        rows, batch = first.dim_value, self.batch.dim_value if self.batch is not None else 0
        if rows < 1:
            return None
        return math.prod(rest) * (rows // batch if batch > 0 and rows % batch == 0 else rows), 1

    def window(self, node: Any, taps: Sequence[int]) -> Window:
        """Stride, padding and dilation of a convolution. Raises InputError for sizes below 1."""
        told = {a.name: self.onnx.helper.get_attribute_value(a) for a in node.attribute}
        stride, dilation = (_pair(told.get(name, (1, 1))) for name in ("strides", "dilations"))
        if min(*stride, *dilation) < 1:
            raise InputError(f"{node.name}: stride {stride}, dilation {dilation} found; at least 1 is needed")
        mode = told.get("auto_pad", b"NOTSET").decode()
        if mode in ("SAME_UPPER", "SAME_LOWER"):
            into, out = self.plane(node.input[0]), self.plane(node.output[0])
            if into is None or out is None:
                return Window(stride, None, dilation)
            padding = same_padding(into, taps, out, stride, dilation, upper=mode == "SAME_UPPER")
            return Window(stride, padding, dilation)
        pads = [0] * 4 if mode == "VALID" else [int(n) for n in told.get("pads", [0] * 4)]
        return Window(stride, (pads[0], pads[1], pads[2], pads[3]), dilation)


def _pair(found: Sequence[int]) -> tuple[int, int]:
    return int(found[0]), int(found[1])


def unclaimed(
    graph: Any, stored: Mapping[str, Any], used: set[str], operators: Collection[str]
) -> Iterator[tuple[str, tuple[int, ...], str]]:
    """(name, shape, reason) of stored tensors that no layer of the main graph has, and of layers in
    subgraphs.

    A table of real numbers that rows are gathered from has the reason ``EMBEDDING``.
    """
    readers: dict[str, list[tuple[str, int]]] = {}
    for node in graph.node:
        for i, name in enumerate(node.input):
            readers.setdefault(name, []).append((node.op_type, i))
    for name, tensor in stored.items():
        if name in used:
            continue
        shape, found = tuple(tensor.dims), readers.get(name, [])
        if ("Gather", 0) in found and len(shape) == 2 and tensor.data_type in _REAL:
            yield name, shape, EMBEDDING
        elif packed := sorted({op for op, _ in found} & set(_PACKED)):
            yield name, shape, f"packed weights ({', '.join(packed)}): no reader for them yet"
        else:
            names = ", ".join(sorted({op for op, _ in found}))
            yield (
                name,
                shape,
                f"an operand of {names}, no layer" if found else "used by no node of the main graph",
            )
    for sparse in graph.sparse_initializer:
        yield sparse.values.name, tuple(sparse.dims), "sparse: only dense tensors are mapped"
    for node in graph.node:
        for inner in _subgraphs(node):
            for one in inner.node:
                if one.op_type in operators:
                    name = one.name or (one.output[0] if one.output else one.op_type)
                    yield name, (), f"a layer inside of {node.op_type}: only the main graph is mapped"


def _subgraphs(node: Any) -> Iterator[Any]:
    for attribute in node.attribute:
        for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
            yield graph
            for inner in graph.node:
                yield from _subgraphs(inner)
