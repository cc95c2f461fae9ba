"""Trellis rounding: exact, monotonic, and never worse than what it started from."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import bit_string, text_flips

import hd_plugin as hd
from hd_plugin.bits import NUMBER_FORMATS, TransitionTable, decode, hamming_table
from hd_plugin.errors import InputError
from hd_plugin.streaming import Jobs, Search, flips, round_to_plan
from hd_plugin.weights import quantise


def layer_of(weights, bits=4, number_format="twos_complement", per_channel=False):
    integers, scale = quantise(weights, bits, per_channel=per_channel)
    return hd.Layer.from_values("layer", integers, bits, number_format, scale=scale, weights=weights)


def random_layer(seed, shape, **options):
    return layer_of(np.random.default_rng(seed).normal(size=shape).astype(np.float32), **options)


def best_streams(layer, plan, mu, importance=None):
    """The least objective of every stream, by trying every sequence of levels."""
    top = 2 ** (layer.bits - 1) - 1
    patterns = [(bit_string(v, layer.bits, layer.number_format), v) for v in range(-top, top + 1)]
    total = 0.0
    steps = layer.weights / layer.scale
    for g in plan.groups:
        for c in g.channels:
            target = [float(steps[k, c, g.tap[0], g.tap[1]]) for k in g.order]
            weigh = [
                1.0 if importance is None else float(importance[k, c, g.tap[0], g.tap[1]]) for k in g.order
            ]
            total += min(
                sum(h * (t - v) ** 2 for h, t, (_, v) in zip(weigh, target, stream))
                + mu * sum(text_flips(a, b) for (a, _), (b, _) in itertools.pairwise(stream))
                for stream in itertools.product(patterns, repeat=len(target))
            )
    return total


def objective(before, after, plan, mu, importance=None):
    error = (after.values - before.weights / before.scale) ** 2
    return float((error * (1.0 if importance is None else importance)).sum()) + mu * flips(
        after, replace(plan, digest=after.digest)
    )


@given(
    seed=st.integers(0, 10**6),
    mu=st.floats(0, 3),
    bits=st.sampled_from([2, 3]),
    number_format=st.sampled_from(NUMBER_FORMATS),
    weighed=st.booleans(),
)
@settings(max_examples=40)
def test_codes_are_the_best_there_are_for_their_orders(seed, mu, bits, number_format, weighed):
    layer = random_layer(seed, (4, 3, 1, 1), bits=bits, number_format=number_format)
    plan = hd.optimize(layer, rows=2, method="segment")
    importance = np.random.default_rng(seed).uniform(0.1, 2, layer.codes.shape) if weighed else None
    if weighed:
        importance /= importance.mean()
    rounded = round_to_plan(layer, plan, mu, importance=importance)
    assert objective(layer, rounded, plan, mu, importance) == pytest.approx(
        best_streams(layer, plan, mu, importance), abs=1e-9
    )


@given(seed=st.integers(0, 10**6), mu=st.floats(0.01, 2))
@settings(max_examples=20)
def test_the_hamming_table_gives_what_the_quick_way_gives(seed, mu):
    layer = random_layer(seed, (12, 5, 1, 2))
    plan = hd.optimize(layer, rows=4, method="segment")
    quick, slow = (round_to_plan(layer, plan, mu, minimise=table) for table in (None, hamming_table(4)))
    assert objective(layer, quick, plan, mu) == pytest.approx(objective(layer, slow, plan, mu), rel=1e-12)


@pytest.mark.parametrize("number_format", NUMBER_FORMATS)
def test_a_flip_that_costs_nothing_leaves_nearest_rounding(number_format):
    layer = random_layer(0, (20, 6, 3, 3), number_format=number_format)
    rounded = round_to_plan(layer, hd.optimize(layer, method="segment"), 0.0)
    assert (rounded.values == layer.values).all()


@pytest.mark.parametrize("number_format", NUMBER_FORMATS)
def test_rounded_networks_come_back_from_a_file_with_the_same_codes(number_format, tmp_path):
    from hd_plugin.weights import save_layers

    found = hd.trellis(random_layer(8, (24, 16, 1, 1), number_format=number_format), 0.5)
    save_layers(tmp_path / "net.npz", [found.layer])
    [back] = hd.load_network(tmp_path / "net.npz", number_format=number_format).layers
    assert (back.codes == found.layer.codes).all() and hd.flips(back, found.plan) == found.flips


def test_feedback_costs_what_the_dynamic_program_thinks():
    """The columns' errors, as they are chosen, add up to E H E': what is reported is what is minimised."""
    rng = np.random.default_rng(9)
    inputs = rng.normal(size=(12, 3)) @ rng.normal(size=(3, 500)) + 0.5 * rng.normal(size=(12, 500))
    layer = random_layer(9, (20, 12, 1, 1))
    plan = hd.optimize(layer, rows=4, method="segment")
    hessian, search = inputs @ inputs.T / 500, Search(rows=4, method="segment", rounds=1)
    best = hd.trellis(layer, 0.4, search, hessian=hessian)
    for mu in (0.0, 0.1, 1.5, 6.0):  # no other strength does better by the objective of 0.4
        other = round_to_plan(layer, plan, mu, hessian=hessian)
        error = hd.trellis(layer, mu, search, hessian=hessian).error
        there = error * layer.codes.size + 0.4 * flips(other, replace(plan, digest=other.digest))
        assert best.error * layer.codes.size + 0.4 * best.flips <= 1.02 * there


def test_a_dearer_flip_means_fewer_flips_and_more_noise():
    layer = random_layer(1, (48, 24, 1, 1))
    found = [hd.trellis(layer, mu) for mu in (0.0, 0.1, 0.3, 1.0)]
    assert all(a.flips > b.flips and a.error < b.error for a, b in itertools.pairwise(found))
    assert found[0].flips <= found[0].flips_before and found[0].noise_dB == pytest.approx(0, abs=1e-9)
    for r in found:
        assert hd.flips(r.layer, r.plan) == r.flips and r.layer.values.min() >= -7
        assert r.plan.nhd == hd.nhd(r.layer, r.plan)


def test_a_very_dear_flip_stops_all_of_them():
    assert hd.trellis(random_layer(2, (16, 8, 1, 1)), 1e6).flips == 0


def test_a_table_decides_what_a_transition_costs():
    """With a table in which only the top bit costs, only the top bit stops flipping."""
    layer = random_layer(3, (24, 8, 1, 1))
    codes = np.arange(16)
    top_only = TransitionTable(4, ((codes[:, None] ^ codes[None, :]) >> 3).astype(np.int32) * 100)
    rounded = hd.trellis(layer, 1.0, minimise=top_only).layer
    assert len(np.unique(rounded.codes >> 3, axis=0)) == 1 and len(np.unique(rounded.codes)) > 2


def test_feedback_lowers_the_error_of_the_outputs():
    """The Hessian's error is the mean squared error of W x over inputs that are alike between channels."""
    rng = np.random.default_rng(4)
    inputs = rng.normal(size=(32, 4)) @ rng.normal(size=(4, 2000)) + 0.3 * rng.normal(size=(32, 2000))
    hessian = inputs @ inputs.T / inputs.shape[1]
    layer = random_layer(4, (24, 32, 1, 1))

    def output_error(codes_layer):
        difference = (codes_layer.values - layer.weights / layer.scale).reshape(24, 32) @ inputs
        return float((difference**2).mean())

    plain, fed = hd.trellis(layer, 0.2), hd.trellis(layer, 0.2, hessian=hessian)
    assert output_error(fed.layer) < 0.7 * output_error(plain.layer)
    assert fed.error / fed.error_before == pytest.approx(
        output_error(fed.layer) / output_error(layer), rel=1e-6
    )


