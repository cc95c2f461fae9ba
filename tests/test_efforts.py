"""More effort is never a worse plan; and what joins groups needs no table of all against all."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hd_plugin as hd
from hd_plugin.bits import hamming
from hd_plugin.streaming import EFFORTS, METHODS, Effort, Group, Jobs, Search, SearchContext
from hd_plugin.streaming._join import join_groups
from hd_plugin.streaming._paper import HAMMING

SEARCHED = [m for m in METHODS if METHODS[m].searched]


def a_layer(seed, K, C, taps=1):
    values = np.random.default_rng(seed).integers(-7, 8, (K, C, taps, 1))
    return hd.Layer.from_values("layer", values, 4)


@pytest.fixture
def clumsy():
    """An effort that finds next to nothing by itself, above a better one."""
    EFFORTS.register("clumsy", Effort(kicks=0, neighbours=1, swaps=0, floor="local"))
    yield "clumsy"
    EFFORTS.unregister("clumsy")


@given(
    st.integers(0, 10_000),
    st.integers(1, 30),
    st.integers(1, 20),
    st.integers(1, 2),
    st.integers(1, 8),
    st.sampled_from(SEARCHED),
)
@settings(max_examples=25)
def test_best_is_never_worse_than_local(seed, K, C, taps, rows, method):
    layer = a_layer(seed, K, C, taps)
    best, local = (hd.optimize(layer, rows, method, e, seed % 7, jobs=Jobs(1)) for e in ("best", "local"))
    assert hd.flips(layer, best) <= hd.flips(layer, local) and best.effort == "best"


@pytest.mark.parametrize("method", SEARCHED)
def test_an_effort_keeps_the_plan_of_its_floor_where_that_is_better(clumsy, method):
    kept = 0
    for seed in range(4):
        layer = a_layer(seed, 40, 24)
        mine, floor = (hd.optimize(layer, 8, method, e, jobs=Jobs(1)) for e in (clumsy, "local"))
        assert hd.flips(layer, mine) <= hd.flips(layer, floor) and mine.effort == clumsy
        kept += [g.order.tolist() for g in mine.groups] == [g.order.tolist() for g in floor.groups]
    assert kept


def test_so_it_is_for_energy_and_for_rounding(clumsy):
    layer = a_layer(1, 24, 16)
    rng = np.random.default_rng(0)
    bits = np.arange(12, dtype=np.int64)
    objective = hd.streaming.EnergyObjective(
        hd.bits.hamming_table(4), bits, rng.integers(0, 255, (16, 1, 64))
    )
    from hd_plugin.streaming._levels import Price

    price = Price(4, objective)
    mine, floor = (
        price.cost(layer, hd.optimize(layer, 8, "cluster", e, minimise=objective, jobs=Jobs(1)))
        for e in (clumsy, "local")
    )
    assert mine <= floor
    rounded = [
        hd.trellis(layer, 0.5, Search(method="cluster", effort=e, rounds=2), jobs=Jobs(1))
        for e in (clumsy, "local")
    ]
    assert rounded[0].objective <= rounded[1].objective


def test_joining_many_groups_takes_little_memory_and_leaves_each_as_it_is():
    """Of 5,000 groups the ends alone, each against each, took 400 MB, and their sums several times that."""
    layer = a_layer(0, 4, 5000)
    rng = np.random.default_rng(1)
    groups = [Group((0, 0), np.array([c]), rng.permutation(4)) for c in range(5000)]
    search = SearchContext("segment", 1, EFFORTS["local"], 0, HAMMING, Jobs(1))
    join_groups(layer, groups[:20], search)  # compiled
    tracemalloc.start()
    joined = join_groups(layer, groups, search)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200e6
    assert sorted(int(g.channels[0]) for g in joined) == list(range(5000))
    own = {int(g.channels[0]): g.order.tolist() for g in groups}
    assert all(g.order.tolist() in (own[c], own[c][::-1]) for g in joined for c in [int(g.channels[0])])
    assert switches(layer, joined) < 0.3 * switches(layer, groups)


def switches(layer, groups):
    codes = layer.codes[:, :, 0, 0]
    last = np.array([codes[g.order[-1], g.channels[0]] for g in groups])
    first = np.array([codes[g.order[0], g.channels[0]] for g in groups])
    return int(hamming(last[:-1], first[1:]).sum())


def test_studies_of_a_large_layer_are_about_a_part_and_say_so():
    layer = hd.Layer("large", np.random.default_rng(0).integers(0, 16, (1100, 1100)), 4, output_hw=(2, 2))
    from hd_plugin.study._layer_studies import _part, _studied

    assert _studied(layer).codes.shape == (200, 200, 1, 1)
    assert _part(layer) == "layer 'large': the first 200 of 1100 outputs, 200 of 1100 inputs"
    small = a_layer(0, 200, 200, 3)
    assert _part(small) is None and np.array_equal(_studied(small).codes, small.codes[:, :, :1])
