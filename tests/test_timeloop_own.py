"""``compare --engine timeloop`` with an architecture of one's own, and the weights that it says."""

import json
import re

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from timeloop_cases import ROUNDING, TECHNOLOGY, assert_same_energies, layer, request

import hd_plugin as hd
from hd_plugin._data_files import data_folder
from hd_plugin.cli import main
from hd_plugin.energy import build_component, load_technology
from hd_plugin.engines import AnalyticEngine, Array, get_engine, load_array
from hd_plugin.engines.timeloop._parts import COMPONENTS, names_in
from hd_plugin.errors import InputError
from hd_plugin.streaming import Jobs

BUNDLED = data_folder("arch") / "input_stationary.yaml"
PARTS = {name: f"my_{name}" for name in (*COMPONENTS, "array_rows", "array_columns")}


def renamed(path, parts=PARTS, *changes):
    text = BUNDLED.read_text()
    for ours, theirs in parts.items():
        text, found = re.subn(rf"name: {ours}$", f"name: {theirs}", text, flags=re.MULTILINE)
        assert found == 1
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path.write_text(text)
    return path


def weights(path):
    rng = np.random.default_rng(0)
    sizes = {"a.weight": (8, 12, 1, 1), "b.weight": (6, 8, 3, 3)}
    arrays = {name: rng.normal(size=size) for name, size in sizes.items()}
    np.savez(path, **arrays, **{"a.output_hw": np.array([6, 6]), "b.output_hw": np.array([3, 3])})
    return str(path)


def compare(*words):
    return CliRunner().invoke(main, ["compare", *words])


def test_names_are_looked_for_in_the_architecture_before_any_run(tmp_path):
    own = renamed(tmp_path / "own.yaml")
    assert names_in(own, PARTS) == PARTS
    assert names_in(BUNDLED, None) == {name: name for name in PARTS}
    with pytest.raises(InputError, match="own.yaml: has no node main_memory, .*'my_main_memory'") as error:
        names_in(own, None)
    assert all(f"{name}," in str(error.value) or f"{name};" in str(error.value) for name in PARTS)
    with pytest.raises(
        InputError, match="parts.mac: no node is called 'my_mak'; did you mean 'my_mac'"
    ) as error:
        names_in(own, PARTS | {"mac": "my_mak"})
    assert "weight_line" not in str(error.value)
    with pytest.raises(InputError, match="mac and clock: all are 'clock'|clock and mac: all are 'clock'"):
        names_in(BUNDLED, {"mac": "clock"})
    (tmp_path / "template.yaml").write_text("architecture: {{include('own.yaml', 'architecture')}}\n")
    assert names_in(tmp_path / "template.yaml", PARTS) == PARTS  # the run has to tell
    inner = tmp_path / "inner.yaml"
    inner.write_text(
        "architecture:\n  nodes:\n  - !Parallel\n    nodes:\n    - !Component {name: mac, class: intmac}\n"
    )
    with pytest.raises(InputError) as error:
        names_in(inner, None)
    assert " mac," not in str(error.value) and " clock," in str(error.value)


@pytest.mark.parametrize(
    "options, told",
    [
        ({"parts": {"weight_lin": "x"}}, "weight_lin: no such part; did you mean 'weight_line'"),
        ({"parts": {"mac": "x", "psum_hop": "x"}}, "mac and psum_hop: all are 'x'"),
        ({"parts": {"mac": ""}}, "mac: no name found"),
        ({"parts": {"mac": 3}}, "parts.mac: 3 found; a text is needed"),
        ({"parts": "mac=x"}, "a mapping is needed"),
        ({"mapping": 3}, "mapping: 3 is unknown"),
        ({"mapping": "papr"}, "did you mean 'paper'"),
        ({"cache": 3}, "cache"),
    ],
)
def test_options_of_an_engine_are_checked_where_the_scenario_is(options, told, tmp_path):
    with pytest.raises(InputError) as error:
        hd.Scenario(engine={"name": "timeloop", **options})
    assert told in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(InputError) as error:
        get_engine("timeloop", **options)
    assert told in str(error.value)
    (tmp_path / "study.yaml").write_text(yaml.safe_dump({"engine": {"name": "timeloop", **options}}))
    with pytest.raises(InputError, match="study.yaml") as error:
        hd.Scenario.load(tmp_path / "study.yaml")
    assert told in str(error.value)


