"""`hd-plugin train` and `hd-plugin optimize --trellis` from end to end on images made here."""

import csv
import io
import json
import os
import socket
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from click.testing import CliRunner

torch = pytest.importorskip("torch", reason="torch is not installed: training cannot run")
Image = pytest.importorskip("PIL.Image", reason="pillow is not installed: images cannot be read")

import hd_plugin as hd  # noqa: E402
from hd_plugin.cli import main  # noqa: E402


def archive(path, count, seed):
    rng = np.random.default_rng(seed)
    with zipfile.ZipFile(path, "w") as z:
        for i, name in enumerate(("dark", "light")):
            for n in range(count):
                pixels = rng.integers(0, 120, (16, 16, 3)) + 70 * i
                buffer = io.BytesIO()
                Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
                z.writestr(f"{name}/{n}.png", buffer.getvalue())
    return path


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    return archive(folder / "train.zip", 48, 0), archive(folder / "test.zip", 20, 1)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """A user's own network, as a module on the path."""
    folder = tmp_path_factory.mktemp("theirs")
    (folder / "their_net.py").write_text(
        "from torch import nn\ndef make(classes):\n    return nn.Sequential(nn.Conv2d(3, 16, 3, stride=2), nn.BatchNorm2d(16), nn.ReLU(),"
        " nn.Conv2d(16, 24, 3), nn.BatchNorm2d(24), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, classes))\n"
        "def grouped(classes):\n    return nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=4), nn.ReLU(),"
        " nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, classes))\n"
    )
    return folder


@pytest.fixture(autouse=True)
def on_path(theirs, monkeypatch):
    monkeypatch.syspath_prepend(theirs)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def train(output, images, *more):
    return CliRunner().invoke(
        main,
        [
            "train",
            "their_net:make",
            "--data",
            str(images[0]),
            "--test",
            str(images[1]),
            "--float-epochs",
            "2",
            "--epochs",
            "5",
            "--batch",
            "16",
            "-o",
            str(output),
            *map(str, more),
        ],
    )


@pytest.fixture(scope="module")
def sweep(tmp_path_factory, images, theirs):
    output = tmp_path_factory.mktemp("sweep") / "runs"
    sys.path.insert(0, str(theirs))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums depend on the number of threads, and a test below compares bit by bit
    try:
        for method, strength in (("trellis", 1.0), ("paper", 2.0)):
            done = train(output, images, "--method", method, "--strength", strength)
            assert done.exit_code == 0, done.output
    finally:
        sys.path.remove(str(theirs))
        torch.set_num_threads(threads)
    return output


def test_a_sweep_writes_networks_results_tables_and_plots(sweep):
    content = json.loads((sweep / "train.json").read_text())
    assert [(r["method"], r["strength"]) for r in content["runs"]] == [
        ("baseline", 0.0),
        ("paper", 2.0),
        ("trellis", 1.0),
    ]
    for name in ("front.png", "curves.png", "front.csv"):
        assert (sweep / name).stat().st_size > 100
    rows = list(csv.DictReader((sweep / "front.csv").open()))
    assert [float(r["top1"]) for r in rows] == [r["top1"] for r in content["runs"]]
    base, paper, trellis = content["runs"]
    assert trellis["mean_hd_reduction"] > base["mean_hd_reduction"] > 1 and paper["mean_hd_reduction"] > 1
    assert all(r["test_images"] == 40 and r["inputs"]["recipe"]["epochs"] == 5 for r in content["runs"])


def test_reductions_are_against_the_baseline_in_file_order(sweep):
    """Recomputed from the saved networks alone."""
    content = json.loads((sweep / "train.json").read_text())
    base = hd.load_network(sweep / "baseline" / "network.npz")
    for run in content["runs"]:
        folder = run["method"] if run["method"] == "baseline" else f"{run['method']}-{run['strength']:g}"
        network = hd.load_network(sweep / folder / "network.npz")
        ratios = [hd.flips(b) / hd.flips(n, hd.optimize(n)) for b, n in zip(base.layers, network.layers)]
        assert ratios == pytest.approx(run["hd_reductions"]) and np.mean(ratios) == pytest.approx(
            run["mean_hd_reduction"]
        )


