"""The Hamming distance as a loss, frozen bits, and whole runs of each method on a tiny network."""

import csv
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: training cannot run")

import hd_plugin as hd  # noqa: E402
from hd_plugin.errors import InputError  # noqa: E402
from hd_plugin.training.loop import Recipe, fit  # noqa: E402
from hd_plugin.training.loss import HammingLoss, bit, frozen_range  # noqa: E402
from hd_plugin.training.methods import METHODS, make_method  # noqa: E402
from hd_plugin.training.models import MODELS, MobileNetV2Cifar, ResNetCifar, make_model  # noqa: E402
from hd_plugin.training.orders import Ordering, layers_of  # noqa: E402
from hd_plugin.training.quantised import fake_of, quantise_weights, quantised_layers  # noqa: E402


def test_bits_by_floor_are_the_bits():
    x = torch.arange(16, dtype=torch.float32)
    for b in range(4):
        for frozen in (False, True):
            assert bit(x, b, 4, frozen).tolist() == [(i >> b) & 1 for i in range(16)]


def test_the_plain_estimator_reaches_only_the_most_significant_bit():
    """The paper, section 4.4: d Bit_b / dx = 0 for all b but B - 1."""
    for b in range(4):
        x = torch.arange(16, dtype=torch.float32, requires_grad=True)
        bit(x, b, 4, frozen=False).sum().backward()
        assert x.grad.tolist() == [1 / 8 if b == 3 else 0.0] * 16


def test_with_the_bits_above_frozen_every_bit_is_reached():
    for b in range(4):
        x = torch.arange(16, dtype=torch.float32, requires_grad=True)
        bit(x, b, 4, frozen=True).sum().backward()
        assert x.grad.tolist() == [1 / 2**b] * 16


def test_a_frozen_range_holds_the_integers_with_the_same_upper_bits():
    integers = torch.arange(-7, 8, dtype=torch.float32)
    for b in range(5):
        low, high = frozen_range(integers, b, 4)
        for i, lo, hi in zip(range(-7, 8), low.tolist(), high.tolist()):
            same = [j for j in range(-7, 8) if (j + 8) >> b == (i + 8) >> b]
            assert (lo, hi) == (same[0], same[-1])


@pytest.fixture
def quantised():
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(6, 10, 3, bias=False), torch.nn.Flatten(), torch.nn.Linear(10, 5)
    )
    quantise_weights(model, 4)
    return model


def planned(model):
    loss = HammingLoss(model)
    layers = layers_of(model, "twos_complement")
    plans = Ordering(rows=4).renew(layers, {})
    loss.set_plans(plans)
    return loss, layers, plans


def test_the_loss_counts_the_flips_of_the_plan_bit_by_bit(quantised):
    loss, layers, plans = planned(quantised)
    for name, module in quantised_layers(quantised).items():
        bits = [float(loss.layer_flips(name, module.weight.detach(), b)) for b in range(4)]
        assert sum(bits) == hd.flips(layers[name], plans[name])
        assert loss.orders[name].shape == (layers[name].K, layers[name].C * layers[name].taps)


