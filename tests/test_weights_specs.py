"""Network specs, and the real files that the shipped ones describe (HD_PLUGIN_DATA)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

import hd_plugin as hd
from hd_plugin.errors import InputError
from hd_plugin.report import tables
from hd_plugin.weights import bundled_specs, load_network, load_spec

# arXiv 2002.05293, Table 5
# fmt: off
C5 = [
    16, 96, 24, 144, 24, 144, 32, 192, 32, 192, 32, 192, 64, 384, 64, 384, 64, 384, 64, 384, 96, 576, 96,
    576, 96, 576, 160, 960, 160, 960, 160, 960, 320,
]
K5 = [
    96, 24, 144, 24, 144, 32, 192, 32, 192, 32, 192, 64, 384, 64, 384, 64, 384, 64, 384, 96, 576, 96, 576,
    96, 576, 160, 960, 160, 960, 160, 960, 320, 1280,
]
# fmt: on


@pytest.fixture
def net(tmp_path):
    path = tmp_path / "net.npz"
    np.savez(path, a=np.eye(3), b=np.ones((2, 3, 1, 1)), c=np.eye(4))
    return path


def _data(name):
    folder = os.environ.get("HD_PLUGIN_DATA")
    if not folder or not (Path(folder) / name).is_file():
        pytest.skip(f"HD_PLUGIN_DATA does not point at a folder with {name}")
    return Path(folder) / name


def _spec(tmp_path, text):
    path = tmp_path / "spec.yaml"
    path.write_text(text)
    return path


def test_spec_completes_skips_and_keeps_file_order(tmp_path, net):
    spec = _spec(
        tmp_path, "network: mine\nlayers: [{name: c, skip: true}, {name: b, output_hw: [5, 6], label: 1}]"
    )
    found = load_network(net, spec=spec)
    assert [(la.name, la.output_hw) for la in found.layers] == [("a", (1, 1)), ("b", (5, 6))]
    assert found.name == "mine" and found.unmapped[0].name == "c" and load_spec(spec).layers[1].label == "1"


def test_only_restricts_and_orders(tmp_path, net):
    spec = _spec(tmp_path, "network: mine\nonly: true\nlayers: [{name: c}, {name: a}]")
    found = load_network(net, spec=spec)
    assert [la.name for la in found.layers] == ["c", "a"] and [u.name for u in found.unmapped] == ["b"]
    assert [la.name for la in load_network(net).layers] == ["a", "b", "c"]


def test_what_a_spec_replaces_renames_and_drops_is_told(tmp_path):
    path = tmp_path / "net.npz"
    np.savez(
        path,
        **{
            "a.weight": np.ones((2, 3, 1, 1)),
            "a.output_hw": [5, 5],
            "b": np.ones((2, 3, 1, 1)),
            "c": np.eye(4),
        },
    )
    text = "network: mine\nonly: true\nlayers: [{name: b, output_hw: [9, 9]}, {name: a, output_hw: [7, 7]}]"
    found = load_network(path, spec=_spec(tmp_path, text))
    told = {n.text: n.layers for n in found.notes}
    assert told == {
        "spec spec.yaml: net.npz is called mine": (),
        "spec spec.yaml: output size 9 x 9, which the file does not tell": ("b",),
        "spec spec.yaml: output size 7 x 7, not 5 x 5 as the file has": ("a",),
        "spec spec.yaml: its order of layers, not the file's": (),
    }
    assert [(u.name, u.reason, u.shape) for u in found.unmapped] == [("c", "not listed in spec.yaml", (4, 4))]
    for result in (hd.measure(found), hd.compare(found, effort="greedy", methods=["segment"])):
        content, shown = (
            json.loads(result.json_text()),
            "\n".join(t for t in tables(result) if isinstance(t, str)),
        )
        assert [n["text"] for n in content["network_notes"]] == list(told)
        assert all(text in shown for text in told) and "not mapped: c: not listed in spec.yaml" in shown


def test_all_errors_of_a_spec_come_at_once(tmp_path, net):
    spec = _spec(
        tmp_path,
        """
network: ""
inputhw: [32, 32]
only: 1
file_digest: [abc]
layers:
  - {name: a, output_hw: [0, 3]}
  - {name: a, outptu_hw: [1, 1]}
  - {output_hw: [1, 2, 3], skip: maybe}
  - nine
