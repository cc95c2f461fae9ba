"""Reading weights: each format round-trips, and files that cannot be used are named with what to do."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from hd_plugin.errors import HdPluginError, InputError
from hd_plugin.weights import bundled_networks, load_network

RNG = np.random.default_rng(7)
CONV = RNG.normal(size=(6, 4, 3, 3)).astype(np.float32)
LINEAR = RNG.normal(size=(5, 6)).astype(np.float32)
INTEGERS = RNG.integers(-8, 8, size=(6, 4, 3, 3)).astype(np.int8)


def _close(layer, weights, tolerance):
    """The decoded layer is the weights to within rounding, clipping aside."""
    scale = layer.scale.reshape((-1, 1, 1, 1)) if layer.scale.ndim else layer.scale
    weights = weights.reshape(layer.values.shape)
    assert np.abs(layer.values * scale - weights).mean() < tolerance * np.abs(weights).mean()


def test_import_brings_no_reader_library():
    code = (
        "import sys, hd_plugin.weights; "
        "print([m for m in ('torch', 'onnx', 'tflite', 'safetensors') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_npz_floats_are_quantised_and_named_in_order(tmp_path):
    path = tmp_path / "net.npz"
    np.savez(
        path,
        **{
            "stem.weight": CONV,
            "stem.output_hw": [7, 9],
            "stem.bias": np.zeros((1, 6)),
            "head": LINEAR,
            "bn.running_mean": np.zeros((2, 2)),
            "note": np.array("hello"),
        },
    )
    net = load_network(path, bits=8)
    assert [(la.name, la.output_hw) for la in net.layers] == [("stem", (7, 9)), ("head", (1, 1))]
    assert net.digest == hashlib.sha256(path.read_bytes()).hexdigest() and net.name == "net"
    _close(net.layers[0], CONV, 0.02)
    _close(net.layers[1], LINEAR, 0.02)


@pytest.mark.parametrize("number_format", ["twos_complement", "offset_binary", "gray"])
def test_npz_integers_come_back_unchanged(tmp_path, number_format):
    path = tmp_path / "net.npz"
    scale = np.linspace(0.1, 0.6, 6)
    np.savez(path, **{"a": INTEGERS + 100, "a.scale": scale, "a.zero_point": 100})
    layer = load_network(path, number_format=number_format).layers[0]
    assert (layer.values == INTEGERS).all() and (layer.scale == scale).all()


def test_zero_points_per_channel(tmp_path):
    path = tmp_path / "net.npz"
    zero = np.arange(6)
    np.savez(path, **{"a": INTEGERS + zero[:, None, None, None], "a.zero_point": zero})
    assert (load_network(path).layers[0].values == INTEGERS).all()


def test_integers_out_of_range(tmp_path):
    path = tmp_path / "net.npz"
    wide = INTEGERS.astype(np.int16) * 9
    np.savez(path, **{"a": wide, "a.scale": 0.01})
    with pytest.raises(
        InputError, match=r"net\.npz.*'a'.*do not fit 4-bit.*keep_integers=False or more bits"
    ):
        load_network(path, keep_integers=True)
    _close(load_network(path).layers[0], wide * 0.01, 0.15)  # None: requantised, since it must be
    assert (load_network(path, bits=8, keep_integers=True).layers[0].values == wide).all()


def test_keep_integers_false_requantises_what_would_fit(tmp_path):
    path = tmp_path / "net.npz"
    np.savez(path, **{"a": INTEGERS, "a.scale": 0.5})
    layer = load_network(path, keep_integers=False, bits=8, per_channel=True).layers[0]
    assert layer.scale.shape == (6,)
    _close(layer, INTEGERS * 0.5, 0.02)


def test_most_negative_integer_does_not_fit_sign_magnitude(tmp_path):
    path = tmp_path / "net.npz"
    np.savez(path, a=np.full((2, 2), -8, np.int8))
    with pytest.raises(InputError, match="sign_magnitude"):
        load_network(path, keep_integers=True, number_format="sign_magnitude")
    assert load_network(path, number_format="sign_magnitude").layers[0].values.min() >= -7


def test_keep_integers_needs_integers(tmp_path):
    np.savez(tmp_path / "f.npz", a=LINEAR)
    with pytest.raises(InputError, match="keep_integers"):
        load_network(tmp_path / "f.npz", keep_integers=True)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"a": np.array([[1.0, np.nan]])}, "'a'.*NaN"),
        ({"a": np.array([[1.0, -np.inf]])}, "'a'.*NaN or infinite"),
        ({"a": np.zeros((0, 3))}, "'a'.*above 0"),
        ({"b": np.zeros(3)}, "no convolution"),
        ({"a": INTEGERS, "a.scale": [1.0, 2.0]}, "'a'.*scale of shape"),
        ({"a": INTEGERS, "a.scale": 0.0}, "'a'.*above 0"),
        ({"a": INTEGERS, "a.scale": np.nan}, "'a'.*finite"),
        ({"a": LINEAR, "a.scale": 1.0}, "'a'.*leave the scale out"),
        ({"a": INTEGERS, "a.zero_point": 0.5}, "'a'.*whole"),
        ({"a": INTEGERS, "a.output_hw": [0, 3]}, "'a'.*output_hw"),
        ({"a": LINEAR, "a.weight": LINEAR}, "'a' is found twice"),
        ({"a": np.array([[object()]], dtype=object)}, "refused"),
    ],
)
def test_unusable_contents_are_named(tmp_path, entries, words):
    path = tmp_path / "odd.npz"
    np.savez(path, **entries)
    with pytest.raises(InputError, match=rf"(?s)odd\.npz.*{words}"):
        load_network(path)


def test_depthwise_is_guessed_but_not_for_the_stem(tmp_path):
    path = tmp_path / "net.npz"
    np.savez(path, stem=CONV[:, :1], depthwise=CONV[:, :1], pointwise=CONV[:, :, :1, :1])
    net = load_network(path)
    assert [la.name for la in net.layers] == ["stem", "pointwise"]
    assert [u.name for u in net.unmapped] == ["depthwise"] and "guess" in net.unmapped[0].reason


def test_select_layers(tmp_path):
    path = tmp_path / "net.npz"
    np.savez(path, a=LINEAR, b=LINEAR)
    assert [la.name for la in load_network(path, layers=["b"]).layers] == ["b"]
    with pytest.raises(InputError, match="no layer 'c'"):
        load_network(path, layers=["c"])


def test_missing_unknown_and_wrong(tmp_path):
    for missing in ("nothing.npz", str(tmp_path / "nothing"), tmp_path / "nothing"):
        with pytest.raises(InputError, match="nothing.*no such file"):
            load_network(missing)
    with pytest.raises(InputError, match="neither a file nor a bundled network"):
        load_network("mobilenet_no_such_thing")
    (tmp_path / "a.h5").write_bytes(b"x")
    with pytest.raises(InputError, match=r"a\.h5.*known suffixes: \.npz"):
        load_network(tmp_path / "a.h5")
    with pytest.raises(InputError, match="is a folder"):
        load_network(tmp_path)
    for bad in ({"bits": 1}, {"bits": 17}, {"number_format": "grey"}):
        with pytest.raises(InputError, match=next(iter(bad))):
            load_network("x.npz", **bad)


def test_every_bundled_network_loads():
    for name in bundled_networks():
        assert load_network(name).layers


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".pt", ".pth", ".th", ".tflite", ".onnx"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        b"\0" * 400,
        b"\xff" * 400,
        b"PK\x03\x04" + b"\0" * 60,
        b"\x80\x02}q\0.",
        b"\x10\0\0\0TFL3" + b"\x07" * 90,
        b"\x1c\0\0\0TFL3" + b"\0" * 200,
        bytes(range(256)) * 4,
    ],
)
def test_garbage_is_refused_by_name(tmp_path, suffix, content):
    pytest.importorskip(
        {".onnx": "onnx", ".tflite": "tflite", ".safetensors": "safetensors", ".npz": "numpy"}.get(
            suffix, "torch"
        ),
        reason=f"the {suffix} reader needs it",
    )
    path = tmp_path / f"garbage{suffix}"
    path.write_bytes(content)
    with pytest.raises(HdPluginError, match=rf"garbage\{suffix}"):
        load_network(path)


def test_npz_cut_anywhere_is_refused_by_name(tmp_path):
    np.savez(tmp_path / "whole.npz", a=LINEAR)
    data = (tmp_path / "whole.npz").read_bytes()
    path = tmp_path / "cut.npz"
    for length in range(0, len(data) - 1, 17):
        path.write_bytes(data[:length])
        with pytest.raises(InputError, match=r"cut\.npz"):
            load_network(path)
