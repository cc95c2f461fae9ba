"""The engine: a layer and a flip rate in, Timeloop's action counts and energies out."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hd_plugin._data_files import data_folder
from hd_plugin._yaml import Problems
from hd_plugin.energy import ActionCounts, AddressLut, EnergyBreakdown, Technology, load_technology
from hd_plugin.engines._array import Array, read_variables
from hd_plugin.engines._protocol import Evaluation, Request
from hd_plugin.engines.timeloop._mapping import (
    Block,
    blocks,
    check_input_stationary,
    groups_of,
    paper_mapping,
    read_map,
)
from hd_plugin.engines.timeloop._problem import Shape, own_sections, problem_of, shape_of
from hd_plugin.engines.timeloop._results import Accesses, ComponentResult, RunError, reference_table
from hd_plugin.engines.timeloop._run import Job, Outcome, Runs, default_cache
from hd_plugin.engines.timeloop._tools import find_tools
from hd_plugin.errors import HdPluginError, InputError, did_you_mean
from hd_plugin.streaming import Jobs
from hd_plugin.weights import Layer

__all__ = ["MAPPER", "MAPPINGS", "TimeloopEngine", "variables_for"]

MAPPINGS = ("paper", "mapper")
# exhaustive, so that threads and time cannot change the answer; the constraints leave a few hundred mappings
MAPPER = {
    "version": 0.4,
    "optimization_metrics": ["delay", "energy"],
    "algorithm": "linear_pruned",
    "num_threads": 1,
    "search_size": 0,
    "victory_condition": 0,
    "timeout": 1000000,
    "live_status": False,
}
# what the architecture has to call its parts (arch/input_stationary.yaml)
_PARTS = (
    "main_memory",
    "clock",
    "address_lut",
    "weight_buffer",
    "input_buffer",
    "output_buffer",
    "accumulation_buffer",
    "weight_line",
    "input_register",
    "psum_hop",
    "mac",
)
_MEMORIES = (
    "main_memory",
    "weight_buffer",
    "input_buffer",
    "output_buffer",
    "accumulation_buffer",
    "input_register",
)


def variables_for(
    array: Array,
    bits: int,
    number_format: str,
    technology: str,
    flip_rate: float = 0.5,
    lut_entries: int = 1,
    lut_bits: int = 0,
    input_copies: int = 1,
) -> dict[str, Any]:
    """The variables of a run: the array's own over the bundled 8x8 array's, and what layer and method set."""
    given = {**read_variables(data_folder("arch") / "input_stationary_8x8.yaml"), **array.variables}
    return {
        **given,
        "technology": technology,
        "dataflow": array.dataflow,
        "rows": array.rows,
        "cols": array.cols,
        "weight_bits": bits,
        "activation_bits": array.activation_bits,
        "psum_bits": array.psum_bits,
        "accumulator_bits": array.accumulator_bits,
        "number_format": number_format,
        "weight_flip_rate": flip_rate,
        "lut_entries": lut_entries,
        "lut_entry_bits": lut_bits,
        "lut_reads_per_cycle": int(lut_bits > 0),
        "input_copies": input_copies,
    }


class TimeloopEngine:
    """Runs timeloop-model with one mapping per shape for every flip rate, so that only flip rates differ.

    mapping : "paper" is the fixed dataflow that the analytic engine counts; "mapper" lets timeloop-mapper choose among
    the mappings that the architecture's constraints leave, once per shape, and replays its choice. cache : folder of
    finished runs. architecture : a v4 architecture with the parts of arch/input_stationary.yaml. Raises MissingTool.
    """

    name = "timeloop"

    def __init__(
        self, mapping: str = "paper", cache: str | Path | None = None, architecture: str | Path | None = None
    ) -> None:
        if mapping not in MAPPINGS:
            raise InputError(f"mapping: {mapping!r} is unknown; {did_you_mean(mapping, MAPPINGS)}")
        self.mapping = mapping
        self.architecture = (
            Path(architecture) if architecture else data_folder("arch") / "input_stationary.yaml"
        )
        if own := own_sections(self.architecture) & {"variables", "problem"}:
            raise InputError(
                f"architecture: {self.architecture}: take out its {' and '.join(sorted(own))}; they come from the "
                "array and from the layers"
            )
        self.runs = Runs(find_tools(), Path(cache) if cache else default_cache())
        self._maps: dict[str, tuple[threading.Lock, list]] = {}
        self._lock = threading.Lock()

    def check(self, layers: Sequence[Layer], array: Array) -> None:
        array.check_dataflow("input_stationary")
        problems = Problems("array")
        for layer in layers:
            self._check_sizes(layer, array, problems)
        problems.raise_any()
        probe = Layer(
            "probe",
            np.zeros((2, 1, 1, 1), np.uint8),
            layers[0].bits,
            layers[0].number_format,
            output_hw=(1, 1),
        )
        self._evaluate(
            Request(probe, 1, 0.5), array, load_technology("eyeriss45")
        )  # are the tools and parts there?

    def _check_sizes(self, layer: Layer, array: Array, problems: Problems) -> None:
        shape, given = shape_of(layer), variables_for(array, layer.bits, layer.number_format, "")
        needed = {
            "weight_buffer_depth": layer.codes.size,
            "output_buffer_depth": shape.K * shape.pixels,
            "input_buffer_depth": shape.C * (shape.P + shape.R - 1) * (shape.Q + shape.S - 1),
            "accumulation_buffer_depth": shape.K * array.cols,
        }
        for name, words in needed.items():
            if isinstance(given.get(name), (int, float)) and given[name] < words:
                problems.add(
                    f"variables.{name}: {given[name]} found, but layer {layer.name!r} needs {words} words; raise it in an "
                    "array file (arch/input_stationary_8x8.yaml shows the form; --array FILE)"
                )
        if self.mapping == "mapper" and array.rows < shape.C and shape.C % array.rows:
            problems.add(
                f"layer {layer.name!r}: its {shape.C} input channels do not fill groups of {array.rows} rows, and "
                "timeloop-mapper takes only factors that divide; use --mapping paper"
            )

    def provenance(self) -> dict[str, Any]:
        return {
            "mapping": self.mapping,
            "architecture": self.architecture.name,
            "tools_digest": self.runs.tools.digest,
        }

    def evaluate(
        self, requests: Sequence[Request], array: Array, technology: Technology, jobs: Jobs
    ) -> list[Evaluation]:
        """Finished runs stay in the cache: after a Ctrl-C or an error, the same call goes on where this one stopped."""
        stopped: list[Request] = []
        errors: list[HdPluginError] = []

        def work(request: Request) -> Evaluation | None:
            if errors:
                return None
            try:
                return self._evaluate(request, array, technology)
            except (
                HdPluginError
            ) as error:  # the other threads finish their run, then the first error is raised
                errors.append(error)
                return None

        done = jobs.map(work, requests, stopped.append)
        if errors:
            raise errors[0]
        if stopped:
            raise HdPluginError(
                f"interrupted; {len(requests) - len(stopped)} of {len(requests)} runs are kept in "
                f"{self.runs.cache}: run the same command again to go on"
            )
        return done

    def _evaluate(self, r: Request, array: Array, technology: Technology) -> Evaluation:
        shape = shape_of(r.layer)
        copies = shape.R * shape.S if self.mapping == "paper" else 1
        variables = variables_for(
            array,
            r.layer.bits,
            r.layer.number_format,
            technology.reference,
            r.flip_rate,
            r.layer.K * r.groups if r.lut_bits else 1,
            r.lut_bits,
            copies,
        )
        try:
            outcomes = (self._paper if self.mapping == "paper" else self._replay)(r, shape, variables, array)
        except RunError as error:
            raise RunError(f"layer {r.layer.name!r}: {error}") from error
        return self._sum(outcomes, variables, technology)

    def _paper(
        self, r: Request, shape: Shape, variables: dict[str, Any], array: Array
    ) -> list[tuple[Outcome, Block]]:
        needed = -(-shape.C // array.rows) * shape.R * shape.S
        if r.groups != needed:
            raise InputError(
                f"layer {r.layer.name!r}: a plan of {r.groups} groups; the paper mapping of {array.rows} rows "
                f"has {needed}. Use a plan made for {array.rows} rows"
            )
        return [
            (
                self.runs.run(
                    Job(
                        "model",
                        self.architecture,
                        {
                            "variables": variables,
                            **problem_of(b.shape, unrolled=True),
                            **paper_mapping(b.shape, array),
                        },
                    )
                ),
                b,
            )
            for b in blocks(shape, array)
        ]

    def _replay(
        self, r: Request, shape: Shape, variables: dict[str, Any], array: Array
    ) -> list[tuple[Outcome, Block]]:
        chosen, entries = self._mapped(shape, variables)
        if groups_of(entries) != r.groups:
            raise RunError(
                f"timeloop-mapper streams {groups_of(entries)} groups, the plan has {r.groups}, so that its flip rate "
                f"does not hold ({chosen.folder / 'timeloop-mapper.map.txt'}); use --mapping paper"
            )
        outcome = self.runs.run(
            Job("model", self.architecture, {"variables": variables, **problem_of(shape)}, entries)
        )
        if _counts(outcome) != _counts(chosen):
            raise RunError(
                "timeloop-model counts other accesses for the mapping than timeloop-mapper did "
                f"(compare {outcome.folder} with {chosen.folder})"
            )
        return [(outcome, Block(shape, first=True, last=True))]

    def _mapped(self, shape: Shape, variables: dict[str, Any]) -> tuple[Outcome, list[dict[str, Any]]]:
        """The mapper's choice for a shape and its own results, searched once at flip rate 0.5 and without a table."""
        neutral = {
            **variables,
            "weight_flip_rate": 0.5,
            "lut_entries": 1,
            "lut_entry_bits": 0,
            "lut_reads_per_cycle": 0,
        }
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

    def _sum(
        self, outcomes: list[tuple[Outcome, Block]], variables: dict[str, Any], technology: Technology
    ) -> Evaluation:
        parts: dict[str, ComponentResult] = {}
        cycles = 0
        for outcome, block in outcomes:
            missing = [n for n in _PARTS if n not in outcome.components]
            if missing:
                raise RunError(
                    f"{self.architecture}: has no component {', '.join(missing)}; the parts of "
                    "arch/input_stationary.yaml are needed by name"
                )
            cycles += outcome.cycles
            for name, part in _share(outcome, block, variables["input_copies"]).items():
                parts[name] = _add(parts.get(name), part, outcome.cycles)
        lut_on = variables["lut_reads_per_cycle"]
        hops = parts["weight_line"].fills * variables["cols"]
        counts = ActionCounts(
            mac=parts["mac"].computes,
            weight_hops=hops,
            idle_weight_hops=hops - parts["mac"].computes,
            weight_reads=parts["weight_buffer"].reads,
            accumulator_reads=parts["accumulation_buffer"].reads,
            accumulator_writes=parts["accumulation_buffer"].updates,
            input_reads=parts["input_buffer"].reads,
            output_writes=parts["output_buffer"].updates,
            lut_reads=cycles * lut_on,
            cycles=cycles,
        )
        table = AddressLut(technology, variables["lut_entries"], variables["lut_entry_bits"], lut_on)
        static_pJ = table.leak_pJ(float(variables["global_cycle_seconds"])) * cycles
        dynamic = {n: parts[n].energy_pJ * 1e-12 for n in _PARTS}
        leaking = (
            sum(p.per_cycle_pJ for n, p in parts.items() if n not in ("clock", "address_lut")) + static_pJ
        )
        energy = EnergyBreakdown(
            mac_J=dynamic["mac"],
            weight_hop_J=dynamic["weight_line"],
            psum_hop_J=dynamic["psum_hop"],
            lut_J=1e-12 * (parts["address_lut"].per_cycle_pJ - static_pJ),
            memory_J=sum(dynamic[n] for n in _MEMORIES),
            clock_J=1e-12 * parts["clock"].per_cycle_pJ,
            leakage_J=1e-12 * leaking,
        )
        return Evaluation(
            counts,
            energy,
            {
                "components": {n: p.to_dict() for n, p in parts.items()},
                "folders": [str(o.folder) for o, _ in outcomes],
            },
        )


