"""One network under every method: plans, counts, energies, and what they are against the file order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hd_plugin._ratios import times
from hd_plugin._version import __version__
from hd_plugin.characterisation import ArrayEnergy
from hd_plugin.energy import Technology, load_technology
from hd_plugin.engines import Array, Engine, Evaluation, Request
from hd_plugin.hardware import address_bits
from hd_plugin.streaming import METHODS, Jobs, StreamPlan, flips, hardware_flips, nhd
from hd_plugin.study._comparison import Comparison, Provenance, Row
from hd_plugin.study._energies import array_energy
from hd_plugin.study._layer_studies import layer_studies
from hd_plugin.study._plan import Plans, all_plans
from hd_plugin.study._policies import SOURCES
from hd_plugin.study._scenario import Scenario
from hd_plugin.study._used import answered
from hd_plugin.weights import Layer, Network

__all__ = ["compare_one", "digests"]


def compare_one(
    network: Network,
    asked: Scenario,
    engine: Engine,
    jobs: Jobs,
    *,
    trained: Sequence[Network] = (),
    plans: Plans | None = None,
) -> Comparison:
    """One network; ``trained`` is for its provenance only.

    plans : by (layer, method), where they are there.
    """
    technology = load_technology(asked.technology_name())
    engine.check(network.layers, asked.array)
    energies = array_energy(asked, network.layers) if asked.needs_gates else None
    slow = asked.needs_gates or _is_slow(engine)
    pricing, studying = jobs.parts(2.0 if slow else 9.0, 1.0 if asked.studies else 0.0)
    rows, plans = _rows(network, asked, (engine, technology, energies), pricing, plans)
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
        digests(network, trained),
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


def digests(network: Network, trained: Sequence[Network] = ()) -> dict[str, str]:
    """SHA-256 by file."""
    own = {Path(network.source).name or network.name: network.digest}
    return own | {f"trained {i}: {n.name}": n.digest for i, n in enumerate(trained, 1)}


def _is_slow(engine: Engine) -> bool:
    """Whether it says so; an engine of somebody's own may say nothing."""
    return bool(getattr(engine, "slow", False))


def _rows(
    network: Network,
    scenario: Scenario,
    prices: tuple[Engine, Technology, ArrayEnergy | None],
    jobs: Jobs,
    plans: Plans | None,
) -> tuple[list[Row], Plans]:
    engine, technology, energies = prices
    slow = scenario.needs_gates or _is_slow(engine)
    searching, counting, pricing = jobs.parts(
        20.0, 20.0 if _is_slow(engine) else 0.0, 10.0 if scenario.needs_gates else 0.0
    )
    if plans is None:
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
