"""``compare``: a network, layer by layer, under every streaming method; ``run``: the comparison that a
scenario describes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hd_plugin._ratios import mean_times, times
from hd_plugin._version import __version__
from hd_plugin.characterisation import ArrayEnergy
from hd_plugin.energy import EnergyBreakdown, Technology, load_technology
from hd_plugin.engines import Array, Engine, Evaluation, Request, check_sizes, get_engine
from hd_plugin.errors import InputError
from hd_plugin.hardware import address_bits
from hd_plugin.streaming import METHODS, Jobs, StreamPlan, flips, hardware_flips, nhd
from hd_plugin.study._combined import Combined, check_same_layers
from hd_plugin.study._comparison import Comparison, Provenance, Row
from hd_plugin.study._energies import array_energy
from hd_plugin.study._flips_only import FlipComparison, flips_only, lacks_sizes
from hd_plugin.study._layer_studies import layer_studies
from hd_plugin.study._networks import read_network
from hd_plugin.study._plan import all_plans, search_time
from hd_plugin.study._policies import SOURCES
from hd_plugin.study._scenario import Scenario
from hd_plugin.study._used import answered, question
from hd_plugin.weights import Layer, Network, NetworkChoice

__all__ = ["combined", "compare", "run"]


def run(scenario: Scenario, jobs: Jobs | None = None) -> Comparison | FlipComparison:
    """The comparison that ``scenario`` describes whole, its networks read from their files.

    Raises InputError for a scenario without a network, and what ``compare`` raises.
    """
    if scenario.network is None:
        raise InputError("network: missing; name a weights file or a bundled network")
    return compare(read_network(scenario.network), scenario.but(network=None), jobs=jobs)


def named(choice: NetworkChoice) -> Network:
    """The network; runs of training are all called network.npz: their folder tells them apart."""
    path, network = Path(choice.source), read_network(choice)
    return replace(network, name=f"{path.parent.name}/{path.stem}") if path.name == "network.npz" else network


def compare(
    network: Network,
    scenario: Scenario | None = None,
    *,
    trained: Sequence[Network] = (),
    jobs: Jobs | None = None,
    **fields: Any,
) -> Comparison | FlipComparison:
    """Flips and energy of every layer of ``network`` under every method; the baseline always comes first.

    scenario : or its ``fields`` (``hd.compare(net, rows=16, energy="simulated")``), or both. trained :
    networks of the same layers, trained for few flips; each goes through the baseline and the last method,
    against ``network`` in file order (the paper's Table 4). Results do not depend on ``jobs`` (threads,
    progress, a journal). Ctrl-C during the searches keeps what was found (``interrupted``) where it costs
    nothing to price; else, and during runs of Timeloop or of gates, it ends the call, and what is done is
    kept for the next one.

    Flips need no output sizes: where one is not known, and nothing but the analytic engine's energy is asked
    for, the answer is a FlipComparison. Raises InputError: a wrong field; a layer without an output size
    where anything else is asked; and what the engine raises (MissingTool, say).
    """
    asked = answered((scenario or Scenario()).but(**fields), network)
    if asked.trained and trained:
        raise InputError("trained: networks, and a scenario that names some; keep one of them")
    trained = trained or [named(choice) for choice in asked.trained]
    check_same_layers(network, trained)
    jobs = jobs or Jobs()
    if lacks_sizes(network) and not trained and not asked.needs_gates and asked.engine.name == "analytic":
        jobs.question(question("compare", asked, network))
        return flips_only(network, asked, _digests(network, ()), jobs)
    check_sizes(network.layers)  # before an hour of search, not after
    engine = get_engine(asked.engine.name, **asked.engine.options)
    jobs.question(question("compare", asked, network, *trained, engine=engine.provenance()))
    alone = asked.but(network=None, methods=asked.methods[-1:], studies=False, trained=())
    own, *parts = jobs.parts(*_times(network, asked, len(trained)))
    result = _compare(network, asked, trained, engine, own)
    if not trained:
        return result
    others = [_compare(other, alone, (), engine, part) for other, part in zip(trained, parts)]
    provenance = replace(result.provenance, interrupted=jobs.interrupted)
    return replace(result, trained=combined(result, others), provenance=provenance)


def _compare(
    network: Network, asked: Scenario, trained: Sequence[Network], engine: Engine, jobs: Jobs
) -> Comparison:
    """One network; ``trained`` is for its provenance only."""
    technology = load_technology(asked.technology_name())
    engine.check(network.layers, asked.array)
    energies = array_energy(asked, network.layers) if asked.needs_gates else None
    slow = asked.needs_gates or _is_slow(engine)
    pricing, studying = jobs.parts(2.0 if slow else 9.0, 1.0 if asked.studies else 0.0)
    rows, plans = _rows(network, asked, (engine, technology, energies), pricing)
    found = None
    if asked.studies and not jobs.interrupted:
        try:
            found = layer_studies(network, asked.array, technology, asked.seed, studying)
        except KeyboardInterrupt:  # the comparison itself is whole, the studies are left out
            jobs.stop()
    provenance = Provenance(
        __version__,
        _answered(asked, network, trained, technology),
        jobs.interrupted,
        engine.provenance(),
        technology,
        _digests(network, trained),
        SOURCES[asked.energy].quality(energies),
    )
    layer = network.layers[0]
    return Comparison(
        network.name,
        layer.bits,
        layer.number_format,
        rows,
        plans,
        tuple(network.unmapped),
        provenance,
        found,
        network_notes=tuple(network.notes),
    )


def _answered(
    scenario: Scenario, network: Network, trained: Sequence[Network], technology: Technology
) -> Scenario:
    """The scenario with all that was chosen on the way, so that it can be run again."""
    return answered(
        scenario,
        network,
        trained=[other.asked for other in trained if other.asked is not None],
        technology=technology.reference,
        activations=(scenario.activations or "relu") if scenario.needs_gates else None,
    )


def _digests(network: Network, trained: Sequence[Network]) -> dict[str, str]:
    own = {Path(network.source).name or network.name: network.digest}
    return own | {f"trained {i}: {n.name}": n.digest for i, n in enumerate(trained, 1)}


def _times(network: Network, asked: Scenario, trained: int) -> list[float]:
    """About how long the network takes beside each trained one, which goes through one method."""
    own = {m: sum(search_time(la, m, asked.array.rows) for la in network.layers) for m in asked.methods}
    return [sum(own.values()), *[own[asked.methods[-1]]] * trained]


def _is_slow(engine: Engine) -> bool:
    """Whether it says so; an engine of somebody's own may say nothing."""
    return bool(getattr(engine, "slow", False))


