"""Whole runs of each method on a tiny network."""

from pathlib import Path

import numpy as np
import pytest
from training_cases import rows

torch = pytest.importorskip("torch", reason="torch is not installed: training cannot run")

import hd_plugin as hd  # noqa: E402
from hd_plugin.errors import InputError  # noqa: E402
from hd_plugin.training.data import Images  # noqa: E402
from hd_plugin.training.loop import Recipe, Running, fit  # noqa: E402
from hd_plugin.training.loss import HammingLoss  # noqa: E402
from hd_plugin.training.methods import METHODS, Method, make_method  # noqa: E402
from hd_plugin.training.models import MODELS, MobileNetV2Cifar, ResNetCifar, make_model  # noqa: E402
from hd_plugin.training.orders import Ordering, layers_of  # noqa: E402
from hd_plugin.training.quantised import fake_of, quantised_layers  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread():
    """Threads only get into each other's way on networks as small as these."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def images():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(128) % 2
    pixels = labels.view(-1, 1, 1, 1) * 60 + torch.randint(0, 120, (128, 3, 16, 16), generator=generator)
    return Images(pixels.to(torch.uint8), labels, ["dark", "light"])


def tiny():
    torch.manual_seed(0)
    return ResNetCifar(2, blocks=1, width=8)


_FLOATS = {}


def floats(images):
    """The state of a float network, trained once."""
    if not _FLOATS:
        import tempfile

        model = tiny()
        with tempfile.TemporaryDirectory() as folder:
            assert fit(model, images, None, Recipe(epochs=2, batch=16, rate=0.05), Path(folder))
        _FLOATS.update(model.state_dict())
    return _FLOATS


def run(method, strength, images, folder, epochs=6, minutes=None):
    folder.mkdir(exist_ok=True)
    model = tiny()
    chosen = make_method(method, strength, "twos_complement", Ordering())
    model.load_state_dict(floats(images))
    recipe, running = Recipe(epochs=epochs, batch=16, rate=0.02), Running(minutes=minutes)
    done = fit(model, images, chosen, recipe, folder, running=running)
    return model, chosen, done


def flips_of(model):
    return {
        name: hd.flips(layer, hd.optimize(layer))
        for name, layer in layers_of(model, "twos_complement").items()
    }


@pytest.fixture(scope="module")
def baseline(images, tmp_path_factory):
    return run("baseline", 0.0, images, tmp_path_factory.mktemp("run") / "baseline")[0]


@pytest.mark.parametrize("method, strength", [("paper", 6.0), ("trellis", 0.5)])
def test_training_under_a_method_flips_fewer_bits_and_still_learns(
    method, strength, images, baseline, tmp_path
):
    model, _, done = run(method, strength, images, tmp_path / "run")
    assert done and sum(flips_of(model).values()) < 0.9 * sum(flips_of(baseline).values())
    log = rows(tmp_path / "run" / "log.csv")
    assert [int(r["epoch"]) for r in log] == list(range(1, 7))
    assert float(log[-1]["train_top1"]) > 80 and float(log[-1]["flips"]) < float(log[0]["flips"])


def test_frozen_bits_stay_frozen(images, tmp_path):
    """Watched from outside, epoch by epoch: the bits above the regularised one never change again."""
    seen = []

    class Watched(METHODS["paper"]):
        def before_epoch(self, epoch):
            super().before_epoch(epoch)
            codes = np.concatenate(
                [la.codes.ravel() for la in layers_of(self.model, "offset_binary").values()]
            )
            seen.append((-1 if self.bit is None else self.bit, codes))

    (tmp_path / "run").mkdir()
    model = tiny()
    watched = Watched(3.0, "twos_complement", Ordering())
    fit(model, images, watched, Recipe(epochs=6, batch=16, rate=0.05), tmp_path / "run")
    last = np.concatenate([la.codes.ravel() for la in layers_of(model, "offset_binary").values()])
    assert [b for b, _ in seen] == [3, 3, 2, 1, 0, -1]
    moved = 0
    for b, codes in seen:
        assert (codes >> (b + 1) == last >> (b + 1)).all()
        moved += (codes != last).sum()
    assert moved  # the other bits did move


@pytest.mark.parametrize("method, strength", [("baseline", 0.0), ("paper", 3.0), ("trellis", 0.5)])
def test_a_resumed_run_is_the_same_bit_by_bit(method, strength, images, tmp_path):
    whole, _, _ = run(method, strength, images, tmp_path / "whole", epochs=3)
    pieces = 0
    while True:
        model, _, done = run(method, strength, images, tmp_path / "pieces", epochs=3, minutes=0)
        pieces += 1
        if done:
            break
    assert pieces == 3
    for (name, one), two in zip(whole.state_dict().items(), model.state_dict().values()):
        assert torch.equal(torch.as_tensor(one), torch.as_tensor(two)), name
    logs = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in rows(tmp_path / p / "log.csv")]
        for p in ("whole", "pieces")
    ]
    assert logs[0] == logs[1]


def test_another_runs_checkpoint_is_refused(images, tmp_path):
    run("baseline", 0.0, images, tmp_path / "run", epochs=1)
    with pytest.raises(InputError, match="of another run.*epochs: 1 there, 2 here"):
        run("baseline", 0.0, images, tmp_path / "run", epochs=2)


def test_trellis_codes_are_what_the_network_runs_on(images, tmp_path):
    model, _, _ = run("trellis", 0.5, images, tmp_path / "run", epochs=3)
    for name, module in quantised_layers(model).items():
        layer = layers_of(model, "twos_complement")[name]
        used = module.weight.detach() / fake_of(module).scale
        assert torch.allclose(
            used, torch.from_numpy(layer.values.astype(np.float32)).view_as(used), atol=1e-4
        )
        nearest = torch.round(module.parametrizations.weight.original.detach() / fake_of(module).scale)
        assert (nearest != torch.round(used)).any() or layer.codes.size < 100


def test_unknown_names_and_bad_numbers_are_named():
    with pytest.raises(InputError, match="did you mean 'trellis'"):
        make_method("treliss", 0.1, "twos_complement", Ordering())
    with pytest.raises(InputError, match="strength: -1"):
        make_method("trellis", -1, "twos_complement", Ordering())
    with pytest.raises(InputError, match="did you mean 'resnet20'"):
        make_model("resnet2", 10)
    with pytest.raises(InputError, match="json:dumps.*returned str"):
        make_model("json:dumps", 10)
    with pytest.raises(InputError, match="number_format: 'gray'"):
        HammingLoss(torch.nn.Sequential(), "gray")
    with pytest.raises(InputError, match="epochs: 0"):
        Recipe(epochs=0)


def test_any_module_with_convolutions_or_linear_layers_trains(images, tmp_path, monkeypatch):
    (tmp_path / "theirs.py").write_text(
        "from torch import nn\n"
        "def net(classes):\n"
        "    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),\n"
        "        nn.Linear(8, classes))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "run").mkdir()
    model = make_model("theirs:net", 2)
    method = make_method("trellis", 0.2, "gray", Ordering())
    assert fit(model, images, method, Recipe(epochs=1, batch=32), tmp_path / "run")


def test_a_method_of_ones_own_is_a_class_and_a_line(images, tmp_path):
    class Decay(Method):
        """The weights themselves as a penalty."""

        name = "decay"

        def penalty(self):
            weights = [m.parametrizations.weight.original for m in quantised_layers(self.model).values()]
            return self.strength * sum((w**2).sum() for w in weights)

    METHODS.register("decay", Decay)
    try:
        sizes = []
        for strength in (0.0, 0.3):
            model, _, _ = run("decay", strength, images, tmp_path / f"run{strength}", epochs=2)
            sizes.append(sum(float((p.detach() ** 2).sum()) for p in model.parameters()))
        assert sizes[1] < 0.9 * sizes[0]
    finally:
        METHODS.unregister("decay")
    with pytest.raises(InputError, match="method: 'decay' is unknown"):
        make_method("decay", 0.1, "twos_complement", Ordering())


def test_mobilenet_has_the_layers_of_table_5():
    layers = [
        m
        for m in quantised_layers(MobileNetV2Cifar(100)).values()
        if isinstance(m, torch.nn.Conv2d) and m.kernel_size == (1, 1)
    ]
    channels = [(m.in_channels, m.out_channels) for m in layers][-33:]
    from hd_plugin._data_files import data_folder
    from hd_plugin.engines.timeloop import load_problem

    shapes = [load_problem(p) for p in sorted((data_folder("layers") / "mobilenet_v2_table5").glob("*.yaml"))]
    assert channels == [(s.C, s.K) for s in shapes]
    for name in MODELS:
        assert make_model(name, 7)(torch.zeros(1, 3, 32, 32)).shape == (1, 7)
