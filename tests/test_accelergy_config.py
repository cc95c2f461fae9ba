"""Accelergy's configuration is there and whole before anything starts Accelergy, however many do at once."""

import os
import shutil
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

import hd_plugin._accelergy_config as module
from hd_plugin._accelergy_config import ensure_config, read_config
from hd_plugin.engines.timeloop import find_tools
from hd_plugin.errors import InputError, MissingTool
from hd_plugin.hosts.accelergy import plug_in_folder, register

MANY = 20
# as Accelergy does it: only where there is none, without a lock, and not at once; TOGETHER of them find none
SCRIPT = """#!/bin/sh
echo started >> "{log}"
config="$HOME/.config/accelergy/accelergy_config.yaml"
test -e "$config" && exit 0
echo none >> "{log}.none"
while test "$(wc -l < "{log}.none")" -lt "${{TOGETHER:-1}}"; do sleep 0.01; done
mkdir -p "$(dirname "$config")"
for line in "version: '0.4'" "estimator_plug_ins: [{share}]" "primitive_components: []" "python_plug_ins: []"
do echo "$line" >> "$config"; sleep 0.02; done
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home without a configuration."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def program(tmp_path, monkeypatch):
    """An Accelergy that does nothing but make its configuration, on the PATH."""
    path = tmp_path / "bin" / "accelergy"
    path.parent.mkdir()
    path.write_text(SCRIPT.format(log=tmp_path / "starts", share=tmp_path / "share"))
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")
    return path


@pytest.fixture
def hasty(monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE_S", 0.0)


def at_once(count, work):
    """``work()`` in threads that start together; the lock holds between threads as between processes."""
    barrier = threading.Barrier(count)

    def one(_):
        barrier.wait()
        return work()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_the_program_alone_breaks_its_file_when_two_start_at_once(home, program, monkeypatch):
    """What is guarded against: the stand-in does what Accelergy does."""
    monkeypatch.setenv("TOGETHER", "2")
    at_once(2, lambda: subprocess.run([program], check=True))
    with pytest.raises(InputError, match="stands twice"):
        read_config(home / ".config" / "accelergy" / "accelergy_config.yaml")


def test_many_at_once_in_a_fresh_home_leave_one_whole_file_of_one_start(home, program, tmp_path):
    found = at_once(MANY, lambda: read_config(ensure_config(program)))
    assert found == [found[0]] * MANY
    assert found[0]["estimator_plug_ins"] == [str(tmp_path / "share")]
    assert (tmp_path / "starts").read_text().splitlines() == ["started"]


def test_many_that_register_at_once_leave_one_entry(home, program, tmp_path):
    done = at_once(MANY, register)
    data = yaml.safe_load((home / ".config/accelergy/accelergy_config.yaml").read_text())
    assert data["estimator_plug_ins"] == [str(tmp_path / "share"), str(plug_in_folder())]
    assert sum(d.changed for d in done) == 1


def test_a_file_is_made_where_pip_installed_the_plug_in_and_nothing_is_to_be_registered(
    home, program, tmp_path
):
    (tmp_path / "share" / "hd_plugin").mkdir(parents=True)
    (tmp_path / "share" / "hd_plugin" / "hd_plugin.estimator.yaml").write_text("version: 0.4\n")
    done = register()
    assert "pip installed" in done.told
    assert read_config(done.config)["estimator_plug_ins"] == [str(tmp_path / "share")]


@pytest.mark.parametrize(
    "text, told",
    [
        (
            "version: '0.4'\nestimator_plug_ins: []\nversion: '0.4'\nprimitive_components: []\n",
            "line 3.*twice",
        ),
        ("version: '0.4'\nestimator_plug_ins: []\n", "no list primitive_components"),
        ("version: '0.4'\nestimator_pl", "not readable as YAML"),
        ("", "not an Accelergy configuration"),
    ],
)
def test_what_is_broken_is_told_in_one_line_with_what_to_do_and_left_alone(home, hasty, text, told):
    path = home / ".config" / "accelergy" / "accelergy_config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(InputError, match=told) as error:
        ensure_config("/nowhere/accelergy")
    for part in (str(path), "mv '", "hd-plugin register"):
        assert part in str(error.value)
    assert "\n" not in str(error.value) and path.read_text() == text


def test_a_file_that_another_is_writing_just_now_is_waited_for(home):
    path = home / ".config" / "accelergy" / "accelergy_config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("version: '0.4'\n")

    def rest():
        time.sleep(0.3)
        with path.open("a") as file:
            file.write("estimator_plug_ins: []\nprimitive_components: []\n")

    writer = threading.Thread(target=rest)
    writer.start()
    assert ensure_config("/nowhere/accelergy") == path
    writer.join()


def test_a_program_that_makes_none_and_a_home_that_cannot_be_written_are_named(home, program, tmp_path):
    program.write_text("#!/bin/sh\necho no module named accelergy >&2; exit 1\n")
    with pytest.raises(MissingTool, match="made no accelergy_config.yaml .no module named accelergy"):
        ensure_config(program)
    with pytest.raises(MissingTool, match="made no accelergy_config.yaml"):
        ensure_config(tmp_path / "none")
    shutil.rmtree(home)
    home.write_text("a file")
    with pytest.raises(InputError, match="set HOME"):
        ensure_config(program)


def test_the_installed_accelergy_starts_many_times_at_once_in_a_fresh_home(home):
    try:
        program = find_tools().accelergy
    except MissingTool as error:
        pytest.skip(f"Accelergy is not installed: {error}")

    def run():
        ensure_config(program)
        return subprocess.run([program], cwd=home, capture_output=True, text=True)

    done = at_once(MANY, run)
    assert all(d.returncode == 0 and "creating default config" not in d.stderr for d in done), done[0].stderr
    assert Path(read_config(ensure_config(program))["estimator_plug_ins"][0]).is_dir()
