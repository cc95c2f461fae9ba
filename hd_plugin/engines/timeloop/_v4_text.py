"""v4 input as text that people read and the front end takes as it is meant."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import yaml

from hd_plugin.engines._array import Expression

__all__ = ["to_yaml"]


class _Quoted(str):
    """A string that the front end takes as text, not as an expression."""


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(
    Expression, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text))
)

_Dumper.add_representer(
    _Quoted, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style='"')
)
_Dumper.add_representer(
    list,
    lambda dumper, items: dumper.represent_sequence(
        "tag:yaml.org,2002:seq", items, flow_style=not any(isinstance(item, dict) for item in items)
    ),
)


def to_yaml(content: Mapping[str, Any]) -> str:
    """YAML with lists of plain values on one line; among variables, texts are quoted and expressions not."""
    content = dict(content)
    if "variables" in content:
        content["variables"] = {
            k: _Quoted(v) if isinstance(v, str) and not isinstance(v, Expression) else v
            for k, v in content["variables"].items()
        }
    return yaml.dump(
        content, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=math.inf, allow_unicode=True
    )
