import io
import zipfile

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: training cannot run")
Image = pytest.importorskip("PIL.Image", reason="pillow is not installed: images cannot be read")

from hd_plugin.errors import InputError  # noqa: E402
from hd_plugin.training.baseline import BaselineRecipe, train  # noqa: E402
from hd_plugin.training.data import Images, augmented_batches, load_images, normalise  # noqa: E402
from hd_plugin.training.evaluate import accuracy  # noqa: E402
from hd_plugin.training.models import ResNetCifar  # noqa: E402
from hd_plugin.training.orders import layers_of  # noqa: E402
from hd_plugin.training.quantised import quantise_weights, quantised_layers  # noqa: E402
from hd_plugin.training.saved import load_into, save_network  # noqa: E402
from hd_plugin.training.sizes import output_sizes  # noqa: E402
from hd_plugin.weights import load_network, quantise  # noqa: E402


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "images.zip"
    with zipfile.ZipFile(path, "w") as z:
        for c, name in enumerate(("cat", "ape", "bee")):
            for i in range(4):
                buffer = io.BytesIO()
                Image.fromarray(np.full((8, 8, 3), 20 * c + i, np.uint8)).save(buffer, "PNG")
                z.writestr(f"train/{name}/{i}.png", buffer.getvalue())
    return path


def test_labels_are_folder_names_in_alphabetical_order(archive):
    images, labels, classes = load_images(archive, archive)
    assert classes == ["ape", "bee", "cat"] and images.shape == (24, 3, 8, 8)
    for image, label in zip(images, labels):
        assert int(image[0, 0, 0]) // 20 == {"cat": 0, "ape": 1, "bee": 2}[classes[label]]


@pytest.mark.parametrize("content", [b"", b"no zip"])
def test_what_is_no_archive_is_refused_by_name(content, tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    with pytest.raises(InputError, match="x.zip"):
        load_images(path)


def test_augmented_images_are_shifted_or_mirrored_originals():
    image = torch.arange(1, 3 * 6 * 6 + 1, dtype=torch.uint8).reshape(1, 3, 6, 6)
    [(x, _)] = augmented_batches(image, torch.tensor([0]), 1, torch.Generator().manual_seed(3), pad=2)
    padded = torch.nn.functional.pad(image, (2,) * 4)
    found = [
        torch.allclose(x, normalise(v))
        for dy in range(5)
        for dx in range(5)
        for v in (padded[:, :, dy : dy + 6, dx : dx + 6], padded[:, :, dy : dy + 6, dx : dx + 6].flip(3))
    ]
    assert any(found)


def test_rounding_in_the_forward_pass_equals_quantise_and_gradients_pass_straight():
    layer = torch.nn.Linear(40, 5)
    weight = layer.weight.detach().numpy().copy()
    quantise_weights(torch.nn.Sequential(layer), 4)
    integers, scale = quantise(weight, 4)
    assert np.allclose(layer.weight.detach().numpy(), integers * scale, atol=1e-6)
    layer.weight.sum().backward()
    inside = np.abs(weight) < 7.5 * float(scale)
    assert (layer.parametrizations.weight.original.grad.numpy() == inside).all()


def test_a_tiny_network_trains_saves_and_scores_the_same_when_read_back(tmp_path):
    torch.manual_seed(0)
    labels = torch.arange(64) % 2
    images = (labels.view(-1, 1, 1, 1) * 120 + torch.randint(0, 60, (64, 3, 16, 16))).to(torch.uint8)
    model = ResNetCifar(blocks=1, classes=2, width=4)
    log = []
    recipe = BaselineRecipe(epochs=6, quantised_epochs=3, bits=4, batch=16, peak_rate=0.1, seed=0)
    train(model, Images(images, labels, ["dark", "light"]), recipe, log.append)
    assert log[-1]["loss"] < log[0]["loss"] and [r["quantised"] for r in log] == [False] * 3 + [True] * 3
    save_network(
        tmp_path / "tiny.npz",
        model,
        layers_of(model, "twos_complement", output_sizes(model, (1, 3, 16, 16))).values(),
    )
    network = load_network(tmp_path / "tiny.npz", bits=4)
    for layer, module in zip(network.layers, quantised_layers(model).values()):
        assert np.allclose(
            layer.values.reshape(module.weight.shape) * layer.scale, module.weight.detach().numpy(), atol=1e-6
        )
    assert network.layers[0].output_hw == (16, 16) and network.layers[-1].output_hw == (1, 1)
    read = load_into(ResNetCifar(blocks=1, classes=2, width=4), tmp_path / "tiny.npz")
    with torch.no_grad():
        assert torch.allclose(read(normalise(images)), model.eval()(normalise(images)), atol=1e-4)
    assert accuracy(read, images, labels)[0] == accuracy(model, images, labels)[0] >= 90
