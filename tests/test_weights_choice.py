"""A network remembers the choice that it was read by, and the choice reads it again."""

from __future__ import annotations

import json

import numpy as np
import pytest

import hd_plugin as hd
from hd_plugin._checked import check
from hd_plugin.errors import InputError
from hd_plugin.weights import NetworkChoice, load_network


@pytest.fixture
def net(tmp_path):
    path = tmp_path / "net.npz"
    rng = np.random.default_rng(0)
    np.savez(path, **{name: rng.normal(size=(6, 5, 1, 1)).astype(np.float32) for name in "abc"})
    return path


def same(one, two):
    return (
        [(la.name, la.digest, la.output_hw, la.scale.tolist()) for la in one.layers]
        == [(la.name, la.digest, la.output_hw, la.scale.tolist()) for la in two.layers]
        and (one.name, one.digest, one.unmapped) == (two.name, two.digest, two.unmapped)
        and one.asked == two.asked
    )


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bits": 6, "number_format": "gray", "per_channel": True, "keep_integers": False},
        {"layers": ["c", "a"]},
    ],
)
def test_the_choice_reads_the_same_network_again(net, options, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    network = load_network("net.npz", **options)
    assert network.source == "net.npz" and network.asked.source == str(net)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")  # its path is good from anywhere
    assert same(network.asked.load(), network)
    assert same(check(NetworkChoice, json.loads(network.asked.model_dump_json()), "x.json").load(), network)


def test_defaults_are_those_of_load_network(net):
    assert load_network(net).asked == NetworkChoice(source=str(net))


def test_a_bundled_network_is_recorded_by_its_name():
    network = load_network("resnet20_cifar10_w4", spec="resnet20_cifar10")
    assert network.asked == NetworkChoice(source="resnet20_cifar10_w4", spec="resnet20_cifar10")
    assert same(network.asked.load(), network)


def test_a_file_of_a_bundled_networks_name_is_recorded_as_a_file(net, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "resnet20_cifar10_w4").write_bytes(net.read_bytes())
    with pytest.raises(InputError, match="no reader"):
        load_network("resnet20_cifar10_w4")


def test_a_spec_file_is_recorded_by_its_path(net, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("network: mine\nlayers: [{name: b, output_hw: [3, 4]}]")
    network = load_network(net, spec="mine.yaml")
    assert network.asked.spec == str(tmp_path / "mine.yaml")
    monkeypatch.chdir("/")
    assert same(network.asked.load(), network)


def test_a_selection_is_recorded_in_network_order(net):
    network = load_network(net)
    assert network.asked.layers is None and network.select(None).asked == network.asked
    chosen = network.select(["c", "a"])
    assert chosen.asked.layers == ("a", "c") and same(chosen.asked.load(), chosen)
    assert chosen.select(["c"]).asked.layers == ("c",)
    assert load_network(net, layers=["c", "a"]).asked == chosen.asked


def test_a_network_that_was_not_read_has_no_choice():
    network = hd.Network(
        "made", [hd.Layer("a", np.eye(3, dtype=int), 4), hd.Layer("b", np.eye(3, dtype=int), 4)]
    )
    assert network.asked is None and network.select(["a"]).asked is None


def test_all_problems_of_a_choice_are_told_at_once():
    content = {"sourse": "x", "bits": 17, "number_format": "grey", "per_channel": 1, "layers": "conv1"}
    with pytest.raises(InputError) as caught:
        check(NetworkChoice, content, "study.yaml: network")
    told = str(caught.value)
    assert told.startswith("study.yaml: network: ") and told.count(";") >= 6
    for problem in (
        "source: missing",
        "sourse: unknown field; did you mean 'source'",
        "bits: 17 found; a whole number from 2 to 16 is needed",
        "did you mean 'gray'",
        "per_channel: 1 found",
        "layers: 'conv1' found; a list is needed",
    ):
        assert problem in told


def test_a_bad_argument_of_load_network_names_the_network_and_the_field(net):
    with pytest.raises(InputError, match=r"net\.npz: per_channel: 'yes' found; true or false is needed"):
        load_network(net, per_channel="yes")
