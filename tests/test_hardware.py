"""A plan computes its layer, exactly, through the tables that the hardware loads; and the check can fail."""

import re

import numpy as np
import pytest
from hardware_cases import MUTATIONS, mutated, random_layer, random_plan, tables_changed
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate2d

import hd_plugin as hd
from hd_plugin.bits import NUMBER_FORMATS
from hd_plugin.errors import InputError, MissingTool, PlanMismatch
from hd_plugin.gates import find_simulator
from hd_plugin.hardware import (
    ArraySize,
    VerifyOptions,
    check_program,
    convolution,
    program,
    random_activations,
    run_program,
    verify_all,
)
from hd_plugin.streaming import METHODS

INTEGERS = VerifyOptions(simulator="none")


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


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 3), st.integers(1, 2)),
    rows=st.integers(1, 5),
    bits=st.integers(2, 8),
    number_format=st.sampled_from(NUMBER_FORMATS),
    signed=st.booleans(),
)
def test_any_plan_computes_the_layer(seed, shape, rows, bits, number_format, signed):
    (K, C, Fy, Fx), layer = shape, random_layer(seed, shape, bits, number_format)
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
    assert (run_program(program(layer, plan), inputs) == 9 * 32767 * 65535).all()
    assert hd.verify(layer, plan, inputs, INTEGERS).ok


@pytest.mark.parametrize("method", METHODS)
def test_every_layer_of_a_bundled_network_verifies(method):
    network = hd.load_network("resnet20_cifar10_w4")
    pairs = [(la, hd.optimize(la, 8, method, "greedy")) for la in network.layers]
    done = verify_all(pairs, options=INTEGERS)
    assert len(done) == 20 and all(v.ok and v.rtl is None for v in done)
    assert [v.flips_hardware for v in done] == [
        hd.hardware_flips(la, hd.optimize(la, 8, method, "greedy"), -(-v.pixels // 8))
        for la, v in zip(network.layers, done)
    ]


@pytest.mark.parametrize(
    "name, spec, layers",
    [
        ("mobilenet_v2_1.0_224_quant.tflite", "mobilenet_v2_table5", 33),
        ("resnet26_cifar100.pth", "resnet26_cifar100", 25),
    ],
)
def test_every_layer_of_a_public_network_verifies(name, spec, layers, data):
    if name.endswith("pth"):
        pytest.importorskip("torch", reason="torch is not installed: .pth files cannot be read")
    network = hd.load_network(data / name, spec=spec)
    pairs = [(la, hd.optimize(la, 8, method, "greedy")) for la in network.layers for method in METHODS]
    assert len(network.layers) == layers and all(v.ok for v in verify_all(pairs, options=INTEGERS))


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


def test_bad_arguments_are_named():
    layer = random_layer(0, (6, 4))
    plan = hd.optimize(layer, rows=2)
    with pytest.raises(PlanMismatch):
        hd.verify(random_layer(1, (6, 4)), plan, options=INTEGERS)
    with pytest.raises(InputError, match=r"\[5, 1, 3\] found; layer 'random' needs \[4, 1, pixels\]"):
        hd.verify(layer, plan, hd.Activations(np.zeros((5, 1, 3), int)), INTEGERS)
    with pytest.raises(InputError, match="0 to 256 found; 8 bits, unsigned, hold 0 to 255"):
        hd.Activations(np.array([[[0, 256]]]))
    with pytest.raises(InputError, match="float64"):
        hd.Activations(np.zeros((4, 1, 3)))
    with pytest.raises(InputError, match="too small for 3x3"):
        hd.Activations.from_map(np.zeros((1, 2, 2), int), 3, 3)
    with pytest.raises(InputError, match="bits: 17 found; a whole number from 1 to 16"):
        hd.Activations(np.zeros((1, 1, 1), int), 17)
    with pytest.raises(InputError, match="seed: -1"):
        random_activations(layer, seed=-1)
    with pytest.raises(InputError, match="stride 0"):
        hd.Activations.from_map(np.zeros((1, 3, 3), int), 3, 3, stride=0)
    with pytest.raises(InputError, match="one kind at a time"):
        verify_all([(layer, plan), (layer, hd.optimize(layer, rows=3))], options=INTEGERS)
    with pytest.raises(MissingTool, match="did you mean 'iverilog'"):
        find_simulator("iverlog")


def test_bad_options_are_all_named_at_once():
    with pytest.raises(
        InputError, match="cols: 0 found; a whole number >= 1 .*tiles: 0 found.*seed: -1 found"
    ):
        VerifyOptions(cols=0, tiles=0, seed=-1)
    with pytest.raises(InputError, match="alternat: unknown field; did you mean 'alternate'"):
        VerifyOptions(alternat=True)
    assert VerifyOptions(tiles=None).tiles is None and VerifyOptions() == VerifyOptions(cols=8, tiles=4)


def test_bad_sizes_of_an_array_are_all_named_at_once():
    with pytest.raises(
        InputError, match="rows: 0 found; a whole number from 1 to 64 .*act_bits: 99 found; .*2 to 16"
    ):
        ArraySize(rows=0, act_bits=99)
    assert ArraySize(cols=4).name == "8x4_w4_a8_p16" and ArraySize().to_dict()["psum_bits"] == 16


def test_a_missing_simulator_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert find_simulator("auto") is None and find_simulator("none") is None
    with pytest.raises(
        MissingTool, match="iverilog is not installed .Debian: apt install iverilog.; --simulator none"
    ):
        find_simulator("iverilog")
