"""What a layer costs on a characterised array, tile by tile: by the energy model, and by simulating its gates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from hd_plugin.energy import Characterisation, load_characterisation
from hd_plugin.errors import InputError
from hd_plugin.hardware._activity import activity
from hd_plugin.hardware._objective import energy_objective
from hd_plugin.hardware._program import (
    MOST_TILES,
    Activations,
    Program,
    program,
    sampled_activations,
    telling_tiles,
)
from hd_plugin.hardware.gates._circuit import load_circuit
from hd_plugin.hardware.gates._fit import counts_of
from hd_plugin.hardware.gates._simulate import ArraySimulator, SimulatedEnergy
from hd_plugin.hardware.gates._synthesis import ArraySize
from hd_plugin.streaming import EnergyObjective, StreamPlan
from hd_plugin.weights import Layer

__all__ = ["ArrayEnergy"]

_PLANNED, _PRICED = (
    1,
    2,
)  # activations to plan with and to price with differ, so that no plan is fitted to what it is judged by


@dataclass(frozen=True, eq=False)
class ArrayEnergy:
    """A characterised array and the activations that it sees.

    technology : a bundled name or a JSON file of ``characterise``. activations : "relu", "linear" or "uniform", or the layers' own inputs by name
    (unsigned; "relu" for layers that are missing). glitches : None as the characterisation was made, else with or without.
    Raises InputError for a technology that was not characterised.
    """

    technology: str | Path = "hd_generic45"
    activations: str | Mapping[str, Activations] = "relu"
    seed: int = 0
    glitches: bool | None = None

    def __post_init__(self) -> None:
        if isinstance(self.activations, str):
            sampled_activations(
                Layer("any", [[0]], 4), self.activations, 1
            )  # an unknown kind fails here, not after an hour

    @cached_property
    def characterisation(self) -> Characterisation:
        return load_characterisation(self.technology)

    @property
    def size(self) -> ArraySize:
        try:
            return ArraySize(**self.characterisation.array)
        except TypeError as error:
            raise InputError(f"{self.characterisation.technology.path}: array: {error}") from error

    @cached_property
    def simulator(self) -> ArraySimulator:
        found = self.characterisation
        if not found.circuit.exists():
            raise InputError(
                f"{found.circuit}: no such file; it belongs to {found.technology.path}, keep the two together"
            )
        made_with = not str(found.conditions.get("glitches", "")).startswith("none")
        return ArraySimulator(
            load_circuit(found.circuit), made_with if self.glitches is None else self.glitches
        )

    def prepare(self, simulated: bool = True) -> None:
        """Load what ``simulated`` and ``modelled`` need, before several threads ask for it at once."""
        _ = self.characterisation, self.simulator if simulated else None

    def check(self, layer: Layer, rows: int, **sizes: int) -> None:
        """Raise InputError for a layer or an array of another size than the circuit's; sizes : others of ``ArraySize`` that are known."""
        found = {"rows": rows, "weight_bits": layer.bits, **sizes}
        wrong = [
            f"{k.replace('_', ' ')} {v} (characterised: {getattr(self.size, k)})"
            for k, v in found.items()
            if getattr(self.size, k) != v
        ]
        if layer.number_format != "twos_complement":
            wrong.append(f"number format {layer.number_format} (characterised: twos_complement)")
        if wrong:
            raise InputError(
                f"layer {layer.name!r}: {', '.join(wrong)}; characterise an array of this size: 'hd-plugin characterize --liberty FILE --rows ...', "
                "and name its file with --technology"
            )

    def inputs(self, layer: Layer, draw: int) -> Activations:
        if not isinstance(self.activations, str) and layer.name in self.activations:
            own = self.activations[layer.name]
            if own.patches.shape[:2] != (layer.C, layer.taps):
                raise InputError(
                    f"activations of layer {layer.name!r}: {list(own.patches.shape)} found; [{layer.C}, {layer.taps}, pixels] is needed"
                )
            half = own.patches[
                :, :, draw % 2 :: 2
            ]  # every other pixel to plan with, the others to price with, where there are enough
            return own if half.shape[2] < self.size.cols else replace(own, patches=half)
        kind = self.activations if isinstance(self.activations, str) else "relu"
        return sampled_activations(
            layer, kind, max(64, self.size.cols * MOST_TILES), 1000 * self.seed + draw, self.size.act_bits
        )

    def objective(self, layer: Layer) -> EnergyObjective:
        """What ``optimize`` minimises for ``layer``."""
        return energy_objective(self.characterisation.model(), layer, self.inputs(layer, _PLANNED))

    def _run(self, layer: Layer, plan: StreamPlan) -> tuple[Program, Activations, int]:
        self.check(layer, plan.rows)
        return program(layer, plan), self.inputs(layer, _PRICED), telling_tiles(plan)

    def simulated(self, layer: Layer, plan: StreamPlan) -> SimulatedEnergy:
        """By simulating every gate."""
        made, inputs, tiles = self._run(layer, plan)
        return self.simulator.run(made, inputs, tiles)

    def modelled(self, layer: Layer, plan: StreamPlan, model: str = "transitions") -> SimulatedEnergy:
        """By a model of the activity ("flips", "words", "bits", "transitions"); all of the datapath is in ``mac_fJ``."""
        return self.modelled_by(layer, plan, (model,))[model]

    def modelled_by(
        self, layer: Layer, plan: StreamPlan, models: Iterable[str]
    ) -> dict[str, SimulatedEnergy]:
        """By several models; the activity is counted once."""
        made, inputs, tiles = self._run(layer, plan)
        seen = activity(made, inputs, self.size.cols, tiles, self.size.psum_bits)
        counts, clock = counts_of(seen), self.characterisation.clock_fJ * seen.cycles
        return {
            m: SimulatedEnergy(
                self.characterisation.model(m).energy_fJ(counts),
                0.0,
                0.0,
                0.0,
                clock,
                seen.cycles,
                seen.tiles,
            )
            for m in models
        }
