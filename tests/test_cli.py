import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from hd_plugin.cli import main


def run(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def weights(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "net.npz"
    np.savez(
        path,
        **{
            "first.weight": rng.normal(size=(8, 12, 1, 1)),
            "first.output_hw": np.array([6, 6]),
            "blocks/second.weight": rng.normal(size=(6, 8, 3, 3)),
            "blocks/second.output_hw": np.array([3, 3]),
        },
    )
    return path


def test_compare_prints_tables_and_writes_every_file(weights, tmp_path):
    done = run("compare", weights, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "Summary" in done.output and "cluster" in done.output and "paper's way" in done.output
    files = {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert files >= {
        "compare.json",
        "compare.csv",
        "report.html",
        "plots/reduction.png",
        "plots/convergence.png",
        "plans/first.cluster.plan.json",
        "plans/blocks_second.segment.plan.json",
    }
    assert not [f for f in files if "/." in f or f.startswith(".")]


def test_json_goes_to_stdout_alone_and_equals_the_file(weights, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "hd_plugin.cli", "compare", str(weights), "--json", "-o", str(tmp_path / "o")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((tmp_path / "o" / "compare.json").read_text())


def test_measure_optimize_and_networks_speak_json(weights, tmp_path):
    measured = json.loads(run("measure", weights, "--json").stdout)
    plans = json.loads(run("optimize", weights, "--json", "--bound", "-o", tmp_path / "plans").stdout)
    for before, after in zip(measured["layers"], plans["layers"]):
        assert sum(before["plane_flips"]) == before["flips"] == after["flips_before"]
        assert after["lower_bound"] <= after["flips"] <= after["flips_before"]
    from hd_plugin import StreamPlan

    assert StreamPlan.load(tmp_path / "plans" / "first.cluster.plan.json").layer == "first"
    listed = json.loads(run("networks", "--json").stdout)
    assert "resnet20_cifar10_w4" in [n["name"] for n in listed["networks"]]
    assert "mobilenet_v2_table5" in listed["specs"] and "input_stationary_8x8" in listed["arrays"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["measure"],
        ["networks"],
        ["compare", "--layer", "conv1", "--method", "segment"],
        ["optimize", "resnet20_cifar10_w4", "--layer", "conv1", "--bound"],
    ],
)
def test_tables_are_printed_for_the_bundled_network(arguments):
    done = run(*arguments)
    assert done.exit_code == 0 and len(done.output.splitlines()) > 4, done.output


class _Hostile:
    def __reduce__(self):
        return os.system, ("touch hostile-ran",)


def _file(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["compare", "missing.npz"], ["missing.npz", "no such file"]),
        (["compare", "resnet20_cifar10_w5"], ["did you mean 'resnet20_cifar10_w4'"]),
        (["compare", "{net}", "--layer", "frst"], ["net.npz", "'frst'", "did you mean 'first'"]),
        (["compare", "{net}", "--method", "clutser"], ["method", "did you mean 'cluster'"]),
        (["optimize", "{net}", "--method", "segmnt"], ["method", "did you mean 'segment'"]),
        (["compare", "{net}", "--rows", "0"], ["rows", "0"]),
        (["optimize", "{net}", "--rows", "-3"], ["rows", "-3"]),
        (["compare", "{net}", "--bits", "1"], ["bits", "1"]),
        (["measure", "{net}", "--bits", "17"], ["bits", "17"]),
        (["measure", "{net}", "--number-format", "twos-complement"], ["did you mean 'twos_complement'"]),
        (["compare", "{net}", "--technology", "eyeriss"], ["technology", "did you mean 'eyeriss45'"]),
        (["compare", "{net}", "--threads", "0"], ["threads"]),
        (["compare", "{net}", "--spec", "nothing.yaml"], ["nothing.yaml"]),
        (["measure", "{garbage}"], ["bad.tflite"]),
        (["measure", "{zip}"], ["cut.npz"]),
        (["measure", "{text}"], ["net.txt", ".npz"]),
        (["measure", "{nan}"], ["nan.npz", "NaN", "x"]),
        (["measure", "{inf}"], ["inf.npz", "x"]),
        (["compare", "{net}", "-o", "{file}/out"], ["cannot be written"]),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(arguments, parts, weights, tmp_path):
    np.savez(tmp_path / "nan.npz", **{"x.weight": np.array([[1.0, np.nan], [0, 1]])})
    np.savez(tmp_path / "inf.npz", **{"x.weight": np.array([[1.0, np.inf], [0, 1]])})
    names = {
        "net": weights,
        "garbage": _file(tmp_path, "bad.tflite", b"\x00" * 64),
        "nan": tmp_path / "nan.npz",
        "inf": tmp_path / "inf.npz",
        "zip": _file(tmp_path, "cut.npz", weights.read_bytes()[:200]),
        "text": _file(tmp_path, "net.txt", b"hello"),
        "file": _file(tmp_path, "plain", b""),
    }
    done = run(*(str(a).format(**names) for a in arguments))
    assert done.exit_code == 2, done.output
    assert done.stderr.startswith("error: ") and len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.output
    for part in parts:
        assert part in done.stderr


def test_a_pickle_that_would_run_code_is_refused_and_runs_nothing(tmp_path, monkeypatch):
    pytest.importorskip("torch", reason="torch is not installed: .pt files cannot be read")
    monkeypatch.chdir(tmp_path)
    done = run("measure", _file(tmp_path, "hostile.pt", pickle.dumps({"w": _Hostile()})))
    assert done.exit_code == 2 and "hostile.pt" in done.stderr
    assert not (tmp_path / "hostile-ran").exists()


def test_help_is_quick_and_loads_no_library():
    code = (
        "import sys; from hd_plugin.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print([m for m in ('numba', 'scipy', 'matplotlib', 'torch') if m in sys.modules], file=sys.stderr)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stderr.strip() == "[]" and "compare" in out.stdout
