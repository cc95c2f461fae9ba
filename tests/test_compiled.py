"""Compiled code whose cache is damaged, full or nowhere: the same answers, and one line about it."""

import logging
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest

import hd_plugin
from hd_plugin.bits import _compiled

KERNEL = """
from hd_plugin.bits._compiled import compiled

@compiled()
def twice(x):
    return 2 * x
"""


@pytest.fixture
def code(tmp_path, monkeypatch):
    """The folder of a module with a compiled function, and numba's usual places for what it compiles."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "kernel.py").write_text(KERNEL)
    return tmp_path / "code"


@pytest.fixture
def call(code, caplog):
    """Call ``twice`` of the module loaded anew: its answer, loads from the cache, and what was told."""

    def ask(x=21):
        _compiled._tell.cache_clear()
        caplog.clear()
        twice = runpy.run_path(str(code / "kernel.py"))["twice"]
        answer = twice(x)
        return answer, sum(twice.stats.cache_hits.values()), caplog.messages

    return ask


@pytest.fixture
def nowhere(tmp_path):
    """Variables for a home that cannot be written: a file stands there, which stops the superuser too."""
    (tmp_path / "home").write_text("")
    (tmp_path / "temporary").mkdir()
    return {"HOME": tmp_path / "home", "TMPDIR": tmp_path / "temporary"}


def run(text, **environment):
    """In a fresh interpreter with these variables; what it printed, and the lines on stderr."""
    env = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    done = subprocess.run(
        [sys.executable, "-c", text],
        env={**env, **{k: str(v) for k, v in environment.items()}},
        capture_output=True,
        text=True,
        cwd=sys.prefix,  # not where this package lies
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr.splitlines()


def kept(folder):
    return sorted(p for p in folder.rglob("hd-*") if p.suffix in (".nbi", ".nbc"))


def cut(data):
    return data[: len(data) // 2]


def flipped(data):
    """One bit, in the middle of the machine code."""
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 16]) + data[at + 1 :]


def emptied(data):
    return b""


def replaced(data):
    return b"\x80\x05no pickle"


def test_code_is_kept_for_the_next_run(code, call):
    assert call() == (42, 0, []) and len(kept(code)) == 2
    assert call() == (42, 1, [])
    assert call(1.5) == (3.0, 0, []) and len(kept(code)) == 3


@pytest.mark.parametrize("damage", [cut, flipped, emptied, replaced])
@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
def test_damaged_code_is_dropped_and_compiled_again(suffix, damage, code, call):
    call()
    [path] = [p for p in kept(code) if p.suffix == suffix]
    path.write_bytes(damage(path.read_bytes()))
    answer, loads, [told] = call()
    assert (answer, loads) == (42, 0) and told.endswith("damaged; compiled again")
    assert call() == (42, 1, [])


def test_code_of_another_signature_is_not_taken(code, call):
    """As two processes may leave it that compile at the same time."""
    call(21), call(1.5)
    one, two = (p for p in kept(code) if p.suffix == ".nbc")
    shutil.copy(one, two)
    assert [call(x)[:2] for x in (21, 1.5, 1.5)] == [(42, 1), (3.0, 0), (3.0, 1)]


def test_code_that_can_be_kept_nowhere_usual_goes_to_a_temporary_folder(code, nowhere, tmp_path):
    (code / "__pycache__").write_text("")
    text = (
        f"import sys; sys.path.insert(0, {str(code)!r}); import kernel; "
        "print(kernel.twice(21), sum(kernel.twice.stats.cache_hits.values()))"
    )
    answer, [told] = run(text, **nowhere)
    [folder] = nowhere["TMPDIR"].glob("hd_plugin-compiled-*")
    assert answer == "42 0" and str(folder) in told and "NUMBA_CACHE_DIR=FOLDER" in told
    assert folder.stat().st_mode & 0o777 == 0o700 and len(kept(folder)) == 2
    assert run(text, **nowhere)[0] == "42 1"
    folder.chmod(0o777)  # code that others may have put there is not loaded
    assert run(text, **nowhere)[0] == "42 0"
    assert run(text, **nowhere, NUMBA_CACHE_DIR=tmp_path / "named") == ("42 0", [])
    assert len(kept(tmp_path / "named")) == 2


def test_without_any_place_each_run_compiles(call, monkeypatch):
    monkeypatch.setattr(_compiled._Code, "_locator_classes", [])
    for _ in range(2):
        answer, loads, [told] = call()
        assert (answer, loads) == (42, 0) and "cannot be kept" in told


def test_a_full_disk_costs_the_cache_only(code, call, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left")

    monkeypatch.setattr(_compiled._Files, "_save_index", full)
    answer, _, [told] = call()
    assert answer == 42 and "cannot be kept (No space left)" in told and kept(code) == []


def test_a_read_only_package_in_a_read_only_home_imports(nowhere, tmp_path):
    package = tmp_path / "site" / "hd_plugin"
    ignored = shutil.ignore_patterns("__pycache__", "*.npz", "*.json", "_data")
    shutil.copytree(Path(hd_plugin.__file__).parent, package, ignore=ignored)
    for folder in {p.parent for p in package.rglob("*.py")}:
        (folder / "__pycache__").write_text("")
    text = "import hd_plugin.streaming, hd_plugin.gates, hd_plugin.hardware; print(hd_plugin.__file__)"
    file, [told] = run(text, **nowhere, PYTHONPATH=tmp_path / "site")
    assert file == str(package / "__init__.py") and "compiled code is kept in" in told


def test_what_is_told_goes_through_a_logger_that_a_program_can_turn_off(code, call, caplog):
    call()
    for path in kept(code):
        path.write_bytes(b"")
    logger = logging.getLogger("hd_plugin")
    caplog.set_level(logging.ERROR, logger=logger.name)
    assert call() == (42, 0, [])
