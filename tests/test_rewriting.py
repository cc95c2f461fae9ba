"""Reordered networks compute what they did: PyTorch and ONNX, floats up to the order of sums, integers exactly."""

import itertools
import json

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import hd_plugin as hd
from hd_plugin.cli import main
from hd_plugin.rewriting import ChannelGraph, solve
from hd_plugin.rewriting._channels import order_of

torch = pytest.importorskip("torch", reason="torch is not installed: PyTorch networks cannot be rewritten")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

from hd_plugin.errors import InputError  # noqa: E402
from hd_plugin.rewriting.torch_network import rewrite_torch  # noqa: E402
from hd_plugin.training.integers import activation_steps, integer_scores  # noqa: E402
from hd_plugin.training.models import make_model  # noqa: E402
from hd_plugin.training.quantised import quantised_layers  # noqa: E402
from hd_plugin.training.saved import load_into  # noqa: E402


class Everything(nn.Module):
    """Residuals, concatenations, slices, gates, depthwise with a multiplier, padding, a shared module, flattening to columns."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 12, 3, padding=1)
        self.bn = nn.BatchNorm2d(12)
        self.act = nn.PReLU(12)
        self.branch1, self.branch2 = nn.Conv2d(12, 8, 1), nn.Conv2d(12, 6, 3, padding=1, bias=False)
        self.depth = nn.Conv2d(14, 28, 3, padding=1, groups=14)
        self.squeeze, self.excite = nn.Conv2d(28, 5, 1), nn.Conv2d(5, 28, 1)
        self.back = nn.Conv2d(28, 12, 1)
        self.twice = nn.Conv2d(12, 12, 1)
        self.tail = nn.Conv2d(20, 9, 1)
        self.hidden, self.out = nn.Linear(9 * 16, 11), nn.Linear(11, 4)

    def forward(self, x):
        x = self.act(self.bn(self.stem(x)))
        y = torch.cat([self.branch1(x), F.relu(self.branch2(x))], 1)
        y = self.depth(y)
        y = y * torch.sigmoid(self.excite(F.relu(self.squeeze(F.adaptive_avg_pool2d(y, 1)))))
        x = F.relu(x + self.back(y))
        x = self.twice(F.relu(self.twice(x))) + 1.5
        x = F.pad(F.max_pool2d(x, 2), (0, 0, 0, 0, 3, 5)) + torch.cat(
            [x[:, 4:, ::2, ::2], x[:, :12, ::2, ::2]], dim=1
        )
        x = F.relu(self.tail(x)).flatten(1)
        return self.out(F.relu6(self.hidden(x)))


class Barriers(nn.Module):
    """Operations whose channels may not move."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d = (
            nn.Conv2d(3, 8, 1),
            nn.Conv2d(8, 8, 3, groups=2, padding=1),
            nn.Conv2d(8, 8, 1),
            nn.Conv2d(2, 6, 1),
        )
        self.norm, self.free, self.scale = (
            nn.GroupNorm(2, 8),
            nn.Conv2d(6, 6, 1),
            nn.Parameter(torch.rand(1, 8, 1, 1)),
        )

    def forward(self, x):
        x = self.norm(self.c(self.b(self.a(x)))) * self.scale
        x = x.reshape(x.shape[0], 2, -1, x.shape[3])
        return self.free(F.relu(self.d(x))).mean((2, 3))


