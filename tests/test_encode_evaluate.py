"""hd-plugin encode evaluate: scores, choices, training, files, and what it refuses."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

torch = pytest.importorskip("torch", reason="torch is not installed: networks cannot run")

from training_cases import archive  # noqa: E402

from hd_plugin import encoding_mac as em  # noqa: E402
from hd_plugin.cli import main  # noqa: E402
from hd_plugin.study import evaluate_encodings  # noqa: E402
from hd_plugin.training.encoded_choice import _after, _moves, choose, costs  # noqa: E402  # noqa: E402
from hd_plugin.training.encoded_network import EncodedNetwork, TrialImages  # noqa: E402
from hd_plugin.training.models import make_model  # noqa: E402
from hd_plugin.weights import load_network  # noqa: E402

MODULE = """
from torch import nn


def small(classes):
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(6, 8, 3, stride=2), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, classes),
    )
"""
MODEL = "networks_under_encodings:small"


@pytest.fixture(name="place", scope="module")
def place_fixture(tmp_path_factory):
    """A folder with images and a network that tells dark from light, mostly."""
    folder = tmp_path_factory.mktemp("encoded")
    (folder / "networks_under_encodings.py").write_text(MODULE)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        archive(folder / "train.zip", 40, 0)
        archive(folder / "test.zip", 12, 1)
        torch.manual_seed(0)
        model = make_model(MODEL, 2)
        torch.save(model.state_dict(), folder / "start.pt")
        yield folder


@pytest.fixture(name="made", scope="module")
def made_fixture(place):
    images = TrialImages.read(place / "train.zip", place / "test.zip", (place / "train.zip",), 20)
    return load_network(place / "start.pt", bits=8, per_channel=True), images


def command(place, *more):
    fixed = ["--bits", "8", "--per-channel", "--model", MODEL, "--test", str(place / "test.zip")]
    return CliRunner().invoke(main, ["encode", "evaluate", str(place / "start.pt"), *fixed, *map(str, more)])


def calibrated(place):
    return "--calibrate", place / "train.zip", "--calibration-images", 20


def test_exact_encodings_score_what_exact_integers_score(place, tmp_path):
    em.exact(8, 8).save(tmp_path / "signed.json")
    done = command(
        place,
        *calibrated(place),
        "--encoding",
        "exact",
        "--encoding",
        "truncated:64",
        "--json",
        "--threads",
        1,
    )
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["schema"] == "hd-plugin/encode-evaluate/1" and told["test_images"] == 24
    assert [run["name"] for run in told["runs"]] == ["exact", "truncated:64"]
    for run in told["runs"]:
        assert run["top1"] == told["exact_top1"] and run["cost"] == pytest.approx(1.0)
    sizes = [layer["products"] for layer in told["runs"][0]["layers"]]
    assert len(sizes) == 3 and told["runs"][0]["layers"][1]["encoding"] == "exact_8x8"


def test_lines_tell_errors_over_the_operands_that_meet(place):
    done = command(
        place, *calibrated(place), "--encoding", "truncated:30", "--plain", "--exact-layers", "6", "--json"
    )
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    first, _, last = told["runs"][0]["layers"]
    assert last["encoding"] is None and last["rmse"] == 0 and last["rms"] is None
    assert 0 < first["rmse"] < first["rms"] and told["runs"][0]["cost"] < 1
    assert any("not corrected" in note for note in told["notes"])
    assert any("inputs are signed" in note for note in told["notes"])


def evaluate_alone(place, path):
    """A trained network, as any other one."""
    options = ["--bits", "8", "--model", MODEL, "--test", place / "test.zip", *calibrated(place), "--json"]
    done = CliRunner().invoke(
        main, [str(o) for o in ("encode", "evaluate", path, *options, "--encoding", "truncated:32")]
    )
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)["runs"][0]


def test_training_is_scored_kept_and_not_done_twice(place, tmp_path):
    options = (
        *("--encoding", "truncated:32", "--finetune", place / "train.zip", "--calibration-images", 20),
        *("--epochs", 2, "--batch", 16, "--rate", 0.05, "-o", tmp_path / "out"),
    )
    done = command(place, *options)
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "out" / "encode-evaluate.json").read_text())
    tuned = told["runs"][0]["tuned"]
    assert tuned["epochs"] == 2 and tuned["images"] == 80 and tuned["loss"] < told["runs"][0]["loss"]
    assert "top-1 trained" in done.stdout.replace("\n", " ") or "trained" in done.stdout
    network = load_network(tuned["path"], bits=8)
    assert network.layers[0].output_hw == (8, 8)
    alone = evaluate_alone(place, tuned["path"])
    assert (alone["top1"], alone["loss"]) == (tuned["top1"], tuned["loss"])
    stamp = (tmp_path / "out" / "truncated-32" / "checkpoint.pt").stat().st_mtime_ns
    again = command(place, *options)
    assert (
        again.exit_code == 0
        and (tmp_path / "out" / "truncated-32" / "checkpoint.pt").stat().st_mtime_ns == stamp
    )
    assert json.loads((tmp_path / "out" / "encode-evaluate.json").read_text()) == told
    lines = (tmp_path / "out" / "layers.csv").read_text().splitlines()
    assert lines[0].startswith("run,name,encoding") and len(lines) == 4
    other = command(place, *options, "--gradient", "table")
    assert other.exit_code == 2 and "checkpoint.pt" in other.output


def test_a_layer_that_no_encoding_suits_keeps_exact_products(made):
    network, images = made
    found = evaluate_encodings(network, MODEL, ["truncated:1:uncompensated"], images, bound=0.0)
    choice, first = found.runs[-1], found.judged[0]
    assert first["moves"] == 0 and first["cost"] == 1.0  # exact products everywhere
    assert {layer.outputs for layer in choice.layers} <= {64, 1}
    whole = EncodedNetwork(MODEL, network, images)
    top1 = whole.judge(whole.exact()).top1
    assert first["top1"] == top1
    kept = [one for one in found.judged if one["top1"] >= top1]
    assert choice.cost == pytest.approx(min(one["cost"] for one in kept))


def test_a_choice_keeps_the_bound_and_costs_no_more(made):
    network, images = made
    found = evaluate_encodings(network, MODEL, ["exact", "truncated:40", "truncated:20"], images, bound=100.0)
    assert found.runs[-1].name == "choice" and found.runs[-1].cost == pytest.approx(found.runs[2].cost)
    whole = EncodedNetwork(MODEL, network, images)
    candidates = [em.exact(8, 8, a_signed=False), em.truncated(8, 8, 10, a_signed=False)]
    tight = choose(whole, candidates, 0.0)
    assert tight.exact_top1 - whole.judge(tight.assigned).top1 <= 0.0
    assert {one.moves for one in tight.measured} >= {0, 3}
    price = costs(whole, list(tight.encodings), candidates)
    assert (price[:, 1] < price[:, 0]).all()


def test_moves_go_along_the_hull_the_least_loss_for_the_cost_first():
    price = np.array([[10.0, 5.0, 1.0], [100.0, 50.0, 10.0]])
    losses = np.array([[0.0, 1.0, 1.1], [0.0, 0.5, 9.0]])
    assert _moves(price, losses) == [(1, 1), (0, 2), (1, 2)]
    assert _after(_moves(price, losses)[:2], 2) == [2, 1]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--encoding", "truncate:3"), "'truncate:3' is unknown, and no file"),
        (("--encoding", "truncated:x"), "'truncated:x' found"),
        (("--encoding", "truncated:99"), "bits: 99 found; 1 to 64 are possible"),
        (("--encoding", "exact", "--encoding", "exact"), "'exact': found twice"),
        (("--encoding", "exact", "--exact-layers", "7"), "'7': not in the network"),
        (("--encoding", "exact", "--epochs", "3"), "--epochs: goes with --finetune only"),
        (("--encoding", "exact", "--bound", "-1"), "bound: -1.0 found"),
        (("--encoding", "exact", "--calibration-images", "80"), "calibration images: 80 found; there are 80"),
    ],
)
def test_what_does_not_fit_is_one_clear_line(place, more, told):
    done = command(place, *calibrated(place), *more)
    assert done.exit_code == 2 and told in " ".join(done.output.split()), done.output


def test_encodings_of_other_widths_and_missing_images(place, tmp_path):
    em.exact(8, 4, a_signed=False).save(tmp_path / "narrow.json")
    done = command(place, *calibrated(place), "--encoding", tmp_path / "narrow.json")
    assert (
        done.exit_code == 2
        and "narrow.json: activations are unsigned 8-bit and weights signed 8-bit" in done.output
    )
    done = command(place, "--encoding", "exact")
    assert done.exit_code == 2 and "--calibrate: missing" in done.output
    done = command(place, "--encoding", "exact", "--finetune", place / "train.zip")
    assert done.exit_code == 2 and "--finetune needs -o DIR" in done.output
