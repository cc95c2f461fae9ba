"""Every tensor of a file is a layer or has its reason; what was assumed is told, and can be overruled."""

from __future__ import annotations

import json
import re
import tracemalloc

import numpy as np
import pytest
from click.testing import CliRunner
from test_weights_formats import _node, _onnx, _safetensors

import hd_plugin as hd
from hd_plugin.cli import main
from hd_plugin.errors import InputError
from hd_plugin.report import tables
from hd_plugin.weights import load_network

RNG = np.random.default_rng(5)


def floats(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def write(path, arrays, dtypes=None):
    """A .safetensors file of arrays by key."""
    names = {"f": "F32", "i": "I32", "u": "U8"}
    tensors = {
        key: ((dtypes or {}).get(key, names[a.dtype.kind]), list(a.shape), a.tobytes())
        for key, a in arrays.items()
    }
    _safetensors(path, tensors)
    return path


def reasons(network):
    return {u.name: u.reason for u in network.unmapped}


def test_every_tensor_of_a_state_file_is_a_layer_or_has_a_reason(tmp_path):
    arrays = {
        "stem.weight": floats(8, 3, 3, 3),
        "stem.bias": floats(8),
        "dw.weight": floats(8, 1, 3, 3),
        "norm.weight": floats(8),
        "rnn.weight_ih_l0": floats(12, 8),
        "wave.weight": floats(8, 8, 3),
        "mask": np.ones((2, 2), np.uint8),
        "emb.word_embeddings.weight": floats(20, 8),
        "head.weight": floats(10, 8),
        "fp8.weight": np.zeros((4, 4), np.uint8),
    }
    path = write(tmp_path / "net.safetensors", arrays, {"fp8.weight": "F8_E4M3", "mask": "BOOL"})
    network = load_network(path)
    told = reasons(network)
    assert [la.name for la in network.layers] == ["stem", "head"]
    assert {la.name for la in network.layers} | set(told) == {
        "stem", "stem.bias", "dw", "norm.weight", "rnn.weight_ih_l0", "wave", "mask",
        "emb.word_embeddings", "head", "fp8",
    }  # fmt: skip
    assert "depthwise" in told["dw"] and "embedding" in told["emb.word_embeddings"]
    assert "F8_E4M3" in told["fp8"] and "3 dimensions" in told["wave"] and "BOOL" in told["mask"]
    shown = "\n".join(line for line in tables(hd.measure(network)) if isinstance(line, str))
    assert all(reason in shown for reason in told.values())
    asked = load_network(path, layers=["emb.word_embeddings", "rnn.weight_ih_l0"])
    assert [la.name for la in asked.layers] == ["rnn.weight_ih_l0", "emb.word_embeddings"]
    assert asked.asked.load().layers[1].digest == asked.layers[1].digest
    with pytest.raises(InputError, match="layer 'dw' is not mapped: depthwise"):
        load_network(path, layers=["dw"])


@pytest.mark.parametrize(
    ("packer", "arrays"),
    [
        (
            "GPTQ or AWQ",
            {
                "qweight": np.zeros((2, 16), np.int32),
                "qzeros": np.zeros((1, 2), np.int32),
                "scales": floats(1, 16),
            },
        ),
        ("compressed-tensors", {"weight_packed": np.zeros((16, 2), np.int32), "weight_scale": floats(16, 1)}),
        (
            "bitsandbytes",
            {
                "weight": np.zeros((128, 1), np.uint8),
                "weight.absmax": floats(4),
                "weight.quant_map": floats(16),
            },
        ),
    ],
)
def test_packed_weights_are_named_not_lost_and_not_taken_for_integers(tmp_path, packer, arrays):
    named = {f"model.q_proj.{key}": a for key, a in arrays.items()}
    network = load_network(write(tmp_path / "q.safetensors", {**named, "lm_head.weight": floats(6, 4)}))
    assert [la.name for la in network.layers] == ["lm_head"]
    [(name, reason)] = reasons(network).items()
    assert name.startswith("model.q_proj") and f"packed weights ({packer})" in reason
    with pytest.raises(InputError, match=r"only\.safetensors.*no .*layer.*packed weights"):
        load_network(write(tmp_path / "only.safetensors", named))


GPT2 = {
    "wte.weight": floats(30, 8),
    "h.0.attn.c_attn.weight": floats(8, 24),
    "h.0.attn.c_attn.bias": floats(24),
    "h.0.attn.c_proj.weight": floats(8, 8),  # square: the shape does not tell
    "h.0.attn.c_proj.bias": floats(8),
    "h.0.mlp.c_proj.weight": floats(32, 8),
    "h.0.mlp.c_proj.bias": floats(8),
    "head.weight": floats(5, 8),
    "head.bias": floats(5),
}


def test_weights_stored_c_k_are_read_so_and_that_is_told(tmp_path):
    path = write(tmp_path / "gpt2.safetensors", GPT2)
    network = load_network(path, bits=8)
    assert [(la.name, la.K, la.C) for la in network.layers] == [
        ("h.0.attn.c_attn", 24, 8),
        ("h.0.attn.c_proj", 8, 8),
        ("h.0.mlp.c_proj", 8, 32),
        ("head", 5, 8),
    ]
    square = network.layers[1]
    assert np.allclose(square.weights[:, :, 0, 0], GPT2["h.0.attn.c_proj.weight"].T)
    told = {n.text: n.layers for n in network.notes if "Conv1D" in n.text}
    certain, assumed = sorted(told, key=lambda text: "assumption" in text)
    assert told[certain] == ("h.0.attn.c_attn", "h.0.mlp.c_proj") and "[C, K]" in certain
    assert told[assumed] == ("h.0.attn.c_proj",) and "transposed: false" in assumed
    (tmp_path / "mine.yaml").write_text("network: mine\nlayers: [{name: h.0.attn.c_proj, transposed: false}]")
    said = load_network(path, bits=8, spec=tmp_path / "mine.yaml")
    assert np.allclose(said.layers[1].weights[:, :, 0, 0], GPT2["h.0.attn.c_proj.weight"])
    assert not any("assumption" in n.text for n in said.notes)
    assert [n.layers for n in said.notes if "[K, C]" in n.text] == [("h.0.attn.c_proj",)]


def test_a_config_beside_the_file_settles_what_biases_do_not(tmp_path):
    square = {k: v for k, v in GPT2.items() if "attn.c_proj" in k or "wte" in k}
    path = write(tmp_path / "gpt2.safetensors", square)
    stored = square["h.0.attn.c_proj.weight"]
    assert np.allclose(load_network(path, bits=8).layers[0].weights[:, :, 0, 0], stored)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    network = load_network(path, bits=8)
    assert np.allclose(network.layers[0].weights[:, :, 0, 0], stored.T)
    assert any("config.json" in n.text and "assumption" in n.text for n in network.notes)


def shards(folder, **index):
    """Two parts and their index."""
    folder.mkdir()
    parts = {"model-00001-of-00002.safetensors": ["a", "b"], "model-00002-of-00002.safetensors": ["c"]}
    for file, names in parts.items():
        write(folder / file, {f"{n}.weight": floats(4, 6) for n in names})
    told = {f"{n}.weight": file for file, names in parts.items() for n in names}
    path = folder / "model.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": {**told, **index}}))
    return path


