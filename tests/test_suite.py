"""The tests themselves: green on a loaded machine, and skipped only for a reason that is told."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TESTS = sorted(Path(__file__).parent.glob("*.py"))
WALL_CLOCKS = {"time", "perf_counter", "monotonic", "time_ns", "perf_counter_ns", "monotonic_ns"}
LEAST_TIMEOUT = 600
# files that may look at a clock, and why
CLOCKS: dict[str, str] = {
    "fuzzing.py": "a long fuzz tells how long its slowest file took; no test asserts it"
}


def calls(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_nothing_is_timed():
    """A loaded machine fails no test: no wall clock is read, and what may hang has ten minutes at least."""
    timed = {
        path.name
        for path in TESTS
        for name, call in calls(path)
        if name in {f"time.{clock}" for clock in WALL_CLOCKS}
        or any(
            k.arg == "timeout"
            and isinstance(k.value, ast.Constant)
            and (k.value.value or 9e9) < LEAST_TIMEOUT
            for k in call.keywords
        )
    }
    assert timed == set(CLOCKS)


def test_hypothesis_has_no_deadline_and_no_check_of_speed():
    assert settings().deadline is None and HealthCheck.too_slow in settings().suppress_health_check
    own = [
        f"{path.name}:{call.lineno}"
        for path in TESTS
        for name, call in calls(path)
        if name == "settings" and {k.arg for k in call.keywords} & {"deadline", "suppress_health_check"}
    ]
    assert own == [], "said once, in conftest.py"


@pytest.mark.parametrize("ci, same", [("1", True), ("", False)])
def test_examples_are_the_same_every_time_in_ci_only(ci, same):
    code = "import conftest, hypothesis; s = hypothesis.settings(); print(s.derandomize, s.database is None)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == [str(same)] * 2, done.stderr


def test_every_skip_has_a_reason():
    silent = [
        f"{path.name}:{call.lineno}"
        for path in TESTS
        for name, call in calls(path)
        if (name == "pytest.importorskip" or name.startswith("pytest.mark.skip"))
        and "reason" not in {k.arg for k in call.keywords}
    ]
    assert silent == []


def test_skips_are_counted_by_reason(tmp_path):
    (tmp_path / "test_some.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('n', range(5))\n"
        "def test_one(n): pytest.skip('no such tool')\n"
        "def test_two(): pytest.skip('no such tool')\n"
        "def test_three(): pytest.skip('no data')\n"
    )
    (tmp_path / "conftest.py").write_text((Path(__file__).parent / "conftest.py").read_text())
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert "    6  no such tool\n    1  no data\n" in done.stdout, done.stdout
