"""One description of an experiment: from Python, options, a file or a report; all its problems at once."""

import json

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import hd_plugin as hd
from hd_plugin.cli import main
from hd_plugin.errors import InputError
from hd_plugin.streaming import EFFORTS, METHODS
from hd_plugin.study import OBJECTIVES, SOURCES, Scenario

NETWORK = "resnet20_cifar10_w4_baseline"


def run(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


scenarios = st.builds(
    Scenario,
    rows=st.integers(1, 4096),
    cols=st.integers(1, 4096),
    methods=st.sets(st.sampled_from(list(METHODS))).map(tuple),
    effort=st.sampled_from(list(EFFORTS)),
    objective=st.sampled_from(list(OBJECTIVES)),
    energy=st.sampled_from(list(SOURCES)),
    technology=st.sampled_from([None, "sg13g2", "hd_generic45"]),
    clock=st.booleans(),
    seed=st.integers(0, 2**31),
    network=st.sampled_from([None, NETWORK]),
)


@given(scenarios)
def test_a_scenario_survives_its_dictionary(scenario):
    told = json.loads(json.dumps(scenario.to_dict()))
    assert Scenario.from_dict(told) == scenario
    assert scenario.methods[0] == "baseline"


@given(scenarios)
def test_but_changes_what_it_is_told_and_nothing_else(scenario):
    other = scenario.but(effort="best", rows=5)
    assert (other.effort, other.array.rows, other.array.cols) == ("best", 5, scenario.array.cols)
    assert other.but(effort=scenario.effort, rows=scenario.array.rows) == scenario


def test_a_file_says_what_python_says(tmp_path):
    path = tmp_path / "study.yaml"
    asked = Scenario(
        network=NETWORK, trained=["resnet20_cifar10_w4_paper"], rows=16, methods=["segment"], seed=3
    )
    asked.save(path)
    assert Scenario.load(path) == asked
    assert asked.trained[0].source == "resnet20_cifar10_w4_paper" and asked.trained[0].bits == 4


def test_files_beside_the_scenario_are_found_and_trained_ones_are_read_like_the_first(tmp_path):
    rng = np.random.default_rng(0)
    weights = {"a.weight": rng.integers(-3, 4, (4, 8, 1, 1)), "a.output_hw": np.array([2, 2])}
    for name in ("net", "other"):
        np.savez(tmp_path / f"{name}.npz", **weights)
    path = tmp_path / "study.yaml"
    path.write_text("network: {source: net.npz, bits: 3}\ntrained: [other.npz]\nmethods: [direct]\n")
    asked = Scenario.load(path)
    assert asked.network.source == str(tmp_path / "net.npz") and asked.trained[0].bits == 3
    found = hd.run(asked)
    assert found.bits == 3 and [c.network for c in found.trained] == ["net", "net", "other", "other"]


def test_all_problems_of_a_file_are_told_at_once_with_the_nearest_names(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(
        "netwrk: x\narray: {rows: 0, colums: 8}\nmethods: [segmnt]\neffort: lokal\nobjective: watts\n"
        "engine: {name: timelop}\nenergy: simulatd\ntechnology: sg13g3\nactivations: rel\n"
        "clock: 1\nseed: -1\n"
    )
    with pytest.raises(InputError) as error:
        Scenario.load(path)
    text = str(error.value)
    assert text.startswith(f"{path}: ") and "\n" not in text
    for part in (
        "netwrk: unknown field; did you mean 'network'",
        "array.rows: 0 found",
        "array.colums: unknown field",
        "'segmnt' is unknown; did you mean 'segment'?",
        "'lokal' is unknown; did you mean 'local'?",
        "'watts' is unknown",
        "'timelop' is unknown; did you mean 'timeloop'?",
        "'simulatd' is unknown; did you mean 'simulated'?",
        "did you mean 'sg13g2'",
        "did you mean 'relu'?",
        "clock: 1 found; true or false is needed",
        "seed: -1 found",
    ):
        assert part in text, f"{part!r} not in {text}"


def test_problems_between_fields_come_with_the_others():
    with pytest.raises(InputError) as error:
        Scenario(array="input_stationary_8x8", rows=16, activations="relu", effort="x")
    text = str(error.value)
    assert (
        "two answers to one question" in text and "activations: they matter" in text and "effort: 'x'" in text
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"engine": {"name": "analytic", "mapping": "mapper"}},
        {"engine": {"name": "timeloop", "maping": "mapper"}},
        {"array": "input_stationary_9x9"},
        {"methods": []} | {"rows": "8"},
        {"network": {"source": "x", "bits": 40}},
        {"network": {"bits": 4}},
        {"trained": [{"source": "x", "bit": 4}]},
    ],
)
def test_wrong_fields_are_one_clear_error(fields):
    with pytest.raises(InputError) as error:
        Scenario(**fields)
    assert "\n" not in str(error.value) and len(str(error.value)) < 400


