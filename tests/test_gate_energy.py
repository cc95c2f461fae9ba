"""Arrays in gates: what they compute, what they cost, and the models, plans and commands that come from it."""

import importlib.util
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from gate_cases import LIBRARY, netlist_file

import hd_plugin as hd
from hd_plugin.cli import main
from hd_plugin.energy import build_component, load_characterisation, load_technology, technologies
from hd_plugin.errors import InputError, MissingTool
from hd_plugin.gate_energy import compare_objectives
from hd_plugin.hardware import Activations, program, run_program, sampled_activations
from hd_plugin.hardware.gates import (
    ArrayEnergy,
    ArraySimulator,
    ArraySize,
    GateSimulator,
    SynthesisError,
    characterise,
    hdl_toggles,
    load_circuit,
    make_circuit,
    stimulus,
    synthesise,
)
from hd_plugin.hardware.gates._workload import network_layers
from hd_plugin.streaming import file_order_plan
from hd_plugin.weights import Network, load_network

BUNDLED = ("hd_generic45", "sg13g2")
needs_pyosys = pytest.mark.skipif(
    importlib.util.find_spec("pyosys") is None, reason="pyosys is not installed"
)


@pytest.fixture(scope="module", params=BUNDLED)
def bundled(request):
    found = load_characterisation(request.param)
    return SimpleNamespace(name=request.param, characterisation=found, circuit=load_circuit(found.circuit))


def some_layer(K=40, C=19, taps=1, seed=0):
    values = np.clip(np.random.default_rng(seed).normal(0, 3, (K, C, 1, taps)).round(), -7, 7).astype(int)
    return hd.Layer.from_values("l", values, 4, output_hw=(4, 4))


