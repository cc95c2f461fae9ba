"""TensorFlow Lite models: CONV_2D and FULLY_CONNECTED weights in the order of the graph's operators."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from hd_plugin._guard import read_bytes, why
from hd_plugin.errors import InputError
from hd_plugin.weights._layer import Window
from hd_plugin.weights._readers._raw import (
    DAMAGE,
    DEPTHWISE,
    EMBEDDING,
    RawFile,
    RawLayer,
    Stored,
    need,
    same_padding,
)
from hd_plugin.weights._told import Unmapped

__all__ = ["read"]

_CONV, _DEPTHWISE, _DEQUANTIZE, _LINEAR = 3, 4, 6, 9  # BuiltinOperator
_OTHERS = {67: "transposed convolution", 132: "3-D convolution"}
_GATHER, _LOOKUP = 36, 7
_INT4 = 17  # TensorType
_FLOATS = (0, 1, 10)
_DTYPES = {0: "<f4", 1: "<f2", 3: "u1", 9: "i1", 7: "<i2", 2: "<i4", 10: "<f8"}
# Converters append the operation and the fake-quantisation node to the layer's own name.
_TAIL = re.compile(
    r"/(Conv2D|depthwise|MatMul|weights|kernel|BiasAdd)(_Fold|_quant|\d)*(/FakeQuant\w*|/ReadVariableOp\w*)?$"
)


def read(path: Path) -> RawFile:
    """Layers of the main graph, their output sizes, strides and paddings.

    A layer's name is its weight tensor's, up to the first ``;`` and without the converter's tail.
    Raises InputError on a damaged file; MissingTool without the tflite package.
    """
    tflite = need("tflite", "tflite")
    data = read_bytes(path)
    if data[4:8] != b"TFL3":
        raise InputError(f"{path}: not a TensorFlow Lite model (bytes 4 to 8 are {data[4:8]!r}, not b'TFL3')")
    try:
        model = tflite.Model.GetRootAsModel(data, 0)
        _touch_everything(model, len(data))
        return _Graph(path, tflite, model).contents()
    except InputError:
        raise
    except DAMAGE as error:  # flatbuffers checks nothing: a damaged offset ends anywhere
        raise InputError(
            f"{path}: damaged TensorFlow Lite model ({why(error)}); is the download complete?"
        ) from error


def _touch_everything(model: Any, size: int) -> None:
    """Read every buffer and tensor, needed or not: one that lies beyond the end of a cut file raises here.

    Vectors may share their bytes, so that a small file could name more sizes than anyone can look at; those
    of an honest one lie in its ``size`` bytes.
    """
    sizes = 0
    for i in range(model.BuffersLength()):
        model.Buffers(i).DataAsNumpy()
    for s in range(model.SubgraphsLength()):
        graph = model.Subgraphs(s)
        for i in range(graph.TensorsLength()):
            tensor = graph.Tensors(i)
            (tensor.Name() or b"").decode("utf-8")
            sizes += tensor.ShapeLength()
            if sizes > size:
                raise ValueError("more sizes of tensors than the file has bytes")
            _shape(tensor)
            q = tensor.Quantization()
            if q is not None:
                q.ScaleAsNumpy(), q.ZeroPointAsNumpy(), q.MinAsNumpy(), q.MaxAsNumpy()
        for i in range(graph.OperatorsLength()):
            operator = graph.Operators(i)
            operator.InputsAsNumpy(), operator.OutputsAsNumpy(), operator.BuiltinOptions()


class _Graph:
    """The main subgraph of one file, and layers of the others, which are only named."""

    def __init__(self, path: Path, tflite: ModuleType, model: Any) -> None:
        if model.SubgraphsLength() < 1:
            raise InputError(f"{path}: the model has no graph")
        self.path, self.tflite, self.model, self.graph = path, tflite, model, model.Subgraphs(0)
        self.operators = [self.graph.Operators(i) for i in range(self.graph.OperatorsLength())]
        self.dequantized: dict[int, int] = {}
        self.used: set[int] = set()  # tensors that belong to a layer
        self.seen: dict[str, int] = {}
        inputs = self.graph.InputsAsNumpy() if self.graph.InputsLength() else []
        first = _shape(self._tensor(int(inputs[0]))) if len(inputs) else []
        self.batch = first[0] if first and first[0] > 0 else 1

    def contents(self) -> RawFile:
        found = RawFile([])
        for operator in self.operators:
            kind = self._kind(operator)
            if kind == _DEQUANTIZE:
                self.dequantized[operator.Outputs(0)] = operator.Inputs(0)
            if kind not in (_CONV, _DEPTHWISE, _LINEAR, *_OTHERS):
                continue
            index = operator.Inputs(1)
            index = self.dequantized.get(index, index)
            inputs = {operator.Inputs(n) for n in range(1, operator.InputsLength())}
            self.used |= {index, *inputs, *(self.dequantized.get(n, n) for n in inputs)}
            tensor = self._tensor(index)
            name, reason = self._name(tensor), self._why_not(kind, operator, tensor)
            if reason:
                found.unmapped.append(Unmapped(name, reason, tuple(_shape(tensor))))
            else:
                found.layers.append(self._layer(name, kind, operator, tensor))
        self._account(found)
        for number in range(1, self.model.SubgraphsLength()):
            graph = self.model.Subgraphs(number)
            kinds = [self._kind(graph.Operators(i)) for i in range(graph.OperatorsLength())]
            if any(kind in (_CONV, _DEPTHWISE, _LINEAR, *_OTHERS) for kind in kinds):
                name = (graph.Name() or b"").decode("utf-8") or f"subgraph {number}"
                found.unmapped.append(
                    Unmapped(name, "layers in another subgraph (a branch, a loop, a signature)")
                )
        return found

    def _account(self, found: RawFile) -> None:
        """Constants that belong to no layer: embeddings, and operands of other operators."""
        consumers: dict[int, set[int]] = {}
        for operator in self.operators:
            for n in range(operator.InputsLength()):
                consumers.setdefault(operator.Inputs(n), set()).add(self._kind(operator))
        for index in range(self.graph.TensorsLength()):
            tensor = self._tensor(index)
            if index in self.used or not self._bytes(tensor).size:
                continue
            name, kinds = self._name(tensor), sorted(consumers.get(index, set()))
            if set(kinds) & {_GATHER, _LOOKUP} and len(_shape(tensor)) == 2 and tensor.Type() in _DTYPES:
                found.layers.append(self._stored(name, tensor, EMBEDDING))
                continue
            names = ", ".join(self.tflite.utils.opcode2name(kind) for kind in kinds)
            reason = f"an operand of {names}, no layer" if names else "used by no operator of the main graph"
            found.unmapped.append(Unmapped(name, reason, tuple(_shape(tensor))))

    def _kind(self, operator: Any) -> int:
        code = self.model.OperatorCodes(operator.OpcodeIndex())
        return max(code.BuiltinCode(), code.DeprecatedBuiltinCode())

    def _name(self, tensor: Any) -> str:
        name = _TAIL.sub("", (tensor.Name() or b"").decode("utf-8").split(";")[0])
        self.seen[name] = self.seen.get(name, 0) + 1
        return name + (f"#{self.seen[name]}" if self.seen[name] > 1 else "")

    def _tensor(self, index: int) -> Any:
        if not 0 <= index < self.graph.TensorsLength():
            raise InputError(
                f"{self.path}: damaged TensorFlow Lite model: tensor {index} of "
                f"{self.graph.TensorsLength()} is named"
            )
        return self.graph.Tensors(index)

    def _bytes(self, tensor: Any) -> np.ndarray:
        found = self.model.Buffers(tensor.Buffer()).DataAsNumpy()
        return np.zeros(0, np.uint8) if isinstance(found, int) else found  # 0 stands for "no data"

    def _why_not(self, kind: int, operator: Any, tensor: Any) -> str:
        if kind == _DEPTHWISE:
            return DEPTHWISE
        if kind in _OTHERS:
            return _OTHERS[kind]
        if self._bytes(tensor).size == 0 and 0 not in _shape(tensor):
            return "its weights are computed, not stored"
        if kind == _CONV:
            channels, own = _shape(self._tensor(operator.Inputs(0)))[-1], _shape(tensor)[-1]
            if own and channels > own and channels % own == 0:
                return f"grouped convolution, groups={channels // own}"
        return ""

    def _layer(self, name: str, kind: int, operator: Any, tensor: Any) -> RawLayer:
        where = f"{self.path}: layer {name!r}"
        shape, out = _shape(tensor), _shape(self._tensor(operator.Outputs(0)))
        if len(shape) != (4 if kind == _CONV else 2):
            raise InputError(f"{where}: weights of shape {shape} found; the file is damaged")
        raw = self._stored(name, tensor)
        if kind == _LINEAR:
            return replace(raw, output_hw=_vectors(out, self.batch))
        if len(out) != 4 or out[3] != shape[0]:
            raise InputError(
                f"{where}: output of shape {out} does not belong to {shape[0]} filters; the file is damaged"
            )
        hw = (out[1], out[2]) if min(out[1:3]) > 0 else None
        return replace(raw, output_hw=hw, window=self._window(operator, shape[1:3], hw))

    def _window(self, operator: Any, taps: list[int], hw: tuple[int, int] | None) -> Window | None:
        table = operator.BuiltinOptions()
        if table is None:
            return None
        options = self.tflite.Conv2DOptions()
        options.Init(table.Bytes, table.Pos)
        stride, dilation = (
            (options.StrideH(), options.StrideW()),
            (options.DilationHFactor(), options.DilationWFactor()),
        )
        if min(*stride, *dilation) < 1:
            raise InputError(f"{self.path}: stride {stride}, dilation {dilation} found; the file is damaged")
        if options.Padding() == self.tflite.Padding.VALID:
            return Window(stride, (0, 0, 0, 0), dilation)
        into = _shape(self._tensor(operator.Inputs(0)))[1:3]
        if hw is None or len(into) < 2 or min(into) < 1:
            return Window(stride, None, dilation)
        return Window(stride, same_padding(into, taps, hw, stride, dilation), dilation)

    def _stored(self, name: str, tensor: Any, aside: str = "") -> RawLayer:
        """The numbers of a tensor; [K, Fy, Fx, C] becomes [K, C, Fy, Fx]."""
        where, shape, q = f"{self.path}: layer {name!r}", _shape(tensor), tensor.Quantization()
        self._check(where, tensor, shape)
        floats = tensor.Type() in _FLOATS
        if not floats and (q is None or q.ScaleLength() == 0):
            raise InputError(
                f"{where}: integers without a scale; convert the model again with full quantisation"
            )
        if not floats and q.ScaleLength() > 1 and q.QuantizedDimension() != 0:
            raise InputError(
                f"{where}: scales along dimension {q.QuantizedDimension()}; output channels (0) are needed"
            )

        def load() -> Stored:
            values = self._values(tensor, shape)
            values = values.transpose(0, 3, 1, 2) if len(shape) == 4 else values
            if floats:
                return Stored(values)
            return Stored(values, q.ScaleAsNumpy(), q.ZeroPointAsNumpy() if q.ZeroPointLength() else 0)

        order = (0, 3, 1, 2) if len(shape) == 4 else (0, 1)
        return RawLayer(name, tuple(shape[i] for i in order), load, aside=aside)

    def _check(self, where: str, tensor: Any, shape: list[int]) -> None:
        int4, size = tensor.Type() == _INT4, math.prod(shape)
        if not int4 and tensor.Type() not in _DTYPES:
            raise InputError(
                f"{where}: weights of tensor type {tensor.Type()} are not supported; "
                "float16/32, int4/8/16 and uint8 are"
            )
        needed = (size + 1) // 2 if int4 else size * np.dtype(_DTYPES[tensor.Type()]).itemsize
        found = self._bytes(tensor).size
        if min(shape) < 0 or found != needed:
            raise InputError(
                f"{where}: {found} bytes found where shape {shape} needs {needed}; the file is damaged"
            )

    def _values(self, tensor: Any, shape: list[int]) -> np.ndarray:
        raw, size = self._bytes(tensor), math.prod(shape)
        if tensor.Type() == _INT4:  # two to a byte, the low half first
            pairs = np.stack([raw & 15, raw >> 4], axis=1).ravel()[:size].astype(np.int8)
            return np.where(pairs > 7, pairs - 16, pairs).astype(np.int8).reshape(shape)
        return raw.view(_DTYPES[tensor.Type()]).reshape(shape)


def _vectors(out: list[int], batch: int) -> tuple[int, int] | None:
    """How many input vectors of one image or text a linear layer sees, from the shape of what it makes."""
    rows = math.prod(out[:-1])
    return None if rows < 1 else (rows // batch if rows % batch == 0 else rows, 1)


def _shape(tensor: Any) -> list[int]:
    return [int(tensor.Shape(i)) for i in range(tensor.ShapeLength())]
