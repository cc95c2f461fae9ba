"""Energies of the installed Timeloop: hd_plugin's values to the table's digits, memories, leakage."""

from pathlib import Path

import pytest
from timeloop_cases import ROUNDING, TECHNOLOGY, layer, request

from hd_plugin.energy import build_component
from hd_plugin.engines import Array, get_engine
from hd_plugin.engines.timeloop._results import components, expected, reference_table
from hd_plugin.engines.timeloop._variables import variables_for
from hd_plugin.streaming import Jobs

DATAPATH = {"mac", "weight_line", "psum_hop"}


@pytest.fixture(scope="module")
def cache(registered, tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("mapping", ["paper", "mapper"])
def test_another_flip_rate_changes_datapath_rows_only(mapping, cache):
    array, la = Array(rows=8, cols=8), layer("one", 16, 24, 1, 1, 8, 8)
    engine = get_engine("timeloop", mapping=mapping, cache=cache)
    high, low = engine.evaluate(
        [request(la, array, rate) for rate in (0.5, 0.2)], array, TECHNOLOGY, Jobs(None)
    )
    tables = [reference_table(Path(e.folders[0]) / "timeloop-model.ERT.yaml") for e in (high, low)]
    assert {name for name in tables[0] if tables[0][name] != tables[1][name]} == DATAPATH
    changed = {name for name in high.components if high.components[name] != low.components[name]}
    assert changed == DATAPATH and high.counts == low.counts


def test_the_table_holds_hd_plugins_values_to_six_digits(cache):
    """Every component and action, read from Accelergy's own file, against the value to six digits."""
    array = Array(rows=8, cols=8)
    found = get_engine("timeloop", cache=cache).evaluate(
        [request(layer("one", 16, 24, 1, 1, 8, 8), array, lut_bits=5)], array, TECHNOLOGY, Jobs(1)
    )[0]
    folder = Path(found.folders[0])
    table, checked = reference_table(folder / "timeloop-model.ERT.yaml"), 0
    for entry in components(folder):
        if entry.class_name.startswith("hd_"):
            right = expected(entry)
            for action, value in table[entry.name].items():
                assert f"{value:.6g}" == f"{right[action]:.6g}", f"{entry.name}.{action}"
                checked += 1
    assert checked == 41  # four actions of ten storages, leak included, and one of the MAC


def priced(energy_pJ, sizes, cache, **options):
    """Evaluation with operands that come from a main memory of that energy."""
    variables = {"operands_resident": 0, "main_memory_pJ_per_bit": energy_pJ}
    array = Array(rows=8, cols=8, variables=variables)
    return get_engine("timeloop", cache=cache, **options).evaluate(
        [request(layer("one", *sizes), array)], array, TECHNOLOGY, Jobs(1)
    )[0]


@pytest.mark.parametrize("sizes", [(8, 24, 1, 1, 4, 5), (20, 6, 1, 1, 3, 3), (16, 12, 3, 3, 5, 5)])
def test_operands_that_are_not_resident_come_and_go_once(sizes, cache):
    """Every weight and input comes once, every output goes once: in layers run in parts and unrolled, too."""
    C, K, R, S, P, Q = sizes
    found = priced(2.0, sizes, cache).components
    moved = {space: a.reads + a.fills + a.updates for space, a in found["main_memory"].accesses.items()}
    assert moved == {"Weights": K * C * R * S, "Inputs": C * P * Q, "Outputs": K * P * Q}
    energy = sum(a.energy_pJ for a in found["main_memory"].accesses.values())
    assert energy == pytest.approx(2.0 * 8 * sum(moved.values()), rel=ROUNDING)
    assert found["weight_buffer"].accesses["Weights"].fills == K * C * R * S
    assert found["input_buffer"].accesses["Inputs"].fills == C * P * Q
    for name, space, width in (("weight_buffer", "Weights", 4), ("input_buffer", "Inputs", 8)):
        a = found[name].accesses[space]
        assert a.energy_pJ == pytest.approx(
            TECHNOLOGY.sram_pJ_per_bit * width * (a.reads + a.fills), rel=2 * ROUNDING
        )


def test_leakage_is_that_of_the_whole_array_busy_or_not(cache):
    """Three of eight rows are used; all 64 PEs leak, MACs included."""
    array = Array(rows=8, cols=8)
    asked = request(layer("one", 3, 6, 1, 1, 8, 8), array)
    found = get_engine("timeloop", cache=cache).evaluate([asked], array, TECHNOLOGY, Jobs(1))[0]
    variables = variables_for(asked, array, "eyeriss45")
    given = {
        **variables,
        "flip_rate": 0.5,
        "pes": 64,
        "hops": 8,
        "entries": 1,
        "entry_bits": 0,
        "width": 8,
        "depth": variables["input_buffer_depth"],
    }
    leak = {
        name: build_component(name, given)[0].leak_pJ(1e-9)
        for name in ("hd_mac", "hd_psum_hop", "hd_weight_hop")
    }
    per_cycle = {
        name: found.components[name].per_cycle_pJ / found.counts.cycles
        for name in ("mac", "psum_hop", "weight_line")
    }
    assert per_cycle == pytest.approx(
        {
            "mac": 64 * leak["hd_mac"],
            "psum_hop": 64 * leak["hd_psum_hop"],
            "weight_line": 8 * leak["hd_weight_hop"],
        },
        rel=ROUNDING,
    )
