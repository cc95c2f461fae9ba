"""ONNX models with reordered channels compute what they did, by onnx's own reference evaluator."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import hd_plugin as hd
from hd_plugin.cli import main
from hd_plugin.errors import InputError

onnx = pytest.importorskip("onnx", reason="onnx is not installed: ONNX models cannot be rewritten")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

from hd_plugin.rewriting.onnx_network import rewrite_onnx  # noqa: E402

rng = np.random.default_rng(0)


def tensor(name, *shape, low=-1.0, high=1.0):
    return numpy_helper.from_array(rng.uniform(low, high, shape).astype(np.float32), name)


def numbers(name, values):
    return numpy_helper.from_array(np.array(values, np.int64), name)


def save(path, nodes, stored, size=(1, 3, 8, 8), outputs=(("out", ["n", 5]),), opset=19):
    graph = helper.make_graph(
        [helper.make_node(*n[:3], name=n[0] + "_" + n[2][0], **(n[3] if len(n) > 3 else {})) for n in nodes],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(size))],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs],
        stored,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def residual(path):
    """Convolutions, batch norm, a residual, depthwise, padding of channels, a gate, Gemm, MatMul, a bias."""
    nodes = [
        ("Conv", ["x", "w1", "b1"], ["c1"], {"pads": [1, 1, 1, 1]}),
        ("BatchNormalization", ["c1", "s", "o", "m", "v"], ["n1"]),
        ("Relu", ["n1"], ["r1"]),
        ("Conv", ["r1", "w2"], ["c2"]),
        ("Conv", ["c2", "wd", "bd"], ["d2"], {"group": 10, "pads": [1, 1, 1, 1]}),
        ("Conv", ["d2", "w3"], ["c3"]),
        ("Add", ["c3", "r1"], ["a"]),
        ("Mul", ["a", "per_channel"], ["p"]),
        ("GlobalAveragePool", ["p"], ["g"]),
        ("Conv", ["g", "wg"], ["gate0"]),
        ("Sigmoid", ["gate0"], ["gate"]),
        ("Mul", ["p", "gate"], ["q"]),
        ("Conv", ["q", "w4"], ["c4"]),
        ("Concat", ["q", "c4"], ["cat"], {"axis": 1}),
        ("Pad", ["cat", "pads"], ["padded"]),
        ("PRelu", ["padded", "slope"], ["act"]),
        ("MaxPool", ["act"], ["pool"], {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Reshape", ["pool", "flat"], ["f"]),
        ("Gemm", ["f", "wf", "bf"], ["h"], {"transB": 1}),
        ("Clip", ["h"], ["hr"]),
        ("MatMul", ["hr", "wm"], ["mm"]),
        ("Add", ["mm", "bm"], ["out"]),
    ]
    stored = [
        tensor("w1", 12, 3, 3, 3),
        tensor("b1", 12),
        tensor("s", 12),
        tensor("o", 12),
        tensor("m", 12),
        tensor("v", 12, low=0.5, high=2),
        tensor("w2", 10, 12, 1, 1),
        tensor("wd", 10, 1, 3, 3),
        tensor("bd", 10),
        tensor("w3", 12, 10, 1, 1),
        tensor("per_channel", 12, 1, 1),
        tensor("wg", 12, 12, 1, 1),
        tensor("w4", 6, 12, 1, 1),
        numbers("pads", [0, 2, 0, 0, 0, 3, 0, 0]),
        tensor("slope", 23, 1, 1),
        numbers("flat", [0, -1]),
        tensor("wf", 14, 23 * 16),
        tensor("bf", 14),
        tensor("wm", 14, 5),
        tensor("bm", 5),
    ]
    return save(path, nodes, stored)


def quantised(path):
    """Weights and biases behind DequantizeLinear, a step per output channel; activations per tensor."""
    q = {
        n: numpy_helper.from_array(rng.integers(-7, 8, s).astype(np.int8), n)
        for n, s in {"q1": (9, 3, 1, 1), "q2": (5, 9 * 64)}.items()
    }
    nodes = [
        ("DequantizeLinear", ["q1", "s1", "z1"], ["w1"], {"axis": 0}),
        ("DequantizeLinear", ["qb", "sb"], ["b1"], {"axis": 0}),
        ("Conv", ["x", "w1", "b1"], ["c"]),
        ("QuantizeLinear", ["c", "sa", "za"], ["cq"]),
        ("DequantizeLinear", ["cq", "sa", "za"], ["cd"]),
        ("Relu", ["cd"], ["r"]),
        ("Flatten", ["r"], ["f"]),
        ("DequantizeLinear", ["q2", "s2"], ["w2"], {"axis": 0}),
        ("Gemm", ["f", "w2"], ["out"], {"transB": 1}),
    ]
    stored = [
        *q.values(),
        tensor("s1", 9, low=0.1),
        numpy_helper.from_array(np.zeros(9, np.int8), "z1"),
        numpy_helper.from_array(rng.integers(-50, 50, 9).astype(np.int32), "qb"),
        tensor("sb", 9, low=0.01),
        tensor("sa", low=0.02, high=0.03),
        numpy_helper.from_array(np.array(0, np.int8), "za"),
        tensor("s2", 5, low=0.1),
    ]
    return save(path, nodes, stored)


def barriers(path):
    """A softmax over channels, a grouped convolution, a transposition, two outputs: their channels stay."""
    nodes = [
        ("Conv", ["x", "w1"], ["c1"]),
        ("Softmax", ["c1"], ["s"], {"axis": 1}),
        ("Conv", ["s", "w2"], ["c2"], {"group": 2}),
        ("Conv", ["c2", "w3"], ["c3"]),
        ("Relu", ["c3"], ["r3"]),
        ("Conv", ["r3", "w4"], ["c4"]),
        ("Transpose", ["c4"], ["t"], {"perm": [0, 2, 3, 1]}),
        ("Conv", ["r3", "w5"], ["c5"]),
    ]
    stored = [
        tensor("w1", 8, 3, 1, 1),
        tensor("w2", 8, 4, 1, 1),
        tensor("w3", 9, 8, 1, 1),
        tensor("w4", 6, 9, 1, 1),
        tensor("w5", 4, 9, 1, 1),
    ]
    return save(path, nodes, stored, outputs=(("t", [1, 8, 8, 6]), ("c5", [1, 4, 8, 8])))


def uses(path):
    """Stored tensors with a second use, a branch that captures, padding by reflection, pooling's indices."""
    inner = helper.make_graph(
        [helper.make_node("Mul", ["a", "k"], ["then"])],
        "t",
        [],
        [helper.make_tensor_value_info("then", TensorProto.FLOAT, None)],
    )
    other = helper.make_graph(
        [helper.make_node("Identity", ["a"], ["else"])],
        "e",
        [],
        [helper.make_tensor_value_info("else", TensorProto.FLOAT, None)],
    )
    nodes = [
        ("Conv", ["x", "w1", "b"], ["a"]),
        ("If", ["yes"], ["i"], {"then_branch": inner, "else_branch": other}),
        ("Conv", ["i", "w2"], ["c"]),
        ("Pad", ["c", "pads"], ["p"], {"mode": "reflect"}),
        ("Conv", ["p", "w3"], ["d"]),
        ("MaxPool", ["d"], ["m", "at"], {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Cast", ["at"], ["af"], {"to": 1}),
        ("Conv", ["m", "w4"], ["f"]),
        ("Transpose", ["w4m"], ["w4t"], {"perm": [1, 0]}),
        ("ReduceMean", ["f"], ["g"], {"axes": [2, 3], "keepdims": 0}),
        ("Gemm", ["g", "w4m"], ["h"]),
        ("MatMul", ["h", "w4t"], ["y"]),
        ("MatMul", ["y", "w5"], ["out"]),
    ]
    stored = [
        tensor("w1", 8, 3, 1, 1),
        tensor("b", 8),
        tensor("k", 8, 1, 1),
        numpy_helper.from_array(np.array(True), "yes"),
        tensor("w2", 8, 8, 1, 1),
        numbers("pads", [0, 2, 0, 0, 0, 1, 0, 0]),
        tensor("w3", 6, 11, 1, 1),
        tensor("w4", 7, 6, 1, 1),
        tensor("w4m", 7, 9),
        tensor("w5", 7, 5),
    ]
    return save(path, nodes, stored, outputs=(("out", [1, 5]), ("af", [1, 6, 4, 4]), ("b", [8])), opset=17)


def evaluate(path, x):
    return ReferenceEvaluator(str(path)).run(None, {"x": x})


@pytest.mark.parametrize("outputs", ["keep", "permute"])
@pytest.mark.parametrize("build", [residual, quantised, barriers, uses], ids=lambda b: b.__name__)
def test_a_rewritten_model_computes_the_same(build, outputs, tmp_path):
    source = build(tmp_path / "net.onnx")
    made = rewrite_onnx(source, tmp_path / "new.onnx", outputs=outputs)
    x = rng.uniform(-1, 1, (1, 3, 8, 8)).astype(np.float32)
    before, after = evaluate(source, x), evaluate(tmp_path / "new.onnx", x)
    order = made.output_order if len(before) == 1 else slice(None)
    for i, (a, b) in enumerate(zip(before, after)):
        np.testing.assert_allclose(b, a[:, order] if i == 0 else a, rtol=1e-4, atol=1e-5)
    assert sum(r.flips for r in made.told) < sum(r.flips_before for r in made.told) or build is uses
    assert build is uses or (source.read_bytes() != (tmp_path / "new.onnx").read_bytes())
    again = hd.load_network(tmp_path / "new.onnx")  # the reader finds the flips that were promised
    assert {la.name: hd.flips(la) for la in again.layers if la.name != "MatMul_y"} == {
        r.name: r.flips for r in made.told
    }  # weights by way of a Transpose


def test_what_is_tied_and_what_stays_is_told(tmp_path):
    told = {r.name: r for r in rewrite_onnx(residual(tmp_path / "net.onnx"), None).told}
    assert (
        told["Conv_c1"].tied == ("Conv_c3", "Conv_gate0")
        and not told["Conv_c2"].tied
        and told["Gemm_h"].pinned is None
    )
    assert told["MatMul_mm"].pinned == "network output"
    told = {r.name: r for r in rewrite_onnx(barriers(tmp_path / "net.onnx"), None).told}
    assert told["Conv_c1"].pinned == "operation Softmax 'Softmax_s'" and told["Conv_c3"].pinned is None
    assert (
        told["Conv_c4"].pinned == "operation Transpose 'Transpose_t'"
        and told["Conv_c5"].pinned == "one of several network outputs"
    )


def test_a_second_use_of_a_stored_tensor_keeps_its_channels(tmp_path):
    told = {r.name: r.pinned for r in rewrite_onnx(uses(tmp_path / "net.onnx"), None).told}
    assert told == {
        "Conv_a": "operation If 'If_i'",
        "Conv_c": "operation Pad 'Pad_p'",
        "Conv_d": "operation MaxPool 'MaxPool_m'",
        "Conv_f": "operation Transpose 'Transpose_w4t', which uses w4m",
        "Gemm_h": "operation MatMul 'MatMul_y'",
        "MatMul_out": "one of several network outputs",
    }


def test_the_command(tmp_path):
    source = residual(tmp_path / "net.onnx")
    done = CliRunner().invoke(main, ["rewrite", str(source), "--json", "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    content = json.loads(done.stdout)
    assert (
        content["schema"] == "hd-plugin/rewrite/1"
        and content["output_order"] == list(range(5))
        and (tmp_path / "out" / "net.onnx").is_file()
    )
    assert CliRunner().invoke(main, ["rewrite", str(source)]).exit_code == 0
    wrong = CliRunner().invoke(main, ["rewrite", str(source), "--model", "resnet8"])
    assert wrong.exit_code == 2 and "has its own network" in wrong.output


def test_models_that_do_not_fit_together_are_said(tmp_path):
    path = save(
        tmp_path / "net.onnx",
        [("Conv", ["x", "w"], ["out"])],
        [tensor("w", 5, 3, 1, 1)],
        outputs=(("out", [1, 5, 8, 8]),),
    )
    model = onnx.load(str(path))
    model.graph.initializer[0].CopyFrom(tensor("w", 5, 4, 1, 1))
    onnx.save(model, str(path))
    with pytest.raises(
        InputError,
        match=r"net.onnx: layer 'Conv_out': codes of \[5, 4, 1, 1\] found, "
        r"where the network has \[5, 3\] channels",
    ):
        rewrite_onnx(path, None)
    model.graph.initializer[0].CopyFrom(tensor("w", 5, 3, 1, 1))
    model.graph.node.append(helper.make_node("Add", ["x", "out"], ["sum"]))
    onnx.save(model, str(path))
    with pytest.raises(InputError, match="net.onnx: the shapes of its tensors cannot be inferred"):
        rewrite_onnx(path, None)