class Shared(nn.Module):
    """Parameters with a second use, tuples, bounds that are tensors, pools and padding that mix channels: nothing may move where it would show."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d = (
            nn.Conv2d(3, 8, 1),
            nn.Conv2d(8, 8, 1),
            nn.Conv2d(8, 8, 1),
            nn.Conv2d(8, 8, 1),
        )
        self.tied = nn.Conv2d(8, 8, 1)
        self.tied.weight = self.b.weight
        self.bn, self.low = nn.BatchNorm2d(8), nn.Parameter(torch.rand(1, 8, 1, 1))
        self.pool, self.e, self.free, self.out = (
            nn.AvgPool2d((3, 1), 1, (1, 0)),
            nn.Linear(10, 6),
            nn.Linear(6, 7),
            nn.Linear(7, 4),
        )

    def forward(self, x):
        p, q = self.a(x).chunk(2, 1)
        x = self.b(torch.cat([q, p], 1))
        x = self.tied(F.relu(x)) + F.conv2d(x, self.c.weight) + self.c(x).max(1, keepdim=True)[0]
        x = torch.clamp(self.bn(self.d(x)), min=self.low) * (self.bn.weight[:4].sum())
        x = self.pool(x.flatten(2)).mean(2)
        return self.out(F.relu(self.free(F.relu(self.e(F.pad(x, (1, 1), mode="reflect"))))))


def randomised(model, seed=0):
    torch.manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values, low, high in (
                (module.running_mean, -1, 1),
                (module.running_var, 0.5, 2),
                (module.weight.data, 0.5, 2),
                (module.bias.data, -1, 1),
            ):
                values.uniform_(low, high)
    return model.eval()


NETWORKS = {
    "shared": (Shared, 8),
    "everything": (Everything, 8),
    "barriers": (Barriers, 8),
    "resnet8": (lambda: make_model("resnet8", 10), 32),
    "mobilenet": (lambda: make_model("mobilenet_v2_035", 10), 16),
}


@pytest.fixture(params=NETWORKS)
def network(request):
    make, size = NETWORKS[request.param]
    torch.manual_seed(1)
    return randomised(make()), torch.randn(3, 3, size, size), request.param


@pytest.mark.parametrize("outputs", ["keep", "permute"])
def test_a_rewritten_network_computes_the_same(network, outputs):
    model, x, name = network
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


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6))
def test_blocks_stay_consistent_however_spaces_are_joined(seed):
    """Random ties, slices and concatenations of labelled channels: any orders of the blocks keep tied channels at tied places."""
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
    """Sums of the last layer, with every activation rounded to 8 bits: not one differs once the last order is undone."""
    model = randomised(make_model("resnet8", 10))
    torch.manual_seed(0)
    images, labels = torch.randint(0, 256, (40, 3, 32, 32), dtype=torch.uint8), torch.randint(0, 10, (40,))
    steps = activation_steps(model, images)
    plain = {r.name: r for r in rewrite_torch(model, torch.zeros(1, 3, 32, 32)).layers}
    from hd_plugin.rewriting.torch_network import _layer

    layers = [_layer(name, module, 4) for name, module in quantised_layers(model).items()]
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


def test_a_rewritten_bundled_network_scores_the_same(data, tmp_path):
    """All 10,000 test images; the file that is written is read again for a second look."""
    done = CliRunner().invoke(
        main,
        [
            "rewrite",
            "resnet20_cifar10_w4",
            "--model",
            "resnet20",
            "--test",
            str(data / "cifar10_test.zip"),
            "--json",
            "-o",
            str(tmp_path),
        ],
    )
    assert done.exit_code == 0, done.output
    content = json.loads(done.stdout)
    assert (
        content["test"]["images"] == 10000
        and content["test"]["equal"]
        and content["test"]["top1"] == content["test"]["top1_before"] > 89
    )
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
    assert lost.exit_code == 2 and "is SOURCE itself" in lost.output


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


class Depends(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


def test_bad_input_is_named(tmp_path):
    with pytest.raises(InputError, match="torch.fx cannot trace it"):
        rewrite_torch(Depends(), torch.zeros(1, 3, 8, 8))
    with pytest.raises(InputError, match="keep or permute"):
        rewrite_torch(make_model("resnet8", 10), torch.zeros(1, 3, 32, 32), outputs="both")
    for args, told in (
        (["resnet20_cifar10_w4"], "give --model"),
        (["resnet20_cifar10_w4", "--model", "resnet20", "--input", "32"], "channels x height x width"),
        (["resnet20_cifar10_w4", "--model", "resnet20", "--input=-3x32x32"], "channels x height x width"),
        (["resnet20_cifar10_w4", "--model", "resnet20", "--input", "axb"], "channels x height x width"),
        (["resnet20_cifar10_w4", "--model", "resnet8"], "does not hold this network"),
    ):
        done = CliRunner().invoke(main, ["rewrite", *args])
        assert done.exit_code == 2 and told in done.output, done.output
