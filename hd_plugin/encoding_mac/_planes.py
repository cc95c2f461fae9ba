"""Nets of an encoding for all pairs of operands at once, 64 pairs a word, and what a search asks of them.

Pairs are in the order of ``Encoding.code_table``, row by row; fewer than 64 are repeated to fill a word,
which changes no range and no mean.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hd_plugin.bits._compiled import compiled
from hd_plugin.bits._popcount import popcount
from hd_plugin.encoding_mac._encoding import Encoding
from hd_plugin.encoding_mac._operands import operand_values

__all__ = [
    "KINDS",
    "Sliced",
    "add_plane",
    "class_ranges",
    "encoding_error",
    "gram",
    "inner_products",
    "net_planes",
    "operand_planes",
    "output_planes",
    "pair_ranges",
    "product_values",
    "run_gates",
    "sliced",
]

KINDS = ("and", "or", "nand", "nor", "xor", "xnor", "not")  # the number of each in compiled code
_WORD = 64
_LEAST = np.int32(-(2**31))


def _packed(bits: np.ndarray) -> np.ndarray:
    """uint8[..., pairs] of 0 and 1 -> uint64[..., words]."""
    if bits.shape[-1] < _WORD:
        bits = np.tile(bits, _WORD // bits.shape[-1])
    return np.packbits(bits, axis=-1, bitorder="little").view("<u8").astype(np.uint64)


class Sliced(NamedTuple):
    """A number for every pair, less the least one, bit by bit: uint64[bits, words]. pairs, total : how many,
    and their sum.
    """

    planes: np.ndarray
    low: int
    pairs: int
    total: int


def operand_planes(a_bits: int, w_bits: int) -> np.ndarray:
    """The operands' bits, uint64[a_bits + w_bits, words]: nets of an encoding before its gates."""
    pairs = np.arange(1 << a_bits + w_bits, dtype=np.uint32)
    a, w = pairs >> w_bits, pairs & ((1 << w_bits) - 1)
    bits = [(a >> b) & 1 for b in range(a_bits)] + [(w >> b) & 1 for b in range(w_bits)]
    return _packed(np.array(bits, np.uint8))


