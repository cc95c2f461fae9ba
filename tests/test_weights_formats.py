"""safetensors, PyTorch and ONNX files: round trips, hostile and cut files."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

from hd_plugin.errors import InputError, MissingTool
from hd_plugin.weights import load_network
from hd_plugin.weights._readers import reader_for

RNG = np.random.default_rng(11)
CONV = RNG.normal(size=(6, 4, 3, 3)).astype(np.float32)
LINEAR = RNG.normal(size=(5, 6)).astype(np.float32)
INTEGERS = RNG.integers(-8, 8, size=(6, 4, 3, 3)).astype(np.int8)


def _cuts_are_refused(path, count=40):
    data = path.read_bytes()
    cut = path.with_name("cut" + path.suffix)
    for length in np.linspace(0, len(data) - 2, count).astype(int):
        cut.write_bytes(data[:length])
        with pytest.raises(InputError, match=r"cut\."):
            load_network(cut)


def _safetensors(path, tensors):
    """Written by hand, so that the header's order is the one given."""
    header, blob = {}, b""
    for key, (dtype, shape, data) in tensors.items():
        header[key] = {"dtype": dtype, "shape": shape, "data_offsets": [len(blob), len(blob) + len(data)]}
        blob += data
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + blob)


def test_safetensors_in_header_order_with_bfloat16(tmp_path):
    pytest.importorskip("safetensors", reason="reads .safetensors")
    path = tmp_path / "net.safetensors"
    half = (CONV.view(np.uint32) >> 16).astype("<u2")
    _safetensors(
        path,
        {
            "z.weight": ("F32", [5, 6], LINEAR.tobytes()),
            "z.bias": ("F32", [5], bytes(20)),
            "a.weight": ("BF16", [6, 4, 3, 3], half.tobytes()),
        },
    )
    raw = reader_for(path)(path).layers
    assert [r.name for r in raw] == ["z", "a"] and (raw[0].values == LINEAR).all()
    assert np.allclose(raw[1].values, CONV, rtol=2**-7) and load_network(path).layers[1].K == 6
    _cuts_are_refused(path)


def test_safetensors_unsupported_type_is_named(tmp_path):
    pytest.importorskip("safetensors", reason="reads .safetensors")
    _safetensors(tmp_path / "f8.safetensors", {"a.weight": ("F8_E4M3", [2, 2], bytes(4))})
    with pytest.raises(InputError, match=r"f8\.safetensors.*a: of type F8_E4M3"):
        load_network(tmp_path / "f8.safetensors")


class _Hostile:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return open, (str(self.target), "w")


@pytest.mark.parametrize("nested", [None, "state_dict", "model_state_dict", "model", "net"])
def test_torch_state_dicts(tmp_path, nested):
    torch = pytest.importorskip("torch", reason="reads .pt")
    state = {
        "module.a.weight": torch.tensor(CONV),
        "module.a.bias": torch.zeros(6),
        "module.b.weight": torch.tensor(LINEAR).bfloat16(),
        "module.n": torch.tensor(3),
    }
    path = tmp_path / "net.pt"
    torch.save({nested: state, "epoch": 3} if nested else state, path)
    raw = reader_for(path)(path).layers
    assert [r.name for r in raw] == ["a", "b"] and (raw[0].values == CONV).all()
    assert [la.output_hw for la in load_network(path).layers] == [None, (1, 1)]


def test_torch_legacy_and_cut_files(tmp_path):
    torch = pytest.importorskip("torch", reason="reads .pt")
    for new, name in ((True, "zip.pth"), (False, "legacy.th")):
        torch.save({"a.weight": torch.tensor(LINEAR)}, tmp_path / name, _use_new_zipfile_serialization=new)
        assert load_network(tmp_path / name).layers[0].K == 5
        _cuts_are_refused(tmp_path / name, 15)


def test_hostile_pickle_is_refused_and_does_nothing(tmp_path):
    torch = pytest.importorskip("torch", reason="reads .pt")
    target = tmp_path / "created"
    torch.save({"a.weight": torch.tensor(LINEAR), "x": _Hostile(target)}, tmp_path / "evil.pt")
    (tmp_path / "bare.th").write_bytes(pickle.dumps(_Hostile(target), protocol=2))
    for name in ("evil.pt", "bare.th"):
        with pytest.raises(InputError, match=rf"{name}.*refused") as caught:
            load_network(tmp_path / name)
        assert "weights_only=False" not in str(caught.value)
    assert not target.exists()


def test_whole_module_and_odd_dicts_say_what_to_save(tmp_path):
    torch = pytest.importorskip("torch", reason="reads .pt")
    torch.save(torch.nn.Linear(3, 2), tmp_path / "whole.pt")
    torch.save({"epoch": 3}, tmp_path / "epoch.pt")
    torch.save([torch.zeros(2, 2)], tmp_path / "list.pt")
    for name in ("whole.pt", "epoch.pt", "list.pt"):
        with pytest.raises(InputError, match=rf"{name}.*model\.state_dict\(\)"):
            load_network(tmp_path / name)