def _counts(outcome: Outcome) -> dict[str, Any]:
    """All that a flip rate must not change."""
    return {"cycles": outcome.cycles} | {
        name: (part.computes, {space: (a.reads, a.fills, a.updates) for space, a in part.accesses.items()})
        for name, part in outcome.components.items()
    }


def _share(outcome: Outcome, block: Block, copies: int) -> dict[str, ComponentResult]:
    """What a block adds to its layer, which is run as several only because Timeloop miscounts sizes that do not divide.

    Weights come into the buffers with the first block that uses them, outputs leave with the last one, and inputs, which
    an unrolled problem holds ``copies`` times, come once.
    """
    parts = dict(outcome.components)

    def change(name: str, space: str, **accesses: Any) -> None:
        parts[name] = replace(
            parts[name],
            accesses={**parts[name].accesses, space: replace(parts[name].accesses[space], **accesses)},
        )

    if not block.last:
        change("output_buffer", "Outputs", reads=0, fills=0, updates=0, energy_pJ=0.0)
        change("main_memory", "Outputs", reads=0, fills=0, updates=0, energy_pJ=0.0)
    if not block.first:
        found = parts["weight_buffer"].accesses["Weights"]
        write_pJ = reference_table(outcome.folder / "timeloop-model.ERT.yaml")["weight_buffer"]["write"]
        change("weight_buffer", "Weights", fills=0, energy_pJ=found.energy_pJ - found.fills * write_pJ)
        change("main_memory", "Weights", reads=0, energy_pJ=0.0)
    if copies > 1:
        filled, read = (parts[n].accesses["Inputs"] for n in ("input_buffer", "main_memory"))
        change(
            "input_buffer", "Inputs", fills=filled.fills // copies
        )  # its write energy knows of the copies already
        change("main_memory", "Inputs", reads=read.reads // copies, energy_pJ=read.energy_pJ / copies)
    return parts


def _add(so_far: ComponentResult | None, part: ComponentResult, cycles: int) -> ComponentResult:
    """``part`` of ``cycles`` cycles added to a sum, whose per_cycle_pJ is over all its cycles."""
    s = so_far or ComponentResult(0, 0.0, 0.0, {})
    accesses = dict(s.accesses)
    for space, more in part.accesses.items():
        old = accesses.get(space, Accesses(0, 0, 0, 0.0))
        accesses[space] = Accesses(
            old.reads + more.reads,
            old.fills + more.fills,
            old.updates + more.updates,
            old.energy_pJ + more.energy_pJ,
        )
    return ComponentResult(
        s.computes + part.computes,
        s.compute_pJ + part.compute_pJ,
        s.per_cycle_pJ + part.per_cycle_pJ * cycles,
        accesses,
    )
