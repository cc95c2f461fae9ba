"""A network with encoded products: bit for bit what plain loops make of it, calibrated, trained, refused."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: networks cannot run")

from hd_plugin import encoding_mac as em  # noqa: E402
from hd_plugin.errors import InputError  # noqa: E402
from hd_plugin.training.data import Images, normalise  # noqa: E402
from hd_plugin.training.encoded import assign, encoded_scores, shrink  # noqa: E402
from hd_plugin.training.encoded_steps import calibrate_encoded  # noqa: E402
from hd_plugin.training.encoded_tuning import EncodedTuning  # noqa: E402
from hd_plugin.training.integers import activation_steps, integer_scores  # noqa: E402
from hd_plugin.training.loop import Recipe, Running, fit  # noqa: E402
from hd_plugin.training.orders import Ordering  # noqa: E402
from hd_plugin.training.quantised import quantise_weights, quantised_layers  # noqa: E402
from hd_plugin.weights import Layer, quantise  # noqa: E402

CLASSES = 3


def network(seed=0):
    """Two convolutions, one with stride and without a bias, and a classifier."""
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 5, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.Conv2d(5, 18, 3, stride=2, padding=(1, 0), bias=False),
        torch.nn.BatchNorm2d(18),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(18, CLASSES),
    ).eval()


def layers_of(model, bits=8):
    found = []
    for name, module in quantised_layers(model).items():
        values, scale = quantise(module.weight.detach().numpy(), bits, per_channel=True)
        found.append(Layer.from_values(name, values, bits, scale=scale))
    return found


@pytest.fixture(name="made")
def made_fixture():
    model = network()
    images = torch.randint(
        0, 256, (7, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )
    labels = torch.arange(7) % CLASSES
    return model, layers_of(model), activation_steps(model, images), images, labels


def everywhere(layers, encoding):
    return dict.fromkeys((layer.name for layer in layers), encoding)


def test_exact_encodings_make_the_exact_sums_signed_inputs_too(made):
    model, layers, steps, images, labels = made
    exact = integer_scores(model, layers, steps, images, labels)
    assigned = assign(layers, steps, everywhere(layers, em.exact(8, 8, a_signed=False)))
    found = encoded_scores(model, layers, assigned, images, labels)
    assert (found.sums == exact.sums).all() and found.top1 == exact.top1 and assigned.steps == steps
    assert assigned.how["0"].offset == 128 and assigned.how["2"].offset == 0
    assert len(assigned.notes) == 1 and "layer '0': inputs are signed" in assigned.notes[0]


def test_an_encoding_of_signed_operands_halves_the_levels_of_unsigned_inputs(made):
    model, layers, steps, images, labels = made
    assigned = assign(layers, steps, everywhere(layers, em.exact(8, 8)))
    used = assigned.steps
    assert used["0"] == steps["0"] and used["2"] == (steps["2"][0] * 255 / 127, True)
    assert len(assigned.notes) == 1 and "2 layers: inputs are unsigned" in assigned.notes[0]
    assert "128 levels" in assigned.notes[0]
    found = encoded_scores(model, layers, assigned, images, labels)
    assert (found.sums == integer_scores(model, layers, used, images, labels).sums).all()


def convolved(layer, x, table, zero, stride=(1, 1), padding=(0, 0)):
    """Plain loops over rounded inputs, integers[C, H, W]."""
    x = np.pad(x + zero, ((0, 0), (padding[0],) * 2, (padding[1],) * 2), constant_values=zero)
    K, C, Fy, Fx = layer.codes.shape
    P, Q = (x.shape[1] - Fy) // stride[0] + 1, (x.shape[2] - Fx) // stride[1] + 1
    found = np.zeros((K, P, Q), np.int64)
    for k, p, q, c, y, z in np.ndindex(K, P, Q, C, Fy, Fx):
        a, w = x[c, p * stride[0] + y, q * stride[1] + z], layer.values[k, c, y, z] + (1 << layer.bits - 1)
        found[k, p, q] += table[a, w]
    return found


@pytest.mark.parametrize("bits", [4, 8])
def test_a_network_is_what_plain_loops_make_of_it(bits):
    model = network(3)
    layers = layers_of(model, bits)
    images = torch.randint(
        0, 256, (1, 3, 6, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(2)
    )
    steps = activation_steps(model, images)
    encoding = em.truncated(8, bits, 20, a_signed=False)
    assigned = assign(layers, steps, everywhere(layers, encoding))
    found = encoded_scores(model, layers, assigned, images, torch.tensor([0]))
    table, by_name = encoding.table(), {layer.name: layer for layer in layers}

    def layer_out(name, x, zero=0, **how):
        layer, module = by_name[name], dict(model.named_modules())[name]
        low, high = (-128, 127) if zero else (0, 255)
        rounded = np.clip(np.rint(x / np.float32(steps[name][0])), low, high).astype(int)
        sums = convolved(layer, rounded, table, zero, **how)
        sums = sums - zero * layer.values.reshape(layer.K, -1).sum(1, dtype=int)[:, None, None]
        out = sums * (layer.scale * steps[name][0])[:, None, None]
        bias = 0 if module.bias is None else module.bias.detach().numpy()[:, None, None]
        return sums, (out + bias).astype(np.float32)

    x = normalise(images)[0].numpy()
    _, x = layer_out("0", x, 128, padding=(1, 1))
    _, x = layer_out("2", np.maximum(x, 0), stride=(2, 2), padding=(1, 0))
    x = model[3](torch.from_numpy(x)[None]).detach().numpy()[0]
    sums, _ = layer_out("7", np.maximum(x, 0).mean((1, 2))[:, None, None])
    # the float part in between adds in another order: an input may round to its neighbour
    assert np.abs(found.sums - sums[:, 0, 0]).max() <= 0.01 * np.abs(sums).max()
    assert steps["0"][1] and not steps["2"][1]


def test_wrong_layers_and_widths_are_refused(made):
    _, layers, steps, *_ = made
    with pytest.raises(InputError, match=r"layer 'conv': not in the network; .*0"):
        assign(layers, steps, {"conv": em.exact(8, 8)})
    with pytest.raises(InputError, match="layer '2': .*weights signed 8-bit; encoding 'exact_8x4' takes"):
        assign(layers, steps, {"2": em.exact(8, 4, a_signed=False)})


def test_layers_without_an_encoding_multiply_exactly(made):
    model, layers, steps, images, labels = made
    exact = integer_scores(model, layers, steps, images, labels)
    assigned = assign(layers, steps, {"2": None})
    assert not assigned.how and not assigned.notes
    assert (encoded_scores(model, layers, assigned, images, labels).sums == exact.sums).all()


def test_a_correction_takes_the_mean_error_off_and_a_constant_with_it(made):
    model, layers, steps, images, labels = made
    scores = []
    for compensate in (True, False):
        encoding = em.truncated(8, 8, 30, compensate, a_signed=False)
        assigned = assign(layers, steps, everywhere(layers, encoding))
        assigned = calibrate_encoded(model, layers, assigned, images, (1.0,))
        assert assigned.steps == steps
        scores.append(encoded_scores(model, layers, assigned, images, labels))
    exact = model(normalise(images)).detach().numpy()
    last = layers[-1]
    bias = model[7].bias.detach().numpy()
    for one in scores:
        out = one.sums * np.asarray(last.scale) * steps["7"][0] + bias
        assert np.allclose(out.mean(0), exact.mean(0), atol=0.05)
    assert np.allclose(scores[0].sums, scores[1].sums, atol=1e-6)  # padding and all


def test_calibration_takes_the_steps_that_err_least(made):
    model, layers, steps, images, labels = made
    encoding = em.truncated(8, 8, 26, a_signed=False)
    assigned = assign(layers, steps, everywhere(layers, encoding))
    used = {name: (4 * step, signed) for name, (step, signed) in steps.items()}  # as of one input far out
    assigned = replace(assigned, steps=used)
    exact = model(normalise(images)).detach().numpy()
    errors = []
    for clips in ((1.0,), (1.0, 0.5, 0.3)):
        fitted = calibrate_encoded(model, layers, assigned, images, clips)
        new = fitted.steps
        assert {round(new[n][0] / used[n][0], 6) for n in used} <= set(clips)
        out = encoded_scores(model, layers, fitted, images, labels).sums
        out = out * np.asarray(layers[-1].scale) * new["7"][0] + model[7].bias.detach().numpy()
        errors.append(float(((out - exact) ** 2).mean()))
    assert errors[1] < errors[0] / 4
    again = calibrate_encoded(model, layers, assigned, images, (1.0, 0.5, 0.3))
    assert again.steps == new and (again.how["2"].correction == fitted.how["2"].correction).all()


def test_weights_are_rounded_anew_where_that_errs_less(made):
    model, layers, steps, images, _ = made
    real = {name: m.weight.detach().numpy() for name, m in quantised_layers(model).items()}
    wide = [replace(la, scale=np.asarray(la.scale) * 3, weights=real[la.name]) for la in layers]
    wide = [shrink(la, 1.0) for la in wide]  # steps three times as wide as they should be
    assigned = assign(wide, steps, everywhere(wide, em.exact(8, 8, a_signed=False)))
    found = calibrate_encoded(model, wide, assigned, images)
    assert found.shrunk and max(found.shrunk.values()) < 1
    for before, after in zip(wide, found.layers(wide)):
        errors = [float(((la.values * la.steps - real[la.name]) ** 2).sum()) for la in (before, after)]
        assert errors[1] <= errors[0] and after.bits == 8
    with pytest.raises(InputError, match="layer '0': holds integers, no real weights"):
        shrink(layers[0], 0.5)


def tuned(made, gradient, encoding):
    """The network under training, one forward and backward pass of it, without rounding of the loss."""
    model, layers, steps, images, labels = made
    assigned = assign(layers, steps, everywhere(layers, encoding))
    quantise_weights(model, 8, per_channel=True)
    EncodedTuning(0.0, "twos_complement", Ordering(), {}, assigned, gradient).attach(model, 1, 1)
    x = normalise(images)
    out = model.eval()(x)
    torch.nn.functional.cross_entropy(out, labels).backward()
    return out.detach(), {n: p.grad for n, p in model.named_parameters()}


def test_training_computes_what_scoring_computes(made):
    model, layers, steps, images, labels = made
    encoding = em.truncated(8, 8, 36, a_signed=False)
    assigned = assign(layers, steps, everywhere(layers, encoding))
    wanted = encoded_scores(model, layers, assigned, images, labels).sums
    out, _ = tuned(made, "exact", encoding)
    sums = (out.double().numpy() - model[7].bias.detach().numpy()) / (
        np.asarray(layers[-1].scale) * steps["7"][0]
    )
    assert np.allclose(sums, wanted, rtol=1e-4, atol=0.05 * np.abs(wanted).max())


def test_both_gradients_of_an_exact_encoding_are_those_of_the_exact_product(made):
    import copy

    found = [
        tuned(copy.deepcopy(made), gradient, em.exact(8, 8, a_signed=False))[1]
        for gradient in ("exact", "table")
    ]
    for name in found[0]:
        assert torch.allclose(found[0][name], found[1][name], rtol=1e-3, atol=1e-6), name
    assert float(found[0]["2.parametrizations.weight.original"].abs().max()) > 0


def test_the_tables_gradient_is_another_where_the_table_is(made):
    import copy

    found = [
        tuned(copy.deepcopy(made), gradient, em.truncated(8, 8, 20, a_signed=False))[1]
        for gradient in ("exact", "table")
    ]
    name = "2.parametrizations.weight.original"
    assert not torch.allclose(found[0][name], found[1][name], rtol=1e-3)
    with pytest.raises(InputError, match="gradient: 'tabel' is unknown; did you mean 'table'"):
        EncodedTuning(0.0, "twos_complement", Ordering(), gradient="tabel")


def test_tuning_lowers_the_loss_and_goes_on_where_it_stopped(made, tmp_path):
    import copy

    model, layers, steps, _, _ = made
    labels = torch.arange(48) % CLASSES
    noise = torch.randint(0, 60, (48, 3, 8, 8), generator=torch.Generator().manual_seed(5))
    images = Images((labels.view(-1, 1, 1, 1) * 90 + noise).to(torch.uint8), labels, ["a", "b", "c"])
    assigned = assign(layers, steps, everywhere(layers, em.truncated(8, 8, 30, a_signed=False)))
    recipe = Recipe(3, 16, 0.05, bits=8)

    def method():
        return EncodedTuning(0.0, "twos_complement", Ordering(), {}, assigned, "exact")

    whole = copy.deepcopy(model)
    assert fit(whole, images, method(), recipe, _folder(tmp_path / "whole"))
    for _ in range(3):
        pieces = copy.deepcopy(model)
        done = fit(pieces, images, method(), recipe, _folder(tmp_path / "pieces"), running=Running(minutes=0))
    assert done
    for name, value in whole.state_dict().items():
        other = pieces.state_dict()[name]
        assert not isinstance(value, torch.Tensor) or (value == other).all(), name
    log = (tmp_path / "whole" / "log.csv").read_text().splitlines()
    losses = [float(line.split(",")[1]) for line in log[1:]]
    assert losses[-1] < losses[0]


def _folder(path):
    path.mkdir(exist_ok=True)
    return path
