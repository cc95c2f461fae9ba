"""Sizes, strides and paddings: as graphs tell them, traced, or said; and what is answered without them."""

from __future__ import annotations

import io
import json
import sys

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from rich.console import Console
from test_weights_formats import _node, _onnx

import hd_plugin as hd
from hd_plugin.cli import main
from hd_plugin.engines.timeloop import load_problem, problem_of, shape_of
from hd_plugin.errors import InputError
from hd_plugin.report import tables
from hd_plugin.study import read_network
from hd_plugin.weights import Window, load_network

RNG = np.random.default_rng(3)


def floats(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def ran(*words):
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done


def test_onnx_tells_strides_dilations_and_paddings(tmp_path):
    path = tmp_path / "net.onnx"
    _onnx(
        path,
        [
            _node("Conv", ["x", "a"], ["c"], name="explicit", strides=[2, 1], pads=[1, 0, 1, 2]),
            _node("Conv", ["x", "a"], ["d"], name="same", auto_pad="SAME_UPPER", strides=[2, 2]),
            _node("Conv", ["x", "a"], ["e"], name="lower", auto_pad="SAME_LOWER", strides=[2, 2]),
            _node("Conv", ["x", "a"], ["f"], name="apart", dilations=[2, 3]),
            _node("Conv", ["x", "a"], ["y"], name="plain"),
        ],
        {"a": floats(6, 4, 3, 3)},
    )  # the input is 10 x 12
    found = {la.name: (la.output_hw, la.window) for la in load_network(path).layers}
    assert found == {
        "explicit": ((5, 12), Window((2, 1), (1, 0, 1, 2))),
        "same": ((5, 6), Window((2, 2), (0, 0, 1, 1))),
        "lower": ((5, 6), Window((2, 2), (1, 1, 0, 0))),
        "apart": ((6, 6), Window((1, 1), (0, 0, 0, 0), (2, 3))),
        "plain": ((8, 10), Window((1, 1), (0, 0, 0, 0))),
    }


def touched(layer, axis, size):
    """Input rows (or columns) that a layer reads, straight from the definition of a convolution."""
    out, taps = layer.output_hw[axis], layer.codes.shape[2 + axis]
    pad, stride, dilation = layer.window.padding[axis], layer.window.stride[axis], layer.window.dilation[axis]
    reads = {p * stride - pad + t * dilation for p in range(out) for t in range(taps)}
    return min(reads), max(reads), {r for r in reads if 0 <= r < size}


def test_tflite_tells_strides_and_paddings(data):
    network = load_network(data / "mobilenet_v2_1.0_224_quant.tflite", layers=["MobilenetV2/Conv"])
    [stem] = network.layers
    assert stem.output_hw == (112, 112) and stem.window == Window((2, 2), (0, 0, 1, 1))
    low, high, seen = touched(stem, 0, 224)
    assert (low, high) == (0, 224) and seen == set(range(224))


def test_problems_have_the_strides_and_no_blame_on_the_weights(tmp_path):
    path = tmp_path / "net.onnx"
    _onnx(
        path,
        [_node("Conv", ["x", "a"], ["y"], name="conv", strides=[2, 3], dilations=[1, 2])],
        {"a": floats(6, 4, 3, 3)},
    )
    ran("layers", path, "-o", tmp_path / "out")
    text = (tmp_path / "out" / "01_conv.yaml").read_text()
    assert "assumed" not in text and "stride 2 x 3" in text
    [layer] = load_network(path).layers
    shape = shape_of(layer)
    assert load_problem(tmp_path / "out" / "01_conv.yaml") == shape and shape.stride == (2, 3)
    inputs = next(s for s in yaml.safe_load(text)["problem"]["shape"]["data_spaces"] if s["name"] == "Inputs")
    sizes = yaml.safe_load(text)["problem"]["instance"]
    for axis, projection in enumerate(inputs["projection"][1:]):  # what Timeloop counts as read
        reach = 1 + sum((sizes[d] - 1) * sizes[step] for d, step in projection)
        low, high, _ = touched(layer, axis, 99)
        assert reach == high - low + 1
    told = json.loads(ran("layers", path, "--json").stdout)["layers"][0]
    assert (told["stride"], told["dilation"], told["padding"]) == ([2, 3], [1, 2], [0, 0, 0, 0])


def test_a_stride_that_no_file_tells_is_an_assumption_that_is_told(tmp_path):
    np.savez(tmp_path / "n.npz", **{"a.weight": floats(4, 4, 3, 3), "a.output_hw": [4, 4]})
    ran("layers", tmp_path / "n.npz", "-o", tmp_path / "out")
    text = (tmp_path / "out" / "01_a.yaml").read_text()
    assert "stride 1 assumed" in text and "coefficients" not in text
    content = json.loads(ran("layers", tmp_path / "n.npz", "--json").stdout)
    assert [n["layers"] for n in content["network_notes"] if "stride 1 assumed" in n["text"]] == [["a"]]


def test_strides_of_one_leave_the_problem_as_it_was():
    layer = hd.Layer("l", np.zeros((2, 3, 3, 3), np.uint8), 4, output_hw=(4, 5))
    known = hd.Layer("l", layer.codes, 4, output_hw=(4, 5), window=Window((1, 1), (1, 1, 1, 1)))
    assert problem_of(shape_of(known)) == problem_of(shape_of(layer))


def test_tokens_are_the_pixels_of_linear_layers(tmp_path):
    np.savez(tmp_path / "n.npz", fc=floats(6, 8), c=floats(4, 4, 1, 1), **{"c.output_hw": [3, 3]})
    plain, asked = load_network(tmp_path / "n.npz"), load_network(tmp_path / "n.npz", tokens=5)
    assert [la.output_hw for la in plain.layers] == [(1, 1), (3, 3)]
    assert [la.output_hw for la in asked.layers] == [(5, 1), (3, 3)]
    assert [n.layers for n in plain.notes if "one input vector assumed" in n.text] == [("fc",)]
    assert asked.asked.tokens == 5 and asked.asked.load().layers[0].output_hw == (5, 1)
    one, five = (hd.compare(net, effort="greedy", methods=["direct"]) for net in (plain, asked))
    assert five.rows[0].counts.mac == 5 * one.rows[0].counts.mac and five.rows[0].flips == one.rows[0].flips
    (tmp_path / "s.yaml").write_text("network: n\nlayers: [{name: fc, output_hw: [2, 1]}]")
    with pytest.raises(InputError, match="tokens: 5 given, and .*s.yaml has a size for 'fc'"):
        load_network(tmp_path / "n.npz", tokens=5, spec=tmp_path / "s.yaml")


def test_onnx_tells_how_many_vectors_a_linear_layer_sees(tmp_path):
    onnx = pytest.importorskip("onnx", reason="reads .onnx")
    h = onnx.helper
    for dims, wanted in (
        ((2, 7, 8), (7, 1)),
        (("N", 7, 8), (7, 1)),
        (("N", 8), (1, 1)),
        (("N", "T", 8), None),
    ):
        image = h.make_tensor_value_info("x", onnx.TensorProto.FLOAT, list(dims))
        out = h.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
        graph = h.make_graph(
            [_node("MatMul", ["x", "m"], ["y"], name="mm")],
            "g",
            [image],
            [out],
            [onnx.numpy_helper.from_array(floats(8, 5), "m")],
        )
        path = tmp_path / "n.onnx"
        onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 13)]), path)
        network = load_network(path)
        assert network.layers[0].output_hw == (wanted or (1, 1)), dims
        assert any("assumed" in n.text for n in network.notes) == (wanted is None)
        assert load_network(path, tokens=3).layers[0].output_hw == (3, 1)