def product_values(a_bits: int, w_bits: int, a_signed: bool, w_signed: bool) -> np.ndarray:
    """The product of every pair, int32[64 * words]."""
    found = np.multiply.outer(operand_values(a_bits, a_signed), operand_values(w_bits, w_signed)).ravel()
    return np.tile(found, max(1, _WORD // found.size)).astype(np.int32)


def net_planes(encoding: Encoding) -> np.ndarray:
    """All its nets, uint64[nets, words]."""
    first = operand_planes(encoding.a_bits, encoding.w_bits)
    nets = np.zeros((len(first) + len(encoding.gates), first.shape[1]), np.uint64)
    nets[: len(first)] = first
    gates = np.array([(KINDS.index(g.kind), g.a, g.b) for g in encoding.gates], np.int32).reshape(-1, 3)
    run_gates(gates, len(first), nets)
    return nets


def output_planes(encoding: Encoding) -> np.ndarray:
    """Its outputs, uint64[outputs, words]."""
    return net_planes(encoding)[list(encoding.outputs)]


def encoding_error(encoding: Encoding) -> np.ndarray:
    """Encoded minus exact product of every pair, int32[64 * words]."""
    planes = output_planes(encoding)
    sides = encoding.a_bits, encoding.w_bits, encoding.a_signed, encoding.w_signed
    error = encoding.constant - product_values(*sides)
    for weight, plane in zip(encoding.weights, planes):
        add_plane(error, plane, np.int32(weight))
    return error


@compiled()
def run_gates(gates, first, nets):
    """Fill ``nets`` from row ``first`` on: gates int32[n, 3] of (kind, net, net)."""
    words = nets.shape[1]
    for g in range(gates.shape[0]):
        kind, a, b = gates[g, 0], nets[gates[g, 1]], nets[gates[g, 2]]
        out = nets[first + g]
        if kind == 0:
            for k in range(words):
                out[k] = a[k] & b[k]
        elif kind == 1:
            for k in range(words):
                out[k] = a[k] | b[k]
        elif kind == 2:
            for k in range(words):
                out[k] = ~(a[k] & b[k])
        elif kind == 3:
            for k in range(words):
                out[k] = ~(a[k] | b[k])
        elif kind == 4:
            for k in range(words):
                out[k] = a[k] ^ b[k]
        elif kind == 5:
            for k in range(words):
                out[k] = ~(a[k] ^ b[k])
        else:
            for k in range(words):
                out[k] = ~a[k]


@compiled()
def add_plane(error, plane, weight):
    """error += weight where ``plane`` is 1."""
    for k in range(plane.size):
        word = plane[k]
        for b in range(64):
            error[64 * k + b] += weight * np.int32((word >> np.uint64(b)) & np.uint64(1))


@compiled()
def class_ranges(error, plane):
    """Least and largest error where ``plane`` is 0, and where it is 1: int32[2, 2]; (1, -1) of none."""
    found = np.empty((2, 2), np.int32)
    low0, high0, low1, high1 = np.int32(2**31 - 1), _LEAST, np.int32(2**31 - 1), _LEAST
    for k in range(plane.size):
        word = plane[k]
        for b in range(64):
            e = error[64 * k + b]
            if (word >> np.uint64(b)) & np.uint64(1):
                low1, high1 = min(low1, e), max(high1, e)
            else:
                low0, high0 = min(low0, e), max(high0, e)
    found[0, 0], found[0, 1], found[1, 0], found[1, 1] = low0, high0, low1, high1
    for c in range(2):
        if found[c, 0] > found[c, 1]:
            found[c, 0], found[c, 1] = 1, -1
    return found


@compiled()
def pair_ranges(error, first, second):
    """Least and largest error by what two planes are: int32[4, 2], of 2 * second + first; (1, -1) of none."""
    found = np.empty((4, 2), np.int32)
    found[:, 0], found[:, 1] = np.int32(2**31 - 1), _LEAST
    for k in range(first.size):
        p, q = first[k], second[k]
        for b in range(64):
            e = error[64 * k + b]
            c = ((q >> np.uint64(b)) & np.uint64(1)) * np.uint64(2) + ((p >> np.uint64(b)) & np.uint64(1))
            found[c, 0], found[c, 1] = min(found[c, 0], e), max(found[c, 1], e)
    for c in range(4):
        if found[c, 0] > found[c, 1]:
            found[c, 0], found[c, 1] = 1, -1
    return found


@compiled()
def gram(planes):
    """How many pairs have both of two planes at 1: int64[n, n]."""
    n = planes.shape[0]
    found = np.empty((n, n), np.int64)
    for i in range(n):
        for j in range(i + 1):
            both = np.uint64(0)
            for k in range(planes.shape[1]):
                both += popcount(planes[i, k] & planes[j, k])
            found[i, j] = found[j, i] = np.int64(both)
    return found


def sliced(values: np.ndarray) -> Sliced:
    """Of int[64 * words]."""
    low = int(values.min())
    above = (values - low).astype(np.uint32)
    bits = max(1, int(above.max()).bit_length())
    planes = _packed(np.array([(above >> b) & 1 for b in range(bits)], np.uint8))
    return Sliced(planes, low, values.size, int(values.sum(dtype=np.int64)))


@compiled()
def inner_products(planes, slices):
    """Sum of a number a pair where a plane is 1, the number in ``slices``: uint64[bits, words]; int64[n]."""
    found = np.zeros(planes.shape[0], np.int64)
    for i in range(planes.shape[0]):
        for b in range(slices.shape[0]):
            ones = np.uint64(0)
            for k in range(planes.shape[1]):
                ones += popcount(planes[i, k] & slices[b, k])
            found[i] += np.int64(ones) << b
    return found
