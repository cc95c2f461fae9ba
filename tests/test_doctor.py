"""``doctor`` without the tools: files told apart, answers put together and judged."""

import json
import re

import pytest
import yaml
from click.testing import CliRunner
from doctor_cases import (
    COMPONENTS_OF_ONES_OWN,
    COMPUTE_PJ,
    MAC,
    NATIVE,
    NODES,
    PROBLEM,
    VARIABLES,
    from_page,
    written,
)

import hd_plugin as hd
from hd_plugin._checked import read_mapping
from hd_plugin._data_files import data_folder
from hd_plugin.cli import main
from hd_plugin.energy import build_component
from hd_plugin.engines.timeloop import RunError
from hd_plugin.engines.timeloop._accelergy import Asked
from hd_plugin.engines.timeloop._answers import Answer, Question, answers, totals
from hd_plugin.engines.timeloop._doctor import _rows
from hd_plugin.engines.timeloop._host_files import host_files
from hd_plugin.engines.timeloop._parts import names_in
from hd_plugin.engines.timeloop._run import reason
from hd_plugin.errors import InputError


def test_files_are_told_apart_by_what_they_hold_in_any_order(tmp_path):
    a, c, v, p = written(tmp_path, a=NODES, c=COMPONENTS_OF_ONES_OWN, v=VARIABLES, p=PROBLEM)
    for order in ([a, c, v, p], [p, v, c, a], [tmp_path]):
        found = host_files(order)
        assert found.architecture == a and not found.is_native and found.own_rates == {"mac"}
        assert found.sections == {"architecture", "compound_components", "variables", "problem"}
    native = host_files([NATIVE])
    assert native.is_native and native.own_rates == {
        "weight_line",
        "psum_hop",
        "mac",
        "operand_register",
        "encoded_mac",
        "encoded_column",
    }
    assert not host_files([data_folder("arch") / "input_stationary.yaml"]).is_native


@pytest.mark.parametrize(
    "text, native",
    [
        ("architecture:\n  version: 0.4\n\n  # nodes:\n  subtree:\n  - name: a\n    local: []\n", True),
        ("architecture:\n  local:\n  - name: nodes\n", True),
        ("architecture:\n  nodes:\n  - !Container\n    name: a\n    subtree: 3\n", False),
        ("architecture: {{include('a.yaml', 'architecture')}}\nvariables:\n  subtree: 3\n", False),
        ("variables:\n  local: 3\narchitecture:\n  nodes: []\n", False),
    ],
)
def test_an_architecture_of_accelergys_own_words_is_known_by_its_outermost_keys(text, native, tmp_path):
    assert host_files(written(tmp_path, a=text)).is_native is native


def test_files_that_are_not_enough_say_what_they_hold_and_what_is_needed(tmp_path):
    v, c, a, b, n = written(
        tmp_path, v=VARIABLES, c=COMPONENTS_OF_ONES_OWN, a=NODES, b=NODES, n="architecture:\n  local: []\n"
    )
    with pytest.raises(InputError, match=r"v.yaml holds variables\. Give the file of the architecture"):
        host_files([v])
    with pytest.raises(InputError, match=r"v.yaml holds variables; .*c.yaml holds compound_components\."):
        host_files([v, c])
    with pytest.raises(InputError, match="a.yaml and .*b.yaml hold one each; give one"):
        host_files([a, b])
    with pytest.raises(InputError, match="nowhere.yaml: no such file"):
        host_files([a, tmp_path / "nowhere.yaml"])
    (other,) = written(tmp_path, w=VARIABLES.replace("45nm", "65nm"))
    with pytest.raises(InputError, match="variables.technology: '45nm' in .*v.yaml and '65nm' in .*w.yaml"):
        host_files([a, v, other])
    (front,) = written(tmp_path, f="components: {version: 0.4, classes: []}\n")
    with pytest.raises(InputError, match="f.yaml: components: the front end's word.*compound_components"):
        host_files([n, front])
    n.rename(tmp_path / "n.yml")
    with pytest.raises(InputError, match="n.yml: Accelergy reads files that end in .yaml only"):
        host_files([tmp_path / "n.yml"])
    done = CliRunner().invoke(main, ["doctor", str(v)])
    assert done.exit_code == 2 and "holds variables" in done.output