def test_without_inputs_that_are_alike_feedback_changes_nothing():
    layer = random_layer(5, (16, 8, 1, 1))
    plan = hd.optimize(layer, rows=8, method="segment")
    assert (
        round_to_plan(layer, plan, 0.3, hessian=np.eye(8)).codes == round_to_plan(layer, plan, 0.3).codes
    ).all()


def test_results_do_not_depend_on_threads():
    layer = random_layer(6, (24, 40, 1, 1))
    one, two = (hd.trellis(layer, 0.3, jobs=Jobs(threads=t)) for t in (1, 2))
    assert (one.layer.codes == two.layer.codes).all() and one.flips == two.flips


def test_integers_are_the_start_where_a_layer_has_no_real_weights():
    layer = hd.Layer.from_values(
        "layer", np.random.default_rng(0).integers(-7, 8, (12, 8, 1, 1)), 4, scale=np.array(0.0123)
    )
    found = hd.trellis(layer, 1.5)
    assert found.error_before == 0 and found.error > 0 and found.noise_dB == float("inf")


@pytest.mark.parametrize(
    "options, told",
    [
        ({"mu": -1}, "mu: -1"),
        ({"mu": float("nan")}, "mu: nan"),
        ({"mu": "x"}, "mu: 'x'"),
        ({"importance": np.ones((2, 2))}, "importance of shape"),
        ({"importance": -np.ones((8, 1, 1))}, "importance"),
        ({"importance": np.ones((8, 1, 1)), "hessian": np.eye(8)}, "give one of them"),
        ({"hessian": np.eye(3)}, "hessian of shape"),
        ({"hessian": np.eye(8), "minimise": hamming_table(4)}, "hessian and minimise"),
    ],
)
def test_bad_arguments_are_named(options, told):
    with pytest.raises(InputError, match=told):
        hd.trellis(random_layer(0, (6, 8, 1, 1)), **{"mu": 0.1, **options})


def test_a_search_tells_everything_that_is_wrong_with_it():
    with pytest.raises(InputError) as caught:
        Search(rows=0, method="clusters", effort="locl", seed=-1, rounds=0)
    for told in ("rows: 0 found", "did you mean 'cluster'", "did you mean 'local'", "seed: -1", "rounds: 0"):
        assert told in str(caught.value)
    assert Search(rows=4.0) == Search(rows=4)  # 4.0 is 4, as some files and hosts have it


def test_wide_weights_are_refused():
    with pytest.raises(InputError, match="9 bits"):
        hd.trellis(random_layer(0, (6, 8, 1, 1), bits=9), 0.1)


def test_decoding_the_left_out_pattern_is_never_chosen():
    layer = random_layer(7, (64, 16, 1, 1))
    assert decode(hd.trellis(layer, 0.7).layer.codes, 4).min() == -7
