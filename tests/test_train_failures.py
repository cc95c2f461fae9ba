"""`hd-plugin train` and `round` when something is wrong or missing, and training in several processes."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from training_cases import images_fixture, on_path_fixture, rows, theirs_fixture, train  # noqa: F401

torch = pytest.importorskip("torch", reason="torch is not installed: training cannot run")
pytest.importorskip("PIL", reason="pillow is not installed: images cannot be read")

import hd_plugin as hd  # noqa: E402
from hd_plugin.cli import main  # noqa: E402

pytestmark = pytest.mark.usefixtures("on_path")


def test_a_damaged_checkpoint_is_named(images, tmp_path):
    (tmp_path / "runs" / "float").mkdir(parents=True)
    (tmp_path / "runs" / "float" / "checkpoint.pt").write_bytes(b"cut short")
    done = train(tmp_path / "runs", images)
    assert done.exit_code == 2 and "checkpoint.pt: damaged" in done.output


def test_weights_are_rounded_without_a_model_too(tmp_path):
    weights = np.random.default_rng(0).normal(size=(12, 16, 1, 1)).astype(np.float32)
    np.savez(tmp_path / "net.npz", **{"a.weight": weights})
    done = CliRunner().invoke(
        main, ["round", str(tmp_path / "net.npz"), "--mu", "0.5", "-o", str(tmp_path / "t")]
    )
    assert done.exit_code == 0 and "trellis rounding on top of" in " ".join(done.output.split())
    assert hd.load_network(tmp_path / "t" / "mu-0.5" / "network.npz").layers[0].K == 12


@pytest.mark.parametrize(
    "more, told",
    [
        (["--start", "{missing}"], "missing"),
        (["--epochs", "0"], "epochs: 0"),
        (["--strength", "-1"], "strength: -1"),
        (["--number-format", "gray", "--method", "paper", "--strength", "1"], "number_format: 'gray'"),
        (["--float-epochs", "0"], "epochs: 0"),
        (["--device", "cuda:7"], "CUDA"),
        (["--device", "banana"], "device: 'banana'"),
        (["--batch", "1000"], "batch: 1000"),
    ],
)
def test_bad_options_are_named(more, told, images, tmp_path):
    if "CUDA" in told and torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    done = train(tmp_path / "runs", images, *(m.format(missing=tmp_path / "missing.pt") for m in more))
    assert done.exit_code == 2 and told in done.output


def test_rounding_needs_a_mu_and_images_need_a_model(images, tmp_path):
    np.savez(tmp_path / "net.npz", a=np.ones((4, 4)))
    for more in (
        ["--test", str(images[1])],
        ["--mu", "1", "--test", str(images[1])],
        ["--mu", "1", "--model", "resnet8"],
    ):
        assert CliRunner().invoke(main, ["round", str(tmp_path / "net.npz"), *more]).exit_code == 2


def test_two_processes_train_one_network(images, theirs, tmp_path):
    """torch's own launcher; both share each batch, so without batch norm they train what one trains."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--float-epochs", "2", "--epochs", "2", "--batch", "16", "--strength", "1", "--json", "-o"]
    command = ["train", "their_net:grouped", "--data", images[0], "--test", images[1], *options]
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(theirs), os.environ.get("PYTHONPATH", "")]),
        "OMP_NUM_THREADS": "1",
    }
    launcher = ["torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(port), "-m"]
    done = [
        subprocess.run(
            [sys.executable, "-m", *before, "hd_plugin.cli", *command, tmp_path / name],
            capture_output=True,
            text=True,
            env=env,
        )
        for name, before in (("two", launcher), ("one", []))
    ]
    assert [d.returncode for d in done] == [0, 0], done[0].stderr[-2000:]
    content = json.loads(done[0].stdout)
    assert [r["method"] for r in content["runs"]] == ["baseline", "trellis"]
    layers = hd.load_network(tmp_path / "two" / "trellis-1" / "network.npz").layers
    assert all(layer.output_hw for layer in layers)
    two, one = (
        [float(r["loss"]) for r in rows(tmp_path / name / "float" / "log.csv")] for name in ("two", "one")
    )
    assert two == pytest.approx(one, rel=5e-3) and len(set(two)) == 2  # bfloat16 sums in another order


def test_without_torch_the_command_says_what_to_install(images, tmp_path):
    command = ["train", "resnet8", "--data", images[0], "--test", images[1], "-o", tmp_path / "runs"]
    code = (
        "import sys; sys.modules['torch'] = None; from hd_plugin.cli import main; "
        f"main({[str(part) for part in command]})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (
        done.returncode == 2
        and "pip install 'hd-plugin[torch]'" in done.stderr
        and "Traceback" not in done.stderr
    )
