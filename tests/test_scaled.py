"""Energies that the architecture already has, scaled by a flip rate: numbers, or what estimators say."""

import logging
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from accelergy_cases import AccelergyQuery, Table, accelergy
from hypothesis import given
from hypothesis import strategies as st

from hd_plugin._data_files import data_folder
from hd_plugin.energy import ALIASES, build_component, flip_scale, load_technology
from hd_plugin.engines.timeloop._answers import totals
from hd_plugin.engines.timeloop._compounds import classes_of, unread_flip_rate
from hd_plugin.engines.timeloop._results import RunError, check_table, reference_table
from hd_plugin.errors import InputError

RATE = {"technology": "45nm", "flip_rate": 0.25}
REGISTERS = sorted(alias for alias, of in ALIASES.items() if of == "hd_scaled")
SCALE = 0.03 + 0.97 * 0.25 / 0.5  # eyeriss45's floor and reference rate
ACTIONS = {"read": 0.009, "write": 0.002, "update": 0.004, "leak": 0.0005}


@given(
    st.floats(0, 1),
    st.floats(0.01, 1),
    st.floats(0, 1),
    st.dictionaries(st.sampled_from(["read", "write"]), st.floats(0, 100), min_size=1),
)
def test_a_number_is_scaled_and_its_fixed_part_is_not(rate, reference_rate, fixed, numbers):
    attributes = {
        **RATE,
        "flip_rate": rate,
        "reference_rate": reference_rate,
        "fixed_share": fixed,
        **{f"{action}_pJ": pJ for action, pJ in numbers.items()},
    }
    found = build_component("hd_scaled", attributes)[0].actions_pJ()
    assert set(found) == set(numbers)
    for action, pJ in numbers.items():
        moving = pJ * (1 - fixed)
        assert found[action] == pytest.approx(
            pJ * fixed + moving * rate / reference_rate, rel=1e-9, abs=1e-12
        )


def test_at_the_reference_rate_an_energy_is_the_reference_and_without_flips_its_fixed_part():
    def at(rate):
        return build_component("hd_scaled", {**RATE, "flip_rate": rate, "compute_pJ": 1.136})[0]

    technology = load_technology("45nm")
    assert at(technology.reference_rate).actions_pJ() == {"compute": 1.136}
    assert at(0.0).actions_pJ()["compute"] == pytest.approx(1.136 * technology.floor)
    assert at(0.25).scale == pytest.approx(flip_scale(0.25, technology))


@pytest.mark.parametrize(
    "attributes, told",
    [
        ({}, "no reference: give reference_class.*compute_pJ"),
        ({"reference_class": "SRAM", "read_pJ": 1.0}, "reference_class and read_pJ: two answers"),
        ({"reference_class": "SRAM", "area_um2": 1.0}, "reference_class and area_um2: two answers"),
        ({"reference_class": "hd_mac"}, "hd_plugin's own"),
        ({"read_pJ": -1.0}, "read_pJ: -1.0 found"),
        ({"read_pJ": 1.0, "reference_rate": 0.0}, "reference_rate: 0.0 found"),
        ({"read_pJ": 1.0, "fixed_share": 1.5}, "fixed_share: 1.5 found"),
    ],
)
def test_what_is_no_reference_is_refused(attributes, told):
    with pytest.raises(InputError, match=told):
        build_component("hd_scaled", {**RATE, **attributes})


@pytest.mark.parametrize("alias", REGISTERS)
@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_a_register_with_a_flip_rate_keeps_every_action_of_its_own_estimator(
    alias, action, monkeypatch, caplog
):
    """Reads were free once: the alias was a hop, which only writes."""
    table = Table("library", 90, alias, ACTIONS)
    attributes = {**RATE, "width": 8, "n_instances": 4}
    with accelergy(monkeypatch, [table]) as plug_in, caplog.at_level(logging.INFO):
        query = AccelergyQuery(alias, attributes, action)
        assert plug_in.primitive_action_supported(query).value == 98
        found = plug_in.estimate_energy(query)
        area = plug_in.estimate_area(AccelergyQuery(alias, attributes))
    assert found.value == pytest.approx(8 * ACTIONS[action] * (1 if action == "leak" else SCALE))
    assert area.value == pytest.approx(10.0)  # of one: Accelergy multiplies the answers by n_instances
    assert "flip_rate" not in table.asked[-1].class_attrs and table.asked[-1].action_args
    assert "of library, accuracy 90 %" in caplog.text and ("fixed share 0.03" in caplog.text) == (
        action != "leak"
    )