def test_a_network_in_parts_is_read_whole_by_index_or_folder_and_never_half(tmp_path):
    index = shards(tmp_path / "llm")
    for source in (index, tmp_path / "llm"):
        network = load_network(source)
        assert [la.name for la in network.layers] == ["a", "b", "c"] and network.name == "llm"
        again = network.asked.load()
        assert again.digest == network.digest and [la.digest for la in again.layers] == [
            la.digest for la in network.layers
        ]
    done = CliRunner().invoke(main, ["measure", str(index), "--json"])
    assert done.exit_code == 0 and len(json.loads(done.stdout)["layers"]) == 3
    part = tmp_path / "llm" / "model-00002-of-00002.safetensors"
    with pytest.raises(InputError, match=r"part 2 of 2.*name .*index\.json"):
        load_network(part)
    before = network.digest
    write(part, {"c.weight": floats(4, 6)})
    assert load_network(index).digest != before  # a part's bytes count
    part.unlink()
    with pytest.raises(InputError, match=r"model-00002-of-00002\.safetensors of 2 files missing"):
        load_network(index)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"d.weight": "model-00001-of-00002.safetensors"}, "d.weight named, but found in no part"),
        ({"d.weight": "../x.safetensors"}, "a .safetensors file beside it is needed"),
        ({"d.weight": 3}, "3 found"),
    ],
)
def test_an_index_that_does_not_fit_is_refused(tmp_path, told, words):
    with pytest.raises(InputError, match=re.escape(words)):
        load_network(shards(tmp_path / "llm", **told))


