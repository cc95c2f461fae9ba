"""A small TensorFlow Lite model, built by hand: one convolution and one linear layer in int8."""

from __future__ import annotations

import flatbuffers
import numpy as np
import tflite as t

__all__ = ["tflite_model"]


def tflite_model(conv: np.ndarray, linear: np.ndarray) -> bytes:
    """conv : int8[K, Fy, Fx, C]; linear : int8[K, C]. The image has 8 x 8 pixels, without padding."""
    b = flatbuffers.Builder(4096)

    def vector(start, items, add):
        start(b, len(items))
        for item in reversed(items):
            add(item)
        return b.EndVector()

    def buffer(data: bytes) -> int:
        at = b.CreateByteVector(data) if data else None
        t.BufferStart(b)
        if at is not None:
            t.BufferAddData(b, at)
        return t.BufferEnd(b)

    def tensor(name: str, shape, at: int) -> int:
        told = b.CreateString(name)
        sizes = vector(t.TensorStartShapeVector, list(shape), b.PrependInt32)
        scale = vector(t.QuantizationParametersStartScaleVector, [0.5], b.PrependFloat32)
        zero = vector(t.QuantizationParametersStartZeroPointVector, [0], b.PrependInt64)
        t.QuantizationParametersStart(b)
        t.QuantizationParametersAddScale(b, scale)
        t.QuantizationParametersAddZeroPoint(b, zero)
        steps = t.QuantizationParametersEnd(b)
        t.TensorStart(b)
        t.TensorAddShape(b, sizes)
        t.TensorAddType(b, 9)
        t.TensorAddBuffer(b, at)
        t.TensorAddName(b, told)
        t.TensorAddQuantization(b, steps)
        return t.TensorEnd(b)

    def operator(code: int, inputs, outputs, kind: int, options: int) -> int:
        ins = vector(t.OperatorStartInputsVector, inputs, b.PrependInt32)
        outs = vector(t.OperatorStartOutputsVector, outputs, b.PrependInt32)
        t.OperatorStart(b)
        t.OperatorAddOpcodeIndex(b, code)
        t.OperatorAddInputs(b, ins)
        t.OperatorAddOutputs(b, outs)
        t.OperatorAddBuiltinOptionsType(b, kind)
        t.OperatorAddBuiltinOptions(b, options)
        return t.OperatorEnd(b)

    def code(kind: int) -> int:
        t.OperatorCodeStart(b)
        t.OperatorCodeAddDeprecatedBuiltinCode(b, kind)
        t.OperatorCodeAddBuiltinCode(b, kind)
        return t.OperatorCodeEnd(b)

    K, Fy, Fx, C = conv.shape
    buffers = [buffer(data) for data in (b"", conv.tobytes(), linear.tobytes())]
    out = (1, 9 - Fy, 9 - Fx, K)
    tensors = [
        tensor("image", (1, 8, 8, C), 0),
        tensor("conv/weights", conv.shape, 1),
        tensor("map", out, 0),
        tensor("fc/weights", linear.shape, 2),
        tensor("scores", (1, linear.shape[0]), 0),
    ]
    t.Conv2DOptionsStart(b)
    t.Conv2DOptionsAddPadding(b, 1)
    t.Conv2DOptionsAddStrideH(b, 1)
    t.Conv2DOptionsAddStrideW(b, 1)
    convolving = t.Conv2DOptionsEnd(b)
    t.FullyConnectedOptionsStart(b)
    multiplying = t.FullyConnectedOptionsEnd(b)
    operators = [operator(0, [0, 1], [2], 1, convolving), operator(1, [2, 3], [4], 8, multiplying)]
    offset = b.PrependUOffsetTRelative
    parts = [
        vector(t.SubGraphStartTensorsVector, tensors, offset),
        vector(t.SubGraphStartInputsVector, [0], b.PrependInt32),
        vector(t.SubGraphStartOutputsVector, [4], b.PrependInt32),
        vector(t.SubGraphStartOperatorsVector, operators, offset),
    ]
    t.SubGraphStart(b)
    for add, part in zip(
        (t.SubGraphAddTensors, t.SubGraphAddInputs, t.SubGraphAddOutputs, t.SubGraphAddOperators), parts
    ):
        add(b, part)
    graph = t.SubGraphEnd(b)
    graphs = vector(t.ModelStartSubgraphsVector, [graph], offset)
    codes = vector(t.ModelStartOperatorCodesVector, [code(3), code(9)], offset)
    held = vector(t.ModelStartBuffersVector, buffers, offset)
    t.ModelStart(b)
    t.ModelAddVersion(b, 3)
    t.ModelAddOperatorCodes(b, codes)
    t.ModelAddSubgraphs(b, graphs)
    t.ModelAddBuffers(b, held)
    b.Finish(t.ModelEnd(b), b"TFL3")
    return bytes(b.Output())