def _rows(
    network: Network, scenario: Scenario, prices: tuple[Engine, Technology, ArrayEnergy | None], jobs: Jobs
) -> tuple[list[Row], dict[tuple[str, str], StreamPlan]]:
    engine, technology, energies = prices
    slow = scenario.needs_gates or _is_slow(engine)
    searching, counting, pricing = jobs.parts(
        20.0, 20.0 if _is_slow(engine) else 0.0, 10.0 if scenario.needs_gates else 0.0
    )
    plans = all_plans(network, scenario, scenario.methods, searching, energies)
    if jobs.interrupted and slow:  # a run of Timeloop, or of gates, for plans that are not whole yet
        raise KeyboardInterrupt
    order = [(layer, m) for layer in network.layers for m in scenario.methods]
    asked = [_request(plans[layer.name, m], layer) for layer, m in order]
    counting = counting.fresh().named(f"{network.name}: {engine.name}")
    evaluated = engine.evaluate(asked, scenario.array, technology, counting)
    runs = [(layer, plans[layer.name, m]) for layer, m in order]
    pricing = pricing.fresh().named(f"{network.name}: {scenario.energy} energy")
    evaluated = SOURCES[scenario.energy].price(runs, evaluated, energies, pricing)
    if not scenario.clock:
        evaluated = [replace(e, energy=replace(e.energy, clock_J=0.0)) for e in evaluated]
    rows: list[Row] = []
    for (layer, method), request, found in zip(order, asked, evaluated):
        base = next(r for r in reversed(rows) if r.method == "baseline") if method != "baseline" else None
        rows.append(_row(request, plans[layer.name, method], scenario.array, found, base))
    return rows, plans


def _request(plan: StreamPlan, layer: Layer) -> Request:
    """An entry of the address table, where the method needs one, names one of K outputs."""
    bits = address_bits(layer.K) if METHODS[plan.method].needs_table else 0
    return Request(layer, len(plan.groups), nhd(layer, plan), bits)


def _row(request: Request, plan: StreamPlan, array: Array, found: Evaluation, base: Row | None) -> Row:
    layer, energy, total = request.layer, found.energy, flips(request.layer, plan)
    before = base.energy if base else energy
    P, Q = layer.output_hw or (0, 0)
    tiles = -(-P * Q // array.cols)
    return Row(
        layer.name,
        layer.K,
        layer.C,
        layer.taps,
        P,
        Q,
        plan.method,
        total,
        request.flip_rate,
        times(base.flips if base else total, total),
        hardware_flips(layer, plan, tiles),
        hardware_flips(layer, plan, tiles, alternate=True),
        times(before.datapath_J, energy.datapath_J),
        times(before.clocked_J, energy.clocked_J),
        times(before.total_J, energy.total_J),
        found,
    )


def combined(base: Comparison, others: Sequence[Comparison]) -> tuple[Combined, ...]:
    """``base`` and every other comparison, method by method, against ``base`` in file order."""
    first, found = base.of("baseline"), []
    for result in (base, *others):
        for method in result.methods:
            pairs = list(zip(first, result.of(method)))
            counted = tuple(times(b.flips, r.flips) for b, r in pairs)
            energy = [times(b.energy.datapath_J, r.energy.datapath_J) for b, r in pairs]
            clocked = [[one[i].energy.clocked_J for one in pairs] for i in (0, 1)]
            found.append(
                Combined(
                    result.network,
                    method,
                    float(np.mean(counted)),
                    max(counted),
                    float(np.mean(energy)),
                    max(energy),
                    mean_times(*clocked),
                    counted,
                    tuple(energy),
                    tuple(r.nhd for _, r in pairs),
                    EnergyBreakdown.sum(r.energy for _, r in pairs),
                )
            )
    return tuple(found)