def test_the_most_accurate_that_answers_is_heard(monkeypatch):
    others = [
        Table("rough", 40, "adder", {"read": 1.0}),
        Table("better", 80, "adder", {"read": 2.0}),
        Table("boasts", 95, "adder", {"read": 4.0}, fails=True),
    ]
    query = AccelergyQuery("hd_scaled", {**RATE, "reference_class": "adder", "width": 3}, "read")
    with accelergy(monkeypatch, others) as plug_in:
        assert plug_in.estimate_energy(query).value == pytest.approx(3 * 2.0 * SCALE)


@pytest.mark.parametrize("action", ["compute", "leak"])
def test_where_nobody_answers_accelergy_is_stopped_with_who_was_asked(action, monkeypatch):
    """Never the next best: a dummy would answer with its 1 pJ."""
    query = AccelergyQuery(
        "hd_scaled", {**RATE, "reference_class": "intmac", "width": 3, "name": "mac"}, action
    )
    with (
        accelergy(monkeypatch, [Table("library", 90, "adder", {"read": 1.0})]) as plug_in,
        pytest.raises(
            SystemExit, match=f"cannot estimate mac: .*intmac.{action} .asked: library.*inside of it"
        ),
    ):
        plug_in.primitive_action_supported(query)


COMPOUND = {
    "name": "intmac",
    "subcomponents": [{"name": "adder", "class": "aladdin_adder", "attributes": {"width": "adder_width"}}],
    "actions": [{"name": "compute", "subcomponents": [{"name": "adder", "actions": [{"name": "read"}]}]}],
}


def with_part(part, **changes):
    return {**COMPOUND, "subcomponents": [*COMPOUND["subcomponents"], {"name": "more", **part}], **changes}


@pytest.mark.parametrize(
    "definition, read",
    [
        (COMPOUND, False),
        (with_part({"class": "hd_mac", "attributes": {"weight_bits": 8}}), False),
        (with_part({"class": "aladdin_adder", "attributes": {"flip_rate": "flip_rate"}}), False),
        (with_part({"class": "intmac", "attributes": {"flip_rate": "flip_rate"}}), False),
        (with_part({"class": "hd_mac", "attributes": {"flip_rate": "flip_rate"}}), True),
        (with_part({"class": "aladdin_register", "attributes": {"flip_rate": 0.5}}), True),
        ({**COMPOUND, "actions": [{"name": "compute", "energy_scale": "0.1 + flip_rate"}]}, True),
    ],
)
def test_a_flip_rate_that_no_part_of_a_compound_class_reads_is_told(definition, read):
    classes = classes_of({"compound_components": {"classes": [definition]}})
    told = unread_flip_rate("intmac", {"flip_rate": 0.25}, classes)
    if read:
        assert told == ""
    else:
        assert "changes nothing" in told and "adder: aladdin_adder" in told
    for quiet in ({}, {"flip_rate": None}):
        assert unread_flip_rate("intmac", quiet, classes) == ""
    assert unread_flip_rate("hd_mac", {"flip_rate": 0.25}, classes) == ""


def test_a_run_whose_flip_rate_a_compound_class_swallows_gives_no_energies(tmp_path):
    """All methods would cost the same, and nothing would say why. A variable of that name is not meant."""
    mac = {"name": "mac[1..4]", "class": "intmac", "attributes": {"adder_width": 16, "flip_rate": 0.25}}
    buffer = {"name": "buffer", "class": "intmac", "attributes": {"adder_width": 16}}
    top = {"attributes": {"technology": "45nm", "flip_rate": 0.5}, "local": [mac, buffer]}
    given = {"architecture": {"subtree": [top]}, "compound_components": {"classes": [COMPOUND]}}
    (tmp_path / "parsed-processed-input.yaml").write_text(yaml.safe_dump(given))
    (tmp_path / "log").write_text("")
    with pytest.raises(RunError, match="mac: its flip_rate changes nothing") as error:
        check_table(tmp_path, {}, tmp_path / "log")
    assert "buffer" not in str(error.value)


def test_a_compound_class_within_another_is_looked_into():
    inner = with_part({"class": "hd_mac", "attributes": {"flip_rate": "flip_rate"}}, name="inner")
    outer = with_part({"class": "inner", "attributes": {"flip_rate": "flip_rate"}}, name="outer")
    deaf = with_part({"class": "inner", "attributes": {"width": 8}}, name="deaf")
    classes = classes_of({"components": {"classes": [inner, outer, deaf]}})
    assert unread_flip_rate("outer", {"flip_rate": 0.25}, classes) == ""
    assert "changes nothing" in unread_flip_rate("deaf", {"flip_rate": 0.25}, classes)


@pytest.mark.parametrize(
    "path", sorted((data_folder("arch") / "components").glob("*.yaml")), ids=lambda p: p.stem
)
def test_the_compound_classes_that_come_along_hand_their_flip_rate_on(path):
    classes = classes_of(yaml.safe_load(path.read_text()))
    assert list(classes) == [path.stem]
    assert unread_flip_rate(path.stem, {"flip_rate": 0.25}, classes) == ""


