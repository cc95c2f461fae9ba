"""The tables that the hardware loads say what the paper says, and what the plan says."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hardware_cases import random_layer

import hd_plugin as hd
from hd_plugin.errors import InputError
from hd_plugin.hardware import AddressTables, convolution, program, random_activations, run_program
from hd_plugin.streaming import Group, StreamPlan


def test_the_papers_figure_8_table():
    """Section 5: one order a segment, and the table says where each step's sum goes."""
    layer = hd.Layer.from_values("fig8", np.arange(-4, 4).reshape(4, 2), 4)
    plan = StreamPlan(
        "fig8",
        layer.digest,
        (4, 2, 1, 1),
        1,
        "segment",
        "none",
        0,
        [
            Group((0, 0), np.array([0]), np.array([0, 2, 1, 3])),
            Group((0, 0), np.array([1]), np.array([3, 0, 2, 1])),
        ],
    )
    tables = AddressTables.of(plan)
    assert tables.output_addresses.tolist() == [[0, 2, 1, 3], [3, 0, 2, 1]] and not tables.needs_inputs


def test_the_papers_input_order_is_folded_into_the_layer_before():
    """Section 5: input order {1, 3, 4, 2} becomes addresses {1: 1, 3: 2, 4: 3, 2: 4} of the layer before.

    The layer itself then needs no input table.
    """
    first = random_layer(0, (4, 6))
    second = replace(random_layer(1, (5, 4)), name="second")
    plan = StreamPlan(
        "second",
        second.digest,
        (5, 4, 1, 1),
        2,
        "cluster",
        "none",
        0,
        [Group((0, 0), np.array([0, 2]), np.arange(5)), Group((0, 0), np.array([3, 1]), np.arange(5)[::-1])],
    )
    before = AddressTables.of(hd.optimize(first, rows=2, method="segment"), following=plan)
    assert before.output_order.tolist() == [0, 2, 3, 1]
    after = AddressTables.of(plan, stored=before.output_order)
    assert (
        after.input_addresses.tolist() == [[0, 1], [2, 3]]
        and not after.needs_inputs
        and AddressTables.of(plan).needs_inputs
    )


def test_two_layers_with_a_folded_order_compute_what_they_did(tmp_path):
    one, two = random_layer(0, (16, 10)), random_layer(1, (12, 16))
    plans = [hd.optimize(la, rows=4, method="cluster") for la in (one, two)]
    inputs = random_activations(one, 2)
    tables = AddressTables.of(plans[0], following=plans[1])
    hidden = run_program(program(one, plans[0], tables), inputs)
    assert (hidden == convolution(one, inputs)).all()
    stored = np.clip(hidden[tables.output_order] >> 4, 0, 255)[:, None]  # as memory has it
    after = AddressTables.of(plans[1], stored=tables.output_order)
    plain = hd.Activations(np.clip(hidden >> 4, 0, 255)[:, None])
    assert (
        run_program(program(two, plans[1], after), hd.Activations(stored)) == convolution(two, plain)
    ).all()
    assert not after.needs_inputs and AddressTables.of(plans[1]).needs_inputs


def test_direct_needs_no_table_and_leaves_its_outputs_in_its_order():
    layer = random_layer(5, (9, 7, 2, 2))
    plan = hd.optimize(layer, rows=3, method="direct")
    tables = AddressTables.of(plan)
    assert (
        not tables.needs_outputs
        and not tables.needs_inputs
        and tables.output_order.tolist() == plan.groups[0].order.tolist()
    )
    sizes = tables.sizes()
    assert sizes["bank_bytes"] == sizes["layer_bytes"] == sizes["input_bytes"] == 0


def test_the_papers_table_size():
    """Section 5: D entries of log2 D bits, under 2 KB at a depth of 1024."""
    layer = random_layer(5, (9, 7))
    sizes = AddressTables.of(hd.optimize(layer, rows=3, method="segment")).sizes(depth=1024)
    assert sizes["depth"] == 1024 and sizes["groups"] == len(hd.optimize(layer, 3, "segment").groups)
    assert sizes["bank_entries"] == 1024 and sizes["entry_bits"] == 10 and sizes["bank_bytes"] == 1280 < 2048
    for depth in (9, 16, 100, 1024):
        told = AddressTables.of(hd.optimize(layer, rows=3, method="segment")).sizes(depth)
        assert told["bank_bytes"] * 8 >= depth * np.log2(depth) and told["layer_bytes"] == -(
            -3 * 9 * told["entry_bits"] // 8
        )
    with pytest.raises(InputError, match="depth: 8 found; 9 output channels"):
        AddressTables.of(hd.optimize(layer, rows=3, method="segment")).sizes(8)


