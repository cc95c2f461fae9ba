"""What runs leave behind, read back: the order of a sweep's runs, and what is said of damaged files."""

import json
from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="torch is not installed: training cannot run")
pytest.importorskip("PIL", reason="pillow is not installed: images cannot be read")

from hd_plugin._identity import check_same_run
from hd_plugin.errors import InputError
from hd_plugin.training.results import EpochRow, TrainedRun, learning_curves, trained_runs, write_float_run

INPUTS = {"model": "resnet8", "recipe": {"epochs": 2, "bits": 4}, "number_format": "gray"}


@pytest.fixture
def baseline(tmp_path):
    return TrainedRun(
        folder=tmp_path / "baseline",
        method="baseline",
        strength=0.0,
        top1=90.0,
        top5=99.5,
        test_images=200,
        model="resnet8",
        start=None,
        inputs=INPUTS,
        device="cpu",
        torch="2.13.0",
        version="0.1.0",
    )


def test_runs_are_sorted_by_method_and_strength_with_the_baseline_first(baseline, tmp_path):
    made = [
        replace(baseline, folder=tmp_path / f"{method}-{strength:g}", method=method, strength=strength)
        for method, strength in (("trellis", 10.0), ("trellis", 2.0), ("another", 1.0))
    ]
    for run in (*made, baseline):
        run.save()
    write_float_run(tmp_path / "float", {"model": "resnet8"})
    (tmp_path / "begun").mkdir()
    found = trained_runs(tmp_path)
    assert found == [baseline, made[2], made[1], made[0]]
    assert (found[0].name, found[0].bits, found[0].number_format) == ("baseline", 4, "gray")


def test_a_folder_without_runs_has_none(tmp_path):
    assert trained_runs(tmp_path) == [] and learning_curves(tmp_path) == {}


@pytest.mark.parametrize(
    "change, told",
    [
        ({"top1": 101.0}, ["top1: 101.0 found"]),
        ({"top1": "90", "tset": 1}, ["top1: '90' found; a number", "tset: unknown field"]),
        (
            {"inputs": {"recipe": {"bits": 40}}},
            ["inputs: ", "number_format: missing", "recipe.bits: 40 found"],
        ),
        (
            {"schema": "hd-plugin/train/1"},
            ["schema: 'hd-plugin/train/1' found", "'hd-plugin/trained/1' needed"],
        ),
    ],
)
def test_all_problems_of_a_result_are_told_at_once(change, told, baseline):
    baseline.save()
    path = baseline.folder / "result.json"
    path.write_text(json.dumps({**baseline.to_dict(), **change}))
    with pytest.raises(InputError) as caught:
        trained_runs(baseline.folder.parent)
    assert str(caught.value).startswith(str(path)) and all(text in str(caught.value) for text in told)


def test_a_result_that_is_cut_short_is_named(baseline):
    baseline.save()
    path = baseline.folder / "result.json"
    path.write_text(path.read_text()[:40])
    with pytest.raises(InputError, match=r"result\.json: not readable as JSON .*delete it"):
        trained_runs(baseline.folder.parent)


def test_logs_are_rows_of_numbers(tmp_path):
    for name, text in (
        ("float", "epoch,loss,train_top1,seconds\n1,2.5,10.0,3.0\n"),
        ("paper-1", "epoch,loss,train_top1,bit,flips,seconds\n1,0.5,80.0,3,120,3.5\n2,0.25,90.0,,60,3.5\n"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "log.csv").write_text(text)
    assert learning_curves(tmp_path) == {
        "float": [EpochRow(1, 2.5, 10.0, 3.0)],
        "paper-1": [EpochRow(1, 0.5, 80.0, 3.5, flips=120, bit=3), EpochRow(2, 0.25, 90.0, 3.5, flips=60)],
    }


@pytest.mark.parametrize("row", ["1,2.5,10.0", "one,2.5,10.0,3.0", "1,,10.0,3.0"])
def test_a_damaged_log_is_named(row, tmp_path):
    (tmp_path / "float").mkdir()
    (tmp_path / "float" / "log.csv").write_text(f"epoch,loss,train_top1,seconds\n{row}\n")
    with pytest.raises(InputError, match=r"log\.csv: .*no row of a training log"):
        learning_curves(tmp_path)


def test_another_run_is_told_by_every_value_that_differs(tmp_path):
    found = {"rows": 8, "recipe": {"epochs": 5, "rate": 0.1}, "test": ["a"], "old": None}
    check_same_run(tmp_path / "f", found, {**found, "test": ("a",)}, tmp_path)
    wanted = {"rows": 4, "recipe": {"epochs": 6, "rate": 0.1}, "test": ["a"]}
    with pytest.raises(InputError) as caught:
        check_same_run(tmp_path / "f", found, wanted, tmp_path / "run")
    assert "of another run (other rows, recipe, old): rows: 8 there, 4 here, " in str(caught.value)
    assert "recipe.epochs: 5 there, 6 here, old: None there, 'nothing' here; " in str(caught.value)
    assert str(caught.value).endswith(f"or delete {tmp_path / 'run'}")
