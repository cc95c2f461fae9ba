"""Network specs: YAML files that tell what a weights file cannot, output sizes above all."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, PrivateAttr

from hd_plugin._checked import Checked, check, read_mapping
from hd_plugin._data_files import data_folder
from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.weights._readers import RawLayer
from hd_plugin.weights._told import Note, Unmapped

__all__ = ["LayerSpec", "NetworkSpec", "apply_spec", "bundled_specs", "load_spec", "spec_for"]


_SHA256 = re.compile("[0-9a-f]{64}")
_SIZES = "two whole numbers above 0, is needed"
_DIGESTS = "a list of SHA-256 digests (64 hex digits each) is needed"


def _given(convert: Callable[[Any], Any], needed: str) -> BeforeValidator:
    """What ``convert`` makes of a field in a file; where that is None, the field is not what is needed."""

    def validated(found: Any) -> Any:
        value = convert(found)
        if value is None:
            raise ValueError(f"{found!r} found; {needed}")
        return value

    return BeforeValidator(validated)


def _text(found: Any) -> str | None:
    number = isinstance(found, int) and not isinstance(found, bool)  # an unquoted 1 is as good a name
    return str(found) if number or (isinstance(found, str) and found.strip()) else None


def _listed(found: Any) -> tuple[Any, ...] | None:
    return tuple(found) if isinstance(found, (list, tuple)) else None


def _pair(found: Any) -> tuple[int, int] | None:
    listed = _listed(found) or ()
    whole = len(listed) == 2 and all(type(v) is int and v > 0 for v in listed)
    return (listed[0], listed[1]) if whole else None


def _digests(found: Any) -> tuple[str, ...] | None:
    listed = _listed(found)
    fine = listed is not None and all(isinstance(d, str) and _SHA256.fullmatch(d) for d in listed)
    return listed if fine else None


class LayerSpec(Checked):
    """One layer of a spec, by its exact name in the file. None leaves what the file tells.

    output_hw : (P, Q). transposed : whether 2-D weights are stored [C, K].
    """

    name: Annotated[str, _given(_text, "the layer's exact name in the weights file is needed")]
    output_hw: Annotated[tuple[int, int] | None, _given(_pair, f"[P, Q], {_SIZES}")] = None
    label: Annotated[str, _given(_text, "a short text is needed")] = ""
    skip: bool = False
    transposed: bool | None = None


class NetworkSpec(Checked):
    """A checked spec. Raises InputError that lists all problems.

    only : the network is these layers in this order; otherwise they complete the file's. file_digest :
    SHA-256 of the files that it was made for. source : the file that it was read from, for what is told about
    it.
    """

    network: Annotated[str, _given(_text, "a name is needed")]
    layers: Annotated[
        tuple[LayerSpec, ...],
        _given(lambda found: _listed(found) or None, "a list of {name, output_hw} is needed"),
    ]
    input_hw: Annotated[tuple[int, int] | None, _given(_pair, f"[H, W], {_SIZES}")] = None
    file_digest: Annotated[tuple[str, ...], _given(_digests, _DIGESTS)] = ()
    only: bool = False
    _source: str = PrivateAttr("")  # no field: a file does not name itself

    @property
    def source(self) -> str:
        return self._source

    @classmethod
    def read(cls, data: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Names that stand twice are a problem between layers."""
        problems: list[str] = []
        seen: set[str] = set()
        for i, entry in enumerate(_listed(data.get("layers")) or ()):
            name = _text(entry.get("name")) if isinstance(entry, Mapping) else getattr(entry, "name", None)
            if name in seen:
                problems.append(f"layers[{i}].name: {name!r} is listed twice; keep one")
            elif name is not None:
                seen.add(name)
        return data, problems


def bundled_specs() -> dict[str, Path]:
    """Name -> file of every spec in ``layers/``, sorted by name. InputError when the folder is missing."""
    return {p.stem: p for p in sorted(data_folder("layers").glob("*.yaml"))}


def spec_for(digest: str) -> str | None:
    """The name of the bundled spec that was made for the file with this SHA-256, or None."""
    for name, path in bundled_specs().items():
        if digest in path.read_text(encoding="utf-8") and digest in load_spec(path).file_digest:
            return name  # parsing every spec for every file would cost more
    return None