@pytest.mark.parametrize("K, taps", [(40, 1), (10, 2)])
def test_the_bundled_circuits_compute_their_layer(bundled, K, taps):
    layer = some_layer(K, taps=taps)
    plan = hd.optimize(layer, 8, "cluster")
    made, inputs = program(layer, plan), sampled_activations(layer, "linear", 16)
    played = stimulus(made, inputs, 8, 2)
    bits = (
        GateSimulator(bundled.circuit.schedule)
        .run(played.ports, outputs=True)
        .outputs["psums"]
        .reshape(8, 16, -1)
        .astype(np.int64)
    )
    psums = (bits * (1 << np.arange(16))[:, None]).sum(1)
    psums = np.where(psums >> 15, psums - (1 << 16), psums)
    sums, groups = np.zeros((K, 16), np.int64), len(plan.groups)
    for p in range(2 * groups):
        for c in range(8):
            start = played.span * (p + 1) + 8 + c
            sums[made.tables.output_addresses[p % groups], p // groups * 8 + c] += psums[c, start : start + K]
    assert (sums == run_program(made, inputs)).all()


@pytest.mark.skipif(not shutil.which("iverilog"), reason="iverilog is not installed")
def test_the_arrays_toggles_equal_iverilog_net_by_net_and_with_glitches_within_5_percent(bundled, tmp_path):
    layer, order, clock = some_layer(60), bundled.circuit.schedule, bundled.circuit.schedule.clock
    ports = {
        n: b[:, :100]
        for n, b in stimulus(
            program(layer, file_order_plan(layer, 8)), sampled_activations(layer), 8
        ).ports.items()
    }
    for delays in (None, bundled.circuit.delay_steps):
        wanted, found = (
            hdl_toggles(order, ports, tmp_path, delays),
            GateSimulator(order, delays).run(ports).nets,
        )
        wanted[clock] = 0
        if delays is None:
            assert (found == wanted).all()
            settled = found.sum()
        else:
            assert (
                found.sum() == pytest.approx(wanted.sum(), rel=0.05)
                and np.corrcoef(found, wanted)[0, 1] > 0.999
            )
            assert found.sum() > 1.2 * settled


def test_the_parts_of_the_energy_are_those_of_all_nets_and_the_clock_is_apart(bundled):
    layer = some_layer()
    made, inputs = program(layer, file_order_plan(layer, 8)), sampled_activations(layer)
    simulator = ArraySimulator(bundled.circuit, glitches=False)
    one = simulator.run(made, inputs)
    toggles = simulator.gates.run(stimulus(made, inputs, 8).ports).nets
    assert one.datapath_fJ == pytest.approx(float(toggles @ bundled.circuit.energy_fJ))
    assert min(one.mac_fJ, one.weight_hop_fJ, one.psum_hop_fJ, one.activations_fJ) > 0.002 * one.datapath_fJ
    assert one.clock_fJ == pytest.approx(bundled.circuit.clock_fJ * one.cycles) and one.cycles == len(
        made.used
    ) * max(layer.K, 24)


def test_a_stream_that_stands_still_costs_next_to_nothing(bundled):
    layer = hd.Layer("l", np.full((200, 8), 5), 4)
    moving = hd.Layer("l", np.random.default_rng(0).integers(0, 16, (200, 8)), 4)
    simulator = ArraySimulator(bundled.circuit)
    still, busy = (
        simulator.run(program(la, file_order_plan(la, 8)), sampled_activations(la)).datapath_fJ
        for la in (layer, moving)
    )
    assert still < 0.03 * busy


def test_bundled_models_hold_on_the_layers_of_another_network(bundled):
    models = bundled.characterisation.models
    assert models["transitions"].test.mean_error <= 0.05 and models["transitions"].test.r2 >= 0.99
    assert models["flips"].test.mean_error > 3 * models["transitions"].test.mean_error
    energies = ArrayEnergy(bundled.name)
    errors = {"flips": [], "transitions": []}
    for layer in load_network("mobilenet_v2_035_cifar10_w4_trellis").layers[
        4:16:3
    ]:  # of a network and weights that no file of ours has seen
        for plan in (file_order_plan(layer, 8), hd.optimize(layer, 8, "segment")):
            wanted = energies.simulated(layer, plan).datapath_fJ
            for model, found in errors.items():
                found.append(abs(energies.modelled(layer, plan, model).datapath_fJ / wanted - 1))
    assert np.mean(errors["transitions"]) < 0.05 < np.mean(errors["flips"])


def test_plans_for_least_energy_win_in_simulated_energy(bundled):
    network = load_network("mobilenet_v2_035_cifar10_w4_baseline")
    chosen = Network(network.name, network.layers[3:19:4], network.source, network.unmapped)
    content, plans = compare_objectives(chosen, ArrayEnergy(bundled.name), method="segment")
    assert (
        content["summary"]["simulated_gain_mean"] > 1.02 and content["summary"]["simulated_gain_min"] > 0.99
    )
    assert all(p.objective == "energy" for p in plans.values())
    again, _ = compare_objectives(chosen, ArrayEnergy(bundled.name), method="segment", threads=1)
    assert again == content


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
    network = Network(
        "n",
        [
            some_layer(40, 16),
            some_layer(24, 16, seed=1).__class__.from_values(
                "m", np.ones((24, 16), int), 4, output_hw=(8, 8)
            ),
        ],
    )
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
    assert results["simulated"].provenance["options"]["energy"] == "simulated"


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
        ({"array": hd.Array(8, 8, activation_bits=16)}, "act bits 16 .characterised: 8."),
        ({"array": hd.Array(8, 8, psum_bits=32)}, "psum bits 32"),
        ({"energy": "flips", "activations": "relu"}, "they matter to gate-level energy only"),
    ],
)
def test_what_gate_level_energy_cannot_price_is_refused_at_once(change, words):
    with pytest.raises(InputError, match=words):
        hd.compare(Network("n", [some_layer()]), **{"energy": "simulated", **change})


