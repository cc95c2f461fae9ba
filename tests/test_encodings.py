"""Encodings: exact ones are exact, errors are those of brute force, files come back whole or not at all."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hd_plugin import encoding_mac as em
from hd_plugin.errors import InputError
from hd_plugin.hardware import Activations
from hd_plugin.weights import Layer

KINDS = sorted(em.AREA_NAND2)
FUNCTIONS = {
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "nand": lambda a, b: not (a and b),
    "nor": lambda a, b: not (a or b),
    "xor": lambda a, b: a != b,
    "xnor": lambda a, b: a == b,
    "not": lambda a, b: not a,
}


@st.composite
def encodings(draw):
    a_bits, w_bits = draw(st.integers(2, 4)), draw(st.integers(2, 4))
    gates = []
    for g in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(KINDS))
        a = draw(st.integers(0, a_bits + w_bits + g - 1))
        gates.append((kind, a, a if kind == "not" else draw(st.integers(0, a_bits + w_bits + g - 1))))
    nets = a_bits + w_bits + len(gates)
    outputs = draw(st.lists(st.integers(0, nets - 1), min_size=1, max_size=8, unique=True))
    weight = st.integers(-300, 300).filter(bool)
    weights = draw(st.lists(weight, min_size=len(outputs), max_size=len(outputs)))
    signed = draw(st.booleans()), draw(st.booleans())
    return em.Encoding(
        a_bits, w_bits, tuple(gates), tuple(outputs), tuple(weights), draw(st.integers(-99, 99)), *signed
    )


def by_hand(encoding, a, w):
    """One pair of operands, gate by gate, without numpy."""
    nets = [bool(a >> b & 1) for b in range(encoding.a_bits)]
    nets += [bool(w >> b & 1) for b in range(encoding.w_bits)]
    for kind, x, y in encoding.gates:
        nets.append(FUNCTIONS[kind](nets[x], nets[y]))
    return encoding.constant + sum(s for net, s in zip(encoding.outputs, encoding.weights) if nets[net])


def operands(bits, signed):
    return range(-(1 << bits - 1), 1 << bits - 1) if signed else range(1 << bits)


@settings(max_examples=40)
@given(encodings())
def test_table_is_gates_by_hand_operands_ascending(encoding):
    table = encoding.table()
    assert table.dtype == np.int64
    for row, a in zip(table, operands(encoding.a_bits, encoding.a_signed)):
        for found, w in zip(row, operands(encoding.w_bits, encoding.w_signed)):
            assert found == by_hand(encoding, a, w)


@pytest.mark.parametrize("a_bits", range(2, 9))
@pytest.mark.parametrize("w_bits", range(2, 9))
def test_exact_encodings_give_every_product(a_bits, w_bits):
    for a_signed in (True, False):
        for w_signed in (True, False):
            made = em.exact(a_bits, w_bits, a_signed=a_signed, w_signed=w_signed)
            products = [[a * w for w in operands(w_bits, w_signed)] for a in operands(a_bits, a_signed)]
            assert made.table().tolist() == products
            assert made.bits == a_bits * w_bits and made.levels == 1


@settings(max_examples=30)
@given(encodings(), st.integers(0, 2**32 - 1))
def test_errors_are_those_of_brute_force(encoding, seed):
    share = np.random.default_rng(seed).random((1 << encoding.a_bits, 1 << encoding.w_bits))
    pairs = [
        (by_hand(encoding, a, w) - a * w, a * w)
        for a in operands(encoding.a_bits, encoding.a_signed)
        for w in operands(encoding.w_bits, encoding.w_signed)
    ]
    found, n, weight = encoding.errors(share), len(pairs), share.ravel() / share.sum()
    assert found.max_absolute == max(abs(e) for e, _ in pairs)
    assert found.max_relative == max(abs(e) for e, _ in pairs) / max(abs(p) for _, p in pairs)
    assert found.rmse == pytest.approx((sum(e * e for e, _ in pairs) / n) ** 0.5)
    assert found.mean == pytest.approx(sum(e for e, _ in pairs) / n)
    assert found.weighted_rmse == pytest.approx(sum(p * e * e for p, (e, _) in zip(weight, pairs)) ** 0.5)
    assert found.weighted_mean == pytest.approx(sum(p * e for p, (e, _) in zip(weight, pairs)))


def test_truncation_errs_by_the_products_left_out_and_half_of_it_with_a_constant():
    for low, bits, most in ((7, 36, 769), (5, 49, 129)):  # products with i + j < low: sum of (s + 1) 2**s
        assert sum((s + 1) << s for s in range(low)) == most
        assert em.truncated(8, 8, bits, compensate=False).errors().max_absolute == most
        assert em.truncated(8, 8, bits).errors().max_absolute == -(-most // 2)
    assert em.truncated(8, 4, 32) == em.Encoding.from_dict(
        {**em.exact(8, 4).to_dict(), "name": "truncated_8x4_32"}
    )


@settings(max_examples=30)
@given(encodings())
def test_files_come_back_whole(tmp_path_factory, encoding):
    path = tmp_path_factory.mktemp("encoding") / "e.json"
    encoding.save(path)
    assert em.Encoding.load(path) == encoding


@settings(max_examples=40)
@given(encodings())
def test_area_is_of_the_gates_that_reach_an_output(encoding):
    needed, wanted = set(), [net - encoding.operand_bits for net in encoding.outputs]
    while wanted:
        g = wanted.pop()
        if g >= 0 and g not in needed:
            needed.add(g)
            wanted += [
                encoding.gates[g].a - encoding.operand_bits,
                encoding.gates[g].b - encoding.operand_bits,
            ]
    assert encoding.area_nand2 == pytest.approx(sum(em.AREA_NAND2[encoding.gates[g].kind] for g in needed))


def damage(**fields):
    return {**em.exact(2, 3).to_dict(), **fields}


@pytest.mark.parametrize(
    "data, told",
    [
        (damage(a_bits=9), "a_bits: 9 found; 2 to 8"),
        (damage(gates=[["andy", 0, 2]]), "'andy' is unknown; did you mean 'and'"),
        (damage(gates=[["and", 0, 5]]), "gate 0: inputs 0, 5 found"),
        (damage(gates=[["not", 0, 1]]), "a 'not' of two nets"),
        (damage(outputs=[[99, 1]]), "output 0: net 99 found"),
        (damage(outputs=[[0, 0]]), "output 0: weight 0 found"),
        (damage(outputs=[[0, 1], [0, 2]]), "an output stands twice"),
        (damage(outputs=[]), "0 outputs found"),
        (damage(constant=1 << 40), "constant"),
        (damage(wights=3), "wights: unknown field"),
        (damage(schema="hd-plugin/plan/1"), "schema"),
        ([1], "schema"),
    ],
)
def test_a_damaged_file_is_one_error_that_names_it(tmp_path, data, told):
    path = tmp_path / "e.json"
    path.write_text(json.dumps(data), encoding="utf8")
    with pytest.raises(InputError) as error:
        em.Encoding.load(path)
    assert told in str(error.value) and str(path) in str(error.value) and "\n" not in str(error.value)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(2, 8), st.booleans())
def test_the_distribution_counts_every_multiplication_of_a_layer(seed, w_bits, signed):
    rng = np.random.default_rng(seed)
    layer = Layer("l", rng.integers(0, 1 << w_bits, (3, 2, 1, 2)), w_bits, output_hw=(2, 2))
    low, high = (-8, 8) if signed else (0, 16)
    seen = rng.integers(low, high, (2, 2, 4))
    share = em.operand_distribution([layer], {"l": Activations(seen, 4, signed)})
    wanted = np.zeros((16, 1 << w_bits))
    for k, c, t, p in np.ndindex(3, 2, 2, 4):
        w = int(layer.values.reshape(3, 2, 2)[k, c, t])
        wanted[seen[c, t, p] - low, w + (1 << w_bits - 1)] += 1
    np.testing.assert_allclose(share, wanted / wanted.sum(), atol=1e-15)


def test_a_layer_without_activations_is_refused():
    layer = Layer("l", np.zeros((1, 1), int), 4)
    with pytest.raises(InputError, match="activations of one width"):
        em.operand_distribution([layer], {})
    with pytest.raises(InputError, match="shape"):
        em.exact(2, 2).errors(np.ones(3))
    with pytest.raises(InputError, match=">= 0"):
        em.exact(2, 2).errors(-np.ones((4, 4)))
