import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hd_plugin as hd
from hd_plugin.energy import (
    ActionCounts,
    AddressLut,
    Clock,
    EnergyBreakdown,
    MainMemory,
    PsumHop,
    Sram,
    StationaryRegister,
    WeightHop,
    Widths,
    flip_scale,
    load_technology,
    price,
    technologies,
)
from hd_plugin.engines import Array, analytic_counts, get_engine, load_array
from hd_plugin.errors import InputError

WIDTHS = Widths(weight=8, activation=8, psum=32, accumulator=32)
TECHNOLOGY = load_technology("eyeriss45")


def layer(K, C, taps, hw):
    import numpy as np

    values = np.random.default_rng(0).integers(-7, 8, (K, C, taps, 1))
    return hd.Layer.from_values("layer", values, 4, output_hw=hw)


def counted(K, C, taps, P, Q, rows, cols):
    """The dataflow written out as loops: what moves, step by step."""
    n = dict.fromkeys(("mac", "hops", "idle", "reads", "acc", "lut", "cycles", "inputs"), 0)
    for first in range(0, P * Q, cols):
        used = min(cols, P * Q - first)
        for _ in range(taps):
            for c in range(0, C, rows):
                here = min(rows, C - c)
                n["inputs"] += used * here
                for _ in range(K):
                    n["cycles"] += 1
                    n["lut"] += 1
                    n["acc"] += used
                    for _ in range(here):
                        n["reads"] += 1
                        n["mac"] += used
                        n["hops"] += cols
                        n["idle"] += cols - used
    return n


@pytest.mark.parametrize(
    "case", [(24, 96, 1, 14, 14, 8, 8), (5, 9, 3, 3, 5, 4, 8), (3, 2, 1, 1, 1, 8, 8), (7, 8, 9, 7, 7, 8, 8)]
)
def test_closed_forms_equal_the_loops(case):
    K, C, taps, P, Q, rows, cols = case
    la = layer(K, C, taps, (P, Q))
    groups = len(hd.optimize(la, rows, "baseline").groups)
    counts, n = analytic_counts(la, Array(rows=rows, cols=cols), groups, True), counted(*case)
    assert (
        counts.mac,
        counts.weight_hops,
        counts.idle_weight_hops,
        counts.weight_reads,
        counts.accumulator_reads,
        counts.accumulator_writes,
        counts.lut_reads,
        counts.cycles,
        counts.input_reads,
    ) == (n["mac"], n["hops"], n["idle"], n["reads"], n["acc"], n["acc"], n["lut"], n["cycles"], n["inputs"])
    assert analytic_counts(la, Array(rows=rows, cols=cols), groups, False).lut_reads == 0


def test_the_papers_ratio_of_datapath_to_sram_is_3_to_4():
    """Section 2: compute : propagation : SRAM = 1 : 2 : 6, and reuse factors of 16, give 3 : 4 (3 : 3.75)."""
    ops = 16 * 1000
    counts = ActionCounts(
        mac=ops,
        weight_hops=ops,
        idle_weight_hops=0,
        weight_reads=ops // 16,
        accumulator_reads=ops // 16,
        accumulator_writes=ops // 16,
        input_reads=ops // 16,
        output_writes=0,
        lut_reads=0,
        cycles=ops,
    )
    e = price(counts, TECHNOLOGY.reference_rate, WIDTHS, TECHNOLOGY, pes=1)
    assert (e.weight_hop_J + e.psum_hop_J) / e.mac_J == pytest.approx(2)
    assert e.datapath_J / e.memory_J == pytest.approx(3 / 3.75)


