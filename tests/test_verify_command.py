"""`hd-plugin verify` from end to end."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import hd_plugin as hd
from hd_plugin.cli import main
from hd_plugin.encoding_mac import exact, truncated
from hd_plugin.hardware import _verify


@pytest.fixture
def network(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        f"{n}.weight": rng.integers(-7, 8, shape).astype(np.int8)
        for n, shape in {"a": (12, 9, 1, 1), "b/c": (10, 12, 2, 2), "fc": (5, 10)}.items()
    }
    np.savez(tmp_path / "net.npz", **arrays, **{"a.output_hw": np.array([3, 7])})
    return tmp_path / "net.npz"


def run(*args):
    return CliRunner().invoke(main, ["verify", *map(str, args)])


def test_plans_are_verified_and_their_tables_written(network, tmp_path):
    assert (
        CliRunner()
        .invoke(main, ["optimize", str(network), "--rows", "4", "-o", str(tmp_path / "plans")])
        .exit_code
        == 0
    )
    done = run(network, "--plan", tmp_path / "plans", "--simulator", "none", "--json", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    content = json.loads(done.output)
    assert content == json.loads((tmp_path / "out" / "verify.json").read_text())
    assert content["schema"] == "hd-plugin/verify/2" and content["ok"] and content["simulator"] is None
    assert [(v["layer"], v["method"], v["pixels"], v["difference"], v["rtl"]) for v in content["layers"]] == [
        ("a", "cluster", 21, None, None),
        ("b/c", "cluster", 64, None, None),
        ("fc", "cluster", 1, None, None),
    ]
    plan = hd.StreamPlan.load(tmp_path / "plans" / "a.cluster.plan.json")
    assert content["layers"][0]["flips_hardware"] == hd.hardware_flips(
        hd.load_network(network).layers[0], plan, 3
    )
    assert {p.name for p in (tmp_path / "out" / "tables").iterdir()} >= {
        "a.cluster.tables.json",
        "b_c.cluster.outputs.mem",
        "fc.cluster.inputs.mem",
    }


def test_all_methods_are_searched_without_a_plan(network):
    done = run(network, "--simulator", "none", "--effort", "greedy", "--alternate", "--layer", "a")
    assert done.exit_code == 0 and "all layers equal" in done.output
    told = " ".join(done.output.split())  # captions are folded to the width of their table
    assert [m in told for m in ("direct", "segment", "cluster", "no HDL simulator ran")] == [True] * 4


def test_a_difference_is_exit_code_1(network, monkeypatch):
    right = _verify.run_program
    monkeypatch.setattr(
        _verify, "run_program", lambda made, inputs, table: right(made, inputs) + (made.tables.layer == "a")
    )
    done = run(network, "--simulator", "none", "--effort", "greedy", "--method", "segment")
    assert done.exit_code == 1 and "NOT EQUAL" in done.output and "sums differ" in done.output


def test_activations_come_from_an_image(data):
    pytest.importorskip("torch", reason="torch is not installed: images cannot be run")
    done = run(
        "resnet20_cifar10_w4",
        "--model",
        "resnet20",
        "--images",
        data / "cifar10_test.zip",
        "--effort",
        "greedy",
        "--method",
        "segment",
        "--simulator",
        "none",
        "--json",
    )
    assert done.exit_code == 0, done.output
    content = json.loads(done.output)
    assert content["ok"] and len(content["layers"]) == 20 and content["layers"][0]["pixels"] == 1024
    assert content["activations"].endswith("cifar10_test.zip, image 0")


@pytest.mark.parametrize(
    "args, told",
    [
        (["--plan", "{tmp}"], "no plan (*.plan.json)"),
        (["--simulator", "modelsim"], "'modelsim' is unknown"),
        (["--tiles", "0"], "tiles: 0 found; a whole number >= 1"),
        (["--images", "{tmp}"], "--images and --model go together"),
        (["--plan", "{tmp}/net.npz"], "net.npz: not readable as JSON"),
    ],
)
def test_bad_input_is_exit_code_2(args, told, network, tmp_path):
    done = run(network, *(a.format(tmp=tmp_path) for a in args))
    assert done.exit_code == 2 and told in done.output


def test_a_plan_of_other_weights_is_named(network, tmp_path):
    layer = hd.Layer.from_values("a", np.ones((12, 9), int), 4)
    hd.optimize(layer, 4).save(tmp_path / "other.plan.json")
    done = run(network, "--plan", tmp_path / "other.plan.json")
    assert done.exit_code == 2 and "was made for other weights" in done.output


def test_one_layer_is_verified_out_of_a_folder_of_all_plans(network, tmp_path):
    plans = tmp_path / "plans"
    asked = ["optimize", str(network), "--rows", "4", "--method", "direct", "-o", str(plans)]
    assert CliRunner().invoke(main, asked).exit_code == 0
    words = network, "--simulator", "none", "--layer", "b/c", "--plan"
    done = run(*words, plans, "--json")
    assert done.exit_code == 0, done.output
    assert [(v["layer"], v["method"]) for v in json.loads(done.output)["layers"]] == [("b/c", "direct")]
    done = run(*words, plans / "a.direct.plan.json")  # a file by name is asked for, too
    assert done.exit_code == 2 and "layer 'a'" in done.output
    (plans / "b_c.direct.plan.json").unlink()
    done = run(*words, plans)
    assert done.exit_code == 2 and "no plan of ['b/c'] in there; optimize makes it" in done.output


def test_other_arrays_are_proven_by_name_and_by_file(network, tmp_path):
    encoding = truncated(5, 4, 12, a_signed=True)
    encoding.save(tmp_path / "mine.json")
    ask = (network, "--simulator", "auto", "--effort", "greedy", "--method", "segment", "--rows", "4")
    for mac in ("binary", "tree", "exact", str(tmp_path / "mine.json")):
        done = run(*ask, "--mac", mac, "--json")
        assert done.exit_code == 0, done.output
        content = json.loads(done.stdout)
        assert content["mac"] == mac and content["ok"] and len(content["layers"]) == 3
    told = " ".join(run(*ask, "--mac", tmp_path / "mine.json").output.split())
    assert "all layers equal; mac: " in told and "mine.json" in told.replace(" ", "")


@pytest.mark.parametrize(
    "mac, said",
    [
        ("trees", "did you mean 'tree'"),
        ("net.npz", "net.npz: not"),
        ("wide.json", "weights signed 4-bit; encoding 'exact_8x8' takes signed 8-bit and signed 8-bit"),
    ],
)
def test_an_array_that_is_none_or_of_other_widths_is_one_clear_error(network, tmp_path, mac, said):
    exact(8, 8).save(tmp_path / "wide.json")
    named = tmp_path / mac if "." in mac else mac
    done = run(network, "--simulator", "none", "--effort", "greedy", "--mac", named)
    assert done.exit_code == 2 and said in done.output and len(done.output.splitlines()) == 1, done.output
