"""Runs of the timeloop engine without the tools: what is missing, the cache, results that are not whole."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from hd_plugin.cli import main
from hd_plugin.energy import load_technology
from hd_plugin.engines.timeloop import RunError, Shape, find_tools, problem_of
from hd_plugin.engines.timeloop._results import read_stats
from hd_plugin.engines.timeloop._run import Job, Runs
from hd_plugin.engines.timeloop._tools import Tools
from hd_plugin.errors import InputError, MissingTool


def test_missing_tools_are_all_named_with_what_to_do(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("HD_PLUGIN_TIMELOOP_PYTHON", "/nowhere/python")
    with pytest.raises(MissingTool) as error:
        find_tools()
    for part in (
        "timeloop-model, timeloop-mapper: build",
        "accelergy: install",
        "pytimeloop: install",
        "HD_PLUGIN_TIMELOOP_PYTHON",
        "The analytic engine needs none",
    ):
        assert part in str(error.value)
    for command, told in (
        (["doctor"], "accelergy is missing: install"),
        (["compare", "--engine", "timeloop"], "timeloop-model"),
    ):
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 2 and told in done.output


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Runs whose programs are files only: digests need their bytes, nothing is started."""
    monkeypatch.setenv("HOME", str(tmp_path))
    config = tmp_path / ".config" / "accelergy" / "accelergy_config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("version: 0.4\nestimator_plug_ins: []\nprimitive_components: []\n")
    for name in ("model", "mapper", "accelergy"):
        (tmp_path / name).write_text(name)
    return lambda: Runs(
        Tools(*(tmp_path / n for n in ("model", "mapper", "accelergy")), Path("/usr/bin/python3")),
        tmp_path / "cache",
    )


def test_the_digest_of_a_run_follows_every_input(runs, tmp_path):
    architecture = tmp_path / "a.yaml"
    architecture.write_text("architecture: {}")
    plan = tmp_path / ("a plän of a name so long " * 8)  # YAML would escape and fold it
    plan.write_text("{}")
    content = {
        "variables": {"weight_flip_rate": 0.25, "plan": str(plan)},
        **problem_of(Shape(8, 8, 1, 1, 8, 8)),
    }
    job = Job("model", architecture, content)
    seen = [runs().digest(job)]
    assert runs().digest(Job("model", architecture, dict(content))) == seen[0]

    def changed(other=job):
        seen.append(runs().digest(other))
        assert len(set(seen)) == len(seen)

    changed(Job("mapper", architecture, content))
    changed(
        Job(
            "model",
            architecture,
            {**content, "variables": {**content["variables"], "weight_flip_rate": 0.250001}},
        )
    )
    changed(Job("model", architecture, {**content, **problem_of(Shape(8, 8, 1, 1, 8, 9))}))
    changed(Job("model", architecture, content, [{"target": "mac"}]))
    architecture.write_text("architecture: {version: 0.4}")
    changed()
    plan.write_text('{"nhd": 1}')
    changed()
    (tmp_path / "model").write_text("rebuilt")
    changed()
    config = tmp_path / ".config" / "accelergy" / "accelergy_config.yaml"
    tables = tmp_path / "library"
    (tables / "tables").mkdir(parents=True)
    config.write_text(config.read_text().replace("plug_ins: []", f"plug_ins: [{tables}]"))
    changed()
    for name in ("library.py", "library.estimator.yaml", "tables/adder.csv"):
        (tables / name).write_text(name)
        changed()
    (tables / "tables" / "adder.csv").write_text("another energy")
    changed()


def test_a_cache_is_not_even_looked_at_where_accelergys_configuration_is_broken(runs, tmp_path):
    config = tmp_path / ".config" / "accelergy" / "accelergy_config.yaml"
    config.write_text(config.read_text() * 2)
    with pytest.raises(InputError, match="a key stands twice.*hd-plugin register"):
        runs()


def test_a_damaged_result_in_the_cache_is_named_and_not_used(runs, tmp_path):
    (tmp_path / "a.yaml").write_text("architecture: {}")
    job = Job("model", tmp_path / "a.yaml", {})
    kept = runs().cache / runs().digest(job)
    kept.mkdir()
    (kept / "result.json").write_text('{"cycles": 3')
    with pytest.raises(InputError, match="result.json: not readable as JSON.*delete this folder"):
        runs().run(job)


def test_a_cache_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file"):
        Runs(Tools(*[tmp_path / "file"] * 3, Path("python3")), tmp_path / "file" / "cache")


@pytest.mark.parametrize(
    "text", ["", "<?xml version='1.0'?><boost_serialization><engine>", "<a><px></a>", None]
)
def test_statistics_that_are_not_whole_are_an_error(tmp_path, text):
    if text is not None:
        (tmp_path / "timeloop-model.map+stats.xml").write_text(text)
    with pytest.raises(RunError, match="map\\+stats.xml"):
        read_stats(tmp_path, "timeloop-model", {}, ["Weights"])


def test_the_technology_of_a_run_is_one_that_the_plug_in_can_find_from_any_folder(tmp_path):
    source = Path(load_technology("eyeriss45").path)
    (tmp_path / "mine.yaml").write_text(source.read_text())
    assert load_technology("eyeriss45").reference == "eyeriss45"
    assert Path(load_technology(tmp_path / "mine.yaml").reference) == tmp_path / "mine.yaml"
