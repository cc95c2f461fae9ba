"""``plan``: stream plans for every layer of a network, for least flips or for least energy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from hd_plugin._ratios import times
from hd_plugin.errors import InputError
from hd_plugin.hardware import Activations
from hd_plugin.streaming import METHODS, Jobs, StreamPlan, flips, lower_bound, nhd, optimize, unsearched
from hd_plugin.study._energies import array_energy
from hd_plugin.study._energy_plan import EnergyPlanning, plan_for_energy
from hd_plugin.study._policies import OBJECTIVES
from hd_plugin.study._result import Result
from hd_plugin.study._scenario import Scenario
from hd_plugin.study._used import question, used
from hd_plugin.weights import Layer, Network, Note, Unmapped

__all__ = ["PlannedLayer", "Planning", "Plans", "all_plans", "plan", "search_time", "unfinished"]

_KICKS = 2000  # channels whose distances take as long as a search does, for one channel

Plans = Mapping[tuple[str, str], StreamPlan]


@dataclass(frozen=True)
class PlannedLayer:
    """One layer under one method; "before" is the file order. lower_bound : of the plan's groups, where it
    was asked for.
    """

    name: str
    method: str
    K: int
    C: int
    taps: int
    groups: int
    flips_before: int
    flips: int
    nhd_before: float
    nhd: float
    lower_bound: int | None = None

    @property
    def hd_reduction(self) -> float:
        """x: flips before / flips."""
        return times(self.flips_before, self.flips)


@dataclass(frozen=True, repr=False)
class Planning(Result):
    """Plans for least flips, by (layer, method), and what they bring. Schema hd-plugin/optimize/2."""

    schema = "hd-plugin/optimize/2"
    file = "optimize.json"

    network: str
    digest: str
    scenario: Scenario
    layers: tuple[PlannedLayer, ...]
    plans: Plans
    unmapped: tuple[Unmapped, ...] = ()
    network_notes: tuple[Note, ...] = ()
    interrupted: bool = False

    def summary(self) -> dict[str, dict[str, float]]:
        """By method: the mean over layers of their reductions (the paper's way), and flips in all."""
        out = {}
        for method in self.scenario.searched:
            rows = [layer for layer in self.layers if layer.method == method]
            ratios = [times(r.flips_before, r.flips) for r in rows]
            out[method] = {"mean_hd_reduction": float(np.mean(ratios)), "flips": sum(r.flips for r in rows)}
        return out

    def to_dict(self) -> dict[str, Any]:
        layers = []
        for layer in self.layers:
            line = asdict(layer) | {"hd_reduction": layer.hd_reduction}
            if layer.lower_bound is None:
                del line["lower_bound"]
            layers.append(line)
        return {
            "schema": self.schema,
            "network": self.network,
            "digest": self.digest,
            "objective": self.scenario.objective,
            "interrupted": self.interrupted,
            **unfinished(self.plans),
            "layers": layers,
            "summary": self.summary(),
            "unmapped": [u.to_dict() for u in self.unmapped],
            "network_notes": [n.to_dict() for n in self.network_notes],
            "provenance": {"scenario": self.scenario.to_dict()},
        }


def plan(
    network: Network,
    scenario: Scenario | None = None,
    *,
    bound: bool = False,
    activations: Mapping[str, Activations] | None = None,
    jobs: Jobs | None = None,
    **fields: Any,
) -> Planning | EnergyPlanning:
    """Plans for every layer of ``network`` under every method of the scenario that has something to search.

    scenario : or its ``fields`` (``hd.plan(net, methods=["segment"], rows=16)``), or both. bound : also a
    certified lower bound for the plans' groups (slow for large K). activations : with objective "energy", the
    layers' own inputs by name, as ``network_activations`` gives them. Ctrl-C keeps what was found. With
    objective "energy" an EnergyPlanning for one method, which sets both kinds of plans side by side. Raises
    InputError.
    """
    asked = used(scenario or Scenario(), network, "a plan", **fields)
    if not asked.searched:
        raise InputError("methods: 'baseline' has no orders to choose; direct, segment or cluster is needed")
    if OBJECTIVES[asked.objective].needs_gates:
        if bound:
            raise InputError("bound: it is a bound on flips; it goes with objective 'flips' only")
        energies = array_energy(asked, network.layers, activations, rows_only=True)
        jobs = jobs or Jobs()
        own = {name: given.digest for name, given in (activations or {}).items()}
        jobs.question(question("optimize", asked, network, activations=own))
        return plan_for_energy(network, asked, energies, jobs)
    if activations is not None:
        raise InputError("activations: they matter to objective 'energy' only")
    jobs = jobs or Jobs()
    jobs.question(question("optimize", asked, network, bound=bound))
    searching, bounding = jobs.parts(1.0, 1.0 if bound else 0.0)
    plans = all_plans(network, asked, asked.searched, searching)
    lines = []
    for layer in network.layers:
        for method in asked.searched:
            made = plans[layer.name, method]
            lines.append(_line(layer, made, None))
    if bound and not jobs.interrupted:
        lines = _bounded(network, plans, lines, bounding)
    told = (tuple(network.unmapped), network.flip_notes)
    return Planning(network.name, network.digest, asked, tuple(lines), plans, *told, jobs.interrupted)


def _bounded(network: Network, plans: Plans, lines: list[PlannedLayer], jobs: Jobs) -> list[PlannedLayer]:
    """The lines with lower bounds, as far as a Ctrl-C lets them be made."""
    found = []
    for line, part in zip(lines, jobs.parts(*[float(r.K) ** 2 * r.groups for r in lines])):
        layer = network.layer(line.name)
        low = lower_bound(layer, plans[line.name, line.method], jobs=part.named(f"{line.name}: bound"))
        found.append(replace(line, lower_bound=None if jobs.interrupted else low))
    return found


def _line(layer: Layer, made: StreamPlan, low: int | None) -> PlannedLayer:
    sizes = (layer.K, layer.C, layer.taps, len(made.groups))
    before, after = (flips(layer), nhd(layer)), (flips(layer, made), nhd(layer, made))
    return PlannedLayer(layer.name, made.method, *sizes, before[0], after[0], before[1], after[1], low)


def unfinished(plans: Plans) -> Mapping[str, object]:
    """What a Ctrl-C cut short or came before, for JSON; nothing where all is done."""
    names = [{"layer": layer, "method": method} for (layer, method), p in plans.items() if p.interrupted]
    return {"unfinished": names} if names else {}


def search_time(layer: Layer, method: str, rows: int) -> float:
    """About how long a search takes beside others: groups, and what an order of K channels takes."""
    groups = layer.taps * -(-layer.C // rows) if METHODS[method].needs_table else 1
    return float(METHODS[method].weight * groups * layer.K * (layer.K + _KICKS))


def all_plans(
    network: Network, scenario: Scenario, methods: tuple[str, ...], jobs: Jobs, energies: Any = None
) -> dict[tuple[str, str], StreamPlan]:
    """A plan for every (layer, method), the largest searches first so that threads finish together."""
    objective = OBJECTIVES[scenario.objective]
    work = [(layer, m) for layer in network.layers for m in methods]
    work.sort(key=lambda w: -METHODS[w[1]].weight * w[0].C * w[0].taps * w[0].K)
    searching = jobs.named(f"{network.name}: searching orders")
    rows, effort, seed = scenario.array.rows, scenario.effort, scenario.seed

    def search(item: tuple[Layer, str], own: Jobs) -> StreamPlan:
        layer, method = item
        least = objective.of(layer, energies) if METHODS[method].searched else None
        return optimize(layer, rows, method, effort, seed, minimise=least, jobs=own)

    def nothing(item: tuple[Layer, str]) -> StreamPlan:
        return unsearched(item[0], rows, item[1], effort, seed)

    made = searching.spread(search, work, nothing, [search_time(layer, m, rows) for layer, m in work])
    return {(layer.name, m): p for (layer, m), p in zip(work, made)}
