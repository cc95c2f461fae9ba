"""Reordered networks compute what they did: floats up to the order of sums, integers exactly."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hd_plugin as hd
from hd_plugin.errors import InputError
from hd_plugin.rewriting import ChannelGraph, solve
from hd_plugin.rewriting._channels import order_of

torch = pytest.importorskip("torch", reason="torch is not installed: PyTorch networks cannot be rewritten")

from rewriting_cases import NETWORKS, Barriers, Everything, randomised  # noqa: E402
from torch import nn  # noqa: E402

from hd_plugin.rewriting.torch_network import rewrite_torch, rounded_layer  # noqa: E402
from hd_plugin.training.integers import activation_steps, integer_scores  # noqa: E402
from hd_plugin.training.models import make_model  # noqa: E402
from hd_plugin.training.quantised import quantised_layers  # noqa: E402


@pytest.fixture(params=NETWORKS)
def network(request):
    make, size = NETWORKS[request.param]
    torch.manual_seed(1)
    return randomised(make()), torch.randn(3, 3, size, size)


@pytest.mark.parametrize("outputs", ["keep", "permute"])
def test_a_rewritten_network_computes_the_same(network, outputs):
    model, x = network
    made = rewrite_torch(model, x[:1], outputs=outputs)
    with torch.no_grad():
        before, after = model(x), made.model(x)
    torch.testing.assert_close(after, before[:, torch.from_numpy(made.output_order)], rtol=1e-4, atol=1e-5)
    assert outputs == "permute" or made.output_order.tolist() == list(range(before.shape[1]))
    assert sum(r.flips for r in made.told) < sum(r.flips_before for r in made.told)
    assert not torch.equal(
        model.state_dict()[f"{made.told[-2].name}.weight"],
        made.model.state_dict()[f"{made.told[-2].name}.weight"],
    )
    assert [layer.name for layer in made.layers] == list(dict.fromkeys(r.name for r in made.told))
    for layer in made.layers:  # the codes moved as the weights did
        weight = made.model.get_submodule(layer.name).weight.detach().numpy().reshape(layer.codes.shape)
        assert (layer.weights == weight).all() and (hd.weights.quantise(weight, 4)[0] == layer.values).all()


def test_what_is_tied_and_what_stays_is_told():
    torch.manual_seed(1)
    told = {r.name: r for r in rewrite_torch(randomised(Everything()), torch.randn(1, 3, 8, 8)).told}
    assert (
        "back" in told["stem"].tied and "twice" in told["stem"].tied
    )  # an addition, and a module that is called twice
    assert not told["branch1"].tied and not told["tail"].tied and told["tail"].pinned is None
    assert set(told["excite"].tied) == set() and told["out"].pinned == "network output"
    told = {r.name: r for r in rewrite_torch(Barriers(), torch.randn(1, 3, 8, 8)).told}
    assert (
        told["a"].pinned == "module b (Conv2d)"
        and told["c"].pinned == "module norm (GroupNorm)"
        and told["d"].pinned is None
    )
    assert "b" not in told


def test_a_forgotten_batch_norm_shows():
    """The check above can fail."""
    model, x = randomised(make_model("resnet8", 10)), torch.randn(2, 3, 32, 32)
    made = rewrite_torch(model, x[:1])
    key = "layer1.0.bn1.weight"
    made.model.load_state_dict({**made.model.state_dict(), key: model.state_dict()[key]})
    with torch.no_grad():
        assert not torch.allclose(made.model(x), model(x), rtol=1e-2, atol=1e-2)


def test_tied_layers_get_the_best_joint_order():
    """Two layers that are added, against every permutation of their six channels."""
    rng = np.random.default_rng(3)
    layers = {n: hd.Layer.from_values(n, rng.integers(-7, 8, (6, 5)), 4) for n in "ab"}
    graph = ChannelGraph()
    spaces = [graph.space(6), graph.space(6)]
    for name, space in zip("ab", spaces):
        graph.layer(name, name, space, graph.space(5, "network input"))
    graph.tie(*spaces)
    solution = solve(graph, layers)
    best = min(
        sum(hd.flips(hd.Layer.from_values("x", la.values[list(p)], 4)) for la in layers.values())
        for p in itertools.permutations(range(6))
    )
    assert sum(r.flips for r in solution.told) == best and solution.told[0].tied == ("b",)
    assert order_of(spaces[0], solution.orders).tolist() == order_of(spaces[1], solution.orders).tolist()


@settings(max_examples=60)
@given(st.integers(0, 10**6))
def test_blocks_stay_consistent_however_spaces_are_joined(seed):
    """Random ties, slices and concatenations: any orders of the blocks keep tied channels at tied places."""
    rng = np.random.default_rng(seed)
    graph, spaces = ChannelGraph(), []
    spaces = [graph.space(int(n)) for n in rng.integers(1, 9, 4)]
    ties = []
    for _ in range(6):
        kind = rng.integers(3)
        a, b = (spaces[i] for i in rng.integers(len(spaces), size=2))
        if kind == 0:
            spaces.append(graph.side_by_side([a, b]))
        elif kind == 1 and a.channels > 1:
            start, stop = sorted(rng.choice(a.channels + 1, 2, replace=False).tolist())
            spaces.append(graph.part(a, start, stop))
        else:
            n = min(a.channels, b.channels)
            pair = graph.part(a, 0, n), graph.part(b, b.channels - n, b.channels)
            graph.tie(*pair)
            ties.append(pair)
    blocks = list({id(b): b for s in spaces for b in s.blocks()}.values())
    orders = {b: rng.permutation(b.size) for b in blocks}
    for s in spaces:
        assert sorted(order_of(s, orders).tolist()) == list(range(s.channels))
    for a, b in ties:
        assert order_of(a, orders).tolist() == order_of(b, orders).tolist()


def test_integer_outputs_are_identical():
    """Sums of the last layer, activations rounded to 8 bits: none differs once the last order is undone."""
    model = randomised(make_model("resnet8", 10))
    torch.manual_seed(0)
    images, labels = torch.randint(0, 256, (40, 3, 32, 32), dtype=torch.uint8), torch.randint(0, 10, (40,))
    steps = activation_steps(model, images)
    plain = {r.name: r for r in rewrite_torch(model, torch.zeros(1, 3, 32, 32)).layers}
    layers = [rounded_layer(name, module) for name, module in quantised_layers(model).items()]
    for outputs in ("keep", "permute"):
        made = rewrite_torch(
            model, torch.zeros(1, 3, 32, 32), {la.name: la for la in layers}, outputs=outputs
        )
        before = integer_scores(model, layers, steps, images, labels)
        after = integer_scores(made.model, made.layers, steps, images, labels, output_order=made.output_order)
        assert (before.sums[:, made.output_order] == after.sums).all() and before.top1 == after.top1
        assert len(set(before.sums.reshape(-1).tolist())) > 50
    assert set(plain) == {la.name for la in layers}
    wrong = [made.layers[0], *layers[1:]]  # and it can fail
    assert (integer_scores(model, wrong, steps, images, labels).sums != before.sums).any()


class Depends(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


def test_bad_input_is_named():
    with pytest.raises(InputError, match="torch.fx cannot trace it"):
        rewrite_torch(Depends(), torch.zeros(1, 3, 8, 8))
    with pytest.raises(InputError, match="keep or permute"):
        rewrite_torch(make_model("resnet8", 10), torch.zeros(1, 3, 32, 32), outputs="both")
