"""``compare``: a network, layer by layer, under every streaming method."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from hd_plugin import __version__
from hd_plugin._atomic import atomic_path, write_text
from hd_plugin.combined import Combined, check_same_layers, combine
from hd_plugin.energy import ActionCounts, EnergyBreakdown, load_technology
from hd_plugin.engines import Array, Engine, Evaluation, Request, get_engine
from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.gate_energy import ENERGIES, reprice
from hd_plugin.hardware import address_bits
from hd_plugin.hardware.gates import ArrayEnergy
from hd_plugin.streaming import (
    EFFORTS,
    METHODS,
    OBJECTIVES,
    Jobs,
    Progress,
    StreamPlan,
    flips,
    hardware_flips,
    nhd,
    optimize,
)
from hd_plugin.weights import Layer, Network, Unmapped

__all__ = ["Comparison", "Row", "compare"]

SCHEMA = "hd-plugin/compare/1"


@dataclass(frozen=True)
class Row:
    """One layer under one method. ``flips`` and ``nhd`` are the paper's count; the reductions are against the baseline.

    flips_hardware : the weight inputs' flips over the whole layer, all tiles; flips_hardware_alternate : the same
    with every other tile run backwards. energy_reduction : of the datapath, address table included.
    details : what the engine tells beyond (accesses and energy of every component, the folders of its runs).
    """

    layer: str
    K: int
    C: int
    taps: int
    P: int
    Q: int
    method: str
    flips: int
    nhd: float
    hd_reduction: float
    flips_hardware: int
    flips_hardware_alternate: int
    energy: EnergyBreakdown
    energy_reduction: float
    total_reduction: float
    counts: ActionCounts
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Comparison:
    """What ``compare`` found; ``to_dict`` gives the JSON schema."""

    network: str
    array: dict[str, int]
    bits: int
    number_format: str
    engine: str
    technology: str
    methods: tuple[str, ...]
    rows: list[Row]
    plans: dict[tuple[str, str], StreamPlan]
    unmapped: list[Unmapped]
    provenance: dict[str, Any]
    studies: dict[str, Any] = field(default_factory=dict)
    trained: list[Combined] = field(default_factory=list)

    def of(self, method: str) -> list[Row]:
        """The rows of one method, in network order."""
        return [r for r in self.rows if r.method == method]

    def summary(self) -> dict[str, dict[str, float]]:
        """Per method; ``mean_*`` is the mean over layers of per-layer ratios (the paper's way), energies are sums."""
        out = {}
        for method in self.methods:
            rows = self.of(method)
            out[method] = {
                "mean_hd_reduction": float(np.mean([r.hd_reduction for r in rows])),
                "best_hd_reduction": max(r.hd_reduction for r in rows),
                "mean_energy_reduction": float(np.mean([r.energy_reduction for r in rows])),
                "best_energy_reduction": max(r.energy_reduction for r in rows),
                "flips": sum(r.flips for r in rows),
                "flips_hardware": sum(r.flips_hardware for r in rows),
                "flips_hardware_alternate": sum(r.flips_hardware_alternate for r in rows),
                "datapath_energy_J": sum(r.energy.datapath_J for r in rows),
                "total_energy_J": sum(r.energy.total_J for r in rows),
            }
        return out

    def to_dict(self) -> dict[str, Any]:
        """The content of compare.json, schema hd-plugin/compare/1."""
        layers: dict[str, dict[str, Any]] = {}
        for r in self.rows:
            entry = layers.setdefault(
                r.layer,
                {"name": r.layer, "K": r.K, "C": r.C, "taps": r.taps, "P": r.P, "Q": r.Q, "methods": {}},
            )
            entry["methods"][r.method] = {
                "flips": r.flips,
                "nhd": r.nhd,
                "hd_reduction": r.hd_reduction,
                "flips_hardware": r.flips_hardware,
                "flips_hardware_alternate": r.flips_hardware_alternate,
                "datapath_energy_J": r.energy.datapath_J,
                "total_energy_J": r.energy.total_J,
                "energy_reduction": r.energy_reduction,
                "total_energy_reduction": r.total_reduction,
                "energy_J": {k[:-2]: v for k, v in asdict(r.energy).items()},
                "counts": asdict(r.counts),
                **r.details,
            }
        return {
            "schema": SCHEMA,
            "network": self.network,
            "array": self.array,
            "bits": self.bits,
            "number_format": self.number_format,
            "engine": self.engine,
            "technology": self.technology,
            "layers": list(layers.values()),
            "summary": self.summary(),
            "unmapped": [asdict(u) for u in self.unmapped],
            "studies": self.studies,
            "trained": [asdict(c) for c in self.trained],
            "provenance": self.provenance,
        }

    def to_json(self, path: str | Path) -> None:
        write_text(path, json.dumps(self.to_dict(), indent=1) + "\n")

    def to_csv(self, path: str | Path) -> None:
        """One line per layer and method; energies in joules."""
        flat = []
        for r in self.rows:
            line = {k: v for k, v in asdict(r).items() if k not in ("energy", "counts", "details")}
            line |= (
                asdict(r.energy)
                | {"datapath_J": r.energy.datapath_J, "total_J": r.energy.total_J}
                | asdict(r.counts)
            )
            flat.append(line)
        with atomic_path(path) as temporary, open(temporary, "w", newline="", encoding="utf8") as file:
            writer = csv.DictWriter(file, list(flat[0]))
            writer.writeheader()
            writer.writerows(flat)

    def to_html(self, path: str | Path) -> None:
        """One self-contained page."""
        from hd_plugin.report import write_html

        write_html(self, path)

    def plot(self, folder: str | Path) -> list[Path]:
        """Every plot as a PNG under ``folder``; returns the files."""
        from hd_plugin.report import plot_all

        return plot_all(self, folder)


def _ratio(before: float, after: float) -> float:
    """before / after; a layer that had nothing to lose is unchanged (1), one that lost all is infinitely better."""
    return before / after if after else (1.0 if not before else math.inf)


def _request(layer: Layer, method: str, plan: StreamPlan) -> Request:
    """segment and cluster need the address table: an entry names one of K outputs."""
    lut = method in ("segment", "cluster")
    return Request(layer, len(plan.groups), nhd(layer, plan), address_bits(layer.K) if lut else 0)


def _row(r: Request, method: str, plan: StreamPlan, array: Array, found: Evaluation, base: Row | None) -> Row:
    layer, energy, total = r.layer, found.energy, flips(r.layer, plan)
    before = base.energy if base else energy
    tiles = -(-layer.output_hw[0] * layer.output_hw[1] // array.cols)
    return Row(
        layer.name,
        layer.K,
        layer.C,
        layer.taps,
        *layer.output_hw,
        method,
        total,
        r.flip_rate,
        _ratio(base.flips if base else total, total),
        hardware_flips(layer, plan, tiles),
        hardware_flips(layer, plan, tiles, alternate=True),
        energy,
        before.datapath_J / energy.datapath_J,
        before.total_J / energy.total_J,
        found.counts,
        found.details,
    )


def compare(
    network: Network,
    rows: int = 8,
    cols: int = 8,
    methods: Sequence[str] = METHODS,
    *,
    effort: str = "local",
    engine: str | Engine = "analytic",
    technology: str | Path | None = None,
    array: Array | None = None,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
    studies: bool = False,
    trained: Sequence[Network] = (),
    energy: str = "flips",
    objective: str = "flips",
    activations: str | None = None,
    clock: bool = True,
) -> Comparison:
    """Flips and energy of every layer of ``network`` under every method; the baseline always comes first.

    array : overrides rows and cols and gives widths. technology : None takes the array's, else eyeriss45. engine : a name,
    or an engine with options of its own (``hd_plugin.engines.get_engine("timeloop", mapping="mapper")``). studies : also
    the convergence of Algorithm 2, the reduction against channels per cluster and what the address table costs, on the layer
    with most weights among those with C > K. trained : networks of the same layers, trained for few flips; each goes through the baseline and the
    last method, against ``network`` in file order (the paper's Table 4). energy : where the datapath's energy comes from: "flips", the engine's
    straight line; "modelled" or "simulated", the activity model or the gates of a characterised technology (hd_generic45 by default), for the array
    that it was characterised for. objective : "flips", or "energy" for plans of least modelled energy. activations : what the array holds then ("relu", "linear", "uniform"). clock : False leaves the clock out of every total. Results do not depend on ``threads``. Ctrl-C during the searches keeps what was found
    (provenance.interrupted); during runs of Timeloop it ends the call, and finished runs are kept for the next one.
    Raises InputError: unknown method, effort, engine or technology; a layer without an output size; and what the engine
    raises (MissingTool, say).
    """
    array = array or Array(rows, cols)
    for method in methods:
        if method not in METHODS:
            raise InputError(f"method: {method!r} is unknown; " + did_you_mean(method, METHODS))
    if effort not in EFFORTS:
        raise InputError(f"effort: {effort!r} is unknown; " + did_you_mean(effort, EFFORTS))
    methods = ("baseline", *(m for m in METHODS[1:] if m in methods))
    for name, value, known in (("energy", energy, ENERGIES), ("objective", objective, OBJECTIVES)):
        if value not in known:
            raise InputError(f"{name}: {value!r} is unknown; {did_you_mean(value, known)}")
    gates = energy != "flips" or objective != "flips"
    if activations and not gates:
        raise InputError(
            "activations: they matter to gate-level energy only (energy 'modelled' or 'simulated', objective 'energy')"
        )
    technology = technology or array.variables.get("technology") or ("hd_generic45" if gates else "eyeriss45")
    coefficients = load_technology(technology)
    chosen = get_engine(engine) if isinstance(engine, str) else engine
    check_same_layers(network, trained)
    chosen.check(network.layers, array)  # fail on a missing output size before an hour of search, not after
    energies = ArrayEnergy(technology, activations or "relu", seed) if gates else None
    for layer in network.layers if energies else ():
        energies.check(
            layer, array.rows, cols=array.cols, act_bits=array.activation_bits, psum_bits=array.psum_bits
        )
    plans, interrupted = _plans(
        network,
        array.rows,
        methods,
        effort,
        seed,
        threads,
        progress,
        energies if objective == "energy" else None,
    )
    asked = [(_request(layer, m, plans[layer.name, m]), m) for layer in network.layers for m in methods]
    jobs = Jobs(threads, progress, f"{network.name}: {chosen.name}")
    evaluated = chosen.evaluate([r for r, _ in asked], array, coefficients, jobs)
    if energy != "flips":
        runs = [(r.layer, plans[r.layer.name, m]) for r, m in asked]
        evaluated = reprice(
            energies, energy, runs, evaluated, Jobs(threads, progress, f"{network.name}: {energy} energy")
        )
    if not clock:
        evaluated = [replace(e, energy=replace(e.energy, clock_J=0.0)) for e in evaluated]
    table: list[Row] = []
    for (request, method), found in zip(asked, evaluated):
        base = next(r for r in reversed(table) if r.method == "baseline") if method != "baseline" else None
        table.append(_row(request, method, plans[request.layer.name, method], array, found, base))
    others = [
        compare(
            other,
            methods=methods[-1:],
            effort=effort,
            engine=chosen,
            technology=technology,
            array=array,
            seed=seed,
            threads=threads,
            progress=progress,
            energy=energy,
            objective=objective,
            activations=activations,
            clock=clock,
        )
        for other in trained
    ]
    found = {}
    if studies and not interrupted:
        from hd_plugin.studies import run_studies

        found = run_studies(network, array, coefficients, seed, threads, progress)
    result = Comparison(
        network.name,
        {"rows": array.rows, "cols": array.cols},
        network.layers[0].bits,
        network.layers[0].number_format,
        chosen.name,
        coefficients.name,
        methods,
        table,
        plans,
        network.unmapped,
        {
            "version": __version__,
            "seed": seed,
            "interrupted": interrupted,
            "options": {
                "effort": effort,
                "array": asdict(array),
                "methods": list(methods),
                "technology": coefficients.reference,
                "energy": energy,
                "objective": objective,
                "clock": clock,
                **({"activations": activations or "relu"} if gates else {}),
            },
            "engine": chosen.provenance(),
            **(
                {"energy_model": asdict(energies.characterisation.model().test)}
                if energy == "modelled"
                else {}
            ),
            "technology": {"description": coefficients.description, "sources": coefficients.sources},
            "input_digests": {
                Path(network.source).name or network.name: network.digest,
                **{f"trained {i}: {n.name}": n.digest for i, n in enumerate(trained, 1)},
            },
        },
        found,
    )
    return replace(result, trained=combine(result, others)) if others else result


def _plans(
    network: Network,
    rows: int,
    methods: Sequence[str],
    effort: str,
    seed: int,
    threads: int | None,
    progress: Progress | None,
    energies: ArrayEnergy | None,
) -> tuple[dict[tuple[str, str], StreamPlan], bool]:
    """A plan for every (layer, method), the largest searches first so that threads finish together."""
    work = [(layer, m) for layer in network.layers for m in methods]
    work.sort(key=lambda w: -METHODS.index(w[1]) * w[0].C * w[0].taps * w[0].K)
    jobs = Jobs(threads, progress, f"{network.name}: searching orders")

    def plan(item: tuple[Layer, str]) -> StreamPlan:
        objective = energies.objective(item[0]) if energies else None
        return optimize(item[0], rows, item[1], effort, seed, objective=objective, jobs=jobs.child())

    def quick(item: tuple[Layer, str]) -> StreamPlan:
        return optimize(
            item[0], rows, "segment" if item[1] == "cluster" else item[1], "greedy", seed, threads=1
        )

    made = jobs.map(plan, work, quick)
    return {(layer.name, m): p for (layer, m), p in zip(work, made)}, jobs.interrupted
