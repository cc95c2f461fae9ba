"""The search for encodings: kernels against numpy, fronts that nothing beats, the same for any threads."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from test_encodings import encodings

from hd_plugin import encoding_mac as em
from hd_plugin.cli import main
from hd_plugin.encoding_mac import _planes as planes
from hd_plugin.encoding_mac import _swaps as swaps
from hd_plugin.encoding_mac._column_area import counter_cells
from hd_plugin.encoding_mac._genetic import Genetic
from hd_plugin.encoding_mac._leave_out import leave_out
from hd_plugin.encoding_mac._ridge import ridge_weights
from hd_plugin.errors import InputError
from hd_plugin.streaming import Jobs, Journal

SMALL = em.SearchSettings(3, 3, fewest=2, most=6, kicks=1, generations=2)


def bits_of(plane, pairs):
    return np.unpackbits(plane.view(np.uint8), bitorder="little")[:pairs].astype(bool)


@settings(max_examples=30)
@given(encodings())
def test_planes_are_the_outputs_of_all_pairs(encoding):
    words = encoding.output_words().ravel()
    for i, plane in enumerate(planes.output_planes(encoding)):
        assert np.array_equal(bits_of(plane, words.size), (words >> np.uint64(i)) & np.uint64(1) == 1)
    products = np.multiply.outer(
        em.operand_values(encoding.a_bits, encoding.a_signed),
        em.operand_values(encoding.w_bits, encoding.w_signed),
    )
    error = planes.encoding_error(encoding)
    assert np.array_equal(error[: words.size], (encoding.code_table() - products).ravel())


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_kernels_are_plain_numpy(words, seed):
    rng = np.random.default_rng(seed)
    both = rng.integers(0, 2**64, (3, words), np.uint64)
    both[2] &= rng.integers(0, 2**64, words, np.uint64) & both[1]
    values = rng.integers(-1000, 1000, 64 * words).astype(np.int32)
    bits = np.array([bits_of(p, values.size) for p in both])
    assert np.array_equal(planes.gram(both), bits.astype(int) @ bits.T.astype(int))
    target = planes.sliced(values)
    sums = planes.inner_products(both, target.planes) + target.low * bits.sum(axis=1)
    assert np.array_equal(sums, bits.astype(int) @ values) and target.total == values.sum()

    def span(mask):
        return [values[mask].min(), values[mask].max()] if mask.any() else [1, -1]

    p, q = bits[1], bits[2]
    assert planes.class_ranges(values, both[1]).tolist() == [span(~p), span(p)]
    classes = [~p & ~q, p & ~q, ~p & q, p & q]
    assert planes.pair_ranges(values, both[1], both[2]).tolist() == [span(c) for c in classes]
    planes.add_plane(added := values.copy(), both[1], np.int32(-7))
    assert np.array_equal(added, values - 7 * p)


def test_leaving_out_takes_the_output_that_errs_least_and_centres_the_error():
    whole = em.exact(3, 3)
    found = leave_out(whole, 3)
    assert [e.bits for e in found] == list(range(8, 2, -1))
    before = whole
    for one in found:
        error = one.table() - one.products()
        assert -1 <= error.min() + error.max() <= 1
        ways = []
        for k in range(before.bits):
            left = [(n, w) for i, (n, w) in enumerate(zip(before.outputs, before.weights)) if i != k]
            nets, weights = zip(*left)
            plain = em.Encoding(3, 3, whole.gates, nets, weights)
            ways.append(int(np.ptp(plain.table() - plain.products())))
        assert np.ptp(error) == min(ways)
        before = one


@settings(max_examples=50)
@given(st.lists(st.sampled_from([1, 2, -2, 4, 8, 3, -6, 5]), min_size=1, max_size=12), st.integers(1, 9))
def test_counters_take_a_full_adder_for_every_bit_that_goes_away(weights, rows):
    full, half = counter_cells(tuple(weights), rows)
    if all(abs(w) & abs(w) - 1 == 0 for w in weights):
        # adders keep the sum of all bits' weights, so that what is left holds the largest sum
        places = sum(abs(w) for w in weights) * rows
        left = len(weights) * rows - full
        assert places.bit_length() - 3 <= left <= places.bit_length()
    assert full >= 0 and 0 <= half <= 40


def test_the_front_is_what_nothing_beats():
    found = em.search_encodings(SMALL, Jobs(1))
    everything = [*found.front, *found.truncations]
    for one in found.front:
        assert not any(
            other.area <= one.area and other.errors.max_absolute < one.errors.max_absolute
            for other in everything
        )
    assert found == em.search_encodings(SMALL, Jobs(3))


QUICK = "--a-bits", 3, "--w-bits", 3, "--kicks", 1, "--generations", 2


def run(*words):
    return CliRunner().invoke(main, ["encode", "search", *map(str, words)])


def test_the_command_writes_the_front(tmp_path):
    done = run(*QUICK, "--threads", 1, "-o", tmp_path)
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "encode-search.json").read_text())
    assert told["schema"] == "hd-plugin/encode-search/1"
    for line in told["front"]:
        one = em.Encoding.load(tmp_path / "encodings" / f"{line['name']}.json")
        assert one.errors().max_absolute == line["max_absolute"] and one.bits == line["outputs"]
    assert (tmp_path / "plots" / "encodings.svg").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--a-bits", 9), "9"),
        (("--fewest", 0), "fewest, most: 0"),
        (("--threshold", 1), "threshold"),
        (("--rows", 0), "rows"),
    ],
)
def test_bad_input_is_one_line(words, told):
    done = run(*words)
    assert done.exit_code == 2 and told in done.output and done.output.count("\n") == 1


@pytest.mark.parametrize("a_bits, w_bits", [(2, 2), (3, 4), (5, 2), (4, 6), (8, 8)])
@pytest.mark.parametrize("a_signed", [True, False])
def test_booth_encodings_are_exact_and_have_fewer_outputs(a_bits, w_bits, a_signed):
    for digits in range(1, w_bits // 2 + 1):
        made = em.booth(a_bits, w_bits, digits, a_signed=a_signed)
        assert np.array_equal(made.table(), made.products())
        # two rows of ANDs become one of a place more, and the digit's sign
        assert made.bits == a_bits * w_bits - digits * (a_bits - 2)
    other = em.booth(w_bits, a_bits, 1, recode_activation=True) if w_bits % 2 == 0 else None
    assert other is None or np.array_equal(other.table(), other.products())


@pytest.mark.parametrize(
    "ask", [{"digits": 0}, {"digits": 3}, {"digits": 1, "w_signed": False}, {"digits": 1, "w_bits": 3}]
)
def test_booth_says_what_cannot_be_recoded(ask):
    with pytest.raises(InputError, match="booth: "):
        em.booth(**{"a_bits": 4, "w_bits": 4, **ask})


@settings(max_examples=8)
@given(encodings(), st.integers(0, 99), st.booleans())
def test_swaps_only_improve_and_keep_the_number_of_outputs(encoding, seed, threes):
    start = swaps.centred(encoding)
    assert start.used_gates == tuple(range(len(start.gates)))
    assert np.ptp(start.table() - encoding.table()) == 0
    found = swaps.improve(swaps.with_products(start), 2, seed, threes)
    assert found == swaps.improve(swaps.with_products(start), 2, seed, threes)
    assert found.errors().max_absolute <= start.errors().max_absolute
    assert found.bits == start.bits


def test_the_shipped_front_holds_what_it_says():
    names = em.shipped_encodings()
    for name in names:
        one = em.load_encoding(name, 8, 4 if "x4_" in name else 8, "8sx" in name)
        assert one.name == name and name.endswith(f"x{one.w_bits}_{one.bits}")
        error = one.table() - one.products()
        assert -1 <= error.min() + error.max() <= 1
        plain = em.truncated(8, one.w_bits, one.bits, a_signed=one.a_signed)
        assert one.errors().max_absolute * 1.5 <= plain.errors().max_absolute
    best = em.load_encoding("weighted_8sx8_28", 8, 8, True)
    assert best.errors().max_absolute * 1.5 <= em.truncated(8, 8, 28).errors().max_absolute
    assert em.column_area(best) <= em.column_area(em.truncated(8, 8, 28))
    with pytest.raises(InputError, match="no_such"):
        em.load_encoding("no_such", 8, 8)


@settings(max_examples=30)
@given(st.integers(1, 3), st.integers(1, 8), st.integers(0, 2**32 - 1), st.sampled_from([0.1, 3.0]))
def test_ridge_weights_are_those_of_least_squares(words, n, seed, alpha):
    rng = np.random.default_rng(seed)
    made = rng.integers(0, 2**64, (n, words), np.uint64)
    values = rng.integers(-1000, 1000, 64 * words).astype(np.int32)
    bits = np.array([bits_of(p, values.size) for p in made]).T.astype(float)
    # the penalty as further equations; the constant has none
    rows = np.vstack([np.c_[bits, np.ones(len(bits))], np.c_[np.sqrt(alpha) * np.eye(n), np.zeros(n)]])
    wanted = np.linalg.lstsq(rows, np.r_[values, np.zeros(n)], rcond=None)[0]
    assert ridge_weights(made, planes.sliced(values), alpha) == pytest.approx(wanted, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("columns", [1, 2])
def test_the_genetic_search_tells_the_error_of_its_encodings_and_only_improves(columns):
    search = Genetic(3, 3, (True, True), columns, outputs=32, kept=8, threshold=0.2, generations=4)
    population = search.begin()
    for generation in range(4):
        after = search.advance(population, generation)
        assert tuple(after.fitness[0]) <= tuple(population.fitness[0])
        population = after
    for genes, (above, told) in zip(population.genes, population.fitness):
        found = search.encoding(genes)
        assert found.bits <= 8 and found.levels <= columns
        if above:
            assert found.errors().max_relative == pytest.approx(told, abs=0.5 / 16)
        else:
            assert found.errors().max_relative <= 0.2 + 0.5 / 16 and found.area_nand2 == pytest.approx(told)


def test_a_weighted_border_stands_for_what_is_below_it():
    made = em.weighted(8, 8, 34, 7)
    heavy = [w for w in made.weights if w % 3 == 0]
    assert heavy == [192] * len(heavy) and len(heavy) == 5
    with pytest.raises(InputError, match="border: 0"):
        em.weighted(8, 8, 34, 0)


def test_a_search_that_was_stopped_goes_on_to_the_same_encodings(tmp_path):
    whole, seen = em.search_encodings(SMALL, Jobs(1)), []

    def stop(done, total, text):
        seen.append(text)
        if len(seen) > 3:
            raise KeyboardInterrupt

    journal = Journal(tmp_path / "j")
    first = em.search_encodings(SMALL, Jobs(1, stop, journal=journal))
    journal.close()
    assert first.interrupted and "encodings 3 x 3" in seen[0]
    again = Journal(tmp_path / "j")
    assert em.search_encodings(SMALL, Jobs(2, journal=again)) == whole
    again.close()
    other = Journal(tmp_path / "j")
    with pytest.raises(InputError, match=r"of another run .*settings.seed: 0 there, 1 here"):
        em.search_encodings(replace(SMALL, seed=1), Jobs(1, journal=other))


def test_a_folder_of_another_search_is_one_clear_error(tmp_path):
    journal = Journal(tmp_path / "hd-plugin.journal")
    em.search_encodings(SMALL, Jobs(1, journal=journal))
    journal.close()
    done = run(*QUICK, "--seed", 5, "-o", tmp_path)
    assert done.exit_code == 2 and done.output.count("\n") == 1
    assert "of another run" in done.output and "seed" in done.output


def test_what_is_better_than_truncation_is_no_larger():
    found = em.search_encodings(SMALL, Jobs(1))
    base = {c.encoding.bits: c for c in found.truncations}
    for one in found.better:
        plain = base[one.encoding.bits]
        assert one.area <= plain.area
        assert (one.errors.max_absolute, one.area) < (plain.errors.max_absolute, plain.area)
