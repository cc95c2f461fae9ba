"""What hosts ask for: components by class name and attributes, and where their flip rate comes from."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hd_plugin as hd
from hd_plugin.energy import (
    ALIASES,
    COMPONENTS,
    ActionCounts,
    Widths,
    attributes_of,
    build_component,
    find_flip_rate,
    load_technology,
    price,
    served_class,
)
from hd_plugin.errors import InputError, PlanMismatch

MAC = {"technology": "eyeriss45", "flip_rate": 0.25, "weight_bits": 4, "activation_bits": 8, "psum_bits": 16}
FULL = {
    "hd_mac": MAC,
    "hd_weight_hop": {**MAC, "hops": 8},
    "hd_psum_hop": MAC,
    "hd_clock": {**MAC, "pes": 64},
    "hd_address_lut": {"technology": "eyeriss45", "entries": 24, "entry_bits": 5, "reads_per_cycle": 1},
    "hd_sram": {"technology": "eyeriss45", "width": 8, "depth": 1024},
    "hd_stationary_register": {"technology": "eyeriss45", "width": 8},
    "hd_main_memory": {"technology": "eyeriss45", "width": 8, "energy_pJ_per_bit": 2.0},
    "hd_encoded_mac": {**MAC, "technology": "sg13g2_exact"},
    "hd_encoded_column": {**MAC, "technology": "sg13g2_exact", "rows": 8},
    "hd_scaled": {
        **MAC,
        **{f"{action}_pJ": 1.136 for action in ("compute", "read", "write", "update")},
        "area_um2": 466.4,
        "leakage_nW": 5.6,
    },
}


def make(name, **changes):
    return build_component(name, {**FULL[name], **changes})[0]


@pytest.fixture(scope="module")
def plan():
    values = np.random.default_rng(0).integers(-7, 8, (16, 8, 1, 1))
    layer = hd.Layer.from_values("a/layer", values, 4)
    return layer, hd.optimize(layer, rows=8, method="segment")


@pytest.mark.parametrize("name", sorted(COMPONENTS))
def test_every_class_answers_energy_area_and_leakage(name):
    component = make(name)
    assert (
        all(math.isfinite(v) and v >= 0 for v in component.actions_pJ().values()) and component.actions_pJ()
    )
    assert tuple(component.actions_pJ()) == component.actions
    assert component.area_um2 >= 0 and component.leakage_nW >= 0 and component.cycle_pJ() >= 0


@given(rate=st.floats(0, 1), weight_bits=st.integers(1, 16), cols=st.integers(1, 64), rows=st.integers(1, 64))
def test_components_add_up_to_the_analytic_price(rate, weight_bits, cols, rows):
    """A step of an array: every PE computes and passes a sum on, every row takes a weight, one cycle."""
    widths, technology, pes = Widths(weight_bits, 8, 16, 32), load_technology("eyeriss45"), rows * cols
    energy = price(
        ActionCounts(pes, pes, 0, rows, 0, cols, 0, 0, 1, 1), rate, widths, technology, pes=pes, lut_bits=5
    )
    given_ = {**MAC, "flip_rate": rate, "weight_bits": weight_bits, "hops": cols, "pes": pes}
    parts = {n: build_component(n, given_)[0] for n in ("hd_mac", "hd_weight_hop", "hd_psum_hop", "hd_clock")}
    near = lambda value: pytest.approx(value * 1e-12, rel=1e-12)  # noqa: E731
    assert energy.mac_J == near(pes * parts["hd_mac"].actions_pJ()["compute"])
    assert energy.weight_hop_J == near(rows * parts["hd_weight_hop"].actions_pJ()["write"])
    assert energy.psum_hop_J == near(pes * parts["hd_psum_hop"].actions_pJ()["update"])
    assert energy.clock_J == near(parts["hd_clock"].cycle_pJ())
    assert energy.lut_J == near(make("hd_address_lut").cycle_pJ())


def test_only_the_datapath_sees_flips_and_it_costs_less_with_fewer():
    for name in FULL:
        before, after = (make(name, flip_rate=rate).actions_pJ() for rate in (0.5, 0.1))
        if "flip_rate" in attributes_of(name):
            assert sum(after.values()) < sum(before.values())
        else:
            assert after == before


@pytest.mark.parametrize("alias", sorted(ALIASES))
def test_an_alias_is_ours_only_with_a_flip_rate(alias):
    theirs = {"technology": "45nm", "datawidth": 8, "width": 8}
    assert served_class(alias, theirs) is None and served_class(alias, {**theirs, "flip_rate": None}) is None
    assert served_class(alias, {**theirs, "flip_rate": 0.5}) == ALIASES[alias]
    ours = {"technology": "45nm", "weight_bits": 8, "activation_bits": 8, "psum_bits": 32, "flip_rate": 0.5}
    if ALIASES[alias] == "hd_scaled":
        ours["reference_class"] = alias
    assert build_component(alias, {**theirs, "flip_rate": 0.5})[0] == build_component(ALIASES[alias], ours)[0]


@pytest.mark.parametrize("name", ["hd_macc", "SRAM", "multiplier", "aladdin_adder"])
def test_other_classes_are_never_ours(name):
    assert served_class(name, MAC) is None
    with pytest.raises(InputError, match=r"is not hd_plugin's; (did you mean 'hd_mac'|.*hd_)"):
        build_component(name, MAC)


def test_all_wrong_attributes_come_in_one_error():
    with pytest.raises(InputError) as error:
        build_component(
            "hd_mac", {"flip_rate": 1.5, "weight_bits": 0, "activation_bits": "8x", "technology": "eyeris45"}
        )
    for part in (
        "flip_rate: 1.5",
        "weight_bits: 0",
        "activation_bits",
        "psum_bits: missing",
        "did you mean 'eyeriss45'",
    ):
        assert part in str(error.value)
    with pytest.raises(InputError, match="technology: missing"):
        build_component("hd_sram", {"width": 8, "depth": 8})


@pytest.mark.parametrize("rate", [math.nan, math.inf, -0.01, 1.01, True, [0.5]])
def test_a_flip_rate_that_is_none_is_refused(rate):
    with pytest.raises(InputError, match="flip_rate"):
        build_component("hd_mac", {**MAC, "flip_rate": rate})


def test_a_plan_tells_its_own_flip_rate(plan, tmp_path):
    layer, made = plan
    made.save(tmp_path / "p.json")
    for layer_name in (None, "a/layer"):
        rate = find_flip_rate({"flip_rate": str(tmp_path / "p.json"), "layer": layer_name})
        assert rate.value == hd.nhd(layer, made) and "a/layer" in rate.source
    with pytest.raises(PlanMismatch, match=r"p.json is a plan for layer 'a/layer'.*'other'"):
        find_flip_rate({"flip_rate": str(tmp_path / "p.json"), "layer": "other"})
    with pytest.raises(InputError, match="'gray' in the architecture.*'twos_complement'"):
        find_flip_rate({"flip_rate": str(tmp_path / "p.json"), "number_format": "gray"})
    with pytest.raises(InputError, match="number_format: 'grey' is unknown; did you mean 'gray'"):
        find_flip_rate({"flip_rate": 0.5, "number_format": "grey"})
    assert find_flip_rate({"flip_rate": 0.5}).source == "the architecture file"


@pytest.mark.parametrize("width", [4, 4.0, "4"])
def test_a_rate_holds_for_the_width_and_the_format_that_it_was_counted_in(plan, tmp_path, width):
    plan[1].save(tmp_path / "p.json")
    asked = {"flip_rate": str(tmp_path / "p.json"), "number_format": "twos_complement"}
    assert find_flip_rate({**asked, "weight_bits": width}).value == plan[1].nhd
    with pytest.raises(
        InputError, match=r"weight_bits: 8 in the architecture.*p.json counted.*4-bit weights"
    ):
        find_flip_rate({**asked, "weight_bits": type(width)(8)})


def test_a_comparison_tells_the_flip_rate_of_a_layer_and_method(plan, tmp_path):
    layer, _ = plan
    layer = hd.Layer(layer.name, layer.codes, 4, output_hw=(4, 4))
    result = hd.compare(hd.Network("net", [layer]), methods=("segment",))
    path = tmp_path / "compare.json"
    result.to_json(path)
    for row in result.rows:
        assert (
            find_flip_rate({"flip_rate": str(path), "layer": "a/layer", "method": row.method}).value
            == row.nhd
        )
    for attributes, told in (
        ({"layer": "a/layr", "method": "segment"}, "did you mean 'a/layer'"),
        ({"layer": "a/layer", "method": "segments"}, "did you mean 'segment'"),
        ({"method": "segment"}, "is a comparison; give 'layer' and 'method' beside it"),
        ({"layer": "a/layer"}, "is a comparison; give 'layer' and 'method' beside it"),
    ):
        with pytest.raises(InputError, match=f"compare.json.*{told}"):
            find_flip_rate({"flip_rate": str(path), **attributes})


@pytest.mark.parametrize(
    "content, told",
    [
        ("{", "not readable as JSON"),
        ("[1]", "schema: 'list' found"),
        ('{"schema": "hd-plugin/plan/9"}', "'hd-plugin/plan/9' found"),
        ('{"schema": "hd-plugin/plan/1", "layer": "a"}', "nhd: missing"),
        ('{"schema": "hd-plugin/plan/1", "layer": "a", "nhd": 1.5}', "nhd: 1.5"),
        ('{"schema": "hd-plugin/plan/1", "bits": "x"}', "write it again with 'hd-plugin optimize'"),
        ('{"schema": "hd-plugin/compare/2", "layers": 1}', "write it again with 'hd-plugin compare'"),
        (
            '{"schema": "hd-plugin/compare/2", "layers": [{"name": "a", "methods": {"m": 1}}]}',
            "layer 'a', method 'm': nhd: None found",
        ),
    ],
)
def test_a_file_that_tells_no_flip_rate_is_refused_by_name(content, told, tmp_path):
    path = tmp_path / "file.json"
    path.write_text(content)
    with pytest.raises(InputError) as error:
        find_flip_rate({"flip_rate": str(path), "layer": "a", "method": "m"})
    assert told in str(error.value) and "file.json" in str(error.value)
    with pytest.raises(InputError, match="no such file.*absolute path"):
        find_flip_rate({"flip_rate": "nowhere.json"})


def test_plans_from_before_rates_were_kept_still_load(plan, tmp_path):
    layer, made = plan
    made.save(tmp_path / "p.json")
    data = json.loads((tmp_path / "p.json").read_text())
    del data["nhd"], data["number_format"]
    (tmp_path / "old.json").write_text(json.dumps(data))
    old = hd.StreamPlan.load(tmp_path / "old.json")
    assert old.nhd is None and hd.flips(layer, old) == hd.flips(layer, made)


def test_the_page_about_the_plug_in_names_every_class_attribute_and_alias():
    page = (Path(__file__).parent.parent / "docs" / "accelergy.md").read_text()
    table = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `hd_")}
    assert set(table) == set(COMPONENTS) and all(f"`{alias}`" in page for alias in ALIASES)
    for name, line in table.items():
        assert set(attributes_of(name)) <= set(re.findall(r"\w+", line.split("|")[3])), name


def test_encoded_parts_want_an_array_whose_columns_count():
    for name in ("hd_encoded_mac", "hd_encoded_column"):
        with pytest.raises(InputError, match="name one whose columns count"):
            build_component(name, {**MAC, "technology": "sg13g2"})


def test_a_column_is_its_rows_and_such_an_array_has_no_partial_sums_to_pass_on():
    one, column = make("hd_encoded_mac"), make("hd_encoded_column", rows=16)
    assert column.actions_pJ()["compute"] == pytest.approx(16 * one.actions_pJ()["compute"])
    assert column.area_um2 == pytest.approx(16 * one.area_um2)
    hop = build_component("hd_psum_hop", {**MAC, "technology": "sg13g2_exact"})[0]
    assert hop.actions_pJ()["update"] == 0 and hop.area_um2 == 0
