"""Plans, comparisons and commands that are priced at gate level."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from gate_cases import BUNDLED, bundled_case, some_layer

import hd_plugin as hd
from hd_plugin.characterisation import ArrayEnergy
from hd_plugin.cli import main
from hd_plugin.energy import build_component, load_technology, technologies
from hd_plugin.errors import InputError
from hd_plugin.study import Scenario, plan_for_energy
from hd_plugin.weights import Network, load_network


@pytest.fixture(scope="module", params=BUNDLED)
def bundled(request):
    return bundled_case(request.param)


def test_plans_for_least_energy_win_in_simulated_energy(bundled):
    network = load_network("mobilenet_v2_035_cifar10_w4_baseline")
    chosen = Network(network.name, network.layers[3:19:4])
    asked = Scenario(methods=["segment"], objective="energy", technology=bundled.name)
    found = plan_for_energy(chosen, asked, ArrayEnergy(bundled.name))
    summary = found.summary()
    assert summary["simulated_gain_mean"] > 1.02 and summary["simulated_gain_min"] > 0.99
    assert all(p.objective == "energy" for p in found.plans.values())
    again = plan_for_energy(chosen, asked, ArrayEnergy(bundled.name), hd.Jobs(1))
    assert again.to_dict() == found.to_dict()


def test_a_characterisation_is_a_technology_for_every_host(bundled):
    assert bundled.name in technologies()
    found = load_technology(bundled.name)
    assert found.reference == bundled.name and 0 <= found.floor < 0.5 and 0.4 < found.reference_rate < 0.6
    c = bundled.characterisation
    pe_fJ = 1e3 * (
        found.multiplier_pJ_per_bit2 * 32 + found.adder_pJ_per_bit * 16 + found.hop_pJ_per_bit * 20
    )
    assert found.clock_fraction * pe_fJ * 64 == pytest.approx(c.clock_fJ, rel=1e-3)
    mac, _ = build_component(
        "hd_mac",
        {
            "technology": bundled.name,
            "flip_rate": found.reference_rate,
            "weight_bits": 4,
            "activation_bits": 8,
            "psum_bits": 16,
        },
    )
    assert mac.actions_pJ()["compute"] == pytest.approx(
        found.multiplier_pJ_per_bit2 * 32 + found.adder_pJ_per_bit * 16
    )
    result = hd.compare(Network("n", [some_layer()]), technology=bundled.name, methods=["segment"])
    assert result.rows[0].energy.clock_J == pytest.approx(
        result.rows[0].counts.cycles * c.clock_fJ * 1e-15, rel=1e-3
    )


def test_compare_reprices_the_datapath_only():
    still = hd.Layer.from_values("m", np.ones((24, 16), int), 4, output_hw=(8, 8))
    network = Network("n", [some_layer(40, 16), still])
    results = {
        e: hd.compare(network, energy=e, technology="hd_generic45", methods=["segment"])
        for e in ("flips", "modelled", "simulated")
    }
    for flat, model, gates in zip(*(results[e].rows for e in ("flips", "modelled", "simulated"))):
        assert flat.energy.memory_J == gates.energy.memory_J and flat.flips == gates.flips
        if gates.layer == "l":
            assert model.energy.datapath_J == pytest.approx(gates.energy.datapath_J, rel=0.15)
    energies = ArrayEnergy("hd_generic45")
    row = results["simulated"].rows[0]
    one = energies.simulated(network.layers[0], results["simulated"].plans["l", "baseline"])
    assert row.energy.datapath_J == pytest.approx(
        2e-15 * one.datapath_fJ / one.tiles
    )  # 16 pixels are two tiles
    assert results["simulated"].provenance.scenario.energy == "simulated"


@pytest.mark.parametrize(
    "change, words",
    [
        ({"rows": 4}, "rows 4 .characterised: 8."),
        ({"cols": 4}, "cols 4"),
        ({"energy": "guessed"}, "energy: 'guessed' is unknown"),
        ({"technology": "eyeriss45"}, "'eyeriss45' was not characterised"),
        ({"activations": "rleu"}, "did you mean 'relu'"),
        ({"technology": "no.json"}, "no.json: no such file"),
        ({"objective": "power"}, "objective: 'power' is unknown"),
        ({"array": hd.Array(rows=8, cols=8, activation_bits=16)}, "act bits 16 .characterised: 8."),
        ({"array": hd.Array(rows=8, cols=8, psum_bits=32)}, "psum bits 32"),
        ({"energy": "flips", "activations": "relu"}, "they matter to gate-level energy only"),
    ],
)
def test_what_gate_level_energy_cannot_price_is_refused_at_once(change, words):
    with pytest.raises(InputError, match=words):
        hd.compare(Network("n", [some_layer()]), **{"energy": "simulated", **change})


def test_the_clock_can_be_left_out_and_a_model_says_how_sure_it_is():
    network = Network("n", [some_layer()])
    with_, without = (
        hd.compare(network, energy="modelled", methods=["segment"], clock=clock) for clock in (True, False)
    )
    for one, other in zip(with_.rows, without.rows):
        assert (
            one.energy.datapath_J == other.energy.datapath_J
            and one.energy.clock_J > 0 == other.energy.clock_J
        )
        assert one.energy.total_J - one.energy.clock_J == pytest.approx(other.energy.total_J)
    assert 0 < with_.provenance.energy_model.p95_error < 0.1
    text = (
        CliRunner()
        .invoke(
            main,
            [
                "compare",
                "resnet20_cifar10_w4",
                "--layer",
                "linear",
                "--energy",
                "modelled",
                "--no-clock",
                "--method",
                "direct",
            ],
        )
        .output
    )
    assert "with clock" not in text and "with memory" in text
    assert "of layers are within" in " ".join(text.split())


def test_layers_without_a_flip_are_drawn_all_the_same(tmp_path):
    still = Network("n", [hd.Layer("l", np.full((30, 8), 3), 4, output_hw=(2, 2))])
    hd.write_report(hd.compare(still, energy="simulated", methods=["segment"]), tmp_path)
    assert (tmp_path / "plots" / "figure3.png").exists()


def test_optimize_and_compare_tell_both_objectives(tmp_path):
    np.savez(
        tmp_path / "n.npz",
        **{"l.weight": np.random.default_rng(0).normal(size=(48, 16, 1, 1)), "l.output_hw": np.array([4, 4])},
    )
    done = CliRunner().invoke(
        main, ["optimize", str(tmp_path / "n.npz"), "--objective", "energy", "-o", str(tmp_path / "o")]
    )
    assert done.exit_code == 0 and "least" in done.output, done.output
    content = json.loads((tmp_path / "o" / "optimize.json").read_text())
    assert content["models"]["transitions"]["mean_error"] < content["models"]["flips"]["mean_error"]
    line = content["layers"][0]
    assert (
        line["flips_plan_for_flips"] <= line["flips"]
        and line["modelled_fJ"] <= line["modelled_fJ_plan_for_flips"] * 1.01
    )
    assert hd.StreamPlan.load(tmp_path / "o" / "l.cluster.plan.json").objective == "energy"
    done = CliRunner().invoke(
        main,
        [
            "compare",
            str(tmp_path / "n.npz"),
            "--energy",
            "simulated",
            "--objective",
            "energy",
            "-o",
            str(tmp_path / "c"),
            "--no-studies",
        ],
    )
    assert done.exit_code == 0, done.output
    assert "simulated at gate level in hd_generic45" in " ".join(done.output.split())
    assert (tmp_path / "c" / "plots" / "figure3.png").stat().st_size > 10_000
    done = CliRunner().invoke(
        main,
        [
            "round",
            str(tmp_path / "n.npz"),
            "--objective",
            "energy",
            "--mu",
            "0.5",
            "--json",
            "-o",
            str(tmp_path / "t"),
        ],
    )
    run = json.loads(done.stdout)["runs"][0]
    assert (
        run["mean_energy_reduction"] > max(line["simulated_fJ_before"] / line["simulated_fJ"], 1)
        and (tmp_path / "t" / "mu-0.5" / "network.npz").exists()
    )
    for bad in (["--objective", "energy", "--bound"], ["--technology", "sg13g2"], ["--objective", "joules"]):
        assert CliRunner().invoke(main, ["optimize", str(tmp_path / "n.npz"), *bad]).exit_code == 2


def test_a_networks_own_activations_are_taken_from_an_image(data):
    pytest.importorskip("torch", reason="torch is not installed: images cannot be run")
    common = [
        "optimize",
        "resnet20_cifar10_w4",
        "--layer",
        "layer3.0.conv1",
        "--method",
        "segment",
        "--objective",
        "energy",
        "--json",
    ]
    done = CliRunner().invoke(
        main, [*common, "--model", "resnet20", "--calibrate", str(data / "cifar10_test.zip")]
    )
    assert done.exit_code == 0, done.output
    own, drawn = json.loads(done.stdout), json.loads(CliRunner().invoke(main, common).stdout)
    assert (own["activations"], drawn["activations"]) == ("the layers' own", "relu")
    assert own["layers"][0]["simulated_fJ_before"] != drawn["layers"][0]["simulated_fJ_before"]
    assert (
        own["models"]["transitions"]["mean_error"] < 0.06
    )  # a model fitted to activations drawn one by one, on real ones
    assert own["layers"][0]["simulated_gain"] > 1.0
