"""Plans as files: what they hold, what is refused, and in which words."""

import json
from dataclasses import replace

import numpy as np
import pytest

import hd_plugin as hd
from hd_plugin.errors import InputError, PlanMismatch
from hd_plugin.streaming import group_flips, group_lower_bounds


def random_layer(seed, shape):
    return hd.Layer.from_values("random", np.random.default_rng(seed).integers(-7, 8, shape), 4)


def test_a_plan_for_other_weights_is_refused():
    one, two = random_layer(0, (6, 6)), random_layer(1, (6, 6))
    plan = hd.optimize(one)
    for count in (hd.flips, hd.nhd, group_flips, group_lower_bounds):
        with pytest.raises(PlanMismatch, match="other weights"):
            count(two, plan)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(schema="x"), "schema"),
        (lambda d: d.pop("rows"), "rows: missing"),
        (lambda d: d.update(groups=3), "groups: 3 found; a list is needed"),
        (lambda d: d["groups"].pop(), "covered 0 times"),
        (lambda d: d["groups"].append(d["groups"][0]), "covered 2 times"),
        (lambda d: d["groups"][0]["order"].__setitem__(0, 99), "not a permutation"),
        (lambda d: d["groups"][0]["channels"].__setitem__(0, 99), "outside"),
        (lambda d: d.update(rows=1), "channels on 1 rows"),
        (lambda d: d["groups"][0]["channels"].__setitem__(0, 1.0), r"groups\[0\].channels: 1.0 found"),
        (lambda d: d["groups"][0]["order"].__setitem__(0, True), r"groups\[0\].order: True found"),
        (lambda d: d["groups"][0]["order"].__setitem__(0, 10**30), "beyond 64 bits"),
        (lambda d: d["groups"][0].update(order=None), r"groups\[0\].order: NoneType found"),
        (lambda d: d["groups"][0].update(tap=[0.5, 0]), r"groups\[0\].tap\[0\]: 0.5 found; a whole number"),
        (lambda d: d.update(shape=[6, 9]), r"shape: \[6, 9\] found"),
        (lambda d: d.update(seed="1"), "seed: '1' found; a whole number is needed"),
        (lambda d: d.update(nhd="x"), "nhd: 'x' found; a number is needed"),
        (lambda d: d.update(interupted=True), "interupted: unknown field; did you mean 'interrupted'"),
        (
            lambda d: d.update(rows=0, seed=None),
            "rows: 0 found; .*; seed: None found; .*; make the plan again",
        ),
    ],
)
def test_damaged_plans_are_refused_by_file_and_field(change, message, tmp_path):
    path = tmp_path / "damaged.json"
    hd.optimize(random_layer(0, (6, 9)), rows=4).save(path)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="damaged.json: .*" + message):
        hd.StreamPlan.load(path)


def test_sizes_that_no_layer_has_are_refused_before_memory_is_taken():
    layer = random_layer(0, (6, 9))
    content = json.loads(hd.optimize(layer).to_json())
    assert hd.StreamPlan.from_json(json.dumps({**content, "rows": 1 << 20})).rows == 1 << 20
    for changes, told in (
        ({"rows": 10**18}, "rows: 1000000000000000000 found; a whole number from 1 to 1048576 is needed"),
        ({"shape": [6, 10**12, 1, 1]}, r"shape\[1\]: 1000000000000 found"),
        ({"shape": [6, 2**31, 1, 1]}, "groups: 9 channels at a tap are covered, 2147483648 of shape"),
        ({"shape": [2**31, 9, 1, 1]}, "not a permutation of the 2147483648 output channels"),
    ):
        with pytest.raises(InputError, match=told):
            hd.StreamPlan.from_json(json.dumps({**content, **changes}))
    with pytest.raises(InputError, match="rows: 1000000000000000000 found"):
        hd.optimize(layer, rows=10**18)


def test_channels_that_are_no_whole_numbers_are_refused_in_code_too():
    plan = hd.optimize(random_layer(0, (6, 9)), rows=4)
    for change in (
        {"channels": np.array([0.5, 1.7])},
        {"order": np.arange(6.0)},
        {"channels": np.zeros((1, 1), int)},
    ):
        with pytest.raises(InputError, match="a list of whole numbers is needed"):
            replace(plan, groups=[replace(plan.groups[0], **change), *plan.groups[1:]]).validate()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"[" * 100_000, b"\xff\xfe\x00", b'{"schema": "hd-plugin/plan/1"}']
)
def test_what_is_no_plan_is_refused(content, tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match="x.json"):
        hd.StreamPlan.load(path)


def test_column_orders_say_how_each_column_of_the_weights_streams():
    layer = hd.Layer.from_values("l", np.random.default_rng(0).integers(-7, 8, (5, 6, 2, 2)), 4)
    plan = hd.optimize(layer, rows=4)
    streamed = np.take_along_axis(layer.codes.reshape(5, -1), plan.column_orders(), axis=0)
    assert int(np.bitwise_count(streamed[1:] ^ streamed[:-1]).sum()) == hd.flips(layer, plan)
