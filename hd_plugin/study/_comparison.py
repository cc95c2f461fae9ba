"""What ``compare`` finds: rows, their summary, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hd_plugin._csv import write_csv
from hd_plugin.energy import ActionCounts, EnergyBreakdown, Quality, Technology
from hd_plugin.engines import Evaluation
from hd_plugin.streaming import StreamPlan
from hd_plugin.study._combined import Combined
from hd_plugin.study._layer_studies import LayerStudies
from hd_plugin.study._result import Result
from hd_plugin.study._scenario import Scenario
from hd_plugin.weights import Note, Unmapped

__all__ = ["Comparison", "MethodSummary", "Provenance", "Row"]


@dataclass(frozen=True)
class Row:
    """One layer under one method. ``flips`` and ``nhd`` are the paper's count; reductions are against the
    baseline.

    flips_hardware : the weight inputs' flips over the whole layer, all tiles; flips_hardware_alternate : the
    same with every other tile run backwards. energy_reduction : of the datapath, address table included;
    clocked_reduction : with its clock; total_reduction : with clock and memories (``energy.TOTALS``).
    evaluation : counts, energies, and what the engine tells beyond (components, the folders of its runs).
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
    energy_reduction: float
    clocked_reduction: float
    total_reduction: float
    evaluation: Evaluation

    @property
    def energy(self) -> EnergyBreakdown:
        return self.evaluation.energy

    @property
    def counts(self) -> ActionCounts:
        return self.evaluation.counts

    def to_dict(self) -> dict[str, Any]:
        """One entry of a layer's ``methods`` in compare.json; energies in joules."""
        return {
            "flips": self.flips,
            "nhd": self.nhd,
            "hd_reduction": self.hd_reduction,
            "flips_hardware": self.flips_hardware,
            "flips_hardware_alternate": self.flips_hardware_alternate,
            "datapath_energy_J": self.energy.datapath_J,
            "clocked_energy_J": self.energy.clocked_J,
            "total_energy_J": self.energy.total_J,
            "energy_reduction": self.energy_reduction,
            "clocked_energy_reduction": self.clocked_reduction,
            "total_energy_reduction": self.total_reduction,
            "energy_J": self.energy.to_dict(),
            "counts": asdict(self.counts),
            **self.evaluation.to_dict(),
        }


@dataclass(frozen=True)
class MethodSummary:
    """``mean_*``: mean over layers of per-layer ratios (the paper's way); flips and energies are sums.

    Energies are those of ``energy.TOTALS``: mean_energy_reduction is of the datapath, mean_clocked_reduction
    of the datapath with its clock, mean_total_reduction with clock and memories. leakage_energy_J : in none
    of these; None where the engine does not model it.
    """

    mean_hd_reduction: float
    best_hd_reduction: float
    mean_energy_reduction: float
    best_energy_reduction: float
    mean_clocked_reduction: float
    mean_total_reduction: float
    flips: int
    flips_hardware: int
    flips_hardware_alternate: int
    datapath_energy_J: float
    clocked_energy_J: float
    total_energy_J: float
    leakage_energy_J: float | None


