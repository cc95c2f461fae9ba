"""The Boolean functions of Liberty files: text to a tree, a tree to operations on two operands."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from hd_plugin._wording import shown
from hd_plugin.errors import InputError

__all__ = ["AND", "CONST", "COPY", "NOT", "OR", "XOR", "Tree", "emit", "evaluate", "inputs_of", "parse"]

# ("0",), ("1",), ("pin", name), ("!", a), ("&", a, b), ("|", a, b), ("^", a, b)
Tree = tuple[Any, ...]
_LONGEST = 200  # parts of a function: a tree of that depth at most
COPY, NOT, AND, OR, XOR, CONST = range(6)
_MARK = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_\[\]]*|[()!'&*|+^01])")


def parse(text: str, where: str) -> Tree:
    """A Liberty function: ! or trailing ' negate; *, & and blanks are and; ^ is xor; + and | are or.

    Precedence as in the Liberty manual: negation, xor, and, or. Raises InputError that begins with ``where``.
    """
    marks, at = [], 0
    text = text.strip()
    while at < len(text):
        found = _MARK.match(text, at)
        if not found:
            raise InputError(f"{where}: function {shown(text)}: {text[at : at + 10]!r} is not understood")
        marks.append(found[1])
        at = found.end()
    if len(marks) > _LONGEST:
        raise InputError(f"{where}: function {shown(text)}: {len(marks)} parts; at most {_LONGEST} are read")
    parser = _Parser(marks, text, where)
    tree = parser.either()
    if parser.at < len(marks):
        parser.fail(marks[parser.at])
    return tree


class _Parser:
    def __init__(self, marks: list[str], text: str, where: str) -> None:
        self.marks, self.text, self.where, self.at = marks, text, where, 0

    def fail(self, found: str) -> NoReturn:
        raise InputError(
            f"{self.where}: function {shown(self.text)}: {found or 'its end'} found where an operand or an "
            "operator is needed"
        )

    def peek(self) -> str:
        return self.marks[self.at] if self.at < len(self.marks) else ""

    def either(self) -> Tree:
        tree = self.both()
        while self.peek() in ("+", "|"):
            self.at += 1
            tree = ("|", tree, self.both())
        return tree

    def both(self) -> Tree:
        tree = self.differ()
        while self.peek() and self.peek() not in (")", "+", "|", "^", "'"):
            if self.peek() in ("&", "*"):
                self.at += 1
            tree = ("&", tree, self.differ())
        return tree

    def differ(self) -> Tree:
        tree = self.operand()
        while self.peek() == "^":
            self.at += 1
            tree = ("^", tree, self.operand())
        return tree

    def operand(self) -> Tree:
        mark = self.peek()
        self.at += 1
        if mark == "!":
            return ("!", self.operand())
        if mark == "(":
            tree = self.either()
            if self.peek() != ")":
                self.fail(self.peek())
            self.at += 1
        elif mark in ("0", "1"):
            tree = (mark,)
        elif mark and (mark[0].isalpha() or mark[0] == "_"):
            tree = ("pin", mark)
        else:
            self.fail(mark)
        while self.peek() == "'":
            self.at += 1
            tree = ("!", tree)
        return tree


def inputs_of(tree: Tree) -> list[Any]:
    """Names of the pins (or numbers of nets, where they stand in their place), each once, in their order."""
    if tree[0] == "pin":
        return [tree[1]]
    return list(dict.fromkeys(name for part in tree[1:] for name in inputs_of(part)))


def evaluate(tree: Tree, values: Mapping[Any, bool]) -> bool:
    """The function's value for these of its pins (or nets)."""
    kind = tree[0]
    if kind == "pin":
        return bool(values[tree[1]])
    if kind in ("0", "1"):
        return kind == "1"
    if kind == "!":
        return not evaluate(tree[1], values)
    a, b = (evaluate(part, values) for part in tree[1:])
    return {"&": a and b, "|": a or b, "^": a != b}[kind]


def emit(
    tree: Tree,
    slots: Mapping[Any, int],
    target: int,
    fresh: Callable[[], int],
    out: list[tuple[int, int, int, int]],
) -> None:
    """Append operations (code, a, b, result) that leave the function's value in slot ``target``.

    slots : of the pins, by name (or of nets, by number). fresh : gives scratch slots.
    """

    def value(part: Tree) -> int:
        if part[0] == "pin":
            return slots[part[1]]
        slot = fresh()
        emit(part, slots, slot, fresh, out)
        return slot

    kind = tree[0]
    if kind == "pin":
        out.append((COPY, slots[tree[1]], 0, target))
    elif kind in ("0", "1"):
        out.append((CONST, int(kind), 0, target))
    elif kind == "!":
        out.append((NOT, value(tree[1]), 0, target))
    else:
        out.append(({"&": AND, "|": OR, "^": XOR}[kind], value(tree[1]), value(tree[2]), target))
