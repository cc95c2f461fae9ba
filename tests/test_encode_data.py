"""Encodings that err least where a network's operands meet."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

import hd_plugin as hd
from hd_plugin import encoding_mac as em
from hd_plugin.cli import main
from hd_plugin.encoding_mac._leave_out import leave_out_by_data
from hd_plugin.errors import InputError
from hd_plugin.hardware import sampled_activations
from hd_plugin.streaming import Jobs
from hd_plugin.study import find_encodings

SMALL = em.SearchSettings(3, 3, fewest=2, most=6, kicks=1, generations=2)


@pytest.mark.parametrize("seed, a_signed", [(0, False), (1, True), (2, False)])
def test_leaving_out_by_data_is_the_best_step_where_operands_meet(seed, a_signed):
    """Every way to leave one more output out, with the constant that is best for it, against a plain mean."""
    rng = np.random.default_rng(seed)
    share = rng.random((8, 8)) * (rng.random((8, 8)) < 0.6)
    share /= share.sum()
    before = em.exact(3, 3, a_signed=a_signed)
    for one in leave_out_by_data(before, 3, share):
        ways = []
        for k in range(before.bits):
            nets = before.outputs[:k] + before.outputs[k + 1 :]
            weights = before.weights[:k] + before.weights[k + 1 :]
            plain = replace(before, outputs=nets, weights=weights)
            error = plain.table() - plain.products()
            ways.append((share * error**2).sum() - (share * error).sum() ** 2)
        error = one.table() - one.products()
        mean = (share * error).sum()
        assert abs(mean) <= 0.5 + 1e-9
        assert (share * error**2).sum() - mean**2 == pytest.approx(min(ways))
        before = one
    assert before.bits == 3


def test_a_search_with_data_adds_what_errs_least_there():
    network = hd.Network("n", [hd.Layer.from_values("l", np.arange(-3, 4).repeat(8).reshape(7, 8), 3)])
    asked = replace(SMALL, a_bits=4, a_signed=False, fewest=4, most=8)
    found, plain = find_encodings(asked, Jobs(1), data=network), find_encodings(asked, Jobs(1))
    assert (found.front, found.better) == (plain.front, plain.better) and not plain.on_data
    drawn = {"l": sampled_activations(network.layers[0], "relu", bits=4)}
    share = em.operand_distribution(network.layers, drawn)
    for one in found.on_data:
        error = one.encoding.table() - one.encoding.products()
        assert one.on_data == pytest.approx(np.sqrt((share * error**2).sum()))
        assert not any(c.area <= one.area and c.on_data < one.on_data for c in found.truncations)
    assert any(c.origin == "left_out_data" for c in found.on_data)
    assert len(found.to_dict()["on_data"]) == len(found.on_data) and found.to_dict()["data"] == "n, relu"
    with pytest.raises(InputError, match="activations are drawn unsigned"):
        find_encodings(replace(asked, a_signed=True), data=network)
    with pytest.raises(InputError, match=r"distribution: shape \[2, 2\] found"):
        em.search_encodings(asked, distribution=np.ones((2, 2)))


def test_the_command_writes_those_too(tmp_path):
    np.savez(tmp_path / "n.npz", l=np.random.default_rng(0).normal(size=(6, 4, 1, 1)))
    quick = ["--a-bits", "3", "--w-bits", "3", "--kicks", "1", "--generations", "2", "--threads", "1"]
    asked = ["encode", "search", *quick, "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(
        main,
        [*asked, "--unsigned-activations", "--data", str(tmp_path / "n.npz"), "--activations", "uniform"],
    )
    assert done.exit_code == 0, done.output
    assert "where operands meet" in done.output and "n, uniform" in done.output
    kept = {path.stem for path in (tmp_path / "out" / "encodings").iterdir()}
    assert any("left_out_data" in name for name in kept)
    for words, told in (
        (["--data", str(tmp_path / "n.npz")], "unsigned"),
        (["--activations", "relu"], "--data is miss"),
    ):
        done = CliRunner().invoke(main, [*asked[:-2], *words])
        assert done.exit_code == 2 and told in done.output