def test_layers_of_another_width_or_format_are_refused():
    energies, layer = ArrayEnergy(), hd.Layer("l", np.zeros((4, 4), int), 3)
    with pytest.raises(InputError, match="weight bits 3 .characterised: 4."):
        energies.check(layer, 8)
    layer = hd.Layer("l", np.zeros((4, 4), int), 4, "gray")
    with pytest.raises(InputError, match="number format gray"):
        energies.simulated(layer, file_order_plan(layer, 8))
    layer, circuit = some_layer(), load_circuit(load_characterisation("hd_generic45").circuit)
    with pytest.raises(InputError, match="signed activations"):
        ArraySimulator(circuit, False).run(
            program(layer, file_order_plan(layer, 8)), Activations(np.zeros((19, 1, 8), int), 8, True)
        )


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
    assert 0 < with_.provenance["energy_model"]["p95_error"] < 0.1
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
    assert "without clock" in text and "of layers are within" in " ".join(text.split())


def test_layers_without_a_flip_are_drawn_all_the_same(tmp_path):
    still = Network("n", [hd.Layer("l", np.full((30, 8), 3), 4, output_hw=(2, 2))])
    hd.compare(still, energy="simulated", methods=["segment"]).plot(tmp_path)
    assert (tmp_path / "figure3.png").exists()


@pytest.mark.parametrize("bits, levels", [(8, 200), (4, 14), (3, 7)])
def test_streams_of_any_width_use_its_levels(bits, levels):
    layers = network_layers("resnet20_cifar10_w4_baseline", bits, 0)
    assert len(np.unique(layers[5].values)) >= levels and all(la.bits == bits for la in layers)
    wide = sampled_activations(layers[5], "relu", 16, bits=12).patches
    assert len(np.unique(wide & 15)) == 16 and 0.4 < (wide == 0).mean() < 0.6
    assert sampled_activations(layers[5], "relu", 16, bits=6).patches.max() < 64


