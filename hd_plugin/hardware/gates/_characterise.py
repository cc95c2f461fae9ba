"""``characterise``: from a cell library, or a circuit that was made of one, to coefficients, models and their errors."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from hd_plugin import __version__
from hd_plugin.energy import Characterisation, load_technology
from hd_plugin.errors import InputError
from hd_plugin.hardware._activity import activity
from hd_plugin.hardware.gates._circuit import Circuit, price_netlist
from hd_plugin.hardware.gates._fit import Observation, counts_of, fit_coefficients, fit_models
from hd_plugin.hardware.gates._liberty import read_liberty
from hd_plugin.hardware.gates._netlist import read_netlist
from hd_plugin.hardware.gates._simulate import ArraySimulator, SimulatedEnergy
from hd_plugin.hardware.gates._synthesis import ArraySize, synthesise
from hd_plugin.hardware.gates._workload import FIT, TEST, Sample, network_samples, random_samples
from hd_plugin.streaming import Jobs, Progress, check_seed

__all__ = ["bundled_library", "characterise", "check_names", "make_circuit", "simulate_all"]

_MEMORY = "eyeriss45"  # whose SRAM is scaled: no logic library tells what memory costs
_TYPICAL = "relu"
_REFERENCE = f"uniform words, 0% held, {_TYPICAL}"


def bundled_library() -> Path:
    """The project's own cell library, hd_generic45."""
    return Path(__file__).parent / "libraries" / "hd_generic45.lib"