def test_saved_tables_say_what_the_plan_says(tmp_path):
    layer = random_layer(6, (20, 7, 2, 1))
    plan = hd.optimize(layer, rows=3, method="cluster")
    paths = AddressTables.of(plan).save(tmp_path, "layer")
    assert [p.name for p in paths] == ["layer.tables.json", "layer.outputs.mem", "layer.inputs.mem"]
    told = json.loads(paths[0].read_text())
    assert told["schema"] == "hd-plugin/tables/1" and told["output_addresses"] == [
        g.order.tolist() for g in plan.groups
    ]
    image = [[int(line, 16) for line in re.sub("//.*", "", p.read_text()).split()] for p in paths[1:]]
    assert image[0] == [k for g in plan.groups for k in g.order]
    assert image[1] == [c for g in plan.groups for c in [*g.channels, *[7] * (3 - g.channels.size)]]
    assert max(map(len, re.sub("//.*", "", paths[1].read_text()).split())) == 2  # 20 addresses: 5 bits


def test_what_cannot_be_folded_is_said():
    one, two = random_layer(0, (8, 4)), replace(random_layer(1, (5, 8, 3, 1)), name="two")
    plan, other = hd.optimize(one, rows=2, method="segment"), hd.optimize(two, rows=4, method="cluster")
    with pytest.raises(InputError, match="another sequence at each of its 3 taps"):
        AddressTables.of(plan, following=other)
    with pytest.raises(InputError, match="no output table"):
        AddressTables.of(
            hd.optimize(one, rows=2, method="direct"), following=hd.optimize(two, rows=4, method="segment")
        )
    with pytest.raises(InputError, match="reads 4 channels, but the layer before it has 8"):
        AddressTables.of(plan, following=plan)
    with pytest.raises(InputError, match="permutation of its 4"):
        AddressTables.of(plan, stored=np.zeros(4, int))


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 7, 8, 15, 16, 17])
def test_an_input_entry_tells_every_channel_and_an_idle_row_apart_and_no_bit_more(channels, tmp_path):
    """Counted from the image that the hardware loads: one value a channel, and one more for an idle row."""
    layer = random_layer(8, (5, channels, 2, 1))
    tables = AddressTables.of(
        hd.optimize(layer, rows=5, method="segment"), stored=np.arange(channels)[::-1].copy()
    )
    bits = tables.sizes()["input_entry_bits"]
    assert 2**bits >= channels + 1 and (bits == 1 or 2 ** (bits - 1) < channels + 1)
    if tables.needs_inputs:
        path = next(p for p in tables.save(tmp_path, "t") if "inputs" in p.name)
        image = [int(line, 16) for line in re.sub("//.*", "", path.read_text()).split()]
        assert max(image) < 2**bits and set(range(channels)) <= set(image)
        idle = [value for value in image if value >= channels]
        assert len(set(idle)) == bool(channels % 5) and all(value == 2**bits - 1 for value in idle)
        entries = 2 * channels  # two taps, each channel once
        assert tables.sizes()["input_bytes"] == -(-entries * bits // 8)


@pytest.mark.parametrize("method", ["direct", "segment", "cluster"])
def test_the_file_of_tables_holds_all_of_it_and_null_for_what_is_not_needed(method, tmp_path):
    layer = random_layer(9, (9, 5, 1, 2))
    plan = hd.optimize(layer, rows=2, method=method)
    tables = AddressTables.of(plan)
    told = json.loads(tables.save(tmp_path, "t")[0].read_text())
    folded = method == "direct"
    channels = [[*g.channels.tolist(), *[-1] * (2 - g.channels.size)] for g in plan.groups]
    wanted = [[c for g in plan.groups if g.tap == (0, fx) for c in g.channels] for fx in (0, 1)]
    moved = wanted != [list(range(5))] * 2  # groups of a segment plan may come in another order
    assert told == {
        "schema": "hd-plugin/tables/1",
        "layer": layer.name,
        "method": method,
        "shape": [9, 5, 1, 2],
        "rows": 2,
        "sizes": tables.sizes(),
        "output_order": plan.groups[0].order.tolist() if folded else list(range(9)),
        "taps": [g.tap[0] * 2 + g.tap[1] for g in plan.groups],
        "output_addresses": None if folded else [g.order.tolist() for g in plan.groups],
        "input_addresses": channels if moved else None,
    }
    images = {p.name: p.read_text() for p in tmp_path.glob("*.mem")}
    kinds = [*(["inputs"] if moved else []), *([] if folded else ["outputs"])]
    assert sorted(images) == [f"t.{kind}.mem" for kind in kinds] and (method != "cluster" or moved)
    for kind, bits, entries in (("outputs", 4, 9), ("inputs", 3, 2)):
        if kind in kinds:
            size = f"{len(plan.groups)} groups of {entries} entries of {bits} bits"
            assert images[f"t.{kind}.mem"].splitlines()[0] == f"// layer {layer.name}, {kind}: {size}"