def test_parts_are_one_thing_on_the_command_line_in_a_file_and_in_a_report(tmp_path):
    (tmp_path / "own.yaml").write_text("architecture: {}\n")
    (tmp_path / "study.yaml").write_text(
        "engine: {name: timeloop, architecture: own.yaml, parts: {mac: my_mac, clock: my_clock}}\n"
    )
    read = hd.Scenario.load(tmp_path / "study.yaml")
    assert read.engine.options == {
        "architecture": str(tmp_path / "own.yaml"),
        "parts": {"mac": "my_mac", "clock": "my_clock"},
    }
    assert hd.Scenario.from_dict(json.loads(json.dumps(read.to_dict()))) == read
    read.save(tmp_path / "again.yaml")
    assert hd.Scenario.load(tmp_path / "again.yaml") == read


@pytest.mark.parametrize(
    "words, told",
    [
        (["--part", "mac"], "--part: 'mac' found; NAME=VALUE is needed"),
        (["--part", "mac="], "NAME=VALUE is needed"),
        (["--part", "mac=a", "--part", "mac=b"], "--part: mac is 'a' and 'b'; keep one of them"),
        (["--part", "mak=a", "--engine", "timeloop"], "mak: no such part; did you mean 'mac'"),
        (["--part", "mac=a"], "'analytic' has no option parts"),
        (["--engine", "timeloop", "--architecture", "nowhere.yaml"], "nowhere.yaml: no such file"),
    ],
)
def test_wrong_parts_on_the_command_line_end_it_at_once(words, told, tmp_path):
    done = compare(weights(tmp_path / "net.npz"), *words)
    assert done.exit_code == 2 and told in done.output


@pytest.mark.parametrize(
    "name, value, told",
    [
        ("weight_bits", 8, "weight_bits: 8 found.*are 4;.*--bits 8$"),
        ("number_format", "gray", "number_format: 'gray'.*gray$"),
    ],
)
def test_an_array_file_that_says_other_weights_is_refused(name, value, told, tmp_path, monkeypatch):
    text = (data_folder("arch") / "input_stationary_8x8.yaml").read_text()
    (tmp_path / "a.yaml").write_text(re.sub(rf"{name}: \S+", f"{name}: {json.dumps(value)}", text))
    net = weights(tmp_path / "net.npz")
    done = compare(net, "--array", str(tmp_path / "a.yaml"))
    assert done.exit_code == 2 and re.search(f"array: variables.{told}", done.output.strip()), done.output
    monkeypatch.setattr("hd_plugin.engines.timeloop._engine.find_tools", lambda: None)
    monkeypatch.setattr("hd_plugin.engines.timeloop._engine.Runs", lambda tools, cache: None)
    for engine in ("analytic", "timeloop"):
        with pytest.raises(InputError, match=f"array: variables.{told}"):
            get_engine(engine).check(hd.load_network(net).layers, load_array(tmp_path / "a.yaml"))


def test_a_bundled_array_goes_with_any_weights_and_a_file_with_its_own(tmp_path):
    net = weights(tmp_path / "net.npz")
    assert compare(net, "--array", "input_stationary_8x8", "--bits", "8", "--effort", "greedy").exit_code == 0
    text = (data_folder("arch") / "input_stationary_8x8.yaml").read_text()
    (tmp_path / "a.yaml").write_text(text.replace("weight_bits: 4", "weight_bits: 8"))
    words = [net, "--array", str(tmp_path / "a.yaml"), "--effort", "greedy"]
    assert compare(*words, "--bits", "8").exit_code == 0 and compare(*words).exit_code == 2


@pytest.mark.parametrize("kind", ["plan", "comparison"])
def test_a_rate_counted_on_other_weights_is_refused(kind, tmp_path):
    """By the estimators, so by every host: flips a bit hold for the width that they were counted on."""
    values = np.random.default_rng(0).integers(-7, 8, (16, 8, 1, 1))
    one = hd.Layer.from_values("one", values, 4, output_hw=(2, 2))
    rate = hd.nhd(one, hd.optimize(one, rows=8, method="segment"))
    if kind == "plan":
        hd.optimize(one, rows=8, method="segment").save(tmp_path / "f.json")
        file = {"flip_rate": str(tmp_path / "f.json")}
    else:
        result = hd.compare(hd.Network("n", (one,), digest="", source=""), methods=["segment"])
        (tmp_path / "f.json").write_text(json.dumps(result.to_dict()))
        file = {"flip_rate": str(tmp_path / "f.json"), "layer": "one", "method": "segment"}
    given = {"technology": "eyeriss45", "activation_bits": 8, "psum_bits": 16, **file}
    for bits in (4, 4.0):  # hosts hand numbers over as floats
        _, found = build_component("hd_mac", given | {"weight_bits": bits})
        assert found.value == pytest.approx(rate)
    with pytest.raises(InputError, match="weight_bits: 8 in the architecture, but .*f.json counted .* 4-bit"):
        build_component("hd_mac", given | {"weight_bits": 8.0})