def load_spec(source: str | Path) -> NetworkSpec:
    """Read a spec: a path, or the name of a bundled one. Raises InputError that lists everything wrong."""
    path = Path(source)
    if not path.is_file():
        bundled = bundled_specs()
        if str(source) not in bundled:
            raise InputError(
                f"spec {str(source)!r}: no such file, and no spec in layers/ has this name; "
                + did_you_mean(str(source), bundled)
            )
        path = bundled[str(source)]
    spec = check(NetworkSpec, read_mapping(path), path)
    spec._source = str(path)
    return spec


def apply_spec(
    spec: NetworkSpec, layers: list[RawLayer], unmapped: list[Unmapped], path: Path
) -> tuple[list[RawLayer], list[Unmapped], list[Note]]:
    """The layers with the spec's sizes, restricted and ordered by it; what is unmapped then; what it changed.

    Raises InputError that lists the names which do not match.
    """
    by_name, reasons = {la.name: la for la in layers}, {u.name: u.reason for u in unmapped}
    linear = {la.name for la in layers if len(la.shape) == 2}
    problems = []
    for i, wanted in enumerate(spec.layers):
        if wanted.name not in by_name and not (wanted.skip and wanted.name in reasons):
            why = (
                f"is not mapped: {reasons[wanted.name]}"
                if wanted.name in reasons
                else f"is not in {path}; {did_you_mean(wanted.name, by_name)}"
            )
            problems.append(f"{spec.source}: layers[{i}].name: {wanted.name!r} {why}")
        elif wanted.transposed is not None and wanted.name not in linear:
            problems.append(f"{spec.source}: layers[{i}].transposed: {wanted.name!r} is no linear layer")
    if problems:
        raise InputError("\n".join(problems))
    told = {la.name: la for la in spec.layers}
    skipped = [
        Unmapped(n, f"skipped by {Path(spec.source).name}", by_name[n].shape)
        for n, la in told.items()
        if la.skip and n in by_name
    ]
    order = list(told) if spec.only else list(by_name)
    kept = [by_name[n] for n in order if not (n in told and told[n].skip)]
    if spec.only:
        skipped += [
            Unmapped(n, f"not listed in {Path(spec.source).name}", by_name[n].shape)
            for n in by_name
            if n not in told
        ]
    sized = [_told_by(told.get(la.name), la) for la in kept]
    return sized, unmapped + skipped, _changes(spec, path, kept, sized, list(by_name))


def _told_by(told: LayerSpec | None, layer: RawLayer) -> RawLayer:
    """The layer as the spec has it."""
    if told is None:
        return layer
    turned = layer.transposed if told.transposed is None else told.transposed
    return replace(layer, output_hw=told.output_hw or layer.output_hw, transposed=turned)


def _changes(
    spec: NetworkSpec, path: Path, before: list[RawLayer], after: list[RawLayer], order: list[str]
) -> list[Note]:
    """What the spec replaced, renamed and reordered; layers that it dropped are told as unmapped."""
    name, notes = Path(spec.source).name, []
    if spec.network != path.stem:
        notes.append(Note(f"spec {name}: {path.name} is called {spec.network}"))
    replaced: dict[str, list[str]] = {}
    for one in spec.layers:
        if one.transposed is not None:
            replaced.setdefault(f"stored [{'C, K' if one.transposed else 'K, C'}]", []).append(one.name)
    for old, new in zip(before, after):
        if new.output_hw is not None and old.output_hw != new.output_hw:
            told = f"not {_by(old)} as the file has" if old.output_hw else "which the file does not tell"
            replaced.setdefault(f"output size {_by(new)}, {told}", []).append(new.name)
    notes += [Note(f"spec {name}: {text}", tuple(names)) for text, names in replaced.items()]
    kept = {la.name for la in after}
    if [la.name for la in after] != [n for n in order if n in kept]:
        notes.append(Note(f"spec {name}: its order of layers, not the file's"))
    return notes


def _by(layer: RawLayer) -> str:
    return " x ".join(map(str, layer.output_hw or ()))
