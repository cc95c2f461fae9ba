"""Nothing that is asked is passed over: an answer uses it, or says that it does not."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import hd_plugin as hd
from hd_plugin.cli import main
from hd_plugin.study import Scenario, load_plans

NETWORK, OTHER = "resnet20_cifar10_w4_baseline", "resnet20_cifar10_w4_paper"


def run(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def network():
    return hd.load_network(NETWORK, layers=["linear"])


@pytest.fixture
def weights(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "w.npz", **{"a.weight": rng.normal(size=(6, 8)), "a.output_hw": np.array([1, 1])})
    monkeypatch.chdir(tmp_path)
    return "w.npz"


def test_compare_takes_a_scenarios_trained_networks(network):
    trained = [{"source": OTHER, "layers": ["linear"]}]
    asked = Scenario(network={"source": NETWORK, "layers": ["linear"]}, trained=trained, effort="greedy")
    found = hd.compare(network, asked)
    assert found.to_dict() == hd.run(asked).to_dict() and len(found.trained) == 6
    with pytest.raises(hd.InputError, match="^trained: networks, and a scenario that names some"):
        hd.compare(network, asked, trained=[network])


@pytest.mark.parametrize("ask", [hd.compare, hd.plan, hd.verify_network], ids=lambda f: f.__name__)
def test_a_scenario_of_another_network_is_refused(network, ask):
    with pytest.raises(hd.InputError, match=f"^network: .* the scenario names '{OTHER}'"):
        ask(network, Scenario(network=OTHER, effort="greedy"))


@pytest.mark.parametrize(
    "fields",
    [
        {"energy": "simulated"},
        {"trained": [OTHER]},
        {"studies": True},
        {"clock": False},
        {"engine": "timeloop"},
    ],
    ids=lambda f: next(iter(f)),
)
def test_an_answer_that_is_no_comparison_says_what_it_does_not_use(network, fields):
    for ask in (hd.plan, hd.verify_network, lambda n, **f: hd.round_weights(n, 1.0, **f)):
        with pytest.raises(hd.InputError, match=f"^{next(iter(fields))}: .* does not use it"):
            ask(network, **fields)


def test_every_report_holds_the_network_that_it_is_of(weights):
    network = hd.load_network(weights)
    found = [
        hd.plan(network, effort="greedy", methods=["direct"]),
        hd.round_weights(network, 1, effort="greedy"),
    ]
    found.append(
        hd.verify_network(network, Scenario(effort="greedy"), options=hd.VerifyOptions(simulator="none"))
    )
    for result in found:
        assert (
            result.scenario.network == network.asked and result.to_dict()["provenance"]["scenario"]["network"]
        )


def test_a_verification_of_given_plans_tells_their_methods(weights, tmp_path):
    assert run("optimize", weights, "--method", "direct", "--effort", "greedy", "-o", "plans").exit_code == 0
    done = run("verify", weights, "--plan", "plans", "--simulator", "none", "--json")
    told = json.loads(done.stdout)["provenance"]["scenario"]
    assert (told["methods"], told["effort"]) == (["baseline", "direct"], "greedy")
    plans = load_plans(hd.load_network(weights), [tmp_path / "plans"])
    assert list(plans) == [("a", "direct")]


def test_columns_and_seed_of_a_proof_are_the_scenarios(network):
    asked, none = (
        Scenario(cols=16, seed=7, effort="greedy", methods=["direct"]),
        hd.VerifyOptions(simulator="none"),
    )
    found = hd.verify_network(network, asked, options=none)
    assert (found.options.cols, found.options.seed) == (16, 7)
    with pytest.raises(hd.InputError, match="^cols: 4 in the options, 16 in the scenario"):
        hd.verify_network(network, asked, options=hd.VerifyOptions(simulator="none", cols=4))


def test_a_scenario_that_says_nothing_of_columns_leaves_them_to_the_options(network):
    options = hd.VerifyOptions(simulator="none", cols=4)
    found = hd.verify_network(network, Scenario(seed=1, effort="greedy", methods=["direct"]), options=options)
    assert (found.options.cols, found.options.seed) == (4, 1)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["optimize", "{w}", "--technology", "sg13g2"], "--technology: goes with --objective energy"),
        (["round", "{w}", "--mu", "1", "--no-feedback"], "--feedback: goes with --calibrate"),
        (["round", "{w}", "--mu", "1", "--mu", "1.0"], "mu: 1 found twice"),
        (["round", "{w}", "--mu", "-1"], "mu: -1.0 found"),
        (["verify", "{w}", "--tiles", "2", "--all-tiles"], "exclude each other"),
        (["verify", "{w}", "--plan", "{w}", "--rows", "4"], "exclude each other"),
    ],
)
def test_an_option_that_changes_nothing_is_refused(command, told, weights):
    done = run(*(part.format(w=weights) for part in command))
    assert done.exit_code == 2 and told in done.output


def test_a_scenarios_studies_are_what_the_file_says(weights, tmp_path):
    (tmp_path / "s.yaml").write_text(f"network: {weights}\neffort: greedy\n")
    assert run("compare", "s.yaml", "-o", "one").exit_code == 0
    assert json.loads((tmp_path / "one" / "compare.json").read_text())["studies"] == {}


def test_a_report_of_other_weights_is_told(weights, tmp_path):
    assert run("compare", weights, "--effort", "greedy", "-o", "one").exit_code == 0
    np.savez(tmp_path / "w.npz", **{"a.weight": np.eye(8), "a.output_hw": np.array([1, 1])})
    done = run("compare", "one/compare.json", "--json")
    assert done.exit_code == 0 and "other weights than in one/compare.json: w.npz" in done.stderr


def test_json_holds_no_infinity(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    sizes = {"a.output_hw": np.array([1, 1])}
    np.savez("base.npz", **{"a.weight": rng.normal(size=(6, 8)), **sizes})
    np.savez("zero.npz", **{"a.weight": np.zeros((6, 8)), **sizes})
    done = run("compare", "base.npz", "--trained", "zero.npz", "--effort", "greedy", "--json", "-o", "out")
    text = (tmp_path / "out" / "compare.json").read_text()
    assert done.exit_code == 0 and "Infinity" not in done.stdout + text and "NaN" not in text


@pytest.mark.parametrize(
    "text",
    [
        "energy: [simulated]\nactivations: relu\n",
        "seed: 2024-13-45\n",
        "seed: 1\nseed: 2\n",
        "array: &a {variables: {x: *a}}\n",
        f"array: {{variables: {{a: {'[' * 1500}{']' * 1500}}}}}\n",
        "layers: 3\n",
        "- a\n",
    ],
    ids=["list", "date", "twice", "itself", "deep", "field", "no-mapping"],
)
def test_a_hostile_scenario_is_one_line(text, tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text(text)
    done = run("compare", path)
    assert done.exit_code == 2 and done.stderr.startswith("error: ") and "Traceback" not in done.output
    assert len(done.stderr.splitlines()) == 1 and len(done.stderr) < 600 and "s.yaml" in done.stderr


def test_a_report_of_an_older_schema_names_it(tmp_path):
    (tmp_path / "c.json").write_text(json.dumps({"schema": "hd-plugin/compare/1", "provenance": {}}))
    done = run("compare", tmp_path / "c.json")
    assert done.exit_code == 2 and "'hd-plugin/compare/1' found" in done.stderr


def test_a_results_scenario_can_be_asked_again_without_gates(network):
    found = hd.compare(network, effort="greedy", energy="modelled", methods=["direct"])
    again = hd.compare(network, found.scenario.but(energy="flips", technology=None))
    assert again.scenario.activations is None and again.scenario.energy == "flips"