def test_a_report_can_be_run_again_from_its_own_json(tmp_path):
    first = run(
        "compare",
        NETWORK,
        "--layer",
        "conv1",
        "--layer",
        "linear",
        "--rows",
        4,
        "--effort",
        "greedy",
        "--energy",
        "flips",
        "--trained",
        "resnet20_cifar10_w4_paper",
        "-o",
        tmp_path / "one",
    )
    assert first.exit_code == 0, first.output
    again = run("compare", tmp_path / "one" / "compare.json", "-o", tmp_path / "two", "--json")
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout) == json.loads((tmp_path / "one" / "compare.json").read_text())


def test_options_beside_a_scenarios_file_are_two_answers(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(f"network: {NETWORK}\n")
    done = run("compare", path, "--rows", 8, "--effort", "best")
    assert done.exit_code == 2 and "--rows, --effort: " in done.output and "says what is asked" in done.output


def written(path, **fields):
    path.write_text(yaml.safe_dump(fields), encoding="utf8")
    return path


def test_one_file_reproduces_gates_and_trained_networks(tmp_path):
    """The bundled example with simulated energy, on two layers: its file gives what Python gives."""
    fields = yaml.safe_load(_example().read_text(encoding="utf8"))
    layers = ["layer1.0.conv1", "linear"]
    fields |= {"network": {"source": fields["network"], "layers": layers}, "energy": "simulated"}
    found = hd.run(Scenario.load(written(tmp_path / "study.yaml", **fields)))
    network = hd.load_network(NETWORK, layers=layers)
    others = [hd.load_network(name, layers=layers) for name in fields["trained"]]
    wanted = hd.compare(network, trained=others, effort="greedy", energy="simulated", technology="sg13g2")
    assert found.to_dict()["layers"] == wanted.to_dict()["layers"]
    assert found.trained == wanted.trained and len(found.trained) == 8
    assert [c.layers for c in found.scenario.trained] == [("layer1.0.conv1", "linear")] * 2


@pytest.mark.usefixtures("registered")
def test_one_file_reproduces_timeloop(tmp_path, monkeypatch):
    monkeypatch.setenv("HD_PLUGIN_CACHE", str(tmp_path / "cache"))
    fields = {"network": {"source": NETWORK, "layers": ["linear"]}, "effort": "greedy"}
    engine = {"name": "timeloop", "mapping": "paper"}
    found = hd.run(Scenario.load(written(tmp_path / "study.yaml", **fields, engine=engine)))
    analytic = hd.run(Scenario.load(written(tmp_path / "other.yaml", **fields)))
    assert found.provenance.engine["mapping"] == "paper" and found.rows[0].evaluation.components
    for one, other in zip(found.rows, analytic.rows):
        assert one.counts == other.counts
        assert one.energy.datapath_J == pytest.approx(other.energy.datapath_J, rel=1e-5)
    again = hd.run(Scenario.from_dict(json.loads(json.dumps(found.to_dict()))["provenance"]["scenario"]))
    assert again.to_dict() == found.to_dict()


def _example():
    from hd_plugin._data_files import data_folder

    return data_folder("arch").parent / "examples" / "study.yaml"


def test_what_a_scenario_does_not_name_is_filled_in_by_the_answer():
    found = hd.compare(hd.load_network(NETWORK, layers=["linear"]), effort="greedy")
    assert found.scenario.technology == "eyeriss45" and found.scenario.network.source == NETWORK
    gates = Scenario(energy="modelled")
    assert gates.technology_name() == "hd_generic45" and gates.needs_gates


def test_yaml_of_defaults_is_empty(tmp_path):
    Scenario().save(tmp_path / "s.yaml")
    assert yaml.safe_load((tmp_path / "s.yaml").read_text()) in ({}, None)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["optimize", NETWORK, "--trellis", "0.8"], "hd-plugin round NETWORK --mu MU"),
        (["optimize", NETWORK, "--no-feedback"], "hd-plugin round"),
        (["optimize", NETWORK, "--test", "x.zip"], "hd-plugin round"),
    ],
)
def test_an_old_spelling_names_the_new_one(old, new):
    done = run(*old)
    assert done.exit_code == 2 and new in done.output


@pytest.mark.parametrize("name", list(main.commands))
def test_every_command_groups_its_options_and_shows_an_example(name):
    group = main.commands[name]
    for words in [[name, own] for own in group.commands] if hasattr(group, "commands") else [[name]]:
        done = run(*words, "--help")
        assert (
            done.exit_code == 0
            and "Example:" in done.output
            and f"hd-plugin {' '.join(words)}" in done.output
        )
        assert "Output:" in done.output and "Options:" not in done.output and "--trellis" not in done.output
