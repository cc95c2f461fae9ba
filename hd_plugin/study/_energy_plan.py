"""Plans for least flips against plans for least energy, layer by layer, priced by simulating gates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hd_plugin._ratios import less, mean_times, times
from hd_plugin.characterisation import ArrayEnergy, SimulatedEnergy, quality
from hd_plugin.energy import Quality
from hd_plugin.errors import InputError
from hd_plugin.streaming import Jobs, StreamPlan, file_order_plan, flips, lessen_energy, nhd, optimize
from hd_plugin.study._policies import OBJECTIVES, kept
from hd_plugin.study._result import Result
from hd_plugin.study._scenario import Scenario
from hd_plugin.study._used import answered
from hd_plugin.weights import Layer, Network, Note, Unmapped

__all__ = ["EnergyPlannedLayer", "EnergyPlanning", "plan_for_energy"]

_MODELS = ("flips", "transitions")


@dataclass(frozen=True)
class EnergyPlannedLayer:
    """One layer in file order ("before"), under the plan for flips, and under the plan for energy.

    simulated_fJ, modelled_fJ : of the PEs (``energy.TOTALS``: no address table, no clock) for a tile;
    clock_fJ : for a tile. Gains: energy of the plan for flips / energy of the plan for energy; simulated_less
    and modelled_less say the same as the share that the plan for energy takes less.
    """

    name: str
    K: int
    C: int
    taps: int
    groups: int
    nhd_before: float
    nhd: float
    flips_before: int
    flips_plan_for_flips: int
    flips: int
    simulated_fJ_before: float
    simulated_fJ_plan_for_flips: float
    simulated_fJ: float
    modelled_fJ_before: float
    modelled_fJ_plan_for_flips: float
    modelled_fJ: float
    clock_fJ: float
    simulated_gain: float
    modelled_gain: float
    simulated_less: float
    modelled_less: float


@dataclass(frozen=True)
class Reductions:
    """Means over layers of before / after, under plans of one objective; energies are of the PEs, or of the
    PEs with their clock.
    """

    hd_reduction: float
    simulated_reduction: float
    modelled_reduction: float
    with_clock_reduction: float


@dataclass(frozen=True, repr=False)
class EnergyPlanning(Result):
    """Both kinds of plans side by side; ``plans`` are those for least energy. Schema hd-plugin/optimize/2.

    activations : what the array held, "the layers' own" or a kind. models : errors of energy models against
    simulation, over all plans and layers.
    """

    schema = "hd-plugin/optimize/2"
    file = "optimize.json"

    network: str
    digest: str
    scenario: Scenario
    technology: str
    activations: str
    layers: tuple[EnergyPlannedLayer, ...]
    models: Mapping[str, Quality]
    plans: Mapping[tuple[str, str], StreamPlan]
    unmapped: tuple[Unmapped, ...] = ()
    network_notes: tuple[Note, ...] = ()
    interrupted: bool = False

    @property
    def method(self) -> str:
        """The one method that was planned for."""
        return self.scenario.searched[0]

    def reductions(self, objective: str) -> Reductions:
        """Of the plans for least "flips" or least "energy"."""
        suffix = "_plan_for_flips" if objective == "flips" else ""
        clock = self._column("clock_fJ")
        before, after = self._column("simulated_fJ_before"), self._column(f"simulated_fJ{suffix}")
        return Reductions(
            mean_times(self._column("flips_before"), self._column(f"flips{suffix}")),
            mean_times(before, after),
            mean_times(self._column("modelled_fJ_before"), self._column(f"modelled_fJ{suffix}")),
            mean_times(before + clock, after + clock),
        )

    def _column(self, name: str) -> np.ndarray:
        return np.array([getattr(layer, name) for layer in self.layers], float)

    def summary(self) -> dict[str, Any]:
        """Means over layers of per-layer ratios and shares."""
        gain, gone = self._column("simulated_gain"), self._column("simulated_less")
        return {
            "simulated_gain_mean": float(gain.mean()),
            "simulated_gain_std": float(gain.std()),
            "simulated_gain_min": float(gain.min()),
            "simulated_gain_max": float(gain.max()),
            "simulated_less_mean": float(gone.mean()),
            "simulated_less_std": float(gone.std()),
            "simulated_less_min": float(gone.min()),
            "simulated_less_max": float(gone.max()),
            "modelled_gain_mean": float(self._column("modelled_gain").mean()),
            "flips": asdict(self.reductions("flips")),
            "energy": asdict(self.reductions("energy")),
        }

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": self.schema,
            "network": self.network,
            "digest": self.digest,
            "objective": self.scenario.objective,
            "method": self.method,
            "technology": self.technology,
            "activations": self.activations,
            "interrupted": self.interrupted,
            "layers": [asdict(layer) for layer in self.layers],
            "summary": self.summary(),
            "models": {name: asdict(model) for name, model in self.models.items()},
            "unmapped": [u.to_dict() for u in self.unmapped],
            "network_notes": [n.to_dict() for n in self.network_notes],
            "provenance": {"scenario": self.scenario.to_dict()},
        }


def plan_for_energy(
    network: Network, scenario: Scenario, energies: ArrayEnergy, jobs: Jobs | None = None
) -> EnergyPlanning:
    """Plans of the scenario's one searched method for least energy, beside those for least flips.

    Activations to plan with are drawn apart from those that the plans are priced with (a layer's own: other
    pixels, where there are enough). A Ctrl-C ends the call; what was done is in the journal, if
    there is one. Raises InputError for several methods.
    """
    if len(scenario.searched) != 1:
        raise InputError(
            f"methods: {', '.join(scenario.searched)} found; plans for energy are compared for one method "
            f"at a time"
        )
    scenario, jobs = answered(scenario, network), jobs or Jobs()
    first, last = jobs.parts(3.0, 1.0)
    searching = first.named(f"{network.name}: searching orders")
    found = _search(network, scenario, energies, searching)
    asked = [
        (layer, made)
        for layer in network.layers
        for made in (file_order_plan(layer, scenario.array.rows), *found[layer.name])
    ]
    energies.prepare()
    pricing = last.named(f"{network.name}: simulating gates")
    priced = pricing.map(lambda run: _priced(run, energies, pricing), asked)
    lines = tuple(
        _line(layer, [p for _, p in asked[3 * i : 3 * i + 3]], priced[3 * i : 3 * i + 3])
        for i, layer in enumerate(network.layers)
    )
    models = {
        m: quality(
            np.array([modelled[m].datapath_fJ for _, modelled in priced]),
            np.array([one.datapath_fJ for one, _ in priced]),
            np.array([one.cycles for one, _ in priced]),
        )
        for m in _MODELS
    }
    method = scenario.searched[0]
    return EnergyPlanning(
        network.name,
        network.digest,
        scenario,
        energies.characterisation.technology.name,
        energies.activations if isinstance(energies.activations, str) else "the layers' own",
        lines,
        models,
        {(layer.name, method): found[layer.name][1] for layer in network.layers},
        tuple(network.unmapped),
        network.flip_notes,
        jobs.interrupted,
    )


def _priced(
    run: tuple[Layer, StreamPlan], energies: ArrayEnergy, jobs: Jobs
) -> tuple[SimulatedEnergy, dict[str, SimulatedEnergy]]:
    """By gates, and by every model."""

    def make() -> list[SimulatedEnergy]:
        by = energies.modelled_by(*run, _MODELS)
        return [energies.simulated(*run), *(by[m] for m in _MODELS)]

    one, *modelled = kept(jobs, energies, "by gates and models", run, make)
    return one, dict(zip(_MODELS, modelled))


def _search(
    network: Network, scenario: Scenario, energies: ArrayEnergy, jobs: Jobs
) -> dict[str, tuple[StreamPlan, StreamPlan]]:
    """(plan for flips, plan for energy) by layer; the largest searches come first."""
    [method], objective = scenario.searched, OBJECTIVES[scenario.objective]
    rows, effort, seed = scenario.array.rows, scenario.effort, scenario.seed

    def search(layer: Layer, own: Jobs) -> tuple[StreamPlan, StreamPlan]:
        first, last = own.parts(1.0, 1.0)
        made = optimize(layer, rows, method, effort, seed, jobs=first)
        least = objective.of(layer, energies)
        return made, made if least is None else lessen_energy(layer, made, least, jobs=last)

    largest_first = sorted(network.layers, key=lambda la: -la.C * la.taps * la.K)
    found = jobs.spread(search, largest_first)
    if jobs.interrupted:  # simulating gates takes minutes; what was searched is in the journal
        raise KeyboardInterrupt
    return dict(zip((la.name for la in largest_first), found))


def _line(
    layer: Layer, plans: list[StreamPlan], priced: list[tuple[SimulatedEnergy, dict[str, SimulatedEnergy]]]
) -> EnergyPlannedLayer:
    simulated = [one.datapath_fJ / one.tiles for one, _ in priced]
    modelled = [models["transitions"].datapath_fJ / models["transitions"].tiles for _, models in priced]
    counted, first = [flips(layer, p) for p in plans], priced[0][0]
    return EnergyPlannedLayer(
        name=layer.name,
        K=layer.K,
        C=layer.C,
        taps=layer.taps,
        groups=len(plans[2].groups),
        nhd_before=nhd(layer),
        nhd=nhd(layer, plans[2]),
        flips_before=counted[0],
        flips_plan_for_flips=counted[1],
        flips=counted[2],
        simulated_fJ_before=simulated[0],
        simulated_fJ_plan_for_flips=simulated[1],
        simulated_fJ=simulated[2],
        modelled_fJ_before=modelled[0],
        modelled_fJ_plan_for_flips=modelled[1],
        modelled_fJ=modelled[2],
        clock_fJ=first.clock_fJ / first.tiles,
        simulated_gain=times(*simulated[1:]),
        modelled_gain=times(*modelled[1:]),
        simulated_less=less(*simulated[1:]),
        modelled_less=less(*modelled[1:]),
    )
