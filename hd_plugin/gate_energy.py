"""Layers priced by the energy model or the gates of a characterised array; plans for least flips against plans for least energy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from hd_plugin.engines import Evaluation
from hd_plugin.errors import InputError
from hd_plugin.hardware.gates import ArrayEnergy, SimulatedEnergy, quality
from hd_plugin.streaming import (
    Jobs,
    Progress,
    StreamPlan,
    file_order_plan,
    flips,
    lessen_energy,
    nhd,
    optimize,
)
from hd_plugin.weights import Layer, Network

__all__ = ["ENERGIES", "compare_objectives", "reprice"]

ENERGIES = ("flips", "modelled", "simulated")
_MODELS = ("flips", "transitions")


def reprice(
    energies: ArrayEnergy,
    source: str,
    runs: Sequence[tuple[Layer, StreamPlan]],
    evaluated: Sequence[Evaluation],
    jobs: Jobs,
) -> list[Evaluation]:
    """The same evaluations with the datapath and the clock of ``energies``: source "modelled" or "simulated".

    Some tiles of a layer stand for all; the address table and the memories stay the engine's. Ctrl-C ends the call.
    """
    price = {"modelled": energies.modelled, "simulated": energies.simulated}[source]
    energies.prepare(source == "simulated")
    found = jobs.map(lambda run: price(*run), runs)
    out = []
    for (layer, _), one, before in zip(runs, found, evaluated):
        P, Q = layer.output_hw
        joules = 1e-15 * -(-P * Q // energies.size.cols) / one.tiles
        out.append(
            replace(
                before,
                energy=replace(
                    before.energy,
                    mac_J=joules * (one.mac_fJ + one.activations_fJ),
                    weight_hop_J=joules * one.weight_hop_fJ,
                    psum_hop_J=joules * one.psum_hop_fJ,
                    clock_J=joules * one.clock_fJ,
                ),
            )
        )
    return out


def compare_objectives(
    network: Network,
    energies: ArrayEnergy,
    rows: int = 8,
    method: str = "cluster",
    effort: str = "local",
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> tuple[dict[str, Any], dict[tuple[str, str], StreamPlan]]:
    """Content of optimize.json for ``--objective energy``, and the plans for least energy.

    Activations to plan with are drawn apart from those that the plans are priced with (a layer's own: other pixels, where there are enough). A Ctrl-C
    while plans are searched keeps what was found; while they are priced it ends the call. Raises InputError for layers or an array that the
    technology was not characterised for, and for the method baseline, which has nothing to choose.
    """
    if method == "baseline":
        raise InputError("method: 'baseline' has no orders to choose; direct, segment or cluster is needed")
    for layer in network.layers:
        energies.check(layer, rows)
    searching = Jobs(threads, progress, f"{network.name}: searching orders")

    def search(layer: Layer) -> tuple[StreamPlan, StreamPlan]:
        plan = optimize(layer, rows, method, effort, seed, jobs=searching.child())
        return plan, lessen_energy(layer, plan, energies.objective(layer), jobs=searching.child())

    def quick(layer: Layer) -> tuple[StreamPlan, StreamPlan]:
        plan = optimize(layer, rows, "segment" if method == "cluster" else method, "greedy", seed, threads=1)
        return plan, plan

    largest_first = sorted(network.layers, key=lambda la: -la.C * la.taps * la.K)
    found = dict(zip((la.name for la in largest_first), searching.map(search, largest_first, quick)))
    pricing = Jobs(threads, progress, f"{network.name}: simulating gates")
    asked = [
        (layer, plan)
        for layer in network.layers
        for plan in (file_order_plan(layer, rows), *found[layer.name])
    ]
    energies.prepare()

    def price(asked: tuple[Layer, StreamPlan]) -> tuple[SimulatedEnergy, dict[str, SimulatedEnergy]]:
        return energies.simulated(*asked), energies.modelled_by(*asked, _MODELS)

    priced = pricing.map(price, asked)
    lines = []
    for i, layer in enumerate(network.layers):
        plans = (file_order_plan(layer, rows), *found[layer.name])
        simulated, modelled = zip(
            *((one, models["transitions"]) for one, models in priced[3 * i : 3 * i + 3])
        )
        counts = [flips(layer, p) for p in plans]
        lines.append(
            {
                "name": layer.name,
                "K": layer.K,
                "C": layer.C,
                "taps": layer.taps,
                "groups": len(plans[2].groups),
                "nhd_before": nhd(layer),
                "nhd": nhd(layer, plans[2]),
                **_triple("flips", counts),
                **_triple("simulated_fJ", [s.datapath_fJ / s.tiles for s in simulated]),
                **_triple("modelled_fJ", [m.datapath_fJ / m.tiles for m in modelled]),
                "clock_fJ": simulated[0].clock_fJ / simulated[0].tiles,
                "simulated_gain": simulated[1].datapath_fJ / simulated[2].datapath_fJ,
                "modelled_gain": modelled[1].datapath_fJ / modelled[2].datapath_fJ,
            }
        )
    technology = energies.characterisation.technology
    content = {
        "schema": "hd-plugin/optimize/1",
        "network": network.name,
        "digest": network.digest,
        "method": method,
        "effort": effort,
        "rows": rows,
        "seed": seed,
        "objective": "energy",
        "technology": technology.name,
        "activations": energies.activations if isinstance(energies.activations, str) else "the layers' own",
        "interrupted": searching.interrupted,
        "layers": lines,
        "summary": _summary(lines),
        "models": {
            m: asdict(
                quality(
                    *(
                        np.array(column)
                        for column in zip(
                            *((models[m].datapath_fJ, one.datapath_fJ, one.cycles) for one, models in priced)
                        )
                    )
                )
            )
            for m in _MODELS
        },
    }
    return content, {(layer.name, method): found[layer.name][1] for layer in network.layers}


def _triple(name: str, values: list[Any]) -> dict[str, Any]:
    return {f"{name}_before": values[0], f"{name}_plan_for_flips": values[1], name: values[2]}


def _summary(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over layers of per-layer ratios."""

    def column(name: str) -> np.ndarray:
        return np.array([line[name] for line in lines], float)

    gain, clock = column("simulated_gain"), column("clock_fJ")
    out: dict[str, Any] = {
        "simulated_gain_mean": float(gain.mean()),
        "simulated_gain_std": float(gain.std()),
        "simulated_gain_min": float(gain.min()),
        "simulated_gain_max": float(gain.max()),
        "modelled_gain_mean": float(column("modelled_gain").mean()),
    }
    for name, suffix in (("flips", "_plan_for_flips"), ("energy", "")):
        simulated = column(f"simulated_fJ{suffix}")
        out[name] = {
            "hd_reduction": float((column("flips_before") / np.maximum(column(f"flips{suffix}"), 1)).mean()),
            "simulated_reduction": float((column("simulated_fJ_before") / simulated).mean()),
            "modelled_reduction": float(
                (column("modelled_fJ_before") / column(f"modelled_fJ{suffix}")).mean()
            ),
            "with_clock_reduction": float(
                ((column("simulated_fJ_before") + clock) / (simulated + clock)).mean()
            ),
        }
    return out
