"""What plans minimise, and where the datapath's energy comes from: a small class each, registered by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, fields, replace
from typing import Any

import numpy as np

from hd_plugin._registry import Registry
from hd_plugin.characterisation import ArrayEnergy, SimulatedEnergy
from hd_plugin.energy import Quality
from hd_plugin.engines import Evaluation
from hd_plugin.errors import InputError
from hd_plugin.streaming import EnergyObjective, Jobs, StreamPlan
from hd_plugin.weights import Layer

__all__ = ["OBJECTIVES", "SOURCES", "Gates", "Objective", "Source", "kept", "needed"]

Run = tuple[Layer, StreamPlan]


class Objective:
    """What a search for plans minimises. needs_gates : whether that takes a characterised array."""

    needs_gates = False

    def of(self, layer: Layer, energies: ArrayEnergy | None) -> EnergyObjective | None:
        """What ``optimize`` takes as ``minimise`` for this layer; None for flips."""
        return None


class LeastEnergy(Objective):
    """Modelled energy of a characterised array."""

    needs_gates = True

    def of(self, layer: Layer, energies: ArrayEnergy | None) -> EnergyObjective | None:
        return needed(energies).objective(layer)


class Source:
    """Where the datapath's energy comes from: by default the engine's straight line from flips.

    needs_gates : whether it takes a characterised array.
    """

    needs_gates = False

    def price(
        self, runs: Sequence[Run], evaluated: Sequence[Evaluation], energies: ArrayEnergy | None, jobs: Jobs
    ) -> list[Evaluation]:
        """The engine's evaluations of ``runs`` with this source's energies."""
        return list(evaluated)

    def quality(self, energies: ArrayEnergy | None) -> Quality | None:
        """How far it is from simulation on another network, where that is known."""
        return None


class Gates(Source):
    """A characterised array; subclasses say how one run is priced."""

    needs_gates = True
    simulated = False  # whether the gates themselves have to be loaded

    def one(self, energies: ArrayEnergy, layer: Layer, plan: StreamPlan) -> SimulatedEnergy:
        """Energy of some tiles of a layer, which stand for all."""
        raise NotImplementedError

    def price(
        self, runs: Sequence[Run], evaluated: Sequence[Evaluation], energies: ArrayEnergy | None, jobs: Jobs
    ) -> list[Evaluation]:
        """Datapath and clock anew; the address table and the memories stay the engine's. Ctrl-C ends the
        call.
        """
        array = needed(energies)
        array.prepare(self.simulated)
        found = jobs.map(
            lambda run: kept(jobs, array, type(self).__name__, run, lambda: [self.one(array, *run)])[0], runs
        )
        out = []
        for (layer, _), one, before in zip(runs, found, evaluated):
            P, Q = layer.output_hw or (0, 0)
            joules = 1e-15 * -(-P * Q // array.size.cols) / one.tiles
            energy = replace(
                before.energy,
                mac_J=joules * (one.mac_fJ + one.activations_fJ),
                weight_hop_J=joules * one.weight_hop_fJ,
                psum_hop_J=joules * one.psum_hop_fJ,
                clock_J=joules * one.clock_fJ,
            )
            out.append(replace(before, energy=energy))
        return out


class Modelled(Gates):
    """The activity model of the array."""

    def one(self, energies: ArrayEnergy, layer: Layer, plan: StreamPlan) -> SimulatedEnergy:
        return energies.modelled(layer, plan)

    def quality(self, energies: ArrayEnergy | None) -> Quality | None:
        return needed(energies).characterisation.model().test


class Simulated(Gates):
    """Every gate of the array."""

    simulated = True

    def one(self, energies: ArrayEnergy, layer: Layer, plan: StreamPlan) -> SimulatedEnergy:
        return energies.simulated(layer, plan)


def kept(
    jobs: Jobs, energies: ArrayEnergy, how: str, run: Run, make: Callable[[], Sequence[SimulatedEnergy]]
) -> list[SimulatedEnergy]:
    """Energies of one run by ``make``, or what the journal has of an earlier call. how : what they are."""

    def inputs() -> Iterator[Any]:
        layer, plan = run
        yield from (energies.digest, layer.name, layer.digest, layer.output_hw, plan.column_orders())
        yield [(g.tap, g.channels.tolist()) for g in plan.groups]

    def rows() -> tuple[np.ndarray]:
        return (np.array([astuple(one) for one in make()], np.float64),)

    [found] = jobs.kept(f"priced {how}", inputs(), rows)
    names = [f.name for f in fields(SimulatedEnergy)]
    whole = ("cycles", "tiles")
    told = [dict(zip(names, row)) for row in found.tolist()]
    return [SimulatedEnergy(**{k: int(v) if k in whole else v for k, v in one.items()}) for one in told]


def needed(energies: ArrayEnergy | None) -> ArrayEnergy:
    """``energies``, or InputError where nobody made them."""
    if energies is None:
        raise InputError("energy: a characterised array is needed; name a technology such as hd_generic45")
    return energies


OBJECTIVES: Registry[Objective] = Registry("objective", {"flips": Objective(), "energy": LeastEnergy()})
SOURCES: Registry[Source] = Registry(
    "energy", {"flips": Source(), "modelled": Modelled(), "simulated": Simulated()}
)
