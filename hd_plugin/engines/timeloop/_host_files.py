"""What Accelergy and the front end are given: several files in any order, told apart by their sections."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hd_plugin._guard import read_text
from hd_plugin._parsed import parse_yaml
from hd_plugin._wording import shown
from hd_plugin.engines.timeloop._architecture import V4Loader, sections
from hd_plugin.engines.timeloop._compounds import classes_of
from hd_plugin.errors import InputError

__all__ = ["HostFiles", "host_files"]

_SUFFIXES = (".yaml", ".yml", ".jinja", ".jinja2")
_SECTION = re.compile(r"^architecture:(.*?)(?=^[A-Za-z_]\w*:|\Z)", re.MULTILINE | re.DOTALL)
_KEY = re.compile(r"^([ \t]*)(?:- )?(\w+):", re.MULTILINE)


@dataclass(frozen=True)
class HostFiles:
    """Files of one architecture, at absolute paths, in the order given.

    architecture : the one that holds it. is_native : in Accelergy's own words (``subtree``, ``local``), which
    it reads without the front end. sections : the top-level keys of all files. own_rates : components that
    give a flip_rate themselves, rather than by a variable or a container that gives it to every one.
    gives_cycle : the architecture itself says global_cycle_seconds, which Accelergy always needs.
    classes : the compound classes that they define, where no template hides them.
    """

    paths: tuple[Path, ...]
    architecture: Path
    is_native: bool
    sections: frozenset[str]
    own_rates: frozenset[str]
    gives_cycle: bool
    classes: Mapping[str, Mapping[str, Any]]


def host_files(given: Sequence[str | Path]) -> HostFiles:
    """The files; a folder stands for the YAML files below it.

    Raises InputError: a file that is not there or no text, no architecture among them (and what they hold),
    two of them, a variable with two values, or words of the front end where Accelergy alone reads.
    """
    paths = tuple(path.absolute() for name in given for path in _files(Path(name)))
    texts = {path: read_text(path, kind="YAML") + "\n" for path in paths}
    held = {path: sections(text) for path, text in texts.items()}
    found = [path for path in paths if "architecture" in held[path]]
    if not found:
        raise InputError(_no_architecture(held))
    if len(found) > 1:
        raise InputError(f"architecture: {' and '.join(map(str, found))} hold one each; give one of them")
    content = {path: _content(text) for path, text in texts.items()}
    _check_variables(content)
    native = _is_native(texts[found[0]])
    if native:
        _check_native(held)
    return HostFiles(
        paths,
        found[0],
        native,
        frozenset().union(*held.values()),
        frozenset(_with_rate(content[found[0]].get("architecture"))),
        "global_cycle_seconds" in texts[found[0]],
        {name: one for held in content.values() for name, one in classes_of(held).items()},
    )


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(p for p in path.rglob("*") if p.suffix in _SUFFIXES)
    return [path]


def _no_architecture(held: dict[Path, set[str]]) -> str:
    told = [f"{path} holds {', '.join(sorted(keys)) or 'no section'}" for path, keys in held.items()]
    return (
        f"architecture: missing: {'; '.join(told) or 'no file found'}. Give the file of the architecture "
        "beside it, in any order (hd-plugin doctor my_arch.yaml my_variables.yaml); those of hd_plugin are "
        "in arch/"
    )


def _is_native(text: str) -> bool:
    """Whether the outermost keys of the architecture are Accelergy's own."""
    section = _SECTION.search(text)
    keys = _KEY.findall(section[1]) if section else []
    outermost = {name for indent, name in keys if indent == keys[0][0]}
    return bool(outermost & {"subtree", "local"})


def _check_native(held: dict[Path, set[str]]) -> None:
    """Accelergy passes over what it does not know, which shows later as a class that nobody knows."""
    for path, keys in held.items():
        if path.suffix != ".yaml":
            raise InputError(f"{path}: Accelergy reads files that end in .yaml only; rename it")
        if "components" in keys:
            raise InputError(
                f"{path}: components: the front end's word; beside an architecture of subtree and local, "
                "Accelergy itself reads compound_components only"
            )


def _content(text: str) -> dict[str, Any]:
    """The sections of a file; nothing of a template, which only the hosts can fill in."""
    try:
        found = parse_yaml(text, "", V4Loader)
    except InputError:
        return {}
    return found if isinstance(found, dict) else {}


def _check_variables(content: Mapping[Path, Mapping[str, Any]]) -> None:
    """Both hosts take the last of several values, and say nothing."""
    seen: dict[str, tuple[Path, Any]] = {}
    for path, held in content.items():
        variables = held.get("variables")
        for name, value in variables.items() if isinstance(variables, dict) else ():
            first, before = seen.setdefault(name, (path, value))
            if before != value:
                raise InputError(
                    f"variables.{name}: {shown(before)} in {first} and {shown(value)} in {path}; keep one"
                )


def _with_rate(node: Any) -> Iterator[str]:
    if not isinstance(node, dict):
        return
    attributes, name = node.get("attributes"), node.get("name")
    has_rate = isinstance(attributes, dict) and "flip_rate" in attributes
    if has_rate and "class" in node and isinstance(name, str):
        yield name.partition("[")[0]
    for key in ("nodes", "subtree", "local"):
        for inner in node[key] if isinstance(node.get(key), list) else ():
            yield from _with_rate(inner)
