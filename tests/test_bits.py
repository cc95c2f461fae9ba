import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracle import bit_string, text_flips

from hd_plugin.bits import (
    NUMBER_FORMATS,
    TransitionTable,
    decode,
    encode,
    hamming,
    hamming_table,
    plane_flips,
    stream_flips,
)
from hd_plugin.errors import InputError

FORMATS = pytest.mark.parametrize("number_format", NUMBER_FORMATS)
WIDTHS = pytest.mark.parametrize("bits", range(2, 17))


def representable(bits, number_format):
    half = 2 ** (bits - 1)
    return np.arange(-half + (number_format == "sign_magnitude"), half)


@FORMATS
@WIDTHS
def test_patterns_equal_the_oracles_and_decode_back(bits, number_format):
    values = representable(bits, number_format)
    codes = encode(values, bits, number_format)
    step = max(1, len(values) // 300)
    assert [format(c, f"0{bits}b") for c in codes[::step]] == [
        bit_string(int(v), bits, number_format) for v in values[::step]
    ]
    assert (decode(codes, bits, number_format) == values).all()
    assert len(np.unique(codes)) == len(values)


@FORMATS
@WIDTHS
def test_values_that_do_not_fit_are_refused(bits, number_format):
    for v in (representable(bits, number_format)[0] - 1, 2 ** (bits - 1)):
        with pytest.raises(InputError, match=f"{bits}-bit {number_format}"):
            encode(np.array([v]), bits, number_format)


@WIDTHS
def test_neighbours_in_gray_code_differ_in_one_bit(bits):
    assert (
        hamming(*(lambda c: (c[:-1], c[1:]))(encode(representable(bits, "gray"), bits, "gray"))) == 1
    ).all()


def test_both_zeros_of_sign_magnitude_are_zero():
    assert decode(np.array([0b0000, 0b1000], np.uint8), 4, "sign_magnitude").tolist() == [0, 0]


@given(
    st.integers(2, 16).flatmap(
        lambda bits: st.tuples(
            st.just(bits),
            hnp.arrays(
                np.uint16,
                hnp.array_shapes(min_dims=2, max_dims=3, max_side=6),
                elements=st.integers(0, 2**bits - 1),
            ),
        )
    )
)
def test_flips_equal_a_count_of_characters(case):
    bits, words = case
    text = [[format(x, f"0{bits}b") for x in np.atleast_1d(w).ravel()] for w in words]
    expected = sum(text_flips(a, b) for one, two in itertools.pairwise(text) for a, b in zip(one, two))
    assert stream_flips(words) == expected
    assert plane_flips(words, bits).sum() == expected
    if bits <= 8:
        assert hamming_table(bits).stream_cost(words) == expected


def test_planes_are_told_apart():
    assert plane_flips(np.array([[0b00], [0b10], [0b11], [0b01]], np.uint8), 2).tolist() == [1, 2]


def test_energy_tables_keep_proportions_and_symmetry():
    energy = np.array([[0, 1.0, 2, 3], [1, 0, 1, 2], [2, 1, 0, 1], [5, 2, 1, 0]])
    cost = TransitionTable.from_energies(energy, 2).cost
    assert (cost == cost.T).all() and cost[0, 3] == 4095 and abs(cost[0, 1] - 4095 / 4) <= 1


@pytest.mark.parametrize(
    "cost",
    [
        np.ones((4, 4), int),
        np.zeros((2, 4), int),
        np.zeros((4, 4)),
        -np.eye(4, dtype=int),
        np.triu(np.ones((4, 4), int), 1),
    ],
)
def test_tables_that_no_stream_can_have_are_refused(cost):
    with pytest.raises(InputError, match="table.cost"):
        TransitionTable(2, cost)


@pytest.mark.parametrize("bits", [1, 17, 0, -4, 2.5])
def test_widths_out_of_range_are_refused(bits):
    with pytest.raises(InputError, match="bits"):
        encode(np.array([0]), bits)


def test_an_unknown_format_gets_a_suggestion():
    with pytest.raises(InputError, match="did you mean 'sign_magnitude'"):
        encode(np.array([0]), 4, "sign-magnitude")


@FORMATS
@WIDTHS
def test_codes_and_values_take_the_least_room_that_holds_them(bits, number_format):
    values = representable(bits, number_format)
    codes = encode(values, bits, number_format)
    assert codes.dtype == (np.uint8 if bits <= 8 else np.uint16)
    assert decode(codes, bits, number_format).dtype == np.int16
    for counted in (hamming(codes, codes[::-1]), plane_flips(codes, bits)):
        assert counted.dtype == np.int64


def test_twos_complement_is_meant_where_no_format_is_named():
    values = np.arange(-8, 8)
    assert (encode(values, 4) == encode(values, 4, "twos_complement")).all()
    assert (decode(np.arange(16), 4) == decode(np.arange(16), 4, "twos_complement")).all()


@FORMATS
@WIDTHS
def test_patterns_that_are_too_wide_are_refused(bits, number_format):
    for pattern in (2**bits, -1):
        with pytest.raises(InputError):
            decode(np.array([0, pattern]), bits, number_format)
    assert decode(np.zeros(0, np.uint8), bits, number_format).size == 0


@given(
    hnp.arrays(np.float64, (4, 4), elements=st.floats(-1e3, 1e3, allow_subnormal=False)),
    st.sampled_from([1.0, 1e-12, 1e300]),
)
def test_a_table_of_energies_is_what_its_words_say_entry_by_entry(energy, unit):
    """Both directions averaged, staying free, the largest at 4095, nothing below 0."""
    energy = energy * unit
    wanted = [
        [(energy[a, b] / 2 + energy[b, a] / 2) - (energy[a, a] if a == b else 0.0) for b in range(4)]
        for a in range(4)
    ]
    top = max(0.0, *(x for row in wanted for x in row))
    table = TransitionTable.from_energies(energy, 2)
    assert (table.bits, table.name, table.cost.dtype) == (2, "energy", np.int32)
    for a, b in itertools.product(range(4), repeat=2):
        scaled = 4095 * (max(0.0, wanted[a][b]) / top) if top else 0.0
        assert table.cost[a, b] == pytest.approx(scaled, abs=0.5 + 1e-6)
    assert TransitionTable.from_energies(energy, 2, "mine").name == "mine"


def test_integers_make_a_table_of_energies_too_and_infinities_do_not():
    assert TransitionTable.from_energies(np.eye(4, dtype=int)[::-1], 2).cost[0, 3] == 4095
    with pytest.raises(InputError, match="finite"):
        TransitionTable.from_energies(np.full((4, 4), np.inf), 2)


def test_hamming_tables_go_up_to_12_bits():
    table = hamming_table(12)
    assert table.cost.shape == (4096, 4096) and table.cost[0, 4095] == 12 and table.name == "hamming"
    with pytest.raises(InputError, match="13 bits"):
        hamming_table(13)
