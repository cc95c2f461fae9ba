"""The base cases: one AND for each pair of operand bits, all of them or those that weigh most."""

from __future__ import annotations

from dataclasses import replace

from hd_plugin.encoding_mac._encoding import Encoding, Gate
from hd_plugin.errors import InputError

__all__ = ["exact", "truncated", "weighted"]


def exact(a_bits: int, w_bits: int, *, a_signed: bool = True, w_signed: bool = True) -> Encoding:
    """Every product, from a_bits x w_bits ANDs with weights of +-2**(i + j).

    Raises InputError for widths that are not 2 to 8.
    """
    pairs = [(i, j) for i in range(a_bits) for j in range(w_bits)]
    return _of_pairs(a_bits, w_bits, pairs, (a_signed, w_signed), f"exact_{a_bits}x{w_bits}")


def truncated(
    a_bits: int,
    w_bits: int,
    bits: int,
    compensate: bool = True,
    *,
    a_signed: bool = True,
    w_signed: bool = True,
) -> Encoding:
    """The ``bits`` ANDs of the exact encoding that weigh most; of equal ones, those of high activation bits.

    compensate : add the constant that makes the largest error least. Raises InputError for widths that are
    not 2 to 8, or a number of bits that the exact encoding does not have.
    """
    if not 1 <= bits <= a_bits * w_bits:
        raise InputError(f"truncated: bits: {bits} found; 1 to {a_bits * w_bits} are possible")
    heaviest = sorted(((i, j) for i in range(a_bits) for j in range(w_bits)), key=lambda p: (-sum(p), -p[0]))
    signs, name = (a_signed, w_signed), f"truncated_{a_bits}x{w_bits}_{bits}"
    plain = _of_pairs(a_bits, w_bits, sorted(heaviest[:bits]), signs, name)
    if not compensate:
        return plain
    error = plain.table() - plain.products()
    constant = -(int(error.min()) + int(error.max())) // 2
    return replace(plain, constant=constant)


def weighted(
    a_bits: int, w_bits: int, bits: int, border: int, *, a_signed: bool = True, w_signed: bool = True
) -> Encoding:
    """A truncated encoding whose ANDs of place ``border``, those of the top bits left aside, weigh 1.5 times
    as much: they stand for the products below them, too.

    No constant. Raises InputError as ``truncated`` does, or when no AND stands at the border above place 0.
    """
    plain = truncated(a_bits, w_bits, bits, False, a_signed=a_signed, w_signed=w_signed)
    tops = a_bits - 1, a_bits + w_bits - 1
    weights = [
        3 * w // 2 if g.a + g.b - a_bits == border and g.a != tops[0] and g.b != tops[1] else w
        for g, w in zip(plain.gates, plain.weights)
    ]
    if border < 1 or tuple(weights) == plain.weights:
        raise InputError(f"weighted: border: {border} found; a place of inner products is needed")
    return replace(plain, weights=tuple(weights), name=f"weighted_{a_bits}x{w_bits}_{bits}")


def _of_pairs(
    a_bits: int, w_bits: int, pairs: list[tuple[int, int]], signed: tuple[bool, bool], name: str
) -> Encoding:
    gates = tuple(Gate("and", i, a_bits + j) for i, j in pairs)
    weights = []
    for i, j in pairs:
        negative = (signed[0] and i == a_bits - 1) != (signed[1] and j == w_bits - 1)
        weights.append(-(1 << i + j) if negative else 1 << i + j)
    outputs = tuple(a_bits + w_bits + g for g in range(len(gates)))
    return Encoding(a_bits, w_bits, gates, outputs, tuple(weights), 0, *signed, name)
