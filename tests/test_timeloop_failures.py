"""What goes wrong with the installed tools, and what a user is then told. Nothing may look like a result."""

import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

import hd_plugin as hd
from hd_plugin._checked import read_mapping
from hd_plugin._data_files import data_folder
from hd_plugin.cli import main
from hd_plugin.energy import load_technology
from hd_plugin.engines import AnalyticEngine, Array, Request, get_engine
from hd_plugin.engines.timeloop import RunError, examine, find_tools
from hd_plugin.engines.timeloop._v4_text import to_yaml
from hd_plugin.errors import HdPluginError, InputError, MissingTool
from hd_plugin.streaming import Jobs

BUNDLED = data_folder("arch") / "input_stationary.yaml"
pytestmark = pytest.mark.usefixtures("registered")
LAYER = hd.Layer("one", np.zeros((8, 8, 1, 1), np.uint8), 4, output_hw=(4, 4))


def evaluate(cache, rate=0.5, **options):
    return get_engine("timeloop", cache=cache, **options).evaluate(
        [Request(LAYER, 1, rate)], Array(rows=8, cols=8), load_technology("eyeriss45"), Jobs(1)
    )[0]


def results(cache):
    return [p for p in cache.iterdir() if (p / "result.json").exists()]


@pytest.fixture
def replaced(tmp_path, monkeypatch):
    """A function that puts a shell script in place of one of the programs."""
    tools = find_tools()

    def replace(name, script):
        folder = tmp_path / "programs"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for program in (tools.timeloop_model, tools.timeloop_mapper, tools.accelergy):
            (folder / program.name).symlink_to(program)
        (folder / name).unlink()
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return replace


@pytest.fixture
def configured(tmp_path, monkeypatch):
    """A function that writes an accelergy_config.yaml with these plug-in folders besides Accelergy's own."""
    theirs = yaml.safe_load((Path.home() / ".config/accelergy/accelergy_config.yaml").read_text())

    def configure(*folders, keep=True):
        home = tmp_path / "home"
        monkeypatch.setenv("HOME", str(home))
        path = home / ".config" / "accelergy" / "accelergy_config.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = theirs["estimator_plug_ins"] if keep else theirs["estimator_plug_ins"][:-1]
        path.write_text(yaml.safe_dump({**theirs, "estimator_plug_ins": [*kept, *map(str, folders)]}))

    return configure


@pytest.mark.parametrize("script", ["echo accelergy broke >&2; exit 1", "exit 0", "kill -KILL $$"])
def test_no_result_is_returned_when_accelergy_fails_not_even_an_old_one(script, replaced, tmp_path):
    cache = tmp_path / "cache"
    good = evaluate(cache)
    kept = results(cache)
    replaced("accelergy", script)
    with pytest.raises(RunError, match="failed-"):
        evaluate(cache)
    with pytest.raises(RunError):  # not remembered as done
        evaluate(cache)
    assert results(cache) == kept and len(list(cache.glob("failed-*"))) == 1
    shutil.rmtree(tmp_path / "programs")
    assert evaluate(cache).counts == good.counts


@pytest.mark.parametrize(
    "mapping, program",
    [("paper", "timeloop-model"), ("mapper", "timeloop-mapper"), ("mapper", "timeloop-model")],
)
def test_a_killed_timeloop_is_an_error_that_names_its_logs(mapping, program, replaced, tmp_path):
    replaced(program, "kill -KILL $$")
    with pytest.raises(RunError, match=f"{program.replace('-', ' ')}.*logs in") as error:
        evaluate(tmp_path / "cache", mapping=mapping)
    folder = Path(str(error.value).rpartition("logs in ")[2].rstrip(")"))
    assert (folder / "program.log").exists() and (folder / "inputs.yaml").exists()


def test_a_plug_in_that_is_not_registered_is_told_with_what_to_do(configured, tmp_path):
    configured(keep=False)
    with pytest.raises(RunError, match="run 'hd-plugin register'"):
        evaluate(tmp_path / "cache")
    assert not results(tmp_path / "cache")
    done = CliRunner().invoke(main, ["doctor"])
    assert done.exit_code == 1 and "hd-plugin register" in done.output


