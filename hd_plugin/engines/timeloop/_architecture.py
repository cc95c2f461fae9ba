"""What a v4 file holds, as far as it can be told without the front end: sections, nodes, their names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from hd_plugin._guard import read_text
from hd_plugin._parsed import PlainLoader, parse_yaml
from hd_plugin.errors import InputError

__all__ = ["V4Loader", "node_names", "sections"]


class V4Loader(PlainLoader):
    """``!Component`` and the like are taken as the mappings that they stand before."""


def _untagged(loader: V4Loader, tag: str, node: yaml.Node) -> Any:
    return loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else None


V4Loader.add_multi_constructor("!", _untagged)


def sections(text: str) -> set[str]:
    """The top-level keys of a v4 file; of a template, too."""
    return set(re.findall(r"^([A-Za-z_]\w*):", text, re.MULTILINE))


def node_names(architecture: Path) -> list[str] | None:
    """The names of all components and containers, or None where only the front end can tell them.

    Raises InputError when the file is not there or no text.
    """
    text = read_text(architecture)
    try:
        found = parse_yaml(text, architecture, V4Loader)
    except InputError:  # a template, say
        return None
    nodes = found.get("architecture") if isinstance(found, dict) else None
    return list(_names(nodes)) if isinstance(nodes, dict) else None


def _names(node: Any) -> Iterator[str]:
    if not isinstance(node, dict):
        return
    if isinstance(node.get("name"), str):
        yield node["name"]
    for inner in node["nodes"] if isinstance(node.get("nodes"), list) else ():
        yield from _names(inner)