def make_circuit(
    liberty: str | Path,
    size: ArraySize | None = None,
    netlist: str | Path | None = None,
    wire_per_pin: float = 1.0,
) -> Circuit:
    """The array in the cells of ``liberty``: synthesised with yosys, or read from ``netlist`` (JSON of its write_json).

    wire_per_pin : assumed wire load for each pin that a net drives, in mean input capacitances. Raises MissingTool without pyosys, and InputError
    or SynthesisError for files that cannot be used.
    """
    size = size or ArraySize()
    if not 0 <= wire_per_pin < 1e3:
        raise InputError(f"wire-load: {wire_per_pin} found; a number from 0 to 1000 is needed")
    library = read_liberty(liberty)  # before yosys: its words about a broken file say less
    with tempfile.TemporaryDirectory(prefix="hd_plugin-") as folder:
        made = Path(netlist) if netlist else Path(folder) / "array.json"
        if netlist is None:
            synthesise(size, liberty, made)
        found = read_netlist(made, library)
        digests = {Path(liberty).name: _digest(Path(liberty)), "netlist": _digest(made)}
    conditions = {
        "array": size.to_dict(),
        "netlist": Path(netlist).name if netlist else "synthesised by yosys (synth -flatten, dfflibmap, abc)",
        "digests": digests,
    }
    return price_netlist(
        found if netlist else replace(found, path=f"{liberty} (synthesised)"),
        library,
        wire_per_pin,
        conditions,
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def simulate_all(
    simulator: ArraySimulator, samples: Sequence[Sample], jobs: Jobs
) -> list[tuple[Observation, SimulatedEnergy]]:
    """Energy and activity of every sample, on the threads of ``jobs``."""

    def one(sample: Sample) -> tuple[Observation, SimulatedEnergy]:
        energy = simulator.run(sample.program, sample.activations, sample.tiles)
        counts = counts_of(
            activity(
                sample.program,
                sample.activations,
                simulator.size.cols,
                sample.tiles,
                simulator.size.psum_bits,
            )
        )
        return Observation(sample.layer, sample.kind, counts, energy.datapath_fJ, energy.cycles), energy

    return jobs.map(one, samples)


def check_names(name: str, node_nm: float, seed: int) -> None:
    """Raise InputError for what ``characterise`` would refuse."""
    if not name or any(c in name for c in "/\\ "):
        raise InputError(f"name: {name!r} found; a word without blanks and slashes is needed")
    if not 1 <= node_nm <= 1e4:
        raise InputError(f"node-nm: {node_nm} found; 1 to 10000 is possible")
    check_seed(seed)


def characterise(
    circuit: Circuit,
    name: str,
    folder: str | Path,
    *,
    node_nm: float = 45.0,
    glitches: bool = True,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Simulate ``circuit`` with random and real streams, fit all models, and write ``name``.json and ``name``.circuit.json.gz to ``folder``.

    node_nm : only scales what the library does not tell, the memories. Models are fitted to random streams and the bundled ResNet-20 and tested on the
    bundled MobileNetV2. Returns the JSON file: a technology for ``load_technology``, a characterisation for ``load_characterisation``. Raises InputError.
    """
    check_names(name, node_nm, seed)
    simulator = ArraySimulator(circuit, glitches)
    size, folder = simulator.size, Path(folder)
    searching, simulating = (
        Jobs(threads, progress, "searching orders"),
        Jobs(threads, progress, "simulating gates"),
    )
    fit, test = random_samples(size, seed), []
    random, model = len(fit), None
    seen_fit: list[tuple[Observation, SimulatedEnergy]] = []
    seen_test: list[tuple[Observation, SimulatedEnergy]] = []
    for _ in range(2):  # plans for least flips, and then for least energy by what was learnt from those
        fit += network_samples(FIT, size, seed, searching, model)
        test += network_samples(TEST, size, seed, searching, model)
        seen_fit += simulate_all(simulator, fit[len(seen_fit) :], simulating)
        seen_test += simulate_all(simulator, test[len(seen_test) :], simulating)
        models = fit_models([o for o, _ in seen_fit], [o for o, _ in seen_test], seed)
        model = models["transitions"]
    typical = [o for o, _ in seen_fit if o.kind == _TYPICAL]
    line = fit_coefficients("flips", typical)
    at = next(i for i, sample in enumerate(fit) if sample.layer == _REFERENCE)
    steps, reference = seen_fit[at][0].counts, seen_fit[at][1]
    conditions = {
        **circuit.conditions,
        "glitches": "inertial delays" if glitches else "none: settled values only",
        "delay_step_ps": round(circuit.delay_step_ps, 2),
        "seed": seed,
        "version": __version__,
        "activations": "drawn from hd_plugin/hardware/activations.json, measured on both networks: what the test holds apart is weights and plans",
        "weights": "as they are"
        if size.weight_bits == 4
        else "4-bit weights requantised"
        if size.weight_bits < 4
        else "4-bit weights, spread evenly within their steps",
        "fit": f"{random} random streams and {FIT}",
        "test": TEST,
    }
    circuit_file = f"{name}.circuit.json.gz"
    circuit.save(folder / circuit_file)
    content = {
        "technology": name,
        "description": f"hd_array {size.name} in {circuit.conditions['library']}, synthesised and simulated at gate level",
        "node_nm": node_nm,
        **_coefficients(circuit, size, reference, steps["steps"], line, steps["flips"], node_nm),
        "array": size.to_dict(),
        "circuit": circuit_file,
        "clock_fJ": circuit.clock_fJ,
        "area_um2": circuit.area_um2,
        "models": {k: asdict(m) for k, m in models.items()},
        "conditions": conditions,
    }
    Characterisation.write(folder / f"{name}.json", content)
    return folder / f"{name}.json"


def _coefficients(
    circuit: Circuit,
    size: ArraySize,
    reference: SimulatedEnergy,
    steps: float,
    line: dict[str, float],
    flips: float,
    node_nm: float,
) -> dict[str, Any]:
    """The fields of a technology file: energies of one PE at the reference rate, areas, and memories scaled from another technology."""
    mac, hops = reference.mac_fJ / steps, (reference.weight_hop_fJ + reference.psum_hop_fJ) / steps
    bits, hop_bits = size.weight_bits * size.act_bits + size.psum_bits, size.weight_bits + size.psum_bits
    pes, base = size.rows * size.cols, load_technology(_MEMORY)
    registers = [i for i in circuit.netlist.instances if circuit.netlist.cells[i.cell].flip_flop]
    flop_um2, logic_um2 = (
        circuit.conditions["register_um2"],
        circuit.area_um2 - circuit.conditions["register_um2"],
    )
    scale = node_nm / base.node_nm
    simulated = f"gate-level simulation of {circuit.conditions['library']}, {_REFERENCE}, per PE and step"
    scaled = f"estimate: {_MEMORY}'s, scaled by the node ({node_nm:g} nm / {base.node_nm:g} nm)"
    at = flips / steps / size.weight_bits

    def value(x: float, source: str) -> dict[str, Any]:
        return {"value": float(f"{x:.6g}"), "source": source}

    split = "; multiplier and adder are one piece of logic after synthesis, divided by weight bits x activation bits + partial-sum bits"
    rate_energy = line["steps"] * steps + line["flips"] * flips
    return {
        "coefficients": {
            "multiplier_pJ_per_bit2": value(mac / bits / 1e3, simulated + split),
            "adder_pJ_per_bit": value(mac / bits / 1e3, simulated + split),
            "hop_pJ_per_bit": value(
                hops / hop_bits / 1e3, simulated + ": registers of weights and partial sums, over their bits"
            ),
            "sram_pJ_per_bit": value(base.sram_pJ_per_bit * scale, scaled),
            "lut_pJ_per_bit": value(base.lut_pJ_per_bit * scale, scaled),
            "clock_fraction": value(
                circuit.clock_fJ / pes / (mac + hops),
                "clock pins of all registers, ungated, no clock tree, against the PE's datapath energy",
            ),
        },
        "flip_model": {
            "reference_rate": value(at, "flip rate of the reference stream"),
            "floor": value(
                line["steps"] * steps / rate_energy,
                "the straight line a steps + b flips, fitted to all streams with relu activations: its share without flips",
            ),
        },
        "size": {
            "multiplier_um2_per_bit2": value(logic_um2 / pes / bits, "synthesis" + split),
            "adder_um2_per_bit": value(logic_um2 / pes / bits, "synthesis" + split),
            "register_um2_per_bit": value(
                flop_um2 / max(len(registers), 1), "synthesis: mean area of a register"
            ),
            "sram_um2_per_bit": value(base.sram_um2_per_bit * scale**2, scaled + " squared"),
            "leakage_nW_per_um2": value(
                circuit.leakage_nW / circuit.area_um2, "leakage of all cells over their area"
            ),
            "sram_leakage_nW_per_bit": value(base.sram_leakage_nW_per_bit, f"estimate: {_MEMORY}'s"),
        },
    }