def test_horowitzs_8_bit_multiply_and_32_bit_add_are_what_a_mac_costs():
    counts = ActionCounts(1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    assert price(counts, 0.5, WIDTHS, TECHNOLOGY, pes=1).mac_J == pytest.approx(0.2e-12 + 0.1e-12)


def test_datapath_energy_is_linear_in_flips_above_its_floor_and_the_rest_does_not_move():
    counts = ActionCounts(100, 120, 20, 10, 10, 10, 10, 10, 5, 50)
    at = {r: price(counts, r, WIDTHS, TECHNOLOGY, pes=64, lut_bits=6) for r in (0.0, 0.25, 0.5)}
    assert at[0.0].mac_J == pytest.approx(TECHNOLOGY.floor * at[0.5].mac_J)
    assert at[0.25].mac_J == pytest.approx((at[0.0].mac_J + at[0.5].mac_J) / 2)
    for e in at.values():
        assert (e.memory_J, e.clock_J, e.lut_J) == (at[0.5].memory_J, at[0.5].clock_J, at[0.5].lut_J)
        assert e.total_J == pytest.approx(
            e.mac_J + e.weight_hop_J + e.psum_hop_J + e.lut_J + e.memory_J + e.clock_J
        )


@pytest.mark.parametrize(
    "pair",
    [
        (1.96, 1.84),
        (2.00, 1.86),
        (1.24, 1.26),
        (1.50, 1.47),
        (1.76, 1.67),
        (2.44, 2.27),
        (10.2, 8.51),
        (5.95, 4.92),
        (4.54, 3.88),
        (7.55, 6.63),
    ],
)
def test_the_flip_model_follows_the_papers_tables_3_and_4(pair):
    hd_reduction, energy_reduction = pair
    assert 1 / flip_scale(0.5 / hd_reduction, TECHNOLOGY) == pytest.approx(energy_reduction, rel=0.12)


@pytest.mark.parametrize("rate", [math.nan, -0.1, 1.1, math.inf, "x", None])
def test_a_flip_rate_that_is_no_rate_is_refused(rate):
    with pytest.raises(InputError, match="flip_rate"):
        flip_scale(rate, TECHNOLOGY)


@pytest.mark.parametrize("name", technologies())
def test_every_coefficient_of_a_bundled_technology_has_a_source(name):
    t = load_technology(name)
    optional = t.psum_hop_pJ_per_bit is not None
    assert len(t.sources) == 14 + optional and all(len(s) > 20 for s in t.sources.values())


def test_all_problems_of_a_technology_file_come_in_one_error(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "technology: t\ndescription: d\ncoefficients:\n  adder_pJ_per_bits: {value: 1, source: s}\n"
        "  hop_pJ_per_bit: {value: -1, source: s}\nflip_model:\n  floor: {value: 2, source: s}\n"
    )
    with pytest.raises(InputError) as error:
        load_technology(path)
    for part in (
        "mine.yaml",
        "did you mean 'adder_pJ_per_bit'",
        "hop_pJ_per_bit.value: -1",
        "floor.value: 2",
        "sram_pJ_per_bit: missing",
        "reference_rate: missing",
    ):
        assert part in str(error.value)


def test_unknown_names_get_suggestions():
    with pytest.raises(InputError, match="did you mean 'eyeriss45'"):
        load_technology("eyeris45")
    with pytest.raises(InputError, match="did you mean 'analytic'"):
        get_engine("analytical")
    with pytest.raises(InputError, match="did you mean 'input_stationary_8x8'"):
        load_array("input_stationary_8x9")


def test_a_layer_without_an_output_size_is_refused_with_advice():
    with pytest.raises(InputError, match="layer 'layer'.*--spec"):
        analytic_counts(layer(2, 2, 1, None), Array(), 1, False)


@given(
    st.lists(st.integers(0, 10**6), min_size=10, max_size=10),
    st.floats(0, 1),
    st.tuples(*[st.integers(1, 40)] * 4),
    st.integers(1, 4096),
    st.integers(0, 12),
)
def test_each_part_is_its_coefficient_times_its_own_count(numbers, rate, bits, pes, lut_bits):
    """The paper's section 2 written out from the technology's file, one product a part."""
    counts, t, (w, a, p, acc) = ActionCounts(*numbers), TECHNOLOGY, bits
    scale = t.floor + (1 - t.floor) * rate / t.reference_rate
    multiply_add = t.multiplier_pJ_per_bit2 * w * a + t.adder_pJ_per_bit * p
    buffers = (
        counts.weight_reads * w
        + (counts.input_reads + counts.output_writes) * a
        + (counts.accumulator_reads + counts.accumulator_writes) * acc
    )
    cycle = t.clock_fraction * pes * (multiply_add + t.hop_pJ_per_bit * (w + p))
    parts = {
        "mac_J": counts.mac * multiply_add * scale,
        "weight_hop_J": counts.weight_hops * t.hop_pJ_per_bit * w * scale,
        "psum_hop_J": counts.mac * t.hop_pJ_per_bit * p * scale,
        "lut_J": counts.lut_reads * t.lut_pJ_per_bit * lut_bits,
        "memory_J": buffers * t.sram_pJ_per_bit,
        "clock_J": counts.cycles * cycle,
    }
    found = price(counts, rate, Widths(w, a, p, acc), t, pes=pes, lut_bits=lut_bits)
    for name, pJ in parts.items():
        assert getattr(found, name) == pytest.approx(1e-12 * pJ, rel=1e-12), name
    assert found.leakage_J is None


@given(st.integers(1, 512), st.integers(1, 2**16), st.integers(1, 64))
def test_words_that_a_simulator_holds_several_times_take_room_and_leak_once(width, depth, copies):
    once, often = Sram(TECHNOLOGY, width, depth), Sram(TECHNOLOGY, width, depth * copies, copies=copies)
    assert often.area_um2 == pytest.approx(once.area_um2)
    assert often.leakage_nW == pytest.approx(once.leakage_nW) and once.leakage_nW > 0
    assert often.leak_pJ(1e-9) == pytest.approx(once.leak_pJ(1e-9))
    assert often.actions_pJ() == once.actions_pJ()


@given(st.integers(1, 64), st.floats(0, 100), st.floats(1e-10, 1e-6))
def test_what_is_free_costs_nothing_and_the_rest_what_its_file_says(width, per_bit, seconds):
    free = dict.fromkeys(("read", "write", "update"), 0.0)
    clock = Clock(TECHNOLOGY, 4, 8, 16, pes=width)
    register = StationaryRegister(TECHNOLOGY, width)
    assert clock.actions_pJ() == free | {"cycle": clock.cycle_pJ()} and clock.area_um2 == 0.0
    assert register.actions_pJ() == free and register.cycle_pJ() == 0.0
    assert register.area_um2 == pytest.approx(TECHNOLOGY.register_um2_per_bit * width)
    memory = MainMemory(TECHNOLOGY, width, per_bit).actions_pJ()
    assert memory == dict.fromkeys(free, pytest.approx(per_bit * width))
    assert MainMemory(TECHNOLOGY, width).actions_pJ() == free
    # W x s = J: nanowatts become picojoules over the seconds of a cycle
    assert register.leak_pJ(seconds) == pytest.approx(register.leakage_nW * 1e-9 * seconds * 1e12)
    assert register.leakage_nW == pytest.approx(TECHNOLOGY.leakage_nW_per_um2 * register.area_um2)
    weight, psum = (part(TECHNOLOGY, 0.5, width).actions_pJ() for part in (WeightHop, PsumHop))
    assert weight["read"] == weight["update"] == 0.0 and psum["read"] == psum["write"] == 0.0


@given(st.integers(1, 512), st.tuples(*[st.floats(0, 8)] * 3), st.floats(0, 64))
def test_scales_and_reads_multiply_what_one_access_costs(width, scales, reads):
    word = TECHNOLOGY.sram_pJ_per_bit * width
    found = Sram(TECHNOLOGY, width, 16, *scales).actions_pJ()
    assert found == {k: pytest.approx(word * s) for k, s in zip(("read", "write", "update"), scales)}
    table = AddressLut(TECHNOLOGY, 64, 6, reads)
    assert table.cycle_pJ() == pytest.approx(6 * TECHNOLOGY.lut_pJ_per_bit * reads)


def test_energies_add_up_term_by_term_and_leakage_only_where_all_tell_it():
    layers = [EnergyBreakdown(1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0), EnergyBreakdown(*[0.5] * 6, 0.25)]
    names = ("mac", "weight_hop", "psum_hop", "lut", "memory", "clock", "leakage")
    found = EnergyBreakdown.sum(iter(layers))
    assert found.to_dict() == dict(zip(names, (1.5, 2.5, 4.5, 8.5, 16.5, 32.5, 64.25)))
    untold = EnergyBreakdown.sum([*layers, EnergyBreakdown(*[0.0] * 6)])
    assert untold.to_dict() == {**found.to_dict(), "leakage": None} and untold.everything_J is None
    assert EnergyBreakdown.sum([]).to_dict() == {**dict.fromkeys(names, 0.0), "leakage": None}


def test_no_table_costs_nothing():
    counts = ActionCounts(1, 1, 1, 1, 1, 1, 1, 1, 1000, 1)
    assert price(counts, 0.5, WIDTHS, TECHNOLOGY, pes=1).lut_J == 0.0
