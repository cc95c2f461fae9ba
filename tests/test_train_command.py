"""`hd-plugin train`, and `round` and `compare` with what it trained, from end to end on images made here."""

import json
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from training_cases import images_fixture, on_path_fixture, rows, theirs_fixture, train  # noqa: F401

torch = pytest.importorskip("torch", reason="torch is not installed: training cannot run")
pytest.importorskip("PIL", reason="pillow is not installed: images cannot be read")

import hd_plugin as hd  # noqa: E402
from hd_plugin.cli import main  # noqa: E402
from hd_plugin.training.data import load_images  # noqa: E402
from hd_plugin.training.evaluate import accuracy  # noqa: E402
from hd_plugin.training.models import make_model  # noqa: E402
from hd_plugin.training.results import learning_curves, trained_runs  # noqa: E402
from hd_plugin.training.saved import load_into  # noqa: E402

pytestmark = pytest.mark.usefixtures("on_path")


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
    assert [float(r["top1"]) for r in rows(sweep / "front.csv")] == [r["top1"] for r in content["runs"]]
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
    test, labels, _ = load_images(images[1])
    for folder in ("baseline", "trellis-1"):
        model = load_into(make_model("their_net:make", 2), sweep / folder / "network.npz")
        told = json.loads((sweep / folder / "result.json").read_text())
        assert accuracy(model, test, labels)[0] == told["top1"]


def test_what_runs_left_behind_is_read_as_typed_values(sweep):
    runs = trained_runs(sweep)
    assert [r.name for r in runs] == ["baseline", "paper-2", "trellis-1"]
    assert [r.to_dict() for r in runs] == [json.loads((r.folder / "result.json").read_text()) for r in runs]
    assert all((r.number_format, r.bits, r.test_images) == ("twos_complement", 4, 40) for r in runs)
    curves = learning_curves(sweep)
    assert list(curves) == ["baseline", "float", "paper-2", "trellis-1"]
    assert [len(curves[r.name]) for r in runs] == [5, 5, 5] and len(curves["float"]) == 2
    assert [row.bit for row in curves["paper-2"]] == [3, 2, 1, 0, None]
    assert all(row.flips is None for row in curves["float"]) and curves["trellis-1"][-1].flips > 0


def test_what_is_done_is_not_done_again(sweep, images):
    before = {p: p.stat().st_mtime_ns for p in sweep.glob("*/network.npz")}
    done = train(sweep, images, "--method", "trellis", "--strength", 1.0, "--json")
    assert done.exit_code == 0 and len(json.loads(done.stdout)["runs"]) == 3
    assert {p: p.stat().st_mtime_ns for p in sweep.glob("*/network.npz")} == before


def test_other_options_do_not_pass_for_the_runs_that_are_there(sweep, images):
    done = train(sweep, images, "--method", "trellis", "--strength", 1.0, "--rows", 4)
    assert done.exit_code == 2 and "of another run (other rows)" in done.output


def test_weights_of_another_network_are_refused(sweep, images, tmp_path):
    torch.save({"0.weight": torch.zeros(3, 3)}, tmp_path / "other.pt")
    done = train(tmp_path / "runs", images, "--start", tmp_path / "other.pt")
    assert (
        done.exit_code == 2
        and "does not hold this network" in done.output
        and "[3, 3] found, [16, 3, 3, 3] needed" in done.output
    )


def test_a_run_in_pieces_ends_as_a_run_in_one(sweep, images, tmp_path):
    options = ["--method", "trellis", "--strength", 1.0, "--minutes", 0.0001, "--json"]
    pieces = 1
    while "stopped" in (done := train(tmp_path / "runs", images, *options)).stderr:
        assert done.exit_code == 0 and pieces < 20, done.output
        pieces += 1
    assert done.exit_code == 0, done.output
    assert pieces > 2 and (tmp_path / "runs" / "float" / "float.pt").is_file()
    for folder in ("baseline", "trellis-1"):
        one, two = (dict(np.load(p / folder / "network.npz")) for p in (sweep, tmp_path / "runs"))
        assert one.keys() == two.keys() and all((one[k] == two[k]).all() for k in one)


def test_compare_shows_trained_networks_beside_their_baseline(sweep, tmp_path):
    base, trained = (str(sweep / run / "network.npz") for run in ("baseline", "trellis-1"))
    done = CliRunner().invoke(
        main, ["compare", base, "--trained", trained, "--no-studies", "-o", str(tmp_path / "o")]
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


def test_weights_are_rounded_and_scored_without_training(sweep, images, tmp_path):
    source = tmp_path / "float.pt"
    model = load_into(make_model("their_net:make", 2), sweep / "baseline" / "network.npz")
    torch.save(model.state_dict(), source)
    options = [
        "--mu",
        0,
        "--mu",
        1,
        "--model",
        "their_net:make",
        "--calibrate",
        images[0],
        "--test",
        images[1],
    ]
    options += ["--json", "-o", tmp_path / "t"]
    done = CliRunner().invoke(main, ["round", str(source), *map(str, options)])
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
