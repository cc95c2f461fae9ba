"""Weights that are in memory already: arrays, state dicts, modules; and how a network reads in Python."""

from __future__ import annotations

import html

import numpy as np
import pytest

import hd_plugin as hd
from hd_plugin.errors import InputError

RNG = np.random.default_rng(0)
WEIGHTS = {
    "conv.weight": RNG.normal(size=(8, 3, 3, 3)).astype(np.float32),
    "conv.bias": np.zeros(8, np.float32),
    "fc.weight": RNG.normal(size=(10, 8)).astype(np.float32),
}


def codes(network: hd.Network) -> list[tuple[str, list[int]]]:
    return [(la.name, la.codes.ravel().tolist()) for la in network]


def test_arrays_by_name_are_read_as_their_npz_file_is(tmp_path):
    np.savez(tmp_path / "net.npz", **WEIGHTS)
    for options in ({}, {"bits": 6, "per_channel": True}, {"layers": ["fc"]}, {"number_format": "gray"}):
        made, read = hd.load_network(WEIGHTS, **options), hd.load_network(tmp_path / "net.npz", **options)
        assert codes(made) == codes(read) and made.unmapped == read.unmapped and made.notes == read.notes
    integers = {"a": np.arange(-8, 8).reshape(4, 4), "a.scale": np.array(0.5)}
    layer = hd.load_network(integers)["a"]
    assert (layer.values[:, :, 0, 0] == integers["a"]).all() and layer.scale == 0.5


def test_networks_in_memory_go_through_everything_and_know_their_numbers():
    network = hd.load_network(WEIGHTS)
    changed = hd.load_network(WEIGHTS | {"fc.weight": -WEIGHTS["fc.weight"]})
    assert network.digest == hd.load_network(dict(WEIGHTS)).digest != changed.digest
    assert network.asked is None and network.source == ""
    assert hd.plan(network, effort="greedy").summary()["cluster"]["flips"] > 0
    assert hd.measure(network).layers[1].name == "fc"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({}, "arrays: no convolution or linear layer"),
        ({"a": np.zeros(3)}, "arrays: no convolution or linear layer"),
        ({"a": np.full((2, 2), np.nan)}, "arrays: layer 'a'.*NaN"),
        ({"a": np.array([["x", "y"]])}, "no convolution or linear layer.*<U1"),
    ],
)
def test_what_cannot_be_read_from_memory_is_said(source, told):
    with pytest.raises(InputError, match=told):
        hd.load_network(source)


def test_a_module_is_read_as_its_state_dict_and_tells_its_windows():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    module = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, (3, 5), stride=(2, 1), padding=(1, 2)),
        torch.nn.Conv2d(8, 8, 3, groups=8),
        torch.nn.Conv2d(8, 8, 1, groups=2, padding="same"),
        torch.nn.Conv2d(8, 4, 1, padding="same"),
        torch.nn.Flatten(),
        torch.nn.Linear(4, 10),
    )
    network = hd.load_network(module)
    assert [la.name for la in network] == ["0", "3", "5"]
    assert (network["0"].window.stride, network["0"].window.padding) == ((2, 1), (1, 2, 1, 2))
    assert network["3"].window.padding is None and network["5"].window.stride == (1, 1)
    reasons = {u.name: u.reason for u in network.unmapped}
    assert "depthwise" in reasons["1"] and reasons["2"] == "grouped convolution: 2 groups of 4 input channels"
    state = module.state_dict()
    arrays = {k: v.numpy() for k, v in state.items() if not k.startswith(("1.", "2."))}
    assert codes(network) == codes(hd.load_network(arrays))
    assert [la.name for la in hd.load_network(state)] == ["0", "2", "3", "5"]  # a state dict knows no groups


def test_an_array_is_a_layer_of_4_bits():
    weights = WEIGHTS["conv.weight"]
    layer = hd.as_layer(weights)
    plan = hd.optimize(weights, method="segment")
    assert hd.flips(weights) == hd.flips(layer) and hd.nhd(weights) == hd.nhd(layer)
    assert hd.flips(weights, plan) == hd.flips(layer, hd.optimize(layer, method="segment"))
    assert hd.lower_bound(weights, plan) <= hd.flips(weights, plan)
    assert hd.hardware_flips(weights, plan, 2) == hd.hardware_flips(layer, plan, 2)
    assert hd.trellis(weights, 1.0).flips == hd.trellis(layer, 1.0).flips
    assert hd.as_layer(layer) is layer
    assert (hd.as_layer(weights, bits=7).bits, hd.as_layer(weights, per_channel=True).scale.shape) == (
        7,
        (8,),
    )


def test_integers_that_need_more_bits_are_never_rounded_silently():
    values = np.arange(-8, 8).reshape(4, 4)
    assert (hd.as_layer(values).values[:, :, 0, 0] == values).all()
    with pytest.raises(InputError, match=r"from -8 to 8 do not fit 4-bit.*bits=8"):
        hd.optimize(np.where(values == 7, 8, values))
    assert hd.as_layer(values * 10, bits=8).values.min() == -80


@pytest.mark.parametrize("wrong", [np.zeros(3), np.zeros((2, 2), complex), [["a", "b"]], np.zeros((2, 2, 2))])
def test_arrays_that_are_no_weights_are_refused(wrong):
    with pytest.raises(InputError, match="real numbers of shape"):
        hd.flips(wrong)


def test_a_network_is_read_by_name_by_place_and_in_turn():
    network = hd.load_network(WEIGHTS)
    assert network["fc"] is network[1] is list(network)[1] and len(network) == 2
    assert "fc" in network and network[0] in network and "fcc" not in network
    with pytest.raises(InputError, match="no layer 'fcc'; did you mean 'fc'"):
        network["fcc"]


def test_networks_and_layers_are_one_short_line_and_a_table_in_notebooks():
    evil = "<b>"
    network = hd.Network(evil, [hd.as_layer(WEIGHTS["fc.weight"], name=evil)])
    assert repr(network) == "Network('<b>', 1 layers, 80 weights of 4 bits)"
    assert "array(" not in repr(network[0]) and "K=10, C=8, taps=1" in repr(network[0])
    page = network._repr_html_()
    assert evil not in page and page.count(html.escape(evil)) == 2
