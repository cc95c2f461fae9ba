"""Small images and a user's own networks, and `hd-plugin train` on them."""

import csv
import io
import zipfile

import numpy as np
import pytest
from click.testing import CliRunner

from hd_plugin.cli import main

NETWORKS = """
from torch import nn


def make(classes):
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 24, 3), nn.BatchNorm2d(24), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, classes),
    )


def grouped(classes):
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=4), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, classes),
    )
"""


def rows(path):
    """Of a table, as texts by column."""
    return list(csv.DictReader(path.read_text().splitlines()))


def archive(path, count, seed):
    """A zip of ``count`` dark and ``count`` light images."""
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed: images cannot be made")
    rng = np.random.default_rng(seed)
    with zipfile.ZipFile(path, "w") as z:
        for i, name in enumerate(("dark", "light")):
            for n in range(count):
                pixels = rng.integers(0, 120, (16, 16, 3)) + 70 * i
                buffer = io.BytesIO()
                image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
                z.writestr(f"{name}/{n}.png", buffer.getvalue())
    return path


@pytest.fixture(name="images", scope="module")
def images_fixture(tmp_path_factory):
    """Training and test images."""
    folder = tmp_path_factory.mktemp("images")
    return archive(folder / "train.zip", 48, 0), archive(folder / "test.zip", 20, 1)


@pytest.fixture(name="theirs", scope="module")
def theirs_fixture(tmp_path_factory):
    """The folder of a user's own networks: the module their_net."""
    folder = tmp_path_factory.mktemp("theirs")
    (folder / "their_net.py").write_text(NETWORKS)
    return folder


@pytest.fixture(name="on_path")
def on_path_fixture(theirs, monkeypatch):
    """Those can be imported; torch takes one thread."""
    import torch

    monkeypatch.syspath_prepend(theirs)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def train(output, images, *more):
    options = ["--float-epochs", "2", "--epochs", "5", "--batch", "16", "-o", output]
    command = ["train", "their_net:make", "--data", images[0], "--test", images[1], *options, *more]
    return CliRunner().invoke(main, [str(part) for part in command])
