"""A plan computes its layer, exactly, through the tables that the hardware loads; and the check can fail."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate2d

import hd_plugin as hd
from hd_plugin.bits import NUMBER_FORMATS
from hd_plugin.errors import InputError, MissingTool, PlanMismatch
from hd_plugin.hardware import (
    AddressTables,
    check_program,
    convolution,
    find_simulator,
    program,
    random_activations,
    run_program,
    verify_all,
)
from hd_plugin.streaming import METHODS, Group, StreamPlan


def random_layer(seed, shape, bits=4, number_format="twos_complement", hw=(3, 4)):
    top = 2 ** (bits - 1) - 1
    values = np.random.default_rng(seed).integers(-top, top + 1, shape)
    return hd.Layer.from_values("random", values, bits, number_format, output_hw=hw)


def random_plan(layer, rows, seed):
    """Any plan at all: channels dealt out at random, orders at random."""
    rng = np.random.default_rng(seed)
    groups = []
    for fy in range(layer.codes.shape[2]):
        for fx in range(layer.codes.shape[3]):
            channels = rng.permutation(layer.C)
            groups += [
                Group((fy, fx), channels[i : i + rows], rng.permutation(layer.K))
                for i in range(0, layer.C, rows)
            ]
    plan = StreamPlan(
        layer.name,
        layer.digest,
        layer.codes.shape,
        rows,
        "cluster",
        "none",
        seed,
        [groups[i] for i in rng.permutation(len(groups))],
    )
    plan.validate()
    return plan


def test_the_plain_convolution_is_scipys():
    layer = random_layer(0, (5, 4, 3, 2), hw=(6, 7))
    rng = np.random.default_rng(1)
    for stride, padding in ((1, 0), (2, 1)):
        image = rng.integers(-128, 128, (4, 9, 10))
        found = convolution(layer, hd.Activations.from_map(image, 3, 2, stride, padding, signed=True))
        padded = np.pad(image, ((0, 0), (padding, padding), (padding, padding)))
        full = [
            sum(correlate2d(padded[c], layer.values[k, c].astype(int), "valid") for c in range(4))[
                ::stride, ::stride
            ]
            for k in range(5)
        ]
        assert (found == np.stack(full).reshape(5, -1)).all()


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    K=st.integers(1, 9),
    C=st.integers(1, 9),
    Fy=st.integers(1, 3),
    Fx=st.integers(1, 2),
    rows=st.integers(1, 5),
    bits=st.integers(2, 8),
    number_format=st.sampled_from(NUMBER_FORMATS),
    signed=st.booleans(),
)
def test_any_plan_computes_the_layer(seed, K, C, Fy, Fx, rows, bits, number_format, signed):
    layer = random_layer(seed, (K, C, Fy, Fx), bits, number_format)
    plan = random_plan(layer, rows, seed)
    inputs = random_activations(layer, seed, signed=signed)
    patches, values = inputs.patches.tolist(), layer.values.reshape(K, C, Fy * Fx).tolist()
    brute = [
        [sum(values[k][c][t] * patches[c][t][p] for c in range(C) for t in range(Fy * Fx)) for p in range(12)]
        for k in range(K)
    ]
    assert run_program(program(layer, plan), inputs).tolist() == brute


def test_sums_beyond_32_bits_are_exact():
    layer = hd.Layer.from_values("wide", np.full((2, 9), 32767), 16)
    inputs = hd.Activations(np.full((9, 1, 5), 65535), bits=16)
    plan = hd.optimize(layer, rows=4, method="segment")
    assert (run_program(program(layer, plan), inputs) == 9 * 32767 * 65535).all() and hd.verify(
        layer, plan, inputs, simulator="none"
    ).ok


@pytest.mark.parametrize("method", METHODS)
def test_every_layer_of_a_bundled_network_verifies(method):
    network = hd.load_network("resnet20_cifar10_w4")
    done = verify_all([(la, hd.optimize(la, 8, method, "greedy")) for la in network.layers], simulator="none")
    assert len(done) == 20 and all(v.ok and v.rtl is None for v in done)
    assert [v.flips_hardware for v in done] == [
        hd.hardware_flips(la, hd.optimize(la, 8, method, "greedy"), -(-v.pixels // 8))
        for la, v in zip(network.layers, done)
    ]


@pytest.mark.parametrize(
    "name, layers", [("mobilenet_v2_1.0_224_quant.tflite", 33), ("resnet26_cifar100.pth", 25)]
)
def test_every_layer_of_a_public_network_verifies(name, layers, data):
    if name.endswith("pth"):
        pytest.importorskip("torch", reason="torch is not installed: .pth files cannot be read")
    network = hd.load_network(data / name)
    pairs = [(la, hd.optimize(la, 8, method, "greedy")) for la in network.layers for method in METHODS]
    assert len(network.layers) == layers and all(v.ok for v in verify_all(pairs, simulator="none"))


def tables_changed(made, **what):
    return replace(made, tables=replace(made.tables, **what))


def wrong_entry(made):
    addresses = made.tables.output_addresses.copy()
    addresses[1, 2] = addresses[1, 3]
    return tables_changed(made, output_addresses=addresses)


def swapped_entries(made):
    addresses = made.tables.output_addresses.copy()
    addresses[0, [0, 1]] = addresses[0, [1, 0]]
    return tables_changed(made, output_addresses=addresses)


def swapped_channel(made):
    inputs = made.tables.input_addresses.copy()
    inputs[0, [0, 1]] = inputs[0, [1, 0]]
    return tables_changed(made, input_addresses=inputs)


def wrong_tap(made):
    return tables_changed(made, taps=np.roll(made.tables.taps, 1))


def dropped_group(made):
    t = made.tables
    return replace(
        made,
        words=made.words[1:],
        used=made.used[1:],
        tables=replace(
            t, output_addresses=t.output_addresses[1:], input_addresses=t.input_addresses[1:], taps=t.taps[1:]
        ),
    )


def wrap_off_by_one(made):
    words = made.words.copy()
    words[2] = np.roll(words[2], 1, axis=0)
    return replace(made, words=words)


def group_off_by_one(made):
    return tables_changed(made, output_addresses=np.roll(made.tables.output_addresses, 1, axis=0))


def flipped_bit(made):
    words = made.words.copy()
    words[0, 4, 1] ^= 1
    return replace(made, words=words)


def missing_row(made):
    used = made.used.copy()
    used[1] -= 1
    return replace(made, used=used)


def wrong_output_order(made):
    return tables_changed(made, output_order=np.roll(made.tables.output_order, 1))


def channel_without_an_address(made):
    order = made.tables.output_order.copy()
    order[3] = order[4]
    return tables_changed(made, output_order=order)


MUTATIONS = [
    channel_without_an_address,
    wrong_entry,
    swapped_entries,
    swapped_channel,
    wrong_tap,
    dropped_group,
    wrap_off_by_one,
    group_off_by_one,
    flipped_bit,
    missing_row,
    wrong_output_order,
]


def mutated():
    """A layer, its plan and its inputs, small enough for every simulator, with nothing that repeats."""
    layer = random_layer(3, (12, 10, 2, 1), hw=(3, 5))
    return layer, hd.optimize(layer, rows=4, method="cluster"), random_activations(layer, 7)


@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda m: m.__name__)
def test_integer_arithmetic_catches(mutate):
    layer, plan, inputs = mutated()
    made = program(layer, plan)
    assert check_program(layer, plan, made, inputs, None).ok
    found = check_program(layer, plan, mutate(made), inputs, None)
    assert not found.ok and re.fullmatch(
        r"output channel \d+, pixel \d+: (-?\d+|unknown) found, -?\d+ needed; \d+ of 180 sums differ",
        found.difference,
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"output_addresses": 12},
        {"output_addresses": -1},
        {"input_addresses": 10**9},
        {"taps": 2},
        {"taps": -1},
        {"output_order": 12},
    ],
)
def test_addresses_beyond_the_memories_are_refused(changes):
    layer, plan, inputs = mutated()
    made = program(layer, plan)
    [(name, value)] = changes.items()
    table = getattr(made.tables, name).copy()
    table.reshape(-1)[0] = value
    with pytest.raises(InputError, match=f"{name}.*is possible"):
        run_program(tables_changed(made, **{name: table}), inputs)


# ---- tables


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
    """Section 5: input order {1, 3, 4, 2} becomes addresses {1: 1, 3: 2, 4: 3, 2: 4} of the layer before, which then needs no input table."""
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
    assert tables.sizes()["bank_bytes"] == tables.sizes()["layer_bytes"] == 0


def test_the_papers_table_size():
    """Section 5: D entries of log2 D bits, under 2 KB at a depth of 1024."""
    layer = random_layer(5, (9, 7))
    sizes = AddressTables.of(hd.optimize(layer, rows=3, method="segment")).sizes(depth=1024)
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


# ---- what users get wrong


def test_bad_arguments_are_named():
    layer = random_layer(0, (6, 4))
    plan = hd.optimize(layer, rows=2)
    with pytest.raises(PlanMismatch):
        hd.verify(random_layer(1, (6, 4)), plan, simulator="none")
    with pytest.raises(InputError, match=r"\[5, 1, 3\] found; layer 'random' needs \[4, 1, pixels\]"):
        hd.verify(layer, plan, hd.Activations(np.zeros((5, 1, 3), int)), simulator="none")
    with pytest.raises(InputError, match="0 to 256 found; 8 bits, unsigned, hold 0 to 255"):
        hd.Activations(np.array([[[0, 256]]]))
    with pytest.raises(InputError, match="float64"):
        hd.Activations(np.zeros((4, 1, 3)))
    with pytest.raises(InputError, match="too small for 3x3"):
        hd.Activations.from_map(np.zeros((1, 2, 2), int), 3, 3)
    with pytest.raises(InputError, match="at least 1"):
        hd.verify(layer, plan, cols=0)
    with pytest.raises(InputError, match="seed: -1"):
        hd.verify(layer, plan, seed=-1)
    with pytest.raises(InputError, match="stride 0"):
        hd.Activations.from_map(np.zeros((1, 3, 3), int), 3, 3, stride=0)
    with pytest.raises(InputError, match="one kind at a time"):
        verify_all([(layer, plan), (layer, hd.optimize(layer, rows=3))], simulator="none")
    with pytest.raises(MissingTool, match="did you mean 'iverilog'"):
        find_simulator("iverlog")


def test_a_missing_simulator_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert find_simulator("auto") is None and find_simulator("none") is None
    with pytest.raises(
        MissingTool, match="iverilog is not installed .Debian: apt install iverilog.; --simulator none"
    ):
        find_simulator("iverilog")
