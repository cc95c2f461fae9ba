"""The parts that counts are read from, and what an architecture of someone's own calls them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from hd_plugin._wording import joined
from hd_plugin.engines.timeloop._architecture import node_names
from hd_plugin.errors import InputError, did_you_mean

__all__ = ["COMPONENTS", "Parts", "names_in"]

# as arch/input_stationary.yaml calls them
COMPONENTS = (
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
_FANOUTS = ("array_rows", "array_columns")  # containers; the paper's mapping spreads loops over them


def _checked(parts: dict[str, str]) -> dict[str, str]:
    known, problems = (*COMPONENTS, *_FANOUTS), []
    for ours, theirs in parts.items():
        if ours not in known:
            problems.append(f"{ours}: no such part; {did_you_mean(ours, known)}")
        elif not theirs:
            problems.append(f"{ours}: no name found; write the name of your component")
    if problems := problems + _twice(parts):
        raise ValueError("; ".join(problems))
    return parts


def _twice(parts: Mapping[str, str]) -> list[str]:
    """A sentence for every component that several parts are."""
    found: dict[str, list[str]] = {}
    for ours, theirs in parts.items():
        found.setdefault(theirs, []).append(ours)
    return [
        f"{' and '.join(ours)}: all are {theirs!r}; each part is a component of its own"
        for theirs, ours in found.items()
        if len(ours) > 1
    ]


Parts = Annotated[dict[str, str], AfterValidator(_checked)]


def names_in(architecture: Path, parts: Mapping[str, str] | None) -> dict[str, str]:
    """What ``architecture`` calls every part; one that is not in ``parts`` is called as in the bundled file.

    Raises InputError that lists all parts that the architecture lacks, each with the nearest name there
    (nothing for a file of templates, whose names only the front end can tell).
    """
    names = {part: part for part in (*COMPONENTS, *_FANOUTS)} | dict(parts or {})
    if twice := _twice(names):
        raise InputError(
            f"parts: {'; '.join(twice)}; say with parts.NAME what {architecture} calls each of them"
        )
    there = node_names(architecture)
    if there is not None and (wrong := [name for name in names if names[name] not in there]):
        raise InputError(f"{architecture}: {joined(_told(wrong, names, parts or {}, there))}")
    return names


def _told(
    wrong: Iterable[str], names: Mapping[str, str], parts: Mapping[str, str], there: Sequence[str]
) -> Iterator[str]:
    for name in (name for name in wrong if name in parts):
        yield f"parts.{name}: no node is called {names[name]!r}; {did_you_mean(names[name], there)}"
    if unnamed := [name for name in wrong if name not in parts]:
        yield (
            f"has no node {', '.join(unnamed)}; say what each is called here, as in parts.{unnamed[0]} "
            f"({did_you_mean(unnamed[0], there)})"
        )
