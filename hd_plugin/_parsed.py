"""YAML and JSON within limits: what is not plain data, stands twice or unfolds without end is an error."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from hd_plugin._guard import limit, why
from hd_plugin._wording import shown
from hd_plugin.errors import InputError

__all__ = ["PlainLoader", "check_json", "parse_json", "parse_yaml"]

_NODES = 200_000  # of a YAML file, aliases unfolded; PyYAML makes some 50,000 a second
_DEEPEST = 64
_DIGITS = 100  # of a number
_LONG_NUMBER = re.compile(rb"\d{%d}" % (_DIGITS + 1))
_ESCAPED, _STRING = re.compile(rb"\\."), re.compile(rb'"[^"]*"')
_ALL_BUT_BRACKETS = bytes(c for c in range(256) if c not in b'[]{}"')


class PlainLoader(yaml.SafeLoader):
    """PyYAML's safe loader, with limits; a key that stands twice in a mapping is an error.

    Twice is two answers to one question.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth, self._nodes = 0, 0
        self._sizes: dict[int, int] = {}  # of what stands under an anchor, by its node
        self._most = limit(_NODES)

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        mark = self.peek_event().start_mark
        begun, self._depth = self._nodes, self._depth + 1
        if self._depth > _DEEPEST:
            raise yaml.composer.ComposerError(None, None, f"nested more than {_DEEPEST} deep", mark)
        is_alias = self.check_event(yaml.AliasEvent)
        node = super().compose_node(parent, index)
        if is_alias and id(node) not in self._sizes:
            raise yaml.composer.ComposerError(None, None, "an alias for what it stands in", mark)
        self._nodes += self._sizes[id(node)] if is_alias else 1
        self._sizes.setdefault(id(node), self._nodes - begun)
        if self._nodes > self._most:
            told = f"more than {self._most} values, aliases unfolded"
            raise yaml.composer.ComposerError(None, None, told, mark)
        self._depth -= 1
        return node

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        is_number = node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
        if is_number and len(str(node.value)) > _DIGITS:
            told = f"a number of more than {_DIGITS} digits"
            raise yaml.constructor.ConstructorError(None, None, told, node.start_mark)
        return super().construct_scalar(node)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except yaml.YAMLError:
            raise
        except Exception as error:  # 2020-13-45, !!int abc: PyYAML lets through whatever comes
            told = f"{shown(node.value, 40)} is no {node.tag.rpartition(':')[2]}"
            raise yaml.constructor.ConstructorError(None, None, told, node.start_mark) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    told = f"{shown(key.value, 40)} twice"
                    raise yaml.constructor.ConstructorError(None, None, told, key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def parse_yaml(text: str, where: object, loader: type[PlainLoader] = PlainLoader) -> Any:
    """The value of a YAML document. Raises InputError that begins with ``where`` and names the line."""
    try:
        return yaml.load(text, loader)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        told = shown(f"{line}{error.problem or error.context}", 160)[1:-1]
        raise InputError(f"{where}: not readable as YAML ({told})") from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise InputError(f"{where}: not readable as YAML ({why(error)})") from error


def parse_json(text: str | bytes, where: object, advice: str, finite: bool = True) -> Any:
    """The value of a JSON document. Raises InputError: ``where``, what is wrong, ``advice``.

    Refuses what Python's own parser takes: NaN (where all numbers are to be ``finite``), a name that stands
    twice in an object, numbers of more than 100 digits, and nesting that would end in a RecursionError here
    or later.
    """
    raw = text.encode("utf8", "surrogatepass") if isinstance(text, str) else text
    check_json(raw, where, advice)
    try:
        constant = _no_constant if finite else float
        return json.loads(raw.decode("utf8"), object_pairs_hook=_unique, parse_constant=constant)
    except (ValueError, RecursionError) as error:
        told = str(error) if type(error) is ValueError else why(error)
        raise InputError(f"{where}: not readable as JSON ({told}); {advice}") from error


def check_json(raw: bytes, where: object, advice: str) -> None:
    """InputError for nesting and numbers that no file of ours has, without parsing them."""
    if problem := _problem(raw):
        raise InputError(f"{where}: not readable as JSON ({problem}); {advice}")


def _problem(raw: bytes) -> str | None:
    plain = _ESCAPED.sub(b"", raw) if b"\\" in raw else raw
    if _LONG_NUMBER.search(raw) and _LONG_NUMBER.search(_STRING.sub(b"", plain)):
        return f"a number of more than {_DIGITS} digits"
    if raw.count(b"[") + raw.count(b"{") <= _DEEPEST:
        return None
    depth = 0
    for bracket in _STRING.sub(b"", plain.translate(None, _ALL_BUT_BRACKETS)):
        depth += 1 if bracket in b"[{" else -1
        if depth > _DEEPEST:
            return f"nested more than {_DEEPEST} deep"
    return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        left = set(found)
        for name, _ in pairs:
            if name not in left:
                raise ValueError(f"{shown(name, 40)} twice in one object")
            left.remove(name)
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