STAND_IN = """
from accelergy.plug_in_interface.interface import *

ENERGIES = {"aladdin_adder": {"read": 0.5, "leak": 0.01}, "aladdin_multiplier": {"read": 2.0, "leak": 0.02},
            "aladdin_register": {"read": 0.25, "write": 0.0, "update": 0.0, "leak": 0.0}}


class StandIn(AccelergyPlugIn):
    def get_name(self):
        return "stand_in"

    def primitive_action_supported(self, query):
        return AccuracyEstimation(60 if query.action_name in ENERGIES.get(query.class_name, ()) else 0)

    def primitive_area_supported(self, query):
        return AccuracyEstimation(60 if query.class_name in ENERGIES else 0)

    def estimate_energy(self, query):
        return Estimation(ENERGIES[query.class_name][query.action_name], "p")

    def estimate_area(self, query):
        return Estimation(100.0, "u^2")
"""
PARTS = """
architecture:
  version: 0.4
  subtree:
  - name: system
    attributes: {technology: "45nm", global_cycle_seconds: 1.0e-9}
    local:
    - name: flips
      class: intmac_flips
      attributes: {multiplier_width: 8, adder_width: 16, flip_rate: 0.25}
      required_actions: [compute, leak]
    - name: scaled
      class: intmac_scaled
      attributes: {multiplier_width: 8, adder_width: 16, flip_rate: 0.25}
      required_actions: [compute, leak]
    - name: register
      class: aladdin_register
      attributes: {width: 16, flip_rate: 0.25, n_instances: 3}
      required_actions: [read, write, leak]
    - name: asks
      class: hd_scaled
      attributes: {reference_class: "aladdin_adder", width: 16, flip_rate: 0.25, n_instances: 3}
      required_actions: [read, leak]
"""


def test_the_installed_accelergy_asks_its_own_estimators_in_parts_and_in_compound_classes(
    registered, tmp_path, monkeypatch
):
    theirs = yaml.safe_load((Path.home() / ".config/accelergy/accelergy_config.yaml").read_text())
    theirs["estimator_plug_ins"].append(str(tmp_path))
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    (tmp_path / "s.estimator.yaml").write_text("version: 0.4\nstand_in: {module: stand_in, class: StandIn}\n")
    (tmp_path / "accelergy_config.yaml").write_text(yaml.safe_dump(theirs))
    (tmp_path / "parts.yaml").write_text(PARTS)
    files = [tmp_path / "parts.yaml", *(data_folder("arch") / "components").glob("*.yaml")]
    done = subprocess.run(
        [shutil.which("accelergy"), *files, "-o", tmp_path / "out"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    energy, area = reference_table(tmp_path / "out" / "ERT.yaml"), totals(tmp_path / "out")
    part, _ = build_component("hd_mac", {**RATE, "weight_bits": 8, "activation_bits": 8, "psum_bits": 16})
    near = lambda value: pytest.approx(value, rel=1e-5)  # noqa: E731
    assert energy["flips"]["compute"] == near(part.actions_pJ()["compute"])
    assert energy["scaled"] == {"compute": near(2.5 * SCALE), "leak": near(0.03)}
    assert energy["register"] == {"read": near(0.25 * SCALE), "write": 0.0, "leak": 0.0}
    assert energy["asks"] == {"read": near(0.5 * SCALE), "leak": near(3 * 0.01)}
    assert area["asks", "area"] == near(300.0)


PAGE = (Path(__file__).parent.parent / "docs" / "accelergy.md").read_text(encoding="utf8")


def test_the_components_that_the_page_shows_can_be_built_and_its_numbers_are_theirs():
    shown = [
        part for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) for part in yaml.safe_load(block)
    ]
    ours = [part for part in shown if part["class"].startswith("hd_")]
    assert len(ours) == 2 and {part["class"] for part in shown} == {"hd_scaled", "intmac_flips"}
    for part in ours:
        build_component(part["class"], {"technology": "45nm", **part["attributes"]})
    widths = {"weight_bits": 8, "activation_bits": 8, "psum_bits": 16, "flip_rate": 0.25}
    for node, told in (("45nm", "0.129 pJ"), ("65nm", "0.195 pJ")):
        energy = build_component("hd_mac", {**widths, "technology": node})[0].actions_pJ()["compute"]
        assert f"{energy:.3f} pJ" == told and told in PAGE
    for without, scaled in (("1.136", "0.585"), ("1.409", "0.726"), ("0.182", "0.094")):
        assert float(without) * SCALE == pytest.approx(float(scaled), abs=6e-4)
        assert without in PAGE and scaled in PAGE
    for node in ("65nm", "90nm"):
        scale = load_technology(node).scaled
        for number in (scale.energy, scale.low, scale.high):
            assert f"{number:.3g}" in PAGE
