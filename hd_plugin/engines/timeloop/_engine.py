"""The engine: a layer and a flip rate in, Timeloop's action counts and energies out."""
from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hd_plugin._data_files import data_folder
from hd_plugin._yaml import read_mapping
from hd_plugin.energy import ActionCounts, AddressLut, EnergyBreakdown, Technology
from hd_plugin.engines._array import Array
from hd_plugin.engines._protocol import Evaluation, Request
from hd_plugin.engines.timeloop._mapping import blocks, check_input_stationary, paper_mapping, read_map
from hd_plugin.engines.timeloop._problem import Shape, problem_of, shape_of
from hd_plugin.engines.timeloop._results import Accesses, ComponentResult, RunError
from hd_plugin.engines.timeloop._run import Job, Outcome, Runs, default_cache
from hd_plugin.engines.timeloop._tools import find_tools
from hd_plugin.errors import HdPluginError, InputError, did_you_mean
from hd_plugin.streaming import Jobs
from hd_plugin.weights import Layer

__all__ = ["MAPPER", "MAPPINGS", "TimeloopEngine", "variables_for"]

MAPPINGS = ("paper", "mapper")
# exhaustive, so that threads and time cannot change the answer; the constraints leave a few hundred mappings
MAPPER = {"version": 0.4, "optimization_metrics": ["delay", "energy"], "algorithm": "linear_pruned", "num_threads": 1,
           "search_size": 0, "victory_condition": 0, "timeout": 1000000, "live_status": False}
# what the architecture has to call its parts (arch/input_stationary.yaml)
_PARTS = ("main_memory", "clock", "address_lut", "weight_buffer", "input_buffer", "output_buffer", "accumulation_buffer",
          "weight_line", "input_register", "psum_hop", "mac")
_MEMORIES = ("main_memory", "weight_buffer", "input_buffer", "output_buffer", "accumulation_buffer", "input_register")


def variables_for(array: Array, bits: int, number_format: str, technology: str, flip_rate: float = 0.5,
                  lut_entries: int = 1, lut_bits: int = 0) -> dict[str, Any]:
    """The variables of a run: the array's own over the bundled 8x8 array's, and what layer and method set."""
    given = {**read_mapping(data_folder("arch") / "input_stationary_8x8.yaml")["variables"], **array.variables}
    return {**given, "technology": technology, "dataflow": array.dataflow, "rows": array.rows, "cols": array.cols,
            "weight_bits": bits, "activation_bits": array.activation_bits, "psum_bits": array.psum_bits,
            "accumulator_bits": array.accumulator_bits, "number_format": number_format, "weight_flip_rate": flip_rate,
            "lut_entries": lut_entries, "lut_entry_bits": lut_bits, "lut_reads_per_cycle": int(lut_bits > 0)}


