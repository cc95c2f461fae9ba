"""The examples run as they are printed."""
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture()
def weights(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "net.npz", **{"a.weight": rng.normal(size=(12, 16, 1, 1)), "a.output_hw": np.array([6, 6]),
                                      "b.weight": rng.normal(size=(8, 12, 3, 3)), "b.output_hw": np.array([3, 3])})
    return tmp_path / "net.npz"


def run(*arguments, cwd):
    done = subprocess.run([sys.executable, EXAMPLES / "per_layer.py", *arguments], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_per_layer_example_runs(weights, tmp_path):
    told = run(weights, cwd=tmp_path)
    assert "analytic engine: cluster saves" in told and "counted by hand" in told and "rows of the array -> 4:" in told


@pytest.mark.usefixtures("registered")
def test_the_per_layer_example_runs_with_timeloop_and_says_the_same(weights, tmp_path, monkeypatch):
    monkeypatch.setenv("HD_PLUGIN_CACHE", str(tmp_path / "cache"))
    one, two = run(weights, cwd=tmp_path), run(weights, "--engine", "timeloop", cwd=tmp_path)
    assert one.replace("analytic engine", "timeloop engine") == two
