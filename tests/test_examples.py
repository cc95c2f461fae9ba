"""The examples run as they are printed."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture
def weights(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "net.npz",
        **{
            "a.weight": rng.normal(size=(12, 16, 1, 1)),
            "a.output_hw": np.array([6, 6]),
            "b.weight": rng.normal(size=(8, 12, 3, 3)),
            "b.output_hw": np.array([3, 3]),
        },
    )
    return tmp_path / "net.npz"


def run(*arguments, cwd):
    done = subprocess.run(
        [sys.executable, EXAMPLES / "per_layer.py", *arguments], capture_output=True, text=True, cwd=cwd
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_per_layer_example_runs(weights, tmp_path):
    told = run(weights, cwd=tmp_path)
    assert (
        "analytic engine: cluster saves" in told
        and "counted by hand" in told
        and "rows of the array -> 4:" in told
    )


@pytest.mark.usefixtures("registered")
def test_the_per_layer_example_runs_with_timeloop_and_says_the_same(weights, tmp_path, monkeypatch):
    monkeypatch.setenv("HD_PLUGIN_CACHE", str(tmp_path / "cache"))
    one, two = run(weights, cwd=tmp_path), run(weights, "--engine", "timeloop", cwd=tmp_path)
    assert one.replace("analytic engine", "timeloop engine") == two


def test_the_mobilenet_script_trains_in_pieces(tmp_path):
    """Its smallest network on a few images: run again and again until the table is there."""
    pytest.importorskip("torch", reason="torch is not installed: training cannot run")
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed: images cannot be made")
    rng = np.random.default_rng(0)
    for name, count in (("cifar100_train", 64), ("cifar100_test", 4)):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as z:
            for label in ("a", "b"):
                for i in range(count):
                    buffer = io.BytesIO()
                    image.fromarray(rng.integers(0, 255, (32, 32, 3)).astype(np.uint8)).save(buffer, "PNG")
                    z.writestr(f"{label}/{i}.png", buffer.getvalue())
    command = [
        sys.executable,
        EXAMPLES / "train_mobilenet.py",
        "--dataset",
        "cifar100",
        "--data",
        tmp_path,
        "-o",
        tmp_path / "runs",
        "--small",
        "--float-epochs",
        "1",
        "--epochs",
        "1",
        "--strength",
        "--minutes",
        "0.0001",
        "--order-method",
        "direct",
    ]
    pieces = []
    while len(pieces) < 5 and (not pieces or "the same command goes on" in pieces[-1].stderr):
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, cwd=tmp_path, check=False)
        pieces.append(done)
    assert pieces[-1].returncode == 0 and len(pieces) > 1, pieces[-1].stderr
    assert (tmp_path / "runs" / "mobilenet_v2_cifar100_small" / "front.png").is_file()