@pytest.mark.parametrize(
    ("suffix", "module", "install"),
    [
        (".pt", "torch", r"hd_plugin\[torch\]"),
        (".onnx", "onnx", r"hd_plugin\[onnx\]"),
        (".tflite", "tflite", "tflite"),
    ],
)
def test_missing_library_says_what_to_install(tmp_path, monkeypatch, suffix, module, install):
    monkeypatch.setitem(__import__("sys").modules, module, None)
    path = tmp_path / f"x{suffix}"
    path.write_bytes(b"x")
    with pytest.raises(MissingTool, match=f"pip install '{install}'"):
        load_network(path)


def _onnx(path, nodes, weights, opset=13):
    onnx = pytest.importorskip("onnx", reason="reads .onnx")
    h = onnx.helper
    image = h.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", 4, 10, 12])
    out = h.make_tensor_value_info(nodes[-1].output[0], onnx.TensorProto.FLOAT, None)
    stored = [onnx.numpy_helper.from_array(np.ascontiguousarray(v), k) for k, v in weights.items()]
    onnx.save(
        h.make_model(
            h.make_graph(nodes, "g", [image], [out], stored), opset_imports=[h.make_opsetid("", opset)]
        ),
        path,
    )


def _node(*args, **kw):
    return pytest.importorskip("onnx", reason="reads .onnx").helper.make_node(*args, **kw)


def test_onnx_floats_linear_and_unmapped(tmp_path):
    path = tmp_path / "net.onnx"
    _onnx(
        path,
        [
            _node("Conv", ["x", "w"], ["c"], name="conv", strides=[2, 2], pads=[1, 1, 1, 1]),
            _node("Conv", ["c", "dw"], ["d"], name="dw", group=6),
            _node("Conv", ["d", "gw"], ["e"], name="grouped", group=3),
            _node("GlobalAveragePool", ["e"], ["p"]),
            _node("Flatten", ["p"], ["f"]),
            _node("Gemm", ["f", "fc.weight"], ["g"], transB=1),
            _node("Gemm", ["g", "plain"], ["h"], name="gemm"),
            _node("MatMul", ["h", "mm"], ["i"], name="matmul"),
            _node("MatMul", ["i", "i"], ["y"], name="attention"),
        ],
        {
            "w": CONV,
            "dw": CONV[:, :1],
            "gw": CONV[:, :2],
            "fc.weight": LINEAR,
            "plain": LINEAR[:, :5].T,
            "mm": LINEAR[:, :3],
        },
    )
    found = reader_for(path)(path)
    raw, unmapped = found.layers, found.unmapped
    assert [(r.name, r.output_hw) for r in raw] == [
        ("conv", (5, 6)),
        ("fc", (1, 1)),
        ("gemm", (1, 1)),
        ("matmul", (1, 1)),
    ]
    for r, w in zip(raw, (CONV, LINEAR, LINEAR[:, :5], LINEAR[:, :3].T), strict=True):
        assert (r.values == w).all()
    assert {u.name: u.reason for u in unmapped} == {
        "dw": "depthwise convolution: no input channels to share a row",
        "grouped": "grouped convolution, groups=3",
    }
    _cuts_are_refused(path)


def test_onnx_quantised(tmp_path):
    scale = np.linspace(0.1, 0.6, 6).astype(np.float32)
    zero = np.arange(6).astype(np.int8)
    path = tmp_path / "qdq.onnx"
    stored = (INTEGERS + zero[:, None, None, None]).astype(np.int8)
    tall = INTEGERS[:, :, 0, 0].T  # [C, K], as MatMul has it
    _onnx(
        path,
        [
            _node("DequantizeLinear", ["w", "s", "z"], ["wf"], axis=0),
            _node("Conv", ["x", "wf"], ["c"], name="conv"),
            _node("DequantizeLinear", ["m", "s"], ["mf"], axis=1),
            _node("MatMul", ["c", "mf"], ["y"], name="mm"),
            _node("DequantizeLinear", ["m", "sc"], ["nf"], axis=0),
            _node("MatMul", ["c", "nf"], ["v"], name="odd"),
        ],
        {"w": stored, "s": scale, "z": zero, "m": tall, "sc": scale[:4]},
    )
    conv, mm, odd = load_network(path, bits=4).layers
    assert (conv.values == INTEGERS).all() and np.allclose(conv.scale, scale) and conv.output_hw == (8, 10)
    assert (mm.values[:, :, 0, 0] == tall.T).all() and np.allclose(mm.scale, scale)
    raw = reader_for(path)(path).layers
    assert (
        np.allclose(raw[2].values, (tall * scale[:4, None]).T) and odd.K == 6
    )  # scales along C become floats


def test_onnx_qlinearconv(tmp_path):
    path = tmp_path / "q.onnx"
    _onnx(
        path,
        [_node("QLinearConv", ["x", "s", "z", "w", "s", "z", "s", "z"], ["y"], name="q")],
        {"w": (INTEGERS.astype(int) + 128).astype(np.uint8), "s": np.float32(0.25), "z": np.uint8(128)},
    )
    layer = load_network(path).layers[0]
    assert (layer.values == INTEGERS).all() and layer.scale == 0.25