def test_a_dummy_that_took_over_is_found(configured, tmp_path):
    """technology: -1 makes Accelergy's dummy table answer everything with 1 pJ."""
    configured(keep=False)
    variables = read_mapping(data_folder("arch") / "input_stationary_8x8.yaml")["variables"]
    (tmp_path / "v.yaml").write_text(to_yaml({"variables": {**variables, "technology": -1}}))
    found = examine(BUNDLED, tmp_path / "v.yaml")
    ours = [row for row in found.rows if row.class_name.startswith("hd_")]
    assert not found.healthy and ours and all("and was answered by dummy" in row.problem for row in ours)
    done = CliRunner().invoke(main, ["doctor", str(BUNDLED), str(tmp_path / "v.yaml")])
    assert done.exit_code == 1 and "values have a problem" in done.output


def test_another_plug_in_that_took_a_component_of_ours_is_found(configured, tmp_path):
    folder = tmp_path / "thief"
    folder.mkdir()
    (folder / "thief.estimator.yaml").write_text("version: 0.4\nthief:\n  module: thief\n  class: Thief\n")
    (folder / "thief.py").write_text(
        "from accelergy.plug_in_interface.interface import *\n"
        "class Thief(AccelergyPlugIn):\n"
        "    def get_name(self): return 'thief'\n"
        "    def primitive_action_supported(self, q):\n"
        "        return AccuracyEstimation(99 if q.class_name == 'hd_mac' else 0)\n"
        "    def estimate_energy(self, q): return Estimation(7, 'p')\n"
        "    def primitive_area_supported(self, q): return AccuracyEstimation(0)\n"
        "    def estimate_area(self, q): return Estimation(0, 'u^2')\n"
    )
    configured(folder)
    with pytest.raises(
        RunError, match="mac.compute: 7 pJ found, hd_plugin says 0.15;.*answered by thief.*hd-plugin doctor"
    ):
        evaluate(tmp_path / "cache")
    assert not results(tmp_path / "cache")
    wrong = [row for row in examine().rows if row.problem]
    assert {(row.component, row.estimator) for row in wrong} == {("mac", "thief")}


@pytest.mark.parametrize("rate", [float("nan"), -0.1, 1.5, float("inf")])
def test_a_flip_rate_that_is_none_stops_the_run(rate, tmp_path):
    with pytest.raises(HdPluginError, match="weight_line: component of class hd_weight_hop: flip_rate"):
        evaluate(tmp_path / "cache", rate=rate)
    assert not results(tmp_path / "cache")


def test_an_architecture_can_point_at_a_plan_but_not_at_another_layers(tmp_path):
    values = np.random.default_rng(0).integers(-7, 8, (16, 8, 1, 1))
    layer = hd.Layer.from_values("mine", values, 4)
    plan = hd.optimize(layer, rows=8, method="segment")
    plan.save(tmp_path / "mine.plan.json")
    variables = read_mapping(data_folder("arch") / "input_stationary_8x8.yaml")["variables"]

    def doctor(**changes):
        (tmp_path / "v.yaml").write_text(to_yaml({"variables": {**variables, **changes}}))
        return examine(BUNDLED, tmp_path / "v.yaml")

    right = doctor(weight_flip_rate=hd.nhd(layer, plan))
    found = doctor(weight_flip_rate=str(tmp_path / "mine.plan.json"), layer="mine")
    assert found.healthy and [row.value for row in found.rows] == [row.value for row in right.rows]
    told = "psum_hop: component of class hd_psum_hop: flip_rate: .* is a plan for layer 'mine'.*'other'"
    with pytest.raises(RunError, match=told):
        doctor(weight_flip_rate=str(tmp_path / "mine.plan.json"), layer="other")