@pytest.mark.parametrize("b", range(4))
def test_the_gradient_is_that_of_the_relaxed_loss(quantised, b):
    """Floors replaced by straight lines through the present point: central differences in float64."""
    loss, layers, _ = planned(quantised)
    for name, module in quantised_layers(quantised).items():
        weight = module.weight.detach().double().requires_grad_()
        fake = fake_of(module)
        fake.scale = fake.scale.double()
        loss.layer_flips(name, weight, b).backward()
        x0 = torch.round(weight.detach() / fake.scale + 8).flatten(1)
        planes0, order = ((x0.long() >> b) & 1).double(), loss.orders[name]

        def relaxed(w):
            planes = planes0 + ((w / fake.scale + 8).flatten(1) - x0) / 2**b
            streamed = planes.gather(0, order)
            return (streamed[1:] - streamed[:-1]).abs().sum()

        found, size = weight.grad.flatten(), weight.numel()
        # where two words agree in the bit, |0| has no slope, and the estimator says 0: compare where neighbours all differ
        same = planes0.gather(0, order)[1:] == planes0.gather(0, order)[:-1]
        smooth = torch.ones_like(planes0, dtype=torch.bool)
        smooth.scatter_(0, order[1:], ~same)
        smooth &= torch.ones_like(smooth).scatter_(0, order[:-1], ~same)
        picked = [i for i in range(size) if smooth.flatten()[i]][:25]
        assert picked
        for i in picked:
            step = torch.zeros(size, dtype=torch.float64)
            step[i] = 1e-4 * float(fake.scale.max())
            slope = (
                relaxed(weight.detach() + step.view_as(weight))
                - relaxed(weight.detach() - step.view_as(weight))
            ) / (2 * step[i])
            # per step of the weight, handed on times the step: lambda then means the same everywhere
            assert float(found[i]) == pytest.approx(float(slope * fake.scale**2), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("per_channel", [False, True])
def test_lambda_means_the_same_for_every_size_and_scale(per_channel):
    """In steps, a weight is pulled as hard in a small layer as in a large one, and whatever the scale of its channel."""
    for channels, scale in ((8, 1.0), (64, 1.0), (8, 30.0)):
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(channels, 12, bias=False))
        with torch.no_grad():
            model[0].weight.mul_(scale)
            model[0].weight[:6].mul_(10)
        quantise_weights(model, 4, per_channel)
        loss, _, _ = planned(model)
        loss(3).backward()
        pulls = model[0].parametrizations.weight.original.grad / fake_of(model[0]).scale
        # no neighbour differs, one does, or both do: an eighth of a bit per step for each flip
        distance = torch.stack([(pulls.abs() - pull).abs() for pull in (0, 1 / 8, 2 / 8)]).amin(0)
        assert float(distance.max()) < 1e-6 and float(pulls.abs().max()) > 0.1


def test_freezing_bits_leaves_every_weight_its_gradient():
    """Each weight rounds to an integer of its frozen range, so none is beyond it."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(200, 50, bias=False))
    quantise_weights(model, 4)
    fake, weight = fake_of(model[0]), model[0].parametrizations.weight.original
    inside = (weight.abs() < 7.5 * fake.scale).detach()
    for b in (3, 2, 1):
        low, high = frozen_range(fake.integers(weight.detach()), b, 4)
        fake.lowest.copy_(low)
        fake.highest.copy_(high)
        weight.grad = None
        model[0].weight.sum().backward()
        assert (weight.grad[inside] == 1).all()


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
    return pixels.to(torch.uint8), labels


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
            assert fit(model, *images, None, Recipe(epochs=2, batch=16, rate=0.05), Path(folder))
        _FLOATS.update(model.state_dict())
    return _FLOATS


def run(method, strength, images, folder, epochs=6, **options):
    folder.mkdir(exist_ok=True)
    model = tiny()
    chosen = make_method(method, strength, "twos_complement", Ordering())
    model.load_state_dict(floats(images))
    done = fit(model, *images, chosen, Recipe(epochs=epochs, batch=16, rate=0.02), folder, **options)
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
    model, chosen, done = run(method, strength, images, tmp_path / "run")
    assert done and sum(flips_of(model).values()) < 0.9 * sum(flips_of(baseline).values())
    rows = list(csv.DictReader((tmp_path / "run" / "log.csv").open()))
    assert [int(r["epoch"]) for r in rows] == list(range(1, 7))
    assert float(rows[-1]["train_top1"]) > 80 and float(rows[-1]["flips"]) < float(rows[0]["flips"])


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
    fit(
        model,
        *images,
        Watched(3.0, "twos_complement", Ordering()),
        Recipe(epochs=6, batch=16, rate=0.05),
        tmp_path / "run",
    )
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
        [
            {k: v for k, v in row.items() if k != "seconds"}
            for row in csv.DictReader((tmp_path / p / "log.csv").open())
        ]
        for p in ("whole", "pieces")
    ]
    assert logs[0] == logs[1]


def test_another_runs_checkpoint_is_refused(images, tmp_path):
    run("baseline", 0.0, images, tmp_path / "run", epochs=1)
    with pytest.raises(InputError, match="of another run.*epochs: 1 there, 2 here"):
        run("baseline", 0.0, images, tmp_path / "run", epochs=2)


def test_trellis_codes_are_what_the_network_runs_on(images, tmp_path):
    model, chosen, _ = run("trellis", 0.5, images, tmp_path / "run", epochs=3)
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
        "import torch\ndef net(classes):\n    return torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(),"
        " torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(8, classes))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "run").mkdir()
    model = make_model("theirs:net", 2)
    assert fit(
        model,
        *images,
        make_method("trellis", 0.2, "gray", Ordering()),
        Recipe(epochs=1, batch=32),
        tmp_path / "run",
    )


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
