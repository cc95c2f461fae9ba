"""Brute force, written apart from the package: strings of bits, loops, no shared code."""

from __future__ import annotations

import itertools
import json


def bit_string(value: int, bits: int, number_format: str) -> str:
    """The pattern of ``value`` as text, most significant bit first."""
    if number_format == "twos_complement":
        return "".join("1" if (value % 2**bits) // 2**b % 2 else "0" for b in reversed(range(bits)))
    if number_format == "sign_magnitude":
        return ("1" if value < 0 else "0") + format(abs(value), f"0{bits - 1}b")
    offset = format(value + 2 ** (bits - 1), f"0{bits}b")
    if number_format == "offset_binary":
        return offset
    return offset[0] + "".join("1" if a != b else "0" for a, b in itertools.pairwise(offset))


def text_flips(a: str, b: str) -> int:
    return sum(x != y for x, y in zip(a, b))


def path_flips(words: list[list[str]]) -> int:
    """Flips of a stream of words, a word being one bit string per row."""
    return sum(text_flips(x, y) for one, two in itertools.pairwise(words) for x, y in zip(one, two))


def saved_plan_flips(path, values, bits: int, number_format: str) -> tuple[int, set]:
    """(flips, covered (channel, fy, fx)) of a saved plan, from its file and the integers [K][C][Fy][Fx]."""
    with open(path, encoding="utf8") as file:
        plan = json.load(file)
    total, covered = 0, []
    for g in plan["groups"]:
        fy, fx = g["tap"]
        assert len(g["channels"]) <= plan["rows"]
        assert sorted(g["order"]) == list(range(len(values)))
        covered += [(c, fy, fx) for c in g["channels"]]
        total += path_flips(
            [
                [bit_string(int(values[k][c][fy][fx]), bits, number_format) for c in g["channels"]]
                for k in g["order"]
            ]
        )
    assert len(covered) == len(set(covered))
    return total, set(covered)


def best_path(d) -> int:
    """The shortest path by trying every order."""
    n = len(d)
    return min(sum(int(d[a][b]) for a, b in itertools.pairwise(p)) for p in itertools.permutations(range(n)))


def wire_flips(plan, values, bits: int, number_format: str, tiles: int, alternate: bool) -> int:
    """Drive ``rows`` wires word by word for the whole layer, count what changes; the first load is free."""
    wires: list[str | None] = [None] * plan.rows
    total = 0
    for tile in range(tiles):
        backwards = alternate and tile % 2 == 1
        for g in plan.groups[::-1] if backwards else plan.groups:
            for k in g.order[::-1] if backwards else g.order:
                for r, c in enumerate(g.channels):
                    word = bit_string(int(values[k][c][g.tap[0]][g.tap[1]]), bits, number_format)
                    if wires[r] is not None:
                        total += text_flips(wires[r], word)
                    wires[r] = word
    return total
