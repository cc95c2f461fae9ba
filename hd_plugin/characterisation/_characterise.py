"""``characterise``: from a circuit of the array to a technology file, with energy models and their errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hd_plugin._version import __version__
from hd_plugin.characterisation._coefficients import Reference, technology_fields
from hd_plugin.characterisation._fit import Observation, counted, fit_coefficients, fit_models
from hd_plugin.characterisation._simulate import ArraySimulator, SimulatedEnergy
from hd_plugin.characterisation._workload import FIT, TEST, Sample, network_samples, random_samples
from hd_plugin.encoding_mac import Encoding
from hd_plugin.energy import Characterisation, EnergyModel
from hd_plugin.errors import InputError
from hd_plugin.gates import Circuit
from hd_plugin.streaming import Jobs, check_seed

__all__ = ["characterise", "check_names", "simulate_all"]

_TYPICAL = "relu"
_REFERENCE = f"uniform words, 0% held, {_TYPICAL}"


def simulate_all(
    simulator: ArraySimulator, samples: Sequence[Sample], jobs: Jobs, encoding: Encoding | None = None
) -> list[tuple[Observation, SimulatedEnergy]]:
    """Energy and activity of every sample, on the threads of ``jobs``.

    encoding : of an array that is not systolic.
    """

    def one(sample: Sample) -> tuple[Observation, SimulatedEnergy]:
        run = sample.program, sample.activations
        energy = simulator.run(*run, sample.tiles)
        counts, _ = counted(*run, simulator.size, sample.tiles, encoding)
        seen = Observation(sample.layer, sample.kind, counts, energy.datapath_fJ, energy.cycles)
        return seen, energy

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
    jobs: Jobs | None = None,
) -> Path:
    """Simulate ``circuit`` with random and real streams, fit all models, and write both to ``folder``.

    NAME.json and NAME.circuit.json.gz are made. circuit : of ``make_circuit``. node_nm : only scales what
    the library does not tell, the memories. glitches : count what happens inside a cycle. jobs : threads
    and progress. Models are fitted to random streams and the bundled ResNet-20 and tested on the bundled
    MobileNetV2.

    Returns the JSON file: a technology for ``load_technology``, a characterisation for
    ``load_characterisation``. Raises InputError.
    """
    check_names(name, node_nm, seed)
    simulator, folder, file = ArraySimulator(circuit, glitches), Path(folder), f"{name}.circuit.json.gz"
    size, design = simulator.size, circuit.conditions.get("design", {})
    mac, told = str(design.get("mac", "binary")), design.get("encoding")
    encoding = None if told is None else Encoding.from_dict(told, f"{circuit.netlist.path}: encoding")
    found = _simulate(simulator, seed, jobs or Jobs(), encoding)
    circuit.save(folder / file)
    kind = "" if encoding is None else f", MAC {mac}"
    made_of = f"hd_array {size.name}{kind} in {circuit.conditions['library']}"
    content = {
        "technology": name,
        "description": f"{made_of}, synthesised and simulated at gate level",
        "node_nm": node_nm,
        **technology_fields(circuit, size, found.reference(), node_nm, encoding is None),
        "array": size.to_dict(),
        "mac": mac,
        "encoding": told,
        "circuit": file,
        "clock_fJ": circuit.clock_fJ,
        "area_um2": circuit.area_um2,
        "models": {k: asdict(m) for k, m in found.models.items()},
        "conditions": {**circuit.conditions, **_conditions(simulator, seed, found.random)},
    }
    Characterisation.write(folder / f"{name}.json", content)
    return folder / f"{name}.json"


@dataclass
class _Findings:
    """What was simulated so far.

    random : how many of the streams in ``fit`` are random ones. seen, unseen : what those in ``fit`` and in
    ``test`` cost. models : fitted to ``seen``.
    """

    fit: list[Sample]
    random: int
    test: list[Sample] = field(default_factory=list)
    seen: list[tuple[Observation, SimulatedEnergy]] = field(default_factory=list)
    unseen: list[tuple[Observation, SimulatedEnergy]] = field(default_factory=list)
    models: dict[str, EnergyModel] = field(default_factory=dict)

    def reference(self) -> Reference:
        """The stream that single coefficients come from, and the straight line through the typical ones."""
        typical = [seen for seen, _ in self.seen if seen.kind == _TYPICAL]
        at = next(i for i, sample in enumerate(self.fit) if sample.layer == _REFERENCE)
        observed, energy = self.seen[at]
        line = fit_coefficients("flips", typical)
        return Reference(_REFERENCE, energy, observed.counts["steps"], observed.counts["flips"], line)


def _simulate(
    simulator: ArraySimulator, seed: int, jobs: Jobs, encoding: Encoding | None = None
) -> _Findings:
    """Streams, what they cost, and models.

    First with plans for least flips, then also with plans for least energy by what was learnt from those.
    """
    searching, simulating = jobs.named("searching orders"), jobs.named("simulating gates")
    size = simulator.size
    streams = random_samples(size, seed)
    found = _Findings(streams, len(streams))
    for _ in range(2):
        model = found.models.get("transitions")
        found.fit += network_samples(FIT, size, seed, searching, model, encoding)
        found.test += network_samples(TEST, size, seed, searching, model, encoding)
        found.seen += simulate_all(simulator, found.fit[len(found.seen) :], simulating, encoding)
        found.unseen += simulate_all(simulator, found.test[len(found.unseen) :], simulating, encoding)
        found.models = fit_models([o for o, _ in found.seen], [o for o, _ in found.unseen], seed)
    return found


def _conditions(simulator: ArraySimulator, seed: int, random: int) -> dict[str, Any]:
    """How it was simulated and fitted."""
    bits = simulator.size.weight_bits
    spread = "4-bit weights requantised" if bits < 4 else "4-bit weights, spread evenly within their steps"
    return {
        "glitches": "inertial delays" if simulator.glitches else "none: settled values only",
        "delay_step_ps": round(simulator.circuit.delay_step_ps, 2),
        "seed": seed,
        "version": __version__,
        "activations": "drawn from hd_plugin/hardware/activations.json, measured on both networks: what the "
        "test holds apart is weights and plans",
        "weights": "as they are" if bits == 4 else spread,
        "fit": f"{random} random streams and {FIT}",
        "test": TEST,
    }