def test_ctrl_c_leaves_no_half_characterisation(tmp_path, monkeypatch):
    small_networks(tmp_path, monkeypatch)
    circuit = load_circuit(load_characterisation("hd_generic45").circuit)
    ran = ArraySimulator.run

    def interrupted(self, *arguments):
        if len(seen) == 5:
            raise KeyboardInterrupt
        seen.append(1)
        return ran(self, *arguments)

    seen = []
    monkeypatch.setattr(ArraySimulator, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        characterise(circuit, "mine", tmp_path / "o", glitches=False, threads=1)
    assert not (tmp_path / "o").exists()


def test_a_netlist_of_another_size_than_is_said_is_refused(tmp_path):
    found = load_circuit(load_characterisation("hd_generic45").circuit)
    found.conditions["array"]["psum_bits"] = 20
    with pytest.raises(InputError, match="not hd_array of 8x8_w4_a8_p20: psums 128 bits .160 needed."):
        ArraySimulator(found)


def test_own_activations_are_used():
    layer = some_layer()
    plan, zeros = file_order_plan(layer, 8), Activations(np.zeros((19, 1, 64), int))
    drawn, idle = ArrayEnergy(glitches=False), ArrayEnergy(activations={"l": zeros}, glitches=False)
    with pytest.raises(InputError, match=r"activations of layer 'l': \[3, 1, 8\] found; \[19, 1, pixels\]"):
        ArrayEnergy(activations={"l": Activations(np.zeros((3, 1, 8), int))}).simulated(layer, plan)
    none, some = idle.simulated(layer, plan), drawn.simulated(layer, plan)
    assert (
        none.psum_hop_fJ == 0 < some.psum_hop_fJ
        and none.mac_fJ < some.mac_fJ
        and none.weight_hop_fJ == some.weight_hop_fJ
    )


def test_broken_characterisations_are_named(tmp_path):
    good = json.loads(load_characterisation("hd_generic45").technology.path.read_text())
    for change, words in (
        ({"schema": "other"}, "schema: 'other' found"),
        ({"models": {"flips": {}}}, "not a whole one .KeyError: 'coefficients_fJ'"),
        ({"array": None}, "not a whole one"),
    ):
        (tmp_path / "x.json").write_text(json.dumps({**good, **change}))
        with pytest.raises(InputError, match=words):
            load_characterisation(tmp_path / "x.json")
    (tmp_path / "x.json").write_text(json.dumps(good))
    with pytest.raises(InputError, match="hd_generic45.circuit.json.gz: no such file; it belongs to"):
        ArrayEnergy(tmp_path / "x.json").simulated(some_layer(), file_order_plan(some_layer(), 8))
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(InputError, match="not a characterisation, or not a whole one .JSONDecodeError"):
        load_characterisation(tmp_path / "x.json")


def small_networks(folder, monkeypatch):
    for name, seed in (("FIT", 0), ("TEST", 1)):
        rng = np.random.default_rng(seed)
        np.savez(
            folder / f"{name}.npz",
            **{f"l{i}.weight": rng.normal(size=(30 + 10 * i, 8 + i, 1, 1)) for i in range(4)},
        )
        monkeypatch.setattr(f"hd_plugin.hardware.gates._characterise.{name}", str(folder / f"{name}.npz"))


def test_characterise_needs_nothing_but_the_package(tmp_path, monkeypatch):
    small_networks(tmp_path, monkeypatch)
    monkeypatch.setitem(__import__("sys").modules, "pyosys", None)
    done = CliRunner().invoke(main, ["characterize", "-o", str(tmp_path / "out"), "--json", "--no-glitches"])
    assert done.exit_code == 0, done.output
    content = json.loads((tmp_path / "out" / "hd_generic45.json").read_text())
    assert json.loads(done.stdout) == content and content["conditions"]["glitches"].startswith("none")
    again = load_characterisation(tmp_path / "out" / "hd_generic45.json")
    assert again.models["transitions"].test.mean_error < 0.05 and again.models["transitions"].test.r2 > 0.99
    assert set(again.models["transitions"].spread_fJ) == set(again.models["transitions"].coefficients_fJ)
    assert again.circuit.read_bytes() == load_characterisation("hd_generic45").circuit.read_bytes()
    assert load_technology(str(tmp_path / "out" / "hd_generic45.json")).reference.endswith(
        "hd_generic45.json"
    )


@needs_pyosys
def test_an_array_of_another_size_is_synthesised_and_characterised(tmp_path, monkeypatch):
    small_networks(tmp_path, monkeypatch)
    done = CliRunner().invoke(
        main,
        [
            "characterize",
            "--liberty",
            str(LIBRARY),
            "--rows",
            "4",
            "--cols",
            "2",
            "--weight-bits",
            "3",
            "--name",
            "mine",
            "-o",
            str(tmp_path),
        ],
    )
    assert done.exit_code == 0, done.output
    assert "transitions" in done.output and "written:" in done.output
    layer = hd.Layer("l", np.random.default_rng(0).integers(0, 8, (20, 9)), 3, output_hw=(2, 2))
    energies = ArrayEnergy(tmp_path / "mine.json")
    plan = hd.optimize(layer, 4, "segment", objective=energies.objective(layer))
    assert energies.modelled(layer, plan).datapath_fJ == pytest.approx(
        energies.simulated(layer, plan).datapath_fJ, rel=0.25
    )


@needs_pyosys
def test_the_bundled_circuit_is_what_synthesis_gives(tmp_path):
    made, known = make_circuit(LIBRARY), load_circuit(load_characterisation("hd_generic45").circuit)
    assert made.conditions["array"] == ArraySize().to_dict()
    assert len(made.netlist.instances) == pytest.approx(
        len(known.netlist.instances), rel=0.1
    )  # another version of yosys maps a little differently
    assert made.clock_fJ == pytest.approx(known.clock_fJ, rel=0.05)


@needs_pyosys
def test_a_library_that_yosys_cannot_use_is_told_in_its_words(tmp_path):
    text = LIBRARY.read_text()
    start = text.index("  cell (DFF)")
    (tmp_path / "no_flop.lib").write_text(text[:start] + "}\n")
    with pytest.raises((SynthesisError, InputError), match="no_flop.lib|not mapped to the library"):
        make_circuit(tmp_path / "no_flop.lib", ArraySize(2, 2))
    with pytest.raises(InputError, match="no blanks in a path"):
        synthesise(ArraySize(2, 2), tmp_path / "a b.lib", tmp_path / "x.json")


def test_without_pyosys_synthesis_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingTool, match=r"pip install 'hd-plugin\[synthesis\]'"):
        make_circuit(LIBRARY, ArraySize(2, 2))
    done = CliRunner().invoke(main, ["characterize", "--liberty", str(LIBRARY), "-o", str(tmp_path)])
    assert done.exit_code == 2 and "pyosys is not installed" in done.output


