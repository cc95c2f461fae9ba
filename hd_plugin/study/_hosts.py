"""What the host tools are given and what they answer: problems of layers, who served what, registration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hd_plugin.engines import check_sizes
from hd_plugin.engines.timeloop import DIMENSIONS, Examination, Shape, examine, shape_of, write_problems
from hd_plugin.hosts import accelergy
from hd_plugin.study._result import Result
from hd_plugin.weights import Network, Note, Unmapped, Window

__all__ = ["Diagnosis", "Problems", "Registered", "doctor", "problems", "register"]


@dataclass(frozen=True, repr=False)
class Problems(Result):
    """Timeloop's shape of every layer, and its file where they were written. Schema hd-plugin/layers/1."""

    schema = "hd-plugin/layers/1"
    file = "layers.json"

    network: str
    digest: str
    shapes: Mapping[str, Shape]
    files: Mapping[str, Path]
    unmapped: tuple[Unmapped, ...]
    network_notes: tuple[Note, ...] = ()
    windows: Mapping[str, Window | None] = field(default_factory=dict)

    def summary(self) -> dict[str, int]:
        return {"layers": len(self.shapes), "unmapped": len(self.unmapped)}

    def to_dict(self) -> dict[str, Any]:
        layers = []
        for name, shape in self.shapes.items():
            own = {"file": self.files[name].name} if name in self.files else {}
            window = self.windows.get(name)
            padding = list(window.padding) if window and window.padding else None
            steps = {"stride": list(shape.stride), "dilation": list(shape.dilation), "padding": padding}
            layers.append({"name": name, **{d: getattr(shape, d) for d in DIMENSIONS}, **steps, **own})
        return {
            "schema": self.schema,
            "network": self.network,
            "digest": self.digest,
            "layers": layers,
            "unmapped": [u.to_dict() for u in self.unmapped],
            "network_notes": [n.to_dict() for n in self.network_notes],
        }


def problems(network: Network, folder: str | Path | None = None) -> Problems:
    """Timeloop v4 problems of the layers; with ``folder`` a YAML file each. Raises InputError without output
    sizes.
    """
    check_sizes(network.layers)
    shapes = {layer.name: shape_of(layer) for layer in network.layers}
    windows = {layer.name: layer.window for layer in network.layers}
    files = {}
    if folder is not None:
        told = f"of network {network.name}"
        files = dict(zip(shapes, write_problems(network.layers, Path(folder), told)))
    notes = list(network.notes)
    if unknown := tuple(name for name, window in windows.items() if window is None):
        told = "stride 1 assumed, which the file does not tell (--model and --input-size trace it)"
        notes.append(Note(told, unknown))
    unmapped = tuple(network.unmapped)
    return Problems(network.name, network.digest, shapes, files, unmapped, tuple(notes), windows)


@dataclass(frozen=True, repr=False)
class Diagnosis(Result):
    """Who served every component and action of an architecture. Schema hd-plugin/doctor/1."""

    schema = "hd-plugin/doctor/1"
    file = "doctor.json"
    lines = "rows"

    examination: Examination

    @property
    def ok(self) -> bool:
        """False when a dummy, another plug-in or another version answered for a component of ours, or nobody
        did.
        """
        return self.examination.healthy

    def summary(self) -> dict[str, Any]:
        rows = self.examination.rows
        return {"healthy": self.ok, "values": len(rows), "problems": sum(bool(r.problem) for r in rows)}

    def to_dict(self) -> dict[str, Any]:
        found = self.examination
        return {
            "schema": self.schema,
            "healthy": found.healthy,
            "accelergy_config": str(found.config),
            "tools": {name: str(path) for name, path in found.programs.items()},
            "notes": list(found.notes),
            "rows": [asdict(row) for row in found.rows],
        }


def doctor(*files: str | Path, define: Mapping[str, str] | None = None) -> Diagnosis:
    """The installed Accelergy run on ``files`` (the bundled array without), and every value looked at.

    files : of an architecture and what goes with it (variables, components, a problem), in any order; a
    folder stands for its YAML files. define : values for files that are templates. Raises MissingTool,
    InputError, and RunError when Accelergy fails.
    """
    return Diagnosis(examine(*files, define=define))


@dataclass(frozen=True, repr=False)
class Registered(Result):
    """What became of Accelergy's configuration, or with ``dry_run`` would. Schema hd-plugin/register/1."""

    schema = "hd-plugin/register/1"
    file = "register.json"

    done: accelergy.Registration
    dry_run: bool

    def summary(self) -> dict[str, Any]:
        return {"changed": self.done.changed, "told": self.done.told}

    def to_records(self) -> list[dict[str, Any]]:
        """One line, without the file's text."""
        return [{k: v for k, v in self.to_dict().items() if k != "text"}]

    def to_dict(self) -> dict[str, Any]:
        done = self.done
        return {
            "schema": self.schema,
            "config": str(done.config),
            "changed": done.changed,
            "dry_run": self.dry_run,
            "backup": str(done.backup) if done.backup and done.changed else None,
            "text": done.text,
        }


def register(config: str | Path | None = None, *, dry_run: bool = False, undo: bool = False) -> Registered:
    """Tell Accelergy where the plug-in is, or (undo) take it out again. Raises InputError, MissingTool."""
    return Registered((accelergy.unregister if undo else accelergy.register)(config, dry_run), dry_run)