def test_a_saved_network_scores_what_the_run_says(sweep, images):
    from hd_plugin.training.data import load_images
    from hd_plugin.training.evaluate import accuracy
    from hd_plugin.training.models import make_model
    from hd_plugin.training.saved import load_into

    test, labels, _ = load_images(images[1])
    for folder in ("baseline", "trellis-1"):
        model = load_into(make_model("their_net:make", 2), sweep / folder / "network.npz")
        assert (
            accuracy(model, test, labels)[0]
            == json.loads((sweep / folder / "result.json").read_text())["top1"]
        )


def test_what_is_done_is_not_done_again(sweep, images):
    before = {p: p.stat().st_mtime_ns for p in sweep.glob("*/network.npz")}
    done = train(sweep, images, "--method", "trellis", "--strength", 1.0, "--json")
    assert done.exit_code == 0 and len(json.loads(done.stdout)["runs"]) == 3
    assert {p: p.stat().st_mtime_ns for p in sweep.glob("*/network.npz")} == before


def test_other_options_do_not_pass_for_the_runs_that_are_there(sweep, images):
    done = train(sweep, images, "--method", "trellis", "--strength", 1.0, "--rows", 4)
    assert done.exit_code == 2 and "of another run (other rows)" in done.output


def test_a_damaged_checkpoint_is_named(images, tmp_path):
    (tmp_path / "runs" / "float").mkdir(parents=True)
    (tmp_path / "runs" / "float" / "checkpoint.pt").write_bytes(b"cut short")
    done = train(tmp_path / "runs", images)
    assert done.exit_code == 2 and "checkpoint.pt: damaged" in done.output


def test_weights_of_another_network_are_refused(sweep, images, tmp_path):
    torch.save({"0.weight": torch.zeros(3, 3)}, tmp_path / "other.pt")
    done = train(tmp_path / "runs", images, "--start", tmp_path / "other.pt")
    assert (
        done.exit_code == 2
        and "does not hold this network" in done.output
        and "[3, 3] found, [16, 3, 3, 3] needed" in done.output
    )


def test_a_run_in_pieces_ends_as_a_run_in_one(sweep, images, tmp_path):
    for piece in range(20):
        done = train(
            tmp_path / "runs", images, "--method", "trellis", "--strength", 1.0, "--minutes", 0.0001, "--json"
        )
        assert done.exit_code == 0, done.output
        if "stopped" not in done.stderr:
            break
    assert piece > 1 and (tmp_path / "runs" / "float" / "float.pt").is_file()
    for folder in ("baseline", "trellis-1"):
        one, two = (dict(np.load(p / folder / "network.npz")) for p in (sweep, tmp_path / "runs"))
        assert one.keys() == two.keys() and all((one[k] == two[k]).all() for k in one)


def test_compare_shows_trained_networks_beside_their_baseline(sweep, tmp_path):
    done = CliRunner().invoke(
        main,
        [
            "compare",
            str(sweep / "baseline" / "network.npz"),
            "--trained",
            str(sweep / "trellis-1" / "network.npz"),
            "--no-studies",
            "-o",
            str(tmp_path / "o"),
        ],
    )
    assert done.exit_code == 0, done.output
    assert "Trained networks against the first one" in done.output
    combined = json.loads((tmp_path / "o" / "compare.json").read_text())["trained"]
    content = json.loads((sweep / "train.json").read_text())
    assert combined[-1]["method"] == "cluster"
    assert combined[-1]["mean_hd_reduction"] == pytest.approx(content["runs"][-1]["mean_hd_reduction"])
    assert "Trained networks" in (tmp_path / "o" / "report.html").read_text()


