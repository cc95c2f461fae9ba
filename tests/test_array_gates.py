"""The array in gates: what it computes, what it costs, and what its energy models say."""

import shutil

import numpy as np
import pytest
from gate_cases import BUNDLED, bundled_case, some_layer

import hd_plugin as hd
from hd_plugin.characterisation import ArrayEnergy, ArraySimulator, stimulus
from hd_plugin.energy import load_characterisation
from hd_plugin.errors import InputError
from hd_plugin.gates import GateSimulator, hdl_toggles, load_circuit
from hd_plugin.hardware import Activations, program, run_program, sampled_activations
from hd_plugin.streaming import file_order_plan
from hd_plugin.weights import load_network


@pytest.fixture(scope="module", params=BUNDLED)
def bundled(request):
    return bundled_case(request.param)


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