""",
    )
    with pytest.raises(InputError) as caught:
        load_network(net, spec=spec)
    problems = [
        "network: '' found; a name is needed",
        "layers[0].output_hw: [0, 3] found; [P, Q], two whole numbers above 0, is needed",
        "layers[1].outptu_hw: unknown field; did you mean 'output_hw'?",
        "layers[2].name: missing",
        "layers[2].output_hw: [1, 2, 3] found; [P, Q], two whole numbers above 0, is needed",
        "layers[2].skip: 'maybe' found; true or false is needed",
        "layers[3]: 'nine' found; a mapping of fields is needed",
        "file_digest: ['abc'] found; a list of SHA-256 digests (64 hex digits each) is needed",
        "only: 1 found; true or false is needed",
        "inputhw: unknown field; did you mean 'input_hw'?",
        "layers[1].name: 'a' is listed twice; keep one",
    ]
    assert str(caught.value) == f"{spec}: " + "; ".join(problems)


def test_a_field_left_empty_is_told(tmp_path, net):
    spec = _spec(tmp_path, "network:\nlayers: [{name: a, skip: , output_hw: , label: }]")
    with pytest.raises(InputError) as caught:
        load_network(net, spec=spec)
    for field in ("network", "layers[0].skip", "layers[0].output_hw", "layers[0].label"):
        assert f"{field}: None found" in str(caught.value)


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: [", "network: x", "network: x\nlayers: []", "\x00"])
def test_odd_yaml_is_refused_by_name(tmp_path, net, text):
    with pytest.raises(InputError, match=r"spec\.yaml"):
        load_network(net, spec=_spec(tmp_path, text))


def test_names_that_do_not_match_are_all_listed(tmp_path, net):
    spec = _spec(tmp_path, "network: x\nlayers: [{name: aa}, {name: zz}]")
    with pytest.raises(InputError) as caught:
        load_network(net, spec=spec)
    assert "layers[0].name: 'aa'" in str(caught.value) and "layers[1].name: 'zz'" in str(caught.value)
    with pytest.raises(InputError, match="did you mean 'resnet20_cifar10'"):
        load_network(net, spec="resnet20_cifar")


def test_shipped_specs_are_valid_and_belong_to_one_file_each():
    specs = [load_spec(name) for name in bundled_specs()]
    assert {"mobilenet_v2_table5", "resnet20_cifar10", "resnet26_cifar100"} <= {s.network for s in specs}
    digests = [d for s in specs for d in s.file_digest]
    assert len(digests) == len(set(digests))
    table5 = load_spec("mobilenet_v2_table5")
    assert [la.label for la in table5.layers] == [str(i) for i in range(1, 34)]
    assert [la.output_hw[0] for la in table5.layers] == [32] * 5 + [16] * 6 + [8] * 14 + [4] * 8


def test_mobilenet_is_table_5():
    net = load_network(_data("mobilenet_v2_1.0_224_quant.tflite"), spec="mobilenet_v2_table5")
    assert [la.C for la in net.layers] == C5 and [la.K for la in net.layers] == K5
    assert all(la.taps == 1 and la.output_hw for la in net.layers)
    assert sum(u.reason.startswith("depthwise convolution: no input channels") for u in net.unmapped) == 17


def test_a_file_that_a_spec_was_made_for_is_read_as_it_is():
    whole = load_network(_data("mobilenet_v2_1.0_224_quant.tflite"), bits=9)
    assert whole.name == "mobilenet_v2_1.0_224_quant"
    assert len(whole.layers) == 36 and whole.layers[0].output_hw == (112, 112) and whole.layers[-1].K == 1001
    assert [n.text for n in whole.notes if "--spec mobilenet_v2_table5" in n.text]
    own = whole.layer("MobilenetV2/Conv")  # uint8, zero point 122
    assert own.values.min() >= -122 and own.values.max() <= 133 and own.scale == pytest.approx(0.03396893)


def test_cut_tflite_is_refused_by_name(tmp_path):
    pytest.importorskip("tflite", reason="reads .tflite")
    data = _data("mobilenet_v2_1.0_224_quant.tflite").read_bytes()
    path = tmp_path / "cut.tflite"
    end = data.rindex(b"PK\x03\x04")  # a zip of class labels is appended: losing that harms no weight
    for length in (*np.linspace(8, end - 400, 9).astype(int), end - 100, end - 40, end - 12):
        path.write_bytes(data[:length])
        with pytest.raises(InputError, match=r"cut\.tflite"):
            load_network(path)


@pytest.mark.parametrize(
    ("name", "spec", "count", "all_layers"),
    [
        ("resnet20-12fca82f.th", "resnet20_cifar10", 20, 20),
        ("resnet26_cifar100.pth", "resnet26_cifar100", 25, 29),
    ],
)
def test_resnets_get_their_sizes(name, spec, count, all_layers):
    pytest.importorskip("torch", reason="reads .th and .pth")
    net = load_network(_data(name), spec=spec)
    assert len(net.layers) == count and all(la.output_hw for la in net.layers)
    assert net.layer("layer2.0.conv1").output_hw == (16, 16) and net.layer("layer3.0.conv2").output_hw == (
        8,
        8,
    )
    assert len(load_network(_data(name)).layers) == all_layers