@pytest.fixture(scope="module")
def cache(registered, tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def test_an_architecture_of_ones_own_gives_the_same_numbers_under_its_own_names(cache, tmp_path):
    own, net = renamed(tmp_path / "own.yaml"), weights(tmp_path / "net.npz")
    words = [w for ours, theirs in PARTS.items() for w in ("--part", f"{ours}={theirs}")]
    timeloop = ["--engine", "timeloop", "--cache", str(cache), "--method", "segment", "--json"]
    for mapping in ("paper", "mapper"):
        if mapping == "mapper":
            np.savez(net, **{"a.weight": np.ones((4, 8, 1, 1)), "a.output_hw": np.array([8, 8])})
        done = compare(net, *timeloop, "--mapping", mapping, "--architecture", str(own), *words)
        assert done.exit_code == 0, done.output
        told, plain = json.loads(done.stdout), compare(net, *timeloop, "--mapping", mapping)
        for one, two in zip(told["layers"], json.loads(plain.stdout)["layers"]):
            for found, right in zip(one["methods"].values(), two["methods"].values()):
                assert found["counts"] == right["counts"]
                assert found["total_energy_J"] == pytest.approx(right["total_energy_J"], rel=ROUNDING)
                assert found["components"]["my_mac"] == right["components"]["mac"]
        assert "mac=my_mac" in told["provenance"]["engine"]["parts"]
        assert told["provenance"]["scenario"]["engine"]["options"]["parts"] == PARTS


EXTRA = """  - !Component
    name: fifo
    class: SRAM
    subclass: hd_sram
    attributes: {width: weight_bits, datawidth: weight_bits, depth: 4096}
    constraints:
      dataspace: {keep: [Weights], bypass: [Inputs, Outputs]}
      temporal: {factors: [C=1, K=1, R=1, S=1, P=1, Q=1]}

  - !Component
    name: input_buffer
"""


def test_components_that_are_none_of_the_parts_count_as_memory(cache, tmp_path):
    own = renamed(tmp_path / "own.yaml", {}, ("  - !Component\n    name: input_buffer\n", EXTRA))
    array, r = Array(rows=8, cols=8), request(layer("one", 16, 6, 1, 1, 4, 4), Array(rows=8, cols=8))
    one, two = (
        get_engine("timeloop", cache=cache, **options).evaluate([r], array, TECHNOLOGY, Jobs(1))[0]
        for options in ({}, {"architecture": own})
    )
    fifo = two.components["fifo"]
    assert fifo.energy_pJ > 0 and fifo.per_cycle_pJ > 0
    buffers = two.components["weight_buffer"].energy_pJ - one.components["weight_buffer"].energy_pJ
    assert two.energy.memory_J == pytest.approx(one.energy.memory_J + 1e-12 * (fifo.energy_pJ + buffers))
    assert two.energy.leakage_J == pytest.approx(one.energy.leakage_J + 1e-12 * fifo.per_cycle_pJ)


def test_constraints_that_lead_to_another_dataflow_are_refused(cache, tmp_path):
    array, r = Array(rows=8, cols=8), request(layer("one", 16, 6, 1, 1, 4, 4), Array(rows=8, cols=8))
    right = AnalyticEngine().evaluate([r], array, TECHNOLOGY, Jobs(1))[0]
    own = renamed(tmp_path / "own.yaml", {}, ("[K, C, S, R, P, Q]", "[C, K, S, R, P, Q]"))
    with pytest.raises(InputError, match="own.yaml .*is not input-stationary: the innermost loop is .'C', 2"):
        get_engine("timeloop", cache=cache, architecture=own).evaluate([r], array, TECHNOLOGY, Jobs(1))
    same = renamed(tmp_path / "same.yaml", {})
    found = get_engine("timeloop", cache=cache, architecture=same).evaluate([r], array, TECHNOLOGY, Jobs(1))[
        0
    ]
    assert found.counts == right.counts


def test_an_array_whose_columns_count_has_the_analytic_counts_and_its_own_energies(cache):
    """arch/encoded_columns.yaml: the counts of the systolic array, and partial sums that cost nothing."""
    technology, array = load_technology("sg13g2_exact"), load_array("input_stationary_8x8")
    requests = [request(layer("a", 20, 12, 1, 1, 4, 4), array), request(layer("b", 8, 6, 3, 3, 3, 3), array)]
    own = get_engine("timeloop", cache=cache, architecture=data_folder("arch") / "encoded_columns.yaml")
    found = own.evaluate(requests, array, technology, Jobs(None))
    wanted = AnalyticEngine().evaluate(requests, array, technology, Jobs(1))
    for one, two in zip(found, wanted):
        assert one.counts == two.counts
        assert_same_energies(one, two)
        assert one.energy.psum_hop_J == 0 < one.energy.mac_J