def test_a_netlist_that_is_given_is_read_and_checked(tmp_path):
    path = netlist_file(
        tmp_path,
        {"i": ["a", "b"]},
        {"x": ("NAND2", {"A": "a", "B": "q", "Y": "p"}), "y": ("NAND2", {"A": "b", "B": "p", "Y": "q"})},
        {"o": ["q"]},
        None,
    )
    circuit = make_circuit(LIBRARY, netlist=path)
    with pytest.raises(InputError, match="a loop without a register: x, y"):
        characterise(circuit, "mine", tmp_path)
    done = CliRunner().invoke(
        main, ["characterize", "--liberty", str(LIBRARY), "--netlist", str(path), "-o", str(tmp_path)]
    )
    assert (
        done.exit_code == 2
        and "a loop without a register" in done.output
        and not (tmp_path / "hd_generic45.json").exists()
    )
    path = netlist_file(
        tmp_path, {"i": ["a", "b"]}, {"x": ("NAND2", {"A": "a", "B": "b", "Y": "p"})}, {"o": ["p"]}, None
    )
    with pytest.raises(
        InputError, match="netlist.json: not hd_array of 8x8_w4_a8_p16: act_shift 0 bits .1 needed."
    ):
        characterise(make_circuit(LIBRARY, netlist=path), "mine", tmp_path)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--liberty", "x.lib", "--technology", "sg13g2"], "exclude each other"),
        (["--netlist", "x.json"], "--netlist needs --liberty"),
        (["--rows", "0"], "rows: 0 found; 1 to 64"),
        (["--liberty", "none.lib"], "none.lib: cannot be read"),
        (["--technology", "sg13g2", "--rows", "4"], "4x8_w4_a8_p16 is asked for"),
        (["--technology", "eyeriss45"], "was not characterised"),
        (["--name", "a b"], "a word without blanks"),
        (["--node-nm", "0"], "node-nm: 0.0 found"),
        (["--wire-load", "nan", "--liberty", str(LIBRARY)], "wire-load: nan found"),
        (["--seed", "-1"], "seed: -1 found"),
        (["--node-nm", "nan"], "node-nm: nan"),
    ],
)
def test_bad_arguments_of_characterize(tmp_path, arguments, words):
    done = CliRunner().invoke(main, ["characterize", "-o", str(tmp_path), *arguments])
    assert done.exit_code == 2 and words in done.output


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
    assert done.exit_code == 0 and "simulated at gate level in hd_generic45" in done.output.replace(
        "\n", " "
    ).replace("  ", " "), done.output
    assert (tmp_path / "c" / "plots" / "figure3.png").stat().st_size > 10_000
    done = CliRunner().invoke(
        main,
        [
            "optimize",
            str(tmp_path / "n.npz"),
            "--objective",
            "energy",
            "--trellis",
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