def test_a_folder_means_its_one_weights_file(tmp_path):
    np.savez(tmp_path / "one.npz", a=floats(3, 4))
    (tmp_path / "readme.md").write_text("")
    network = load_network(tmp_path)
    assert network.layers[0].K == 3 and network.asked.load().digest == network.digest
    np.savez(tmp_path / "two.npz", a=floats(3, 4))
    with pytest.raises(InputError, match=r"2 weights files \(one\.npz, two\.npz\)"):
        load_network(tmp_path)


def test_onnx_accounts_for_stored_tensors_and_layers_inside_of_branches(tmp_path):
    onnx = pytest.importorskip("onnx", reason="reads .onnx")
    inner = onnx.helper.make_graph(
        [_node("MatMul", ["g", "inside"], ["o"], name="hidden")],
        "then",
        [],
        [onnx.helper.make_tensor_value_info("o", 1, None)],
        [onnx.numpy_helper.from_array(floats(6, 6), "inside")],
    )
    path = tmp_path / "net.onnx"
    _onnx(
        path,
        [
            _node("Conv", ["x", "w", "b"], ["c"], name="conv"),
            _node("BatchNormalization", ["c", "s", "o1", "m", "v"], ["n"]),
            _node("Gather", ["table.weight", "ids"], ["g"]),
            _node("If", ["flag"], ["y"], then_branch=inner, else_branch=inner),
        ],
        {
            **{name: floats(6) for name in ("b", "s", "o1", "m", "v")}, "w": floats(6, 4, 1, 1),
            "table.weight": floats(9, 6), "ids": np.arange(3), "flag": np.array(True), "spare": floats(2, 2),
        },
    )  # fmt: skip
    network = load_network(path)
    told = reasons(network)
    assert [la.name for la in network.layers] == ["conv"]
    assert set(told) == {"s", "o1", "m", "v", "table", "ids", "flag", "spare", "hidden"}
    assert (
        "BatchNormalization" in told["s"]
        and "embedding" in told["table"]
        and "inside of If" in told["hidden"]
    )
    assert "no node" in told["spare"]
    assert load_network(path, layers=["table"]).layers[0].K == 9


def test_only_the_layers_asked_for_are_read_and_held(tmp_path):
    big, small = floats(512, 4096), floats(8, 8)
    np.savez(tmp_path / "n.npz", big=big, small=small)
    write(tmp_path / "n.safetensors", {"big.weight": big, "small.weight": small})
    for name in ("n.npz", "n.safetensors"):
        load_network(tmp_path / name, layers=["small"])  # imports
        tracemalloc.start()
        network = load_network(tmp_path / name, layers=["small"])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert [la.name for la in network.layers] == ["small"] and peak < big.nbytes / 2


def test_a_rewriting_tells_what_is_not_mapped(tmp_path):
    path = tmp_path / "net.onnx"
    _onnx(
        path,
        [_node("Conv", ["x", "a"], ["c"], name="first"), _node("Conv", ["c", "b"], ["y"], name="second")],
        {"a": floats(6, 4, 1, 1), "b": floats(5, 6, 1, 1), "spare": floats(2, 2)},
    )
    done = CliRunner().invoke(main, ["rewrite", str(path), "--effort", "greedy", "--json"])
    told = json.loads(done.stdout)
    assert [u["name"] for u in told["unmapped"]] == ["spare"]