RUN = {
    "program.log": """\
2026-01-01 00:00:00 INFO        ENERGY ESTIMATION for hd_mac(flip_rate=0.3).compute()
2026-01-01 00:00:00 INFO        Some table 2 estimated 1.5e-15 with accuracy 70%. Messages:
2026-01-01 00:00:00 INFO        ENERGY ESTIMATION for adder().read()
2026-01-01 00:00:00 INFO        dummy estimated 2f with accuracy 100%.
2026-01-01 00:00:00 INFO        AREA ESTIMATION for hd_mac(flip_rate=0.3)
2026-01-01 00:00:00 INFO        hd_plugin estimated 3.5u^2 with accuracy 98%.
2026-01-01 00:00:00 INFO        AREA ESTIMATION for adder()
2026-01-01 00:00:00 INFO        dummy estimated 4e-12 with accuracy 100%.
""",
    "witness/questions.jsonl": "".join(
        json.dumps({"kind": kind, "class_name": name, "attributes": {}}) + "\n"
        for kind in ("ENERGY", "AREA")
        for name in ("hd_mac", "adder")
    ),
    "ERT.yaml": """\
ERT: {version: '0.4', tables: [
  {name: 'system.pe[1..8].mac', actions: [{name: compute, energy: 0.0015}]},
  {name: 'system.sum[1..2]', actions: [{name: add, energy: 0.004}]}]}
""",
    "ERT_summary_verbose.yaml": """\
ERT_summary: {version: '0.4', table_summary: [
  {name: 'system.pe[1..8].mac', primitive_estimation(s): [{'system.pe[1..8].mac': {estimator: x}}]},
  {name: 'system.sum[1..2]', primitive_estimation(s): [{action_name: add, subaction_estimations: [
    {subcomponent_name: 'inner[0..1]', subaction_name: read}]}]}]}
""",
    "ART.yaml": """\
ART: {tables: [{name: 'system.pe[1..8].mac', area: 3.5}, {name: 'system.sum[1..2]', area: 8}]}
""",
    "ART_summary_verbose.yaml": """\
ART_summary: {table_summary: [
  {name: 'system.pe[1..8].mac', primitive_estimations: hd_plugin},
  {name: 'system.sum[1..2]', primitive_estimations: [{name: 'inner[0..1]'}]}]}
""",
}


def test_answers_find_their_components_parts_and_units(tmp_path):
    (tmp_path / "witness").mkdir()
    for name, text in RUN.items():
        (tmp_path / name).write_text(text)
    found = answers(tmp_path)
    assert [(a.component, a.action, a.part, a.part_action, a.estimator) for a in found] == [
        ("pe.mac", "compute", "", "", "Some table 2"),
        ("sum", "add", "inner", "read", "dummy"),
        ("pe.mac", "area", "", "", "hd_plugin"),
        ("sum", "area", "inner", "area", "dummy"),
    ]
    assert [a.value for a in found] == pytest.approx([0.0015, 0.002, 3.5, 4.0])
    assert totals(tmp_path) == {
        ("pe.mac", "compute"): 0.0015,
        ("sum", "add"): 0.004,
        ("pe.mac", "area"): 3.5,
        ("sum", "area"): 8.0,
    }
    log = (tmp_path / "program.log").read_text()
    (tmp_path / "program.log").write_text(log.rpartition("2026")[0])
    with pytest.raises(RunError, match="4 questions, 3 answers and 4 places"):
        answers(tmp_path)


DEAF = [{"name": "inner", "class": "adder", "attributes": {"width": 8}}]
CLASSES = {
    "intmac": {"name": "intmac", "subcomponents": DEAF},
    "my_mac": {"name": "my_mac", "subcomponents": DEAF},
    "in_an_expression": {
        "name": "in_an_expression",
        "subcomponents": DEAF,
        "actions": [{"name": "compute", "energy_scale": "0.5 + flip_rate"}],
    },
}


def verdict(class_name, attributes, estimator, value=0.0, own=frozenset(), compound=None):
    part = ("inner", "compute") if compound else ("", "")
    answer = Answer(Question("ENERGY", class_name, attributes), "x", "compute", *part, value, "pJ", estimator)
    compounds = {"x": compound} if compound else {}
    return [
        row.problem for row in _rows(Asked([answer], {("x", "compute"): 1.0}, compounds, CLASSES, []), own)
    ]