@dataclass(frozen=True)
class Provenance:
    """What a reader needs to get the same numbers again: above all ``scenario``, which can be run as it is.

    engine : what the engine tells of its tools. energy_model : errors of the model that energies come from,
    on another network. input_digests : SHA-256 by file.
    """

    version: str
    scenario: Scenario
    interrupted: bool
    engine: Mapping[str, str]
    technology: Technology
    input_digests: Mapping[str, str]
    energy_model: Quality | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "scenario": self.scenario.to_dict(),
            "interrupted": self.interrupted,
            "engine": dict(self.engine),
            **({"energy_model": asdict(self.energy_model)} if self.energy_model else {}),
            "technology": {"description": self.technology.description, "sources": self.technology.sources},
            "input_digests": dict(self.input_digests),
        }


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Result):
    """A network under every method. Schema hd-plugin/compare/2. plans : by (layer, method)."""

    schema = "hd-plugin/compare/2"
    file = "compare.json"

    network: str
    bits: int
    number_format: str
    rows: list[Row] = field(repr=False)
    plans: Mapping[tuple[str, str], StreamPlan] = field(repr=False)
    unmapped: tuple[Unmapped, ...]
    provenance: Provenance = field(repr=False)
    studies: LayerStudies | None = field(default=None, repr=False)
    trained: tuple[Combined, ...] = ()
    network_notes: tuple[Note, ...] = ()

    @property
    def scenario(self) -> Scenario:
        return self.provenance.scenario

    @property
    def interrupted(self) -> bool:  # type: ignore[override]
        return self.provenance.interrupted

    @property
    def notes(self) -> tuple[str, ...]:
        """That studies are about a part of a layer, where they are."""
        part = self.studies.part if self.studies else None
        return (f"the studies are about a part: {part}",) if part else ()

    @property
    def methods(self) -> tuple[str, ...]:
        return self.scenario.methods

    def of(self, method: str) -> list[Row]:
        """The rows of one method, in network order."""
        return [r for r in self.rows if r.method == method]

    def summary(self) -> dict[str, MethodSummary]:
        """By method."""
        return {method: _summary(self.of(method)) for method in self.methods}

    def to_dict(self) -> dict[str, Any]:
        layers: dict[str, dict[str, Any]] = {}
        for r in self.rows:
            sizes = {"K": r.K, "C": r.C, "taps": r.taps, "P": r.P, "Q": r.Q}
            entry = layers.setdefault(r.layer, {"name": r.layer, **sizes, "methods": {}})
            entry["methods"][r.method] = r.to_dict()
        array = self.scenario.array
        return {
            "schema": self.schema,
            "network": self.network,
            "array": {"rows": array.rows, "cols": array.cols},
            "bits": self.bits,
            "number_format": self.number_format,
            "engine": self.scenario.engine.name,
            "technology": self.provenance.technology.name,
            "layers": list(layers.values()),
            "summary": {method: asdict(s) for method, s in self.summary().items()},
            "unmapped": [u.to_dict() for u in self.unmapped],
            "network_notes": [n.to_dict() for n in self.network_notes],
            "studies": self.studies.to_dict() if self.studies else {},
            "trained": [c.to_dict() for c in self.trained],
            "provenance": self.provenance.to_dict(),
        }

    def to_records(self) -> list[dict[str, Any]]:
        """One line per layer and method; energies in joules."""
        flat = []
        for r in self.rows:
            line = {k: v for k, v in vars(r).items() if k != "evaluation"}
            line |= asdict(r.energy) | {"datapath_J": r.energy.datapath_J, "total_J": r.energy.total_J}
            flat.append(line | asdict(r.counts))
        return flat

    def to_csv(self, path: str | Path) -> None:
        """``to_records`` as a file."""
        flat = self.to_records()
        write_csv(path, list(flat[0]), flat)


def _summary(rows: list[Row]) -> MethodSummary:
    leaking: list[Any] = [r.energy.leakage_J for r in rows]
    return MethodSummary(
        mean_hd_reduction=float(np.mean([r.hd_reduction for r in rows])),
        best_hd_reduction=max(r.hd_reduction for r in rows),
        mean_energy_reduction=float(np.mean([r.energy_reduction for r in rows])),
        best_energy_reduction=max(r.energy_reduction for r in rows),
        mean_clocked_reduction=float(np.mean([r.clocked_reduction for r in rows])),
        mean_total_reduction=float(np.mean([r.total_reduction for r in rows])),
        flips=sum(r.flips for r in rows),
        flips_hardware=sum(r.flips_hardware for r in rows),
        flips_hardware_alternate=sum(r.flips_hardware_alternate for r in rows),
        datapath_energy_J=sum(r.energy.datapath_J for r in rows),
        clocked_energy_J=sum(r.energy.clocked_J for r in rows),
        total_energy_J=sum(r.energy.total_J for r in rows),
        leakage_energy_J=None if None in leaking else sum(leaking),
    )
