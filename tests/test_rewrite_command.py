"""``hd-plugin rewrite`` on PyTorch weights: files written back, scores that stay, input that is refused."""

import json
import zipfile

import numpy as np
import pytest
from click.testing import CliRunner

import hd_plugin as hd
from hd_plugin.cli import main

torch = pytest.importorskip("torch", reason="torch is not installed: PyTorch networks cannot be rewritten")

from rewriting_cases import randomised  # noqa: E402

from hd_plugin.training.models import make_model  # noqa: E402
from hd_plugin.training.saved import load_into  # noqa: E402


@pytest.fixture
def some_images(data, tmp_path):
    """Every fifth test image: 2,000, of all classes (``make numbers`` takes all)."""
    path = tmp_path / "some.zip"
    with zipfile.ZipFile(data / "cifar10_test.zip") as whole, zipfile.ZipFile(path, "w") as some:
        for name in sorted(whole.namelist())[::5]:
            some.writestr(name, whole.read(name))
    return path


def test_a_rewritten_bundled_network_scores_the_same(some_images, tmp_path):
    """Every integer output; the file that is written is read again for a second look."""
    command = ["rewrite", "resnet20_cifar10_w4", "--model", "resnet20", "--test", str(some_images)]
    done = CliRunner().invoke(main, [*command, "--json", "-o", str(tmp_path)])
    assert done.exit_code == 0, done.output
    content = json.loads(done.stdout)
    assert content["test"]["images"] == 2000 and content["test"]["equal"]
    assert content["test"]["top1"] == content["test"]["top1_before"] > 87
    network = hd.load_network(tmp_path / "resnet20_cifar10_w4.npz")
    assert {la.name: hd.flips(la) for la in network.layers} == {
        r["name"]: r["flips"] for r in content["layers"]
    }
    assert sum(r["flips"] for r in content["layers"]) < 0.96 * sum(
        r["flips_before"] for r in content["layers"]
    )


def test_state_files_are_written_back(tmp_path):
    model = randomised(make_model("resnet8", 10))
    torch.save(model.state_dict(), tmp_path / "net.pt")
    args = [
        "rewrite",
        str(tmp_path / "net.pt"),
        "--model",
        "resnet8",
        "--effort",
        "greedy",
        "--outputs",
        "permute",
        "--json",
        "-o",
        str(tmp_path / "out"),
    ]
    done = CliRunner().invoke(main, args)
    assert done.exit_code == 0, done.output
    again = make_model("resnet8", 10).eval()
    again.load_state_dict(torch.load(tmp_path / "out" / "net.pt", weights_only=True))
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(
            again(x), model(x)[:, json.loads(done.stdout)["output_order"]], rtol=1e-4, atol=1e-5
        )
    lost = CliRunner().invoke(main, [*args[:-1], str(tmp_path)])
    assert lost.exit_code == 2 and "is NETWORK itself" in lost.output


def test_float_weights_stay_floats(tmp_path):
    model = randomised(make_model("resnet8", 10))
    np.savez(
        tmp_path / "net.npz",
        **{k: v.numpy() for k, v in model.state_dict().items() if not k.endswith("tracked")},
    )
    done = CliRunner().invoke(
        main,
        [
            "rewrite",
            str(tmp_path / "net.npz"),
            "--model",
            "resnet8",
            "--effort",
            "greedy",
            "-o",
            str(tmp_path / "out"),
        ],
    )
    assert done.exit_code == 0, done.output
    x, again = torch.randn(2, 3, 32, 32), load_into(make_model("resnet8", 10), tmp_path / "out" / "net.npz")
    with torch.no_grad():
        torch.testing.assert_close(again(x), model(x), rtol=1e-4, atol=1e-5)


def test_bad_input_is_named():
    for args, told in (
        (["resnet20_cifar10_w4"], "give --model"),
        (["resnet20_cifar10_w4", "--model", "resnet20", "--input-size", "32"], "HxW or CxHxW"),
        (["resnet20_cifar10_w4", "--model", "resnet20", "--input-size=-3x32x32"], "HxW or CxHxW"),
        (["resnet20_cifar10_w4", "--model", "resnet20", "--input-size", "axb"], "HxW or CxHxW"),
        (["resnet20_cifar10_w4", "--model", "resnet20", "--input", "3x8x8"], "it is --input-size"),
        (["resnet20_cifar10_w4", "--model", "resnet8"], "does not hold this network"),
    ):
        done = CliRunner().invoke(main, ["rewrite", *args])
        assert done.exit_code == 2 and told in done.output, done.output
