"""The text of Liberty files: groups and attributes, whatever they mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, overload

from hd_plugin.errors import InputError

__all__ = ["Group", "parse_liberty"]

_TOKEN = re.compile(
    r"\s+|/\*.*?\*/|//[^\n]*|\\[ \t]*\r?\n"  # blanks, comments, lines that go on
    r'|"((?:[^"\\]|\\.)*)"'  # a string
    r"|((?:(?!/\*|//)[A-Za-z0-9_.+\-*/!&|^'\[\]$<>=~@#%?])+)"  # a word
    r"|([(){}:;,])",  # a mark
    re.DOTALL,
)
_DEEPEST = 50
_CONTINUED = re.compile(r"\\[ \t]*\r?\n")


@dataclass
class Group:
    """``kind(names) { ... }`` as it stands in the file: simple and complex attributes, and groups."""

    kind: str
    names: list[str]
    attributes: dict[str, list[str]] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)

    def of(self, kind: str) -> list[Group]:
        return [group for group in self.groups if group.kind == kind]

    @overload
    def text(self, name: str) -> str | None: ...
    @overload
    def text(self, name: str, default: str) -> str: ...
    def text(self, name: str, default: str | None = None) -> str | None:
        return " ".join(self.attributes[name]) if name in self.attributes else default


def parse_liberty(path: Path, text: str) -> Group:
    """The library group of a file. Raises InputError that names the line."""
    return _Parser(path, text).library()


class _Parser:
    """Tokens to groups."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text, self.at = path, text, 0
        self.tokens: list[tuple[str, str, int]] = []
        self.tokens = list(self._tokens(text))

    def _tokens(self, text: str) -> Iterator[tuple[str, str, int]]:
        """(kind, text, offset); kind is 's' for a string, 'w' for a word, else the mark itself."""
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if not found:
                self.fail(f"{text[at : at + 20]!r} found", at)
            if found[1] is not None:
                yield "s", _CONTINUED.sub(" ", found[1]), at
            elif found[2] is not None:
                yield "w", found[2], at
            elif found[3] is not None:
                yield found[3], found[3], at
            at = found.end()

    def fail(self, what: str, offset: int | None = None) -> NoReturn:
        if offset is None:
            offset = self.tokens[min(self.at, len(self.tokens) - 1)][2] if self.tokens else 0
        raise InputError(
            f"{self.path}: line {self.text.count(chr(10), 0, offset) + 1}: {what}; not a whole Liberty file"
        )

    def take(self, kind: str | None = None) -> str:
        if self.at >= len(self.tokens):
            self.fail("the file ends early")
        found, text, _ = self.tokens[self.at]
        if kind and found != kind:
            self.fail(f"{text!r} found, {kind!r} needed")
        self.at += 1
        return text

    def peek(self, ahead: int = 0) -> str:
        return self.tokens[self.at + ahead][0] if self.at + ahead < len(self.tokens) else ""

    def library(self) -> Group:
        top = self.statement(Group("", []))
        if top is None or top.kind != "library":
            self.at = 0
            self.fail("no library group")
        while self.peek() == ";":
            self.take()
        if self.peek():
            self.fail(f"{self.tokens[self.at][1]!r} found after the end of the library")
        return top

    def statement(self, parent: Group, depth: int = 0) -> Group | None:
        """One attribute into ``parent``, or one group, which is returned."""
        if depth > _DEEPEST:
            self.fail(f"groups are nested more than {_DEEPEST} deep")
        name = self.take("w")
        if self.peek() == ":":
            self.take()
            words = []
            while self.peek() in ("w", "s", "(", ")", ","):
                words.append(self.take())
                if self.peek() == "w" and self.peek(1) in (":", "("):  # a forgotten semicolon
                    break
            if self.peek() == ";":
                self.take()
            parent.attributes[name] = words
            return None
        self.take("(")
        names = []
        while self.peek() != ")":
            text = self.take()
            if text != ",":
                names.append(text)
        self.take(")")
        if self.peek() != "{":
            if self.peek() == ";":
                self.take()
            parent.attributes.setdefault(name, []).extend(names)
            return None
        self.take("{")
        group = Group(name, names)
        while self.peek() != "}":
            if self.peek() == ";":
                self.take()
                continue
            child = self.statement(group, depth + 1)
            if child is not None:
                group.groups.append(child)
        self.take("}")
        return group
