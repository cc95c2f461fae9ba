"""The Hamming distance as a loss, and frozen bits."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: training cannot run")

import hd_plugin as hd  # noqa: E402
from hd_plugin.training.loss import HammingLoss, bit, frozen_range  # noqa: E402
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
    loss, _, _ = planned(quantised)
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
        # where two words agree in the bit, |0| has no slope, and the estimator says 0: compare where
        # neighbours all differ
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
    """In steps, a weight is pulled as hard in a small layer as in a large one, and at any scale."""
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
