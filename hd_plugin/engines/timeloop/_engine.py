"""The engine: a layer and a flip rate in, Timeloop's action counts and energies out."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from hd_plugin._data_files import data_folder
from hd_plugin._guard import read_text
from hd_plugin.energy import Technology, load_technology
from hd_plugin.engines._analytic import analytic_counts
from hd_plugin.engines._array import Array
from hd_plugin.engines._protocol import Evaluation, Request
from hd_plugin.engines.timeloop._architecture import sections
from hd_plugin.engines.timeloop._mapping import (
    MAPPER,
    Block,
    blocks,
    check_input_stationary,
    groups_of,
    paper_mapping,
    read_map,
)
from hd_plugin.engines.timeloop._parts import Parts, names_in
from hd_plugin.engines.timeloop._problem import Shape, problem_of, shape_of
from hd_plugin.engines.timeloop._results import RunError
from hd_plugin.engines.timeloop._run import Job, Outcome, Runs, default_cache
from hd_plugin.engines.timeloop._sums import evaluation
from hd_plugin.engines.timeloop._tools import find_tools
from hd_plugin.engines.timeloop._variables import too_small, variables_for
from hd_plugin.errors import HdPluginError, InputError
from hd_plugin.streaming import Jobs
from hd_plugin.weights import Layer

__all__ = ["MAPPINGS", "TimeloopEngine"]

_Mapping = Literal["paper", "mapper"]
MAPPINGS: tuple[str, ...] = get_args(_Mapping)
# the mapper searches a shape once, at a flip rate of its own and without a table
_NEUTRAL = {"weight_flip_rate": 0.5, "lut_entries": 1, "lut_entry_bits": 0, "lut_reads_per_cycle": 0}


class TimeloopEngine:
    """Runs timeloop-model with one mapping per shape for every flip rate, so that only flip rates differ.

    mapping : "paper" is the fixed dataflow that the analytic engine counts; "mapper" lets timeloop-mapper
    choose among the mappings that the architecture's constraints leave, once per shape, and replays its
    choice. cache : folder of finished runs. architecture : a v4 architecture with the parts of
    arch/input_stationary.yaml. parts : what it calls them, where that is something else. Raises InputError:
    an architecture that lacks a part; MissingTool.
    """

    name = "timeloop"
    slow = True

    def __init__(
        self,
        mapping: _Mapping = "paper",
        cache: str | Path | None = None,
        architecture: str | Path | None = None,
        parts: Parts | None = None,
    ) -> None:
        self.mapping = mapping
        self.architecture = Path(architecture or data_folder("arch") / "input_stationary.yaml")
        self.bundled = architecture is None
        if own := sections(read_text(self.architecture)) & {"variables", "problem"}:
            raise InputError(
                f"architecture: {self.architecture}: take out its {' and '.join(sorted(own))}; they come "
                "from the array and from the layers"
            )
        self.names = names_in(self.architecture, parts)
        self.runs = Runs(find_tools(), Path(cache) if cache else default_cache())
        self._maps: dict[str, tuple[threading.Lock, list[Any]]] = {}
        self._lock = threading.Lock()

    def check(self, layers: Sequence[Layer], array: Array) -> None:
        """Raises InputError for sizes that do not fit, and what a small run does: are tools and parts in?"""
        array.check_dataflow("input_stationary")
        array.check_weights(layers)
        problems = [
            text for layer in layers for text in (*too_small(layer, array), *self._uneven(layer, array))
        ]
        if problems:
            raise InputError("array: " + "; ".join(problems))
        first = layers[0]
        codes = np.zeros((2, 1, 1, 1), np.uint8)
        probe = Layer("probe", codes, first.bits, first.number_format, output_hw=(1, 1))
        self._evaluate(Request(probe, 1, 0.5), array, load_technology("eyeriss45"))

    def _uneven(self, layer: Layer, array: Array) -> list[str]:
        if self.mapping == "paper" or array.rows >= layer.C or layer.C % array.rows == 0:
            return []
        return [
            f"layer {layer.name!r}: its {layer.C} input channels do not fill groups of {array.rows} rows, "
            "and timeloop-mapper takes only factors that divide; use --mapping paper"
        ]

    def provenance(self) -> dict[str, str]:
        renamed = ", ".join(f"{ours}={theirs}" for ours, theirs in self.names.items() if ours != theirs)
        return {
            "mapping": self.mapping,
            "architecture": self.architecture.name,
            **({"parts": renamed} if renamed else {}),
            "tools_digest": self.runs.tools.digest,
        }

    def evaluate(
        self, requests: Sequence[Request], array: Array, technology: Technology, jobs: Jobs
    ) -> list[Evaluation]:
        """Finished runs stay in the cache: after a Ctrl-C or an error, the same call goes on from there."""
        stopped: list[Request] = []
        errors: list[HdPluginError] = []

        def work(request: Request) -> Evaluation | None:
            if errors:
                return None
            try:
                return self._evaluate(request, array, technology)
            except HdPluginError as error:  # the other threads finish their run, then the first one is raised
                errors.append(error)
                return None

        done = jobs.titled("running Timeloop").map(work, requests, stopped.append)
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
        variables = variables_for(r, array, technology.reference, copies)
        try:
            if self.mapping == "paper":
                runs = self._paper(r, shape, variables, array)
            else:
                runs = self._replay(r, shape, variables)
        except RunError as error:
            raise RunError(f"layer {r.layer.name!r}: {error}") from error
        found = evaluation(runs, variables, technology, self.names)
        if self.mapping == "paper":
            self._check_stream(r, array, runs, found.counts.weight_hops)
        return found

    def _check_stream(
        self, r: Request, array: Array, runs: Sequence[tuple[Outcome, Block]], hops: int
    ) -> None:
        """A flip rate holds for weights that stream in the order of the plan, so that is what has to run."""
        if not self.bundled:
            for outcome, block in runs:
                path = outcome.folder / "parsed-processed-input.yaml"
                check_input_stationary(read_map(path)[::-1], block.shape, f"{self.architecture} ({path})")
        right = analytic_counts(r.layer, array, r.groups, r.lut_bits > 0).weight_hops
        if hops != right:
            raise RunError(
                f"layer {r.layer.name!r}: {hops} hops of weights through {self.names['weight_line']} of "
                f"{self.architecture} where the paper's mapping has {right}, so that the flip rate does not "
                "hold; compare its constraints with those of arch/input_stationary.yaml"
            )

    def _paper(
        self, r: Request, shape: Shape, variables: Mapping[str, Any], array: Array
    ) -> list[tuple[Outcome, Block]]:
        needed = -(-shape.C // array.rows) * shape.R * shape.S
        if r.groups != needed:
            raise InputError(
                f"layer {r.layer.name!r}: a plan of {r.groups} groups; the paper mapping of {array.rows} "
                f"rows has {needed}. Use a plan made for {array.rows} rows"
            )
        runs = []
        for block in blocks(shape, array):
            problem, mapping = (
                problem_of(block.shape, unrolled=True),
                paper_mapping(block.shape, array, self.names),
            )
            content = {"variables": variables, **problem, **mapping}
            runs.append((self.runs.run(Job("model", self.architecture, content)), block))
        return runs

    def _replay(self, r: Request, shape: Shape, variables: Mapping[str, Any]) -> list[tuple[Outcome, Block]]:
        chosen, entries = self._mapped(shape, variables)
        if groups_of(entries) != r.groups:
            raise RunError(
                f"timeloop-mapper streams {groups_of(entries)} groups, the plan has {r.groups}, so that its "
                f"flip rate does not hold ({chosen.folder / 'timeloop-mapper.map.txt'}); use --mapping paper"
            )
        content = {"variables": variables, **problem_of(shape)}
        outcome = self.runs.run(Job("model", self.architecture, content, entries))
        if _counted(outcome) != _counted(chosen):
            raise RunError(
                "timeloop-model counts other accesses for the mapping than timeloop-mapper did "
                f"(compare {outcome.folder} with {chosen.folder})"
            )
        return [(outcome, Block(shape, first=True, last=True))]

    def _mapped(self, shape: Shape, variables: Mapping[str, Any]) -> tuple[Outcome, list[dict[str, Any]]]:
        """The mapper's choice for a shape and its own results, searched once whatever the flip rate."""
        content = {"variables": {**variables, **_NEUTRAL}, **problem_of(shape), "mapper": MAPPER}
        job = Job("mapper", self.architecture, content)
        with self._lock:
            lock, found = self._maps.setdefault(self.runs.digest(job), (threading.Lock(), []))
        with lock:
            if not found:
                outcome = self.runs.run(job)
                path = outcome.folder / "timeloop-mapper.map.yaml"
                entries = read_map(path)
                check_input_stationary(entries, shape, str(path))
                found.extend((outcome, entries))
        return found[0], found[1]


def _counted(outcome: Outcome) -> dict[str, Any]:
    """All that a flip rate must not change."""
    return {"cycles": outcome.cycles} | {
        name: (part.computes, {space: (a.reads, a.fills, a.updates) for space, a in part.accesses.items()})
        for name, part in outcome.components.items()
    }