def test_networks_with_other_layers_cannot_be_put_beside_each_other(sweep):
    done = CliRunner().invoke(
        main, ["compare", str(sweep / "baseline" / "network.npz"), "--trained", "resnet20_cifar10_w4"]
    )
    assert done.exit_code == 2 and "other layers" in done.output


def test_optimize_rounds_and_scores_without_training(sweep, images, tmp_path):
    source = tmp_path / "float.pt"
    from hd_plugin.training.models import make_model
    from hd_plugin.training.saved import load_into

    torch.save(
        load_into(make_model("their_net:make", 2), sweep / "baseline" / "network.npz").state_dict(), source
    )
    done = CliRunner().invoke(
        main,
        [
            "optimize",
            str(source),
            "--trellis",
            "0",
            "--trellis",
            "1",
            "--model",
            "their_net:make",
            "--calibrate",
            str(images[0]),
            "--test",
            str(images[1]),
            "--spec",
            "none",
            "--json",
            "-o",
            str(tmp_path / "t"),
        ],
    )
    assert done.exit_code == 0, done.output
    content = json.loads(done.stdout)
    nearest, rounded = content["runs"]
    assert (
        rounded["mean_over_method"] > 1.1
        and rounded["noise_dB"] > nearest["noise_dB"]
        and rounded["top1"] >= 50
    )
    network = hd.load_network(tmp_path / "t" / "mu-1" / "network.npz")
    assert [
        hd.flips(la, hd.StreamPlan.load(next((tmp_path / "t" / "mu-1" / "plans").glob(f"{la.name}.*"))))
        for la in network.layers
    ] == rounded["flips"]


def test_optimize_rounds_without_a_model_too(tmp_path):
    np.savez(
        tmp_path / "net.npz",
        **{"a.weight": np.random.default_rng(0).normal(size=(12, 16, 1, 1)).astype(np.float32)},
    )
    done = CliRunner().invoke(
        main, ["optimize", str(tmp_path / "net.npz"), "--trellis", "0.5", "-o", str(tmp_path / "t")]
    )
    assert done.exit_code == 0 and "trellis rounding on top of" in done.output
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


def test_images_need_a_trellis_and_a_model(images, tmp_path):
    np.savez(tmp_path / "net.npz", a=np.ones((4, 4)))
    for more in (
        ["--test", str(images[1])],
        ["--trellis", "1", "--test", str(images[1])],
        ["--trellis", "1", "--model", "resnet8"],
    ):
        assert CliRunner().invoke(main, ["optimize", str(tmp_path / "net.npz"), *more]).exit_code == 2


def test_two_processes_train_one_network(images, theirs, tmp_path):
    """torch's own launcher; both processes share each batch, so without batch norm they train what one process trains."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        "hd_plugin.cli",
        "train",
        "their_net:grouped",
        "--data",
        images[0],
        "--test",
        images[1],
        "--float-epochs",
        "2",
        "--epochs",
        "2",
        "--batch",
        "16",
        "--strength",
        "1",
        "--json",
        "-o",
    ]
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(theirs), os.environ.get("PYTHONPATH", "")]),
        "OMP_NUM_THREADS": "1",
    }
    launcher = ["torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(port), "-m"]
    done = [
        subprocess.run(
            [sys.executable, "-m", *before, *command, tmp_path / name],
            capture_output=True,
            text=True,
            timeout=300,
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
        [float(r["loss"]) for r in csv.DictReader((tmp_path / name / "float" / "log.csv").open())]
        for name in ("two", "one")
    )
    assert two == pytest.approx(one, rel=5e-3) and len(set(two)) == 2  # bfloat16 sums in another order


def test_without_torch_the_command_says_what_to_install(images, tmp_path):
    code = (
        "import sys; sys.modules['torch'] = None; from hd_plugin.cli import main; "
        f"main(['train', 'resnet8', '--data', {str(images[0])!r}, '--test', {str(images[1])!r}, '-o', {str(tmp_path / 'runs')!r}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (
        done.returncode == 2
        and "pip install 'hd-plugin[torch]'" in done.stderr
        and "Traceback" not in done.stderr
    )