def shown(result):
    console = Console(width=200, record=True, file=io.StringIO())
    for one in tables(result):
        console.print(one)
    return console.export_text()


@pytest.fixture
def unsized(tmp_path):
    path = tmp_path / "n.npz"
    np.savez(path, conv=floats(6, 8, 3, 3), fc=floats(6, 8))
    return path


def test_flips_need_no_sizes_and_what_energy_needs_is_said(unsized, tmp_path):
    result = hd.compare(load_network(unsized), effort="greedy")
    sized = [
        hd.Layer(la.name, la.codes, la.bits, la.number_format, output_hw=(2, 2))
        for la in load_network(unsized).layers
    ]
    whole = hd.compare(hd.Network("n", sized), effort="greedy")
    for line in result.layers:
        [row] = [r for r in whole.of(line.method) if r.layer == line.name]
        assert (line.flips, line.nhd) == (row.flips, row.nhd)
    assert {(la.name, la.method) for la in result.layers} == {
        (name, m) for name in ("conv", "fc") for m in ("direct", "segment", "cluster")
    }
    assert result.sizes_missing == ("conv",) and "segment" in shown(result)
    done = ran("compare", unsized, "--effort", "greedy", "-o", tmp_path / "out", "--json")
    assert all(word in done.stderr for word in ("conv", "--input-size", "--spec", "flips only"))
    told = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert told["sizes_missing"] == ["conv"] and "energy" not in json.dumps(told["layers"])
    assert len(list((tmp_path / "out" / "plans").glob("*.plan.json"))) == 6
    again = ran("compare", tmp_path / "out" / "compare.json", "--json")
    assert json.loads(again.stdout) == told and "other weights" not in again.stderr


