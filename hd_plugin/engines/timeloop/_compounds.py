"""Compound classes: a flip rate given to one changes something only if its definition hands it on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hd_plugin.energy import served_class

__all__ = ["classes_of", "unread_flip_rate"]

_NAME = re.compile(r"\bflip_rate\b")
_SOME_RATE = {"flip_rate": 0.5}


def classes_of(data: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Compound classes by name, from a mapping as Accelergy (``compound_components``) or Timeloop's front end
    (``components``) takes it.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for section in ("compound_components", "components"):
        for definition in (data.get(section) or {}).get("classes") or ():
            found[str(definition["name"])] = definition
    return found


def unread_flip_rate(
    class_name: str, attributes: Mapping[str, Any], classes: Mapping[str, Mapping[str, Any]]
) -> str:
    """Why the flip rate of a component changes nothing; empty when it does, or when none is given."""
    definition = classes.get(class_name)
    if definition is None or attributes.get("flip_rate") is None or _reads(definition, classes, ()):
        return ""
    parts = ", ".join(f"{part.get('name')}: {part.get('class')}" for part in _parts(definition))
    return (
        f"its flip_rate changes nothing: {class_name} is a compound class and hands it to none of its parts "
        f"({parts}); put a part that reads it inside, see 'Compound classes' in docs/accelergy.md"
    )


def _parts(definition: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(definition.get("subcomponents") or ())


def _reads(
    definition: Mapping[str, Any], classes: Mapping[str, Mapping[str, Any]], above: tuple[str, ...]
) -> bool:
    """Whether a part of ours, at any depth, or an expression of the class gets to see the flip rate."""
    expressions = [definition.get("actions"), list((definition.get("attributes") or {}).values())]
    if _NAME.search(str(expressions)):
        return True
    name = str(definition["name"])
    for part in _parts(definition):
        inner = str(part.get("class"))
        if "flip_rate" not in (part.get("attributes") or {}) or inner in (*above, name):
            continue
        if inner in classes:
            if _reads(classes[inner], classes, (*above, name)):
                return True
        elif served_class(inner, _SOME_RATE) is not None:
            return True
    return False
