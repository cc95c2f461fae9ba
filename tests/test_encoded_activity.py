"""What moves at the outputs of encoded PEs, and what a model makes of it, against loops without numpy."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hd_plugin import encoding_mac as em
from hd_plugin.bits import TransitionTable
from hd_plugin.characterisation import transition_energies
from hd_plugin.energy import EnergyModel, Quality
from hd_plugin.errors import InputError
from hd_plugin.hardware import Activations, group_inputs, program
from hd_plugin.streaming import EnergyObjective, Group, optimize
from hd_plugin.streaming._energy import best_rows, step_costs, stream_cost
from hd_plugin.weights import Layer

NO_QUALITY = Quality(1, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0)


def outputs_of(encoding, a, w):
    """Every output for two patterns, gate by gate."""
    nets = [a >> b & 1 for b in range(encoding.a_bits)] + [w >> b & 1 for b in range(encoding.w_bits)]
    for kind, x, y in encoding.gates:
        assert kind == "and"
        nets.append(nets[x] & nets[y])
    return [nets[net] for net in encoding.outputs]


def case(seed, K=5, C=5):
    rng = np.random.default_rng(seed)
    layer = Layer("l", rng.integers(0, 8, (K, C, 1, 2)), 3, output_hw=(1, 5))
    inputs = Activations(rng.integers(0, 8, (C, 2, 5)), 3)
    return layer, inputs


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["segment", "cluster"]), st.integers(1, 9))
def test_activity_is_that_of_a_plain_run(seed, method, bits):
    layer, inputs = case(seed)
    encoding = em.truncated(3, 3, bits, a_signed=False)
    rows, cols, tiles, psum_bits = 2, 3, 2, 5
    made = program(layer, optimize(layer, rows, method, "greedy"))
    classes = [c.tolist() for c in em.output_classes(encoding)]
    flips, columns, sums = [0] * len(classes), 0, [0] * psum_bits
    word = [0] * rows
    before = [[outputs_of(encoding, 0, 0)] * rows for _ in range(cols)]
    for tile in range(tiles):
        for g in range(len(made.words)):
            held = group_inputs(made, inputs, g, tile, cols)
            for step in made.words[g].tolist():
                for r in range(int(made.used[g])):
                    word[r] = step[r]
                for c in range(cols):
                    now = [outputs_of(encoding, int(held[c, r]), word[r]) for r in range(rows)]
                    for r in range(rows):
                        for i, own in enumerate(classes):
                            flips[i] += sum(now[r][o] != before[c][r][o] for o in own)
                    columns += now != before[c]
                    new, old = (
                        sum(w * o for row in bits_of for w, o in zip(encoding.weights, row))
                        for bits_of in (now, before[c])
                    )
                    for b in range(psum_bits):
                        sums[b] += (new ^ old) >> b & 1
                    before[c] = now
    found = em.output_activity(made, inputs, encoding, (cols, psum_bits), tiles)
    assert (found.outputs.tolist(), found.columns, found.sums.tolist()) == (flips, columns, sums)


def test_classes_are_outputs_of_one_size_of_weight_ascending():
    encoding = em.exact(3, 3)
    sizes = [{abs(encoding.weights[o]) for o in own} for own in em.output_classes(encoding)]
    assert sizes == [{1}, {2}, {4}, {8}, {16}]


def test_inputs_of_other_widths_are_refused():
    layer, inputs = case(0)
    made = program(layer, optimize(layer, 2, "segment", "greedy"))
    with pytest.raises(InputError, match="4-bit activations"):
        em.output_activity(made, inputs, em.exact(4, 3, a_signed=False))


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_transitions_cost_what_flips_at_the_outputs(seed):
    rng = np.random.default_rng(seed)
    encoding = em.truncated(3, 3, 7, a_signed=False)
    names = ["words", "busy_words", *(f"{n}[{b}]" for n in ("flips", "partial_products") for b in range(3))]
    names += [f"outputs[{i}]" for i in range(len(em.output_classes(encoding)))]
    prices = dict(zip(names, rng.random(len(names)).tolist()))
    model = EnergyModel(prices, {}, NO_QUALITY, NO_QUALITY, {})
    acts = rng.integers(0, 8, 6)
    found = transition_energies(model, acts, 3, encoding=encoding)
    for old in range(8):
        for new in range(8):
            cost = 0.0
            for a in acts.tolist():
                x = old ^ new
                cost += (x != 0) * (prices["words"] + (a != 0) * prices["busy_words"])
                for b in range(3):
                    ones = a.bit_count()
                    cost += (x >> b & 1) * (prices[f"flips[{b}]"] + ones * prices[f"partial_products[{b}]"])
                one, other = outputs_of(encoding, a, old), outputs_of(encoding, a, new)
                for i, own in enumerate(em.output_classes(encoding)):
                    cost += prices[f"outputs[{i}]"] * sum(one[o] != other[o] for o in own)
            assert found[old, new] == pytest.approx(cost / len(acts))


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(3, 9))
def test_a_column_costs_its_transitions_and_the_flips_of_its_one_sum(seed, bits):
    rng = np.random.default_rng(seed)
    layer, _ = case(seed)
    encoding = em.truncated(3, 3, bits, a_signed=False)
    acts = rng.integers(0, 8, (5, 2, 64))
    prices = rng.integers(0, 40, 9)
    energies = rng.random((8, 8)) * (1 - np.eye(8))
    table = TransitionTable.from_energies(energies, 3, "energy")
    objective = EnergyObjective(table, prices, acts, encoding.code_table() - encoding.constant)
    channels, order, tap = np.array([3, 0, 4]), rng.permutation(5), (0, 1)
    codes = layer.codes[:, channels, 0, 1]

    def sums(k):
        total = []
        for s in range(64):
            each = [
                outputs_of(encoding, int(acts[c, 1, s]), int(codes[k, r])) for r, c in enumerate(channels)
            ]
            total.append(sum(w * o for row in each for w, o in zip(encoding.weights, row)))
        return total

    def cost(old, new):
        moved = sum(int(table.cost[codes[old, r], codes[new, r]]) for r in range(3))
        flips = sum(
            int(p) * ((a ^ b) >> i & 1) for a, b in zip(sums(old), sums(new)) for i, p in enumerate(prices)
        )
        return moved + flips / 64

    d = step_costs(objective, layer, tap, channels)
    for old in range(5):
        for new in range(5):
            assert abs(d[old, new] - cost(old, new)) <= 0.5
    wanted = sum(cost(a, b) for a, b in pairwise(order))
    assert stream_cost(objective, layer, Group(tap, channels, order)) == pytest.approx(wanted)
    assert best_rows(objective, layer, tap, channels, order).tolist() == channels.tolist()
