"""Network specs: YAML files that tell what a weights file cannot, output sizes above all."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from hd_plugin._data_files import data_folder
from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.weights._readers import RawLayer
from hd_plugin.weights.network import Unmapped

__all__ = ["LayerSpec", "NetworkSpec", "apply_spec", "bundled_specs", "find_spec", "load_spec"]

_KEYS = ("network", "input_hw", "file_digest", "only", "layers")
_LAYER_KEYS = ("name", "output_hw", "label", "skip")


@dataclass(frozen=True)
class LayerSpec:
    """One layer of a spec, matched by its exact name; output_hw is (P, Q) in pixels or None to leave the file's."""

    name: str
    output_hw: tuple[int, int] | None = None
    label: str = ""
    skip: bool = False


@dataclass(frozen=True)
class NetworkSpec:
    """A checked spec. ``only``: the network is these layers in this order; otherwise they complete the file's."""

    network: str
    layers: tuple[LayerSpec, ...]
    input_hw: tuple[int, int] | None = None
    file_digest: tuple[str, ...] = ()
    only: bool = False
    source: str = ""


def bundled_specs() -> dict[str, Path]:
    """Name -> file of every spec in ``layers/``, sorted by name. Raises InputError when the folder is missing."""
    return {p.stem: p for p in sorted(data_folder("layers").glob("*.yaml"))}


def find_spec(digest: str) -> NetworkSpec | None:
    """The bundled spec made for the file with this SHA-256, or None."""
    for path in bundled_specs().values():
        if digest in path.read_text(encoding="utf-8"):  # parsing every spec for every file would cost more
            spec = load_spec(path)
            if digest in spec.file_digest:
                return spec
    return None


def load_spec(source: str | Path) -> NetworkSpec:
    """Read a spec: a path, or the name of a bundled one. Raises one InputError that lists everything wrong."""
    path = Path(source)
    if not path.is_file():
        bundled = bundled_specs()
        if str(source) not in bundled:
            raise InputError(
                f"spec {str(source)!r}: no such file, and no spec in layers/ has this name; "
                + did_you_mean(str(source), bundled)
            )
        path = bundled[str(source)]
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not readable as YAML: {error}") from error
    if not isinstance(tree, dict):
        raise InputError(
            f"{path}: a {type(tree).__name__} found at the top; a mapping with {', '.join(_KEYS)} is needed"
        )
    check = _Check(_unknown(tree, _KEYS, ""))
    spec = NetworkSpec(
        network=check.take(tree, "network", "", _text, "a name", needed=True),
        layers=check.layers(tree.get("layers")),
        input_hw=check.take(tree, "input_hw", "", _pair, "[H, W], two whole numbers above 0"),
        file_digest=check.take(
            tree, "file_digest", "", _digests, "a list of SHA-256 digests (64 hex digits each)"
        )
        or (),
        only=check.take(tree, "only", "", _flag, "true or false") or False,
        source=str(path),
    )
    if check.problems:
        raise InputError("\n".join(f"{path}: {p}" for p in check.problems))
    return spec


def apply_spec(
    spec: NetworkSpec, layers: list[RawLayer], unmapped: list[Unmapped], source: str
) -> tuple[list[RawLayer], list[Unmapped]]:
    """The layers with the spec's sizes, restricted and ordered by it. InputError lists the names that do not match."""
    by_name, reasons = {la.name: la for la in layers}, {u.name: u.reason for u in unmapped}
    problems = []
    for i, wanted in enumerate(spec.layers):
        if wanted.name not in by_name and not (wanted.skip and wanted.name in reasons):
            why = (
                f"is not mapped: {reasons[wanted.name]}"
                if wanted.name in reasons
                else f"is not in {source}; {did_you_mean(wanted.name, by_name)}"
            )
            problems.append(f"{spec.source}: layers[{i}].name: {wanted.name!r} {why}")
    if problems:
        raise InputError("\n".join(problems))
    told = {la.name: la for la in spec.layers}
    skipped = [
        Unmapped(n, f"skipped by {Path(spec.source).name}")
        for n, la in told.items()
        if la.skip and n in by_name
    ]
    order = list(told) if spec.only else list(by_name)
    kept = [by_name[n] for n in order if not (n in told and told[n].skip)]
    if spec.only:
        skipped += [Unmapped(n, f"not listed in {Path(spec.source).name}") for n in by_name if n not in told]
    sizes = {n: la.output_hw for n, la in told.items() if la.output_hw}
    return [replace(la, output_hw=sizes.get(la.name, la.output_hw)) for la in kept], unmapped + skipped


class _Check:
    """Collects every problem of a file, so that one run shows them all."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems

    def take(self, tree: dict, key: str, where: str, convert, wanted: str, needed: bool = False):
        """``tree[key]`` converted, or None with a problem noted; an absent key is one only when ``needed``."""
        if key not in tree:
            if needed:
                self.problems.append(f"{where}{key}: missing; give {wanted}")
            return None
        value = convert(tree[key])
        if value is None:
            self.problems.append(f"{where}{key}: {tree[key]!r} found; {wanted} is needed")
        return value

    def layers(self, found: object) -> tuple[LayerSpec, ...]:
        if not isinstance(found, list) or not found:
            self.problems.append(f"layers: {found!r} found; a list of {{name, output_hw}} is needed")
            return ()
        layers, seen = [], set()
        for i, entry in enumerate(found):
            where = f"layers[{i}]."
            if not isinstance(entry, dict):
                self.problems.append(
                    f"layers[{i}]: {entry!r} found; a mapping with {', '.join(_LAYER_KEYS)} is needed"
                )
                continue
            self.problems += _unknown(entry, _LAYER_KEYS, where)
            name = (
                self.take(
                    entry, "name", where, _text, "the layer's exact name in the weights file", needed=True
                )
                or ""
            )
            if name and name in seen:
                self.problems.append(f"{where}name: {name!r} is listed twice; keep one")
            seen.add(name)
            layers.append(
                LayerSpec(
                    name,
                    self.take(entry, "output_hw", where, _pair, "[P, Q], two whole numbers above 0"),
                    self.take(entry, "label", where, _text, "a short text") or "",
                    self.take(entry, "skip", where, _flag, "true or false") or False,
                )
            )
        return tuple(layers)


def _unknown(tree: dict, known: Iterable[str], where: str) -> list[str]:
    return [f"{where}{k}: unknown key; {did_you_mean(str(k), known)}" for k in tree if k not in known]


def _text(found: object) -> str | None:
    number = isinstance(found, int) and not isinstance(found, bool)  # an unquoted 1 is as good a name
    return str(found) if number or (isinstance(found, str) and found.strip()) else None


def _flag(found: object) -> bool | None:
    return found if isinstance(found, bool) else None


def _pair(found: object) -> tuple[int, int] | None:
    whole = isinstance(found, list) and len(found) == 2 and all(type(v) is int and v > 0 for v in found)
    return (found[0], found[1]) if whole else None


def _digests(found: object) -> tuple[str, ...] | None:
    fine = isinstance(found, list) and all(
        isinstance(d, str) and re.fullmatch("[0-9a-f]{64}", d) for d in found
    )
    return tuple(found) if fine else None