class TimeloopEngine:
    """Runs timeloop-model with one mapping per shape for every flip rate, so that only flip rates differ.

    mapping : "paper" is the fixed dataflow that the analytic engine counts; "mapper" lets timeloop-mapper choose among
    the mappings that the architecture's constraints leave, once per shape, and replays its choice. cache : folder of
    finished runs. architecture : a v4 architecture with the parts of arch/input_stationary.yaml. Raises MissingTool.
    """

    name = "timeloop"

    def __init__(self, mapping: str = "paper", cache: str | Path | None = None, architecture: str | Path | None = None) -> None:
        if mapping not in MAPPINGS:
            raise InputError(f"mapping: {mapping!r} is unknown; {did_you_mean(mapping, MAPPINGS)}")
        self.mapping = mapping
        self.architecture = Path(architecture) if architecture else data_folder("arch") / "input_stationary.yaml"
        if not self.architecture.is_file():
            raise InputError(f"architecture: {self.architecture}: no such file")
        self.runs = Runs(find_tools(), Path(cache) if cache else default_cache())
        self._maps: dict[str, tuple[threading.Lock, list]] = {}
        self._lock = threading.Lock()

    def check(self, layers: Sequence[Layer], array: Array) -> None:
        array.check_dataflow("input_stationary")
        for layer in layers:
            shape_of(layer)

    def provenance(self) -> dict[str, Any]:
        return {"mapping": self.mapping, "architecture": self.architecture.name, "tools_digest": self.runs.tools.digest}

    def evaluate(self, requests: Sequence[Request], array: Array, technology: Technology, jobs: Jobs) -> list[Evaluation]:
        """Finished runs stay in the cache: after a Ctrl-C or an error, the same call goes on where this one stopped."""
        stopped: list[Request] = []
        errors: list[HdPluginError] = []

        def work(request: Request) -> Evaluation | None:
            if errors:
                return None
            try:
                return self._evaluate(request, array, technology)
            except HdPluginError as error:      # the other threads finish their run, then the first error is raised
                errors.append(error)
                return None
        done = jobs.map(work, requests, stopped.append)
        if errors:
            raise errors[0]
        if stopped:
            raise HdPluginError(f"interrupted; {len(requests) - len(stopped)} of {len(requests)} runs are kept in "
                                f"{self.runs.cache}: run the same command again to go on")
        return done

    def _evaluate(self, r: Request, array: Array, technology: Technology) -> Evaluation:
        shape = shape_of(r.layer)
        variables = variables_for(array, r.layer.bits, r.layer.number_format, technology.reference, r.flip_rate,
                                  r.layer.K * r.groups if r.lut_bits else 1, r.lut_bits)
        if self.mapping == "paper":
            needed = -(-shape.C // array.rows) * shape.R * shape.S
            if r.groups != needed:
                raise InputError(f"layer {r.layer.name!r}: a plan of {r.groups} groups; the paper mapping of {array.rows} rows "
                                 f"has {needed}. Use a plan made for {array.rows} rows")
            jobs = [(Job("model", self.architecture, {"variables": variables, **problem_of(b.shape, unrolled=True),
                                                      **paper_mapping(b.shape, array)}), b.last) for b in blocks(shape, array)]
            return self._sum([(self.runs.run(job), last) for job, last in jobs], variables, technology)
        chosen, entries = self._mapped(shape, variables)
        outcome = self.runs.run(Job("model", self.architecture, {"variables": variables, **problem_of(shape)}, entries))
        if _counts(outcome) != _counts(chosen):
            raise RunError(f"layer {r.layer.name!r}: timeloop-model counts other accesses for the mapping than timeloop-mapper "
                           f"did (compare {outcome.folder} with {chosen.folder})")
        return self._sum([(outcome, True)], variables, technology)

    def _mapped(self, shape: Shape, variables: dict[str, Any]) -> tuple[Outcome, list[dict[str, Any]]]:
        """The mapper's choice for a shape and its own results, searched once at flip rate 0.5 and without a table."""
        neutral = {**variables, "weight_flip_rate": 0.5, "lut_entries": 1, "lut_entry_bits": 0, "lut_reads_per_cycle": 0}
        job = Job("mapper", self.architecture, {"variables": neutral, **problem_of(shape), "mapper": MAPPER})
        with self._lock:
            lock, found = self._maps.setdefault(self.runs.digest(job), (threading.Lock(), []))
        with lock:
            if not found:
                outcome = self.runs.run(job)
                path = outcome.folder / "timeloop-mapper.map.yaml"
                entries = read_map(path)
                check_input_stationary(entries, shape, str(path))
                found.extend((outcome, entries))
        return tuple(found)

    def _sum(self, outcomes: list[tuple[Outcome, bool]], variables: dict[str, Any], technology: Technology) -> Evaluation:
        """The parts of a layer together. Outputs of a part that is not the last one stay in the accumulation buffer."""
        parts: dict[str, ComponentResult] = {}
        cycles = 0
        for outcome, last in outcomes:
            missing = [n for n in _PARTS if n not in outcome.components]
            if missing:
                raise RunError(f"{self.architecture}: has no component {', '.join(missing)}; the parts of "
                               "arch/input_stationary.yaml are needed by name")
            cycles += outcome.cycles
            for name, part in outcome.components.items():
                if not last and name in ("output_buffer", "main_memory"):
                    part = replace(part, accesses={n: a for n, a in part.accesses.items() if n != "Outputs"})
                parts[name] = _add(parts.get(name), part, outcome.cycles)
        lut_on = variables["lut_reads_per_cycle"]
        hops = parts["weight_line"].fills * variables["cols"]
        counts = ActionCounts(
            mac=parts["mac"].computes, weight_hops=hops, idle_weight_hops=hops - parts["mac"].computes,
            weight_reads=parts["weight_buffer"].reads, accumulator_reads=parts["accumulation_buffer"].reads,
            accumulator_writes=parts["accumulation_buffer"].updates, input_reads=parts["input_buffer"].reads,
            output_writes=parts["output_buffer"].updates, lut_reads=cycles * lut_on, cycles=cycles)
        table = AddressLut(technology, variables["lut_entries"], variables["lut_entry_bits"], lut_on)
        static_pJ = table.leakage_nW * float(variables["global_cycle_seconds"]) * 1e3 * cycles
        dynamic = {n: parts[n].energy_pJ * 1e-12 for n in _PARTS}
        leaking = sum(p.per_cycle_pJ for n, p in parts.items() if n not in ("clock", "address_lut")) + static_pJ
        energy = EnergyBreakdown(
            mac_J=dynamic["mac"], weight_hop_J=dynamic["weight_line"], psum_hop_J=dynamic["psum_hop"],
            lut_J=1e-12 * (parts["address_lut"].per_cycle_pJ - static_pJ), memory_J=sum(dynamic[n] for n in _MEMORIES),
            clock_J=1e-12 * parts["clock"].per_cycle_pJ, leakage_J=1e-12 * leaking)
        return Evaluation(counts, energy, {"components": {n: p.to_dict() for n, p in parts.items()},
                                           "folders": [str(o.folder) for o, _ in outcomes]})


def _counts(outcome: Outcome) -> dict[str, Any]:
    """All that a flip rate must not change."""
    return {"cycles": outcome.cycles} | {
        name: (part.computes, {space: (a.reads, a.fills, a.updates) for space, a in part.accesses.items()})
        for name, part in outcome.components.items()}


def _add(so_far: ComponentResult | None, part: ComponentResult, cycles: int) -> ComponentResult:
    """``part`` of ``cycles`` cycles added to a sum, whose per_cycle_pJ is over all its cycles."""
    s = so_far or ComponentResult(0, 0.0, 0.0, {})
    accesses = dict(s.accesses)
    for space, more in part.accesses.items():
        old = accesses.get(space, Accesses(0, 0, 0, 0.0))
        accesses[space] = Accesses(old.reads + more.reads, old.fills + more.fills, old.updates + more.updates,
                                   old.energy_pJ + more.energy_pJ)
    return ComponentResult(s.computes + part.computes, s.compute_pJ + part.compute_pJ,
                           s.per_cycle_pJ + part.per_cycle_pJ * cycles, accesses)
