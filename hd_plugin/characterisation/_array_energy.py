"""What a layer costs on a characterised array, by its energy model or by simulating its gates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from hd_plugin._checked import check
from hd_plugin._journal import Journal
from hd_plugin.characterisation._fit import counted
from hd_plugin.characterisation._objective import energy_objective
from hd_plugin.characterisation._simulate import ArraySimulator, SimulatedEnergy
from hd_plugin.encoding_mac import Encoding
from hd_plugin.energy import Characterisation, load_characterisation
from hd_plugin.errors import InputError
from hd_plugin.gates import load_circuit
from hd_plugin.hardware import (
    MOST_TILES,
    Activations,
    ArraySize,
    Program,
    program,
    sampled_activations,
    telling_tiles,
)
from hd_plugin.streaming import EnergyObjective, StreamPlan
from hd_plugin.weights import Layer

__all__ = ["ArrayEnergy"]

# activations to plan with and to price with differ, so that no plan is fitted to what it is judged by
_PLANNED, _PRICED = 1, 2


@dataclass(frozen=True, eq=False)
class ArrayEnergy:
    """A characterised array and the activations that it sees: what prices layers at gate level.

    technology : a bundled name or a JSON file of ``characterise``. activations : "relu", "linear" or
    "uniform", or the layers' own inputs by name (unsigned; "relu" for layers that are missing). seed : of
    drawn activations. glitches : None as the characterisation was made, else with or without. Files are
    read when they are needed first. Raises InputError for an unknown kind of activations, and then for a
    technology that was not characterised.
    """

    technology: str | Path = "hd_generic45"
    activations: str | Mapping[str, Activations] = "relu"
    seed: int = 0
    glitches: bool | None = None

    def __post_init__(self) -> None:
        if isinstance(self.activations, str):  # an unknown kind fails here, not after an hour
            sampled_activations(Layer("any", np.zeros((1, 1), int), 4), self.activations, 1)

    @cached_property
    def characterisation(self) -> Characterisation:
        """Models, array and circuit. Raises InputError."""
        return load_characterisation(self.technology)

    @property
    def size(self) -> ArraySize:
        """The array that was characterised. Raises InputError."""
        found = self.characterisation
        return check(ArraySize, found.array, f"{found.technology.path}: array")

    @cached_property
    def encoding(self) -> Encoding | None:
        """Of the array's PEs; None for the systolic array. Raises InputError."""
        found = self.characterisation
        told = f"{found.technology.path}: encoding"
        return None if found.encoding is None else Encoding.from_dict(found.encoding, told)

    @cached_property
    def simulator(self) -> ArraySimulator:
        """The gates. Raises InputError for a circuit that is missing or broken."""
        found = self.characterisation
        if not found.circuit.exists():
            raise InputError(
                f"{found.circuit}: no such file; it belongs to {found.technology.path}, keep the two together"
            )
        made_with = not str(found.conditions.get("glitches", "")).startswith("none")
        glitches = made_with if self.glitches is None else self.glitches
        return ArraySimulator(load_circuit(found.circuit), glitches)

    @cached_property
    def digest(self) -> bytes:
        """Of all that prices depend on beside layer and plan. Raises InputError."""
        found, given = self.characterisation, self.activations
        own = given if isinstance(given, str) else {name: one.digest for name, one in given.items()}
        files = (path.read_bytes() for path in (found.technology.path, found.circuit) if path.exists())
        return Journal.key("array", (self.seed, self.glitches, own, *files))

    def prepare(self, simulated: bool = True) -> None:
        """Load what ``simulated`` and ``modelled`` need, before several threads ask for it at once."""
        _ = self.characterisation, self.encoding, self.simulator if simulated else None

    def check(self, layer: Layer, rows: int, **sizes: int) -> None:
        """Raise InputError for a layer or an array of another size than the circuit's.

        sizes : others of ``ArraySize`` that are known.
        """
        found = {"rows": rows, "weight_bits": layer.bits, **sizes}
        known = self.size.to_dict()
        wrong = [
            f"{k.replace('_', ' ')} {v} (characterised: {known[k]})"
            for k, v in found.items()
            if known[k] != v
        ]
        if layer.number_format != "twos_complement":
            wrong.append(f"number format {layer.number_format} (characterised: twos_complement)")
        if wrong:
            raise InputError(
                f"layer {layer.name!r}: {', '.join(wrong)}; characterise an array of this size: 'hd-plugin "
                "characterize --liberty FILE --rows ...', and name its file with --technology"
            )

    def inputs(self, layer: Layer, draw: int) -> Activations:
        """Inputs of ``layer``, others for each ``draw``. Raises InputError for own ones of another size."""
        if not isinstance(self.activations, str) and layer.name in self.activations:
            own = self.activations[layer.name]
            if own.patches.shape[:2] != (layer.C, layer.taps):
                raise InputError(
                    f"activations of layer {layer.name!r}: {list(own.patches.shape)} found; [{layer.C}, "
                    f"{layer.taps}, pixels] is needed"
                )
            # every other pixel to plan with, the others to price with, where there are enough
            half = own.patches[:, :, draw % 2 :: 2]
            return own if half.shape[2] < self.size.cols else replace(own, patches=half)
        kind = self.activations if isinstance(self.activations, str) else "relu"
        pixels = max(64, self.size.cols * MOST_TILES)
        return sampled_activations(layer, kind, pixels, 1000 * self.seed + draw, self.size.act_bits)

    def objective(self, layer: Layer) -> EnergyObjective:
        """What ``optimize`` minimises for ``layer``. Raises InputError for a layer of another width."""
        model, inputs = self.characterisation.model(), self.inputs(layer, _PLANNED)
        return energy_objective(model, layer, inputs, self.encoding)

    def _run(self, layer: Layer, plan: StreamPlan) -> tuple[Program, Activations, int]:
        self.check(layer, plan.rows)
        return program(layer, plan), self.inputs(layer, _PRICED), telling_tiles(plan)

    def simulated(self, layer: Layer, plan: StreamPlan) -> SimulatedEnergy:
        """By simulating every gate. Raises InputError for a plan or a layer of another size or format."""
        made, inputs, tiles = self._run(layer, plan)
        return self.simulator.run(made, inputs, tiles)

    def modelled(self, layer: Layer, plan: StreamPlan, model: str = "transitions") -> SimulatedEnergy:
        """By a model of the activity ("flips", "words", "bits", "transitions").

        All of the datapath is in ``mac_fJ``. Raises InputError as ``simulated`` does, and for an unknown
        model.
        """
        return self.modelled_by(layer, plan, (model,))[model]

    def modelled_by(
        self, layer: Layer, plan: StreamPlan, models: Iterable[str]
    ) -> dict[str, SimulatedEnergy]:
        """By several models; the activity is counted once."""
        made, inputs, tiles = self._run(layer, plan)
        counts, seen = counted(made, inputs, self.size, tiles, self.encoding)
        clock = self.characterisation.clock_fJ * seen.cycles
        datapath = {m: self.characterisation.model(m).energy_fJ(counts) for m in models}
        return {
            m: SimulatedEnergy(energy, 0.0, 0.0, 0.0, clock, seen.cycles, seen.tiles)
            for m, energy in datapath.items()
        }