def test_folders_that_cannot_be_written_are_named_before_anything_runs(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file"):
        evaluate(tmp_path / "file" / "cache")
    for option in ("-o", "--cache"):
        done = CliRunner().invoke(
            main, ["compare", "--engine", "timeloop", option, str(tmp_path / "file" / "x")]
        )
        assert done.exit_code == 2 and "file" in done.output


def test_threads_that_fail_alike_are_told_alike(replaced, tmp_path):
    replaced("timeloop-model", "kill -KILL $$")
    engine = get_engine("timeloop", cache=tmp_path / "cache")
    told = []

    def work():
        try:
            engine.evaluate(
                [Request(LAYER, 1, 0.5)], Array(rows=8, cols=8), load_technology("eyeriss45"), Jobs(1)
            )
        except RunError as error:
            told.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 3 and len(set(told)) == 1


def test_what_cannot_be_run_is_refused_before_any_search(configured, tmp_path):
    engine = get_engine("timeloop", cache=tmp_path / "cache")
    large = hd.Layer("large", np.zeros((64, 64, 3, 3), np.uint8), 4, output_hw=(112, 112))
    with pytest.raises(
        InputError, match="variables.input_buffer_depth: 524288 found, but layer 'large' needs 831744"
    ):
        engine.check([LAYER, large], Array(rows=8, cols=8))
    engine.check(
        [LAYER, large],
        Array(rows=8, cols=8, variables={"input_buffer_depth": 10**6, "output_buffer_depth": 10**6}),
    )
    odd = hd.Layer("odd", np.zeros((4, 20, 1, 1), np.uint8), 4, output_hw=(4, 4))
    with pytest.raises(InputError, match="layer 'odd': its 20 input channels.*--mapping paper"):
        get_engine("timeloop", mapping="mapper", cache=tmp_path / "cache").check([odd], Array(rows=8, cols=8))
    configured(keep=False)
    with pytest.raises(RunError, match="hd-plugin register"):
        get_engine("timeloop", cache=tmp_path / "cache").check([LAYER], Array(rows=8, cols=8))


def test_a_large_unrolled_input_fits_where_the_input_itself_does(tmp_path):
    """64 channels of 58 x 58: 215,296 words, unrolled 1,806,336; the buffer holds 524,288."""
    layer = hd.Layer("imagenet", np.zeros((2, 64, 3, 3), np.uint8), 4, output_hw=(56, 56))
    engine = get_engine("timeloop", cache=tmp_path / "cache")
    engine.check([layer], Array(rows=8, cols=8))
    request = Request(layer, 72, 0.5)
    found = engine.evaluate([request], Array(rows=8, cols=8), load_technology("eyeriss45"), Jobs(1))[0]
    assert (
        found.counts
        == AnalyticEngine()
        .evaluate([request], Array(rows=8, cols=8), load_technology("eyeriss45"), Jobs(1))[0]
        .counts
    )


@pytest.mark.parametrize(
    "value, told",
    [
        ("/nowhere/python", "'/nowhere/python' found, which is no program"),
        ("~/nowhere", "'~/nowhere' found, which is no program"),
    ],
)
def test_a_python_that_is_not_there_is_named(value, told, monkeypatch):
    monkeypatch.setenv("HD_PLUGIN_TIMELOOP_PYTHON", value)
    with pytest.raises(MissingTool, match=f"HD_PLUGIN_TIMELOOP_PYTHON: {told}"):
        find_tools()


def test_variables_may_be_expressions_and_an_architecture_may_bring_its_own(tmp_path):
    text = (data_folder("arch") / "input_stationary_8x8.yaml").read_text()
    (tmp_path / "v.yaml").write_text(
        text.replace("weight_buffer_depth: 524288", "weight_buffer_depth: 2**19")
    )
    assert [r.value for r in examine(BUNDLED, tmp_path / "v.yaml").rows] == [r.value for r in examine().rows]
    own = tmp_path / "own.yaml"
    own.write_text((data_folder("arch") / "input_stationary.yaml").read_text() + text)
    assert examine(own).healthy
    with pytest.raises(InputError, match="weight_buffer_depth: 524288 in .*own.yaml and '2.*v.yaml"):
        examine(own, tmp_path / "v.yaml")
    with pytest.raises(InputError, match="own.yaml: take out its variables"):
        evaluate(tmp_path / "cache", architecture=own)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="binary.yaml: not readable as YAML"):
        examine(tmp_path / "binary.yaml")


def test_an_architecture_without_our_parts_is_refused(tmp_path):
    text = (data_folder("arch") / "input_stationary.yaml").read_text()
    (tmp_path / "a.yaml").write_text(text.replace("name: psum_hop", "name: partial_sums"))
    with pytest.raises(InputError, match="a.yaml: has no node psum_hop; "):
        evaluate(tmp_path / "cache", architecture=tmp_path / "a.yaml")
    with pytest.raises(InputError, match="nowhere.yaml: no such file"):
        evaluate(tmp_path / "cache", architecture=tmp_path / "nowhere.yaml")
    with pytest.raises(InputError, match="paper mapping of 8 rows has 1"):
        get_engine("timeloop", cache=tmp_path / "cache").evaluate(
            [Request(LAYER, 2, 0.5)], Array(rows=8, cols=8), load_technology("eyeriss45"), Jobs(1)
        )