@pytest.mark.parametrize(
    "asked", [{"engine": "timeloop"}, {"energy": "modelled"}, {"objective": "energy"}, {"trained": True}]
)
def test_an_energy_that_is_asked_for_needs_the_sizes_and_names_the_layers(unsized, asked):
    network = load_network(unsized)
    fields = {**asked, "trained": [network]} if "trained" in asked else asked
    with pytest.raises(InputError, match=r"'conv'.*--input-size.*--spec"):
        hd.compare(network, effort="greedy", methods=["direct"], **fields)


@pytest.fixture
def traced(tmp_path, monkeypatch):
    """A network of one's own, and its state file."""
    torch = pytest.importorskip("torch", reason="traces a PyTorch network")
    pytest.importorskip("PIL", reason="the training room needs pillow")
    (tmp_path / "their_net.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self, classes):\n"
        "        super().__init__()\n"
        "        self.stem = nn.Conv2d(1, 6, 3, stride=(2, 1), padding=1)\n"
        "        self.wide = nn.Conv2d(6, 6, (1, 3), padding='same', dilation=(1, 2))\n"
        "        self.mixed = nn.Linear(6, 6)\n"
        "        self.head = nn.Linear(6, classes)\n"
        "        self.spare = nn.Conv2d(6, 4, 1)\n"
        "    def forward(self, x):\n"
        "        x = self.wide(self.stem(x)).flatten(2).transpose(1, 2)\n"
        "        return self.head(self.mixed(self.mixed(x)).mean(1))\n"
        "def make(classes):\n"
        "    return Net(classes)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "their_net", raising=False)  # of another test
    import importlib

    importlib.invalidate_caches()
    made = importlib.import_module("their_net").make(7)
    torch.save(made.state_dict(), tmp_path / "net.pt")
    yield tmp_path / "net.pt"
    sys.modules.pop("their_net", None)


def test_a_model_and_its_input_size_trace_sizes_strides_and_paddings(traced, tmp_path):
    choice = hd.NetworkChoice(source=str(traced), model="their_net:make", input_size="8x10")
    network = read_network(choice)
    found = {la.name: (la.output_hw, la.window) for la in network.layers}
    none = (0, 0, 0, 0)
    assert found == {
        "stem": ((4, 10), Window((2, 1), (1, 1, 1, 1))),
        "wide": ((4, 10), Window((1, 1), (0, 2, 0, 2), (1, 2))),
        "mixed": ((40, 1), Window(padding=none)),
        "head": ((1, 1), Window(padding=none)),
        "spare": (None, None),
    }
    told = {name: note.text for note in network.notes for name in note.layers}
    assert "their_net:make on an input of 8x10" in told["stem"] and "calls it 2 times" in told["mixed"]
    assert "not reached" in told["spare"] and not any("assumed" in text for text in told.values())
    assert read_network(network.asked).layers[0].window == network.layers[0].window
    words = ["--model", "their_net:make", "--input-size", "1x8x10", "--layer", "stem", "--layer", "head"]
    ran("layers", traced, *words, "-o", tmp_path / "out")
    assert "stride 2 x 1" in (tmp_path / "out" / "01_stem.yaml").read_text()
    ran("compare", traced, *words, "--effort", "greedy", "-o", tmp_path / "out", "--no-studies")
    content = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert content["layers"][0]["P"] == 4 and content["layers"][0]["Q"] == 10
    asked = content["provenance"]["scenario"]["network"]
    assert (asked["model"], asked["input_size"]) == ("their_net:make", [1, 8, 10])
    again = json.loads(ran("compare", tmp_path / "out" / "compare.json", "--json").stdout)
    assert again == content


def test_an_own_network_gets_the_sizes_of_its_spec(data):
    pytest.importorskip("torch", reason="traces a PyTorch network")
    file = data / "resnet20-12fca82f.th"
    wanted = load_network(file, spec="resnet20_cifar10")
    found = read_network(hd.NetworkChoice(source=str(file), model="resnet20", input_size=(32, 32)))
    assert [la.output_hw for la in found.layers] == [la.output_hw for la in wanted.layers]
    assert [la.digest for la in found.layers] == [la.digest for la in wanted.layers]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"model": "resnet20"}, "model, input_size: they go together"),
        ({"input_size": "8x8"}, "model, input_size: they go together"),
        ({"model": "their_net:make", "input_size": "8"}, "'8' found; HxW or CxHxW"),
        ({"model": "their_net:make", "input_size": [0, 8]}, "HxW or CxHxW"),
        ({"model": "their_net:make", "input_size": "8x8", "tokens": 3}, "model, tokens: two answers"),
        ({"model": "resnet20", "input_size": "8x8"}, "none of its layers is in resnet20"),
        ({"model": "their_net:make", "input_size": "3x8x8"}, "cannot run on an input of 3x8x8"),
    ],
)
def test_a_trace_that_cannot_be_says_why(traced, fields, words):
    with pytest.raises(InputError, match=words):
        read_network(hd.NetworkChoice(source=str(traced), **fields))


def test_weights_of_another_network_and_two_answers_are_refused(traced, tmp_path):
    np.savez(tmp_path / "other.npz", **{"stem.weight": floats(6, 2, 3, 3)})
    choice = hd.NetworkChoice(source=str(tmp_path / "other.npz"), model="their_net:make", input_size="8x8")
    with pytest.raises(InputError, match=r"layer 'stem' is \[6, 2, 3, 3\], and \[6, 1, 3, 3\] in their_net"):
        read_network(choice)
    (tmp_path / "s.yaml").write_text("network: n\nlayers: [{name: stem, output_hw: [2, 1]}]")
    both = {"model": "their_net:make", "input_size": "8x8", "spec": str(tmp_path / "s.yaml")}
    with pytest.raises(InputError, match="model, spec: both tell output sizes"):
        read_network(hd.NetworkChoice(source=str(traced), **both))
    with pytest.raises(InputError, match="read_network"):
        hd.NetworkChoice(source=str(traced), model="their_net:make", input_size="8x8").load()