@pytest.mark.parametrize(
    "given, told",
    [
        (("hd_mac", MAC, "hd_plugin", COMPUTE_PJ), [""]),
        (("hd_mac", MAC, "hd_plugin", COMPUTE_PJ * 1.001), ["hd_plugin here says .* another version"]),
        (("hd_mac", MAC, "table"), ["asked for hd_plugin by its class hd_mac and was answered by table"]),
        (("hd_mac", MAC, "nobody"), ["class hd_mac and was answered by nobody: run 'hd-plugin register'"]),
        (("hd_mak", {}, "dummy"), ["by its class hd_mak and was answered by dummy: not a class.*'hd_mac'"]),
        (("intmac", MAC, "table"), ["asked for hd_plugin by its flip_rate and was answered by table"]),
        (("intmac", {}, "table"), [""]),
        (("SRAM", {}, "nobody"), ["no plug-in answers for class SRAM"]),
        # a flip_rate that a variable gives to every component asks for nothing; one of its own does
        (("SRAM", {"flip_rate": 0.5}, "cacti"), [""]),
        (("SRAM", {"flip_rate": 0.5}, "cacti", 0, {"x"}), ["by its flip_rate and was answered by cacti"]),
    ],
)
def test_who_asked_for_us_and_was_answered_by_another_is_told_in_those_words(given, told):
    found = verdict(*given)
    assert len(found) == len(told)
    assert all(re.search(t, f) if t else f == "" for t, f in zip(told, found)), found


def test_a_flip_rate_that_stays_outside_of_a_compound_class_is_told():
    rate = ("intmac", {"flip_rate": 0.25})
    (outer,) = verdict("adder", {}, "table", compound=rate)
    assert re.search("by its flip_rate and was answered by table: .*nothing: intmac is a compound", outer)
    assert verdict("hd_mac", MAC, "hd_plugin", COMPUTE_PJ, compound=rate) == ["", ""]
    assert verdict("adder", {}, "table", compound=("my_mac", {"flip_rate": 0.25})) == [""]
    assert verdict("adder", {}, "table", 0.0, {"x"}, ("my_mac", {"flip_rate": 0.25})) != [""]
    assert verdict("adder", {}, "table", 0.0, {"x"}, ("in_an_expression", {"flip_rate": 0.25})) == [""]


def test_the_files_that_the_page_shows_hold_together_and_name_parts_that_are_there(tmp_path, monkeypatch):
    array, variables, components, study = from_page(tmp_path)
    found = host_files([array, variables, components])
    assert found.is_native and set(found.classes) == {"my_multiplier"}
    system = read_mapping(array)["architecture"]["subtree"][0]
    named = read_mapping(variables)["variables"]
    given = {**named, **system["attributes"], "weight_bits": named["bits"], "flip_rate": 0.31}
    inner = found.classes["my_multiplier"]["subcomponents"][0]
    for part in (*system["local"], *system["subtree"][0]["local"][:1], inner):
        own = {"width": named["bits"], "depth": 2**14}
        numbers = {k: own.get(k, v) for k, v in part["attributes"].items() if k not in given} | given
        build_component(part.get("subclass", part["class"]), numbers)
    monkeypatch.chdir(tmp_path)
    options = hd.Scenario.load(study).engine.options
    assert options["parts"] == {"mac": "my_mac", "weight_line": "row_wire"}
    page = (data_folder("arch").parent / "docs" / "timeloop.md").read_text(encoding="utf8")
    assert all(f"`{part}`" in page for part in names_in(data_folder("arch") / "input_stationary.yaml", None))


def test_why_a_run_failed_is_told_by_component_or_in_accelergys_last_words(tmp_path):
    (tmp_path / "program.log").write_text(
        "2026-01-01 00:00:00 INFO        fine\n|| Traceback (most recent call last):\n||   File x\n"
        '|| ValueError: Required key "technology" not found\n|| in variables.\n=====\nAccelergy crashed.\n'
    )
    assert reason(tmp_path) == 'ValueError: Required key "technology" not found in variables.'
    wrong = MAC | {"weight_bits": 99}
    parts = [
        {"name": "first[1..4]", "class": "mac", "subclass": "hd_mac", "attributes": wrong},
        {"name": "second", "class": "mac", "subclass": "hd_mac", "attributes": MAC},
        {"name": "third", "class": "storage", "subclass": "hd_sram", "attributes": {"width": 4}},
    ]
    top = {"name": "top", "attributes": {"technology": "45nm"}, "local": parts}
    content = {"architecture": {"version": 0.4, "subtree": [top]}}
    (tmp_path / "parsed-processed-input.yaml").write_text(yaml.safe_dump(content))
    told = reason(tmp_path)
    assert "first: component of class hd_mac: weight_bits: 99" in told and "second" not in told
    assert "third: component of class hd_sram: depth: missing" in told
