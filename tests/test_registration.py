"""`hd-plugin register`: what happens to a user's accelergy_config.yaml."""

import json

import pytest
import yaml
from click.testing import CliRunner

from hd_plugin.cli import main
from hd_plugin.errors import InputError, MissingTool
from hd_plugin.hosts.accelergy import plug_in_folder, register, unregister

THEIRS = """# my configuration
version: '0.4'   # of Accelergy
estimator_plug_ins:
  - /opt/theirs   # keep this one first
primitive_components: []
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "accelergy" / "accelergy_config.yaml"
    path.parent.mkdir()
    path.write_text(THEIRS)
    return path


def entries(path):
    return yaml.safe_load(path.read_text())["estimator_plug_ins"]


def test_the_folder_has_what_accelergy_looks_for():
    listed = yaml.safe_load((plug_in_folder() / "hd_plugin.estimator.yaml").read_text())["hd_plugin"]
    assert (plug_in_folder() / f"{listed['module']}.py").is_file() and listed["class"] == "HdPlugIn"


def test_registering_adds_one_entry_and_keeps_the_rest_with_its_comments(config):
    done = register(config)
    assert done.changed and entries(config) == ["/opt/theirs", str(plug_in_folder())]
    for comment in ("# my configuration", "# of Accelergy", "# keep this one first"):
        assert comment in config.read_text()
    assert done.backup.read_text() == THEIRS


def test_registering_twice_changes_nothing_the_second_time(config):
    register(config)
    before = config.read_bytes()
    assert not register(config).changed and config.read_bytes() == before


def test_undo_takes_out_what_was_put_in_and_nothing_else(config):
    register(config)
    assert unregister(config).changed
    assert (
        yaml.safe_load(config.read_text()) == yaml.safe_load(THEIRS)
        and "# keep this one first" in config.read_text()
    )
    assert not unregister(config).changed and not unregister(config.with_name("none.yaml")).changed


@pytest.fixture
def prefix(tmp_path, monkeypatch):
    """Where an Accelergy is installed that makes its configuration, and on the PATH."""
    prefix = tmp_path / "prefix"
    share = prefix / "share" / "accelergy" / "estimation_plug_ins"
    for folder in (prefix / "bin", share):
        folder.mkdir(parents=True)
    text = f"version: '0.4'\nestimator_plug_ins:\n  - {share}\nprimitive_components: []\nroots: {{mine: 1}}\n"
    (prefix / "default").write_text(text)
    (prefix / "bin" / "accelergy").write_text(
        f'#!/bin/sh\nmkdir -p "$HOME/.config/accelergy"\n'
        f'cp {prefix}/default "$HOME/.config/accelergy/accelergy_config.yaml"\n'
    )
    (prefix / "bin" / "accelergy").chmod(0o755)
    monkeypatch.setenv("PATH", f"{prefix / 'bin'}:/usr/bin:/bin")
    return prefix


def test_a_configuration_is_made_where_there_is_none_as_accelergy_makes_it(prefix, tmp_path, monkeypatch):
    path = tmp_path / "new" / "accelergy_config.yaml"
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MissingTool, match="no Accelergy on the PATH"):
        register(path)
    assert not path.exists()
    monkeypatch.setenv("PATH", f"{prefix / 'bin'}:/usr/bin:/bin")
    assert register(path).changed
    made = yaml.safe_load(path.read_text())
    theirs = yaml.safe_load((prefix / "default").read_text())
    plug_ins = [*theirs["estimator_plug_ins"], str(plug_in_folder())]
    assert made == {**theirs, "estimator_plug_ins": plug_ins}
    assert not list(path.parent.glob("*.bak"))


@pytest.mark.parametrize("action", [register, unregister])
def test_a_dry_run_writes_nothing_and_tells_what_it_would_write(config, action):
    if action is unregister:
        register(config)
    before = {p: p.read_bytes() for p in config.parent.iterdir()}
    told = action(config, dry_run=True)
    assert {p: p.read_bytes() for p in config.parent.iterdir()} == before
    assert told.changed and (str(plug_in_folder()) in told.text) == (action is register)


def test_an_entry_of_a_moved_checkout_is_replaced(config, tmp_path):
    old = tmp_path / "old" / "plug_in"
    old.mkdir(parents=True)
    (old / "hd_plugin.estimator.yaml").write_text("version: 0.4\n")
    for gone in (old, "/gone/hd_plugin/hosts/accelergy/plug_in"):
        config.write_text(THEIRS.replace("/opt/theirs", str(gone)))
        register(config)
        assert entries(config) == [str(plug_in_folder())]


def test_a_linked_configuration_stays_a_link_and_an_empty_list_is_filled(config):
    target = config.with_name("dotfile.yaml")
    target.write_text("version: '0.4'\nestimator_plug_ins:\n")
    config.unlink()
    config.symlink_to(target)
    assert register(config).changed
    assert config.is_symlink() and entries(target) == [str(plug_in_folder())]


def test_a_copy_that_pip_installed_is_enough(config, tmp_path):
    share = tmp_path / "share"
    (share / "hd_plugin").mkdir(parents=True)
    (share / "hd_plugin" / "hd_plugin.estimator.yaml").write_text("version: 0.4\n")
    config.write_text(THEIRS.replace("/opt/theirs", str(share)))
    done = register(config)
    assert not done.changed and "pip installed" in done.told and entries(config) == [str(share)]


@pytest.mark.parametrize(
    "text",
    ["- a list\n", "version: [\n", "estimator_plug_ins: []\n", "", "version: '0.4'\nestimator_plug_ins: 3\n"],
)
def test_what_is_no_configuration_is_refused_and_left_alone(config, text):
    config.write_text(text)
    with pytest.raises(InputError, match="accelergy_config.yaml"):
        register(config)
    assert config.read_text() == text


def test_a_folder_that_cannot_be_written_is_named(prefix, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file"):
        register(tmp_path / "file" / "accelergy_config.yaml")


def test_the_command_speaks_both_ways(config):
    done = CliRunner().invoke(main, ["register", "--config", str(config), "--dry-run"])
    assert done.exit_code == 0 and "would write" in done.output and entries(config) == ["/opt/theirs"]
    done = json.loads(CliRunner().invoke(main, ["register", "--config", str(config), "--json"]).stdout)
    assert done["changed"] and done["backup"].endswith(".bak")
    done = json.loads(
        CliRunner().invoke(main, ["register", "--config", str(config), "--undo", "--json"]).stdout
    )
    assert done["changed"] and entries(config) == ["/opt/theirs"]
