"""Names for choices, and what registering one is enough for: a method and an effort of one's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hd_plugin as hd
from hd_plugin._registry import Registry
from hd_plugin.errors import InputError
from hd_plugin.streaming import EFFORTS, METHODS, Effort, Group, Jobs, Method, Search, lower_bound

NAMES = st.lists(st.text(st.characters(codec="ascii", categories=["L"]), min_size=1), unique=True, max_size=6)


@given(NAMES)
def test_a_registry_is_a_mapping_in_the_order_of_registration(names):
    registry = Registry("letter")
    for i, name in enumerate(names):
        assert registry.register(name, i) == i
    assert list(registry) == names and len(registry) == len(names)
    assert list(registry.items()) == [(name, i) for i, name in enumerate(names)]
    assert all(name in registry for name in names) and "no such name" not in registry
    assert dict(Registry("letter", registry)) == dict(registry)


@given(NAMES.filter(len), st.data())
def test_a_name_is_taken_until_it_is_unregistered(names, data):
    registry = Registry("letter", {name: i for i, name in enumerate(names)})
    name = data.draw(st.sampled_from(names))
    with pytest.raises(InputError, match=f"^letter: '{name}' is registered already"):
        registry.register(name, "other")
    assert registry[name] == names.index(name)  # nothing was replaced
    assert registry.unregister(name) == names.index(name)
    assert name not in registry and list(registry) == [n for n in names if n != name]
    with pytest.raises(InputError, match=f"^letter: '{name}' is unknown"):
        registry.unregister(name)
    assert registry.register(name, "other") == "other" and list(registry)[-1] == name


def test_an_unknown_name_is_told_with_the_nearest_or_with_all():
    registry = Registry("colour", {"green": 1, "blue": 2})
    with pytest.raises(InputError, match=r"^colour: 'gren' is unknown; did you mean 'green'\?$"):
        registry["gren"]
    with pytest.raises(InputError, match=r"^colour: 'xyz' is unknown; known: green, blue$"):
        registry["xyz"]
    with pytest.raises(InputError, match=r"^thing: 'x' is unknown; none is known$"):
        Registry("thing")["x"]
    assert repr(registry) == "<colour: green, blue>"


def a_layer(seed=0, shape=(12, 20, 2, 1)):
    return hd.Layer.from_values("layer", np.random.default_rng(seed).integers(-7, 8, shape), 4)


class EverySecond(Method):
    """Even channels share rows, then odd ones; one order per group, by the search's own distances."""

    needs_table = True

    def groups(self, layer, search):
        channels = np.concatenate([np.arange(0, layer.C, 2), np.arange(1, layer.C, 2)])
        cuts = [channels[i : i + search.rows] for i in range(0, layer.C, search.rows)]
        taps = [(fy, fx) for fy in range(layer.codes.shape[2]) for fx in range(layer.codes.shape[3])]

        def group(item):
            tap, cut = item
            order = search.shorter(search.distances(layer, tap, cut), np.arange(layer.K))
            return Group(tap, cut, order)

        return search.jobs.map(group, [(tap, cut) for tap in taps for cut in cuts])


@pytest.fixture
def every_second():
    yield METHODS.register("every second", EverySecond())
    METHODS.unregister("every second")


def test_a_method_is_a_class_and_a_line(every_second, tmp_path):
    layer = a_layer()
    plan = hd.optimize(layer, rows=4, method="every second", jobs=Jobs(threads=2))
    plan.validate()
    assert (plan.method, plan.effort, plan.rows) == ("every second", "local", 4)
    assert plan.groups[0].channels.tolist() == [0, 2, 4, 6] and plan.groups[0].order.size == layer.K
    assert lower_bound(layer, plan) <= hd.flips(layer, plan) < hd.flips(layer)
    plan.save(tmp_path / "p.json")
    assert hd.StreamPlan.load(tmp_path / "p.json").to_json() == plan.to_json()
    rounded = hd.trellis(layer, 0.5, Search(method="every second", rows=4, rounds=1))
    assert rounded.plan.method == "every second" and rounded.flips < rounded.flips_before


def test_a_method_that_knows_nothing_of_energy_says_so(every_second):
    layer = a_layer()
    objective = hd.streaming.EnergyObjective(
        hd.bits.hamming_table(4), np.zeros(16, np.int64), np.zeros((20, 2, 64), np.int64)
    )
    with pytest.raises(InputError, match="'every second' leaves nothing to choose"):
        hd.optimize(layer, method="every second", minimise=objective)


def test_a_method_is_refused_twice_and_gone_after_unregister(every_second):
    with pytest.raises(InputError, match="^method: 'every second' is registered already"):
        METHODS.register("every second", EverySecond())
    METHODS.unregister("every second")
    with pytest.raises(InputError, match="^method: 'every second' is unknown; known: baseline, direct"):
        hd.optimize(a_layer(), method="every second")
    with pytest.raises(InputError, match="Search: method: 'every second' is unknown"):
        Search(method="every second")
    METHODS.register("every second", EverySecond())  # for the fixture


def test_an_effort_is_a_value_and_a_line():
    layer = a_layer(1, (40, 24))
    EFFORTS.register("hasty", Effort(kicks=0, neighbours=4, swaps=40))
    try:
        for method in (m for m in METHODS if METHODS[m].searched):
            plan = hd.optimize(layer, method=method, effort="hasty")
            plan.validate()
            assert plan.effort == "hasty" and hd.flips(layer, plan) < hd.flips(layer)
        hasty, local = (hd.flips(layer, hd.optimize(layer, 8, "segment", e)) for e in ("hasty", "local"))
        assert local < hasty <= hd.flips(layer, hd.optimize(layer, 8, "segment", "greedy"))
        with pytest.raises(InputError, match="^effort: 'hasty' is registered already"):
            EFFORTS.register("hasty", Effort())
    finally:
        EFFORTS.unregister("hasty")
    with pytest.raises(InputError, match="^effort: 'hasty' is unknown"):
        hd.optimize(layer, effort="hasty")


def test_the_methods_say_of_themselves_what_others_ask():
    """Order, address tables, and what there is to search."""
    told = {m: (x.needs_table, x.searched) for m, x in METHODS.items()}
    assert told == {
        "baseline": (False, False),
        "direct": (False, True),
        "segment": (True, True),
        "cluster": (True, True),
    }
    assert list(METHODS) == list(told) and list(EFFORTS) == ["greedy", "local", "best"]
    assert [METHODS[m].weight for m in METHODS] == sorted(METHODS[m].weight for m in METHODS)
    assert [EFFORTS[e].greedy for e in EFFORTS] == [True, False, False]


def test_get_answers_with_the_default_for_an_unknown_name():
    assert METHODS.get("clutser") is None and METHODS.get("clutser", 3) == 3
    assert METHODS.get("cluster") is METHODS["cluster"]
