"""A local search: an output is replaced by the net, and the weight, that errs least in its place.

Weights are signed powers of two, so that outputs share counters, or three times that where it is allowed. The
error is judged by its range alone: the constant, which costs nothing, is put in its middle at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hd_plugin.bits._compiled import compiled
from hd_plugin.encoding_mac._booth import Netlist
from hd_plugin.encoding_mac._encoding import AREA_NAND2, Encoding, Gate
from hd_plugin.encoding_mac._planes import add_plane, class_ranges, encoding_error, net_planes

__all__ = ["centred", "improve", "with_products"]

_WIDE = np.int64(2**40)


def with_products(encoding: Encoding) -> Encoding:
    """With a gate for the AND of every pair of operand bits, whether an output needs it or not."""
    net = Netlist(encoding.operand_bits)
    nets = list(range(encoding.operand_bits))
    nets += [0] * len(encoding.gates)
    for g, (kind, a, b) in enumerate(encoding.gates):
        nets[encoding.operand_bits + g] = net.gate(kind, nets[a], nets[b])
    for i in range(encoding.a_bits):
        for j in range(encoding.w_bits):
            net.gate("and", i, encoding.a_bits + j)
    outputs = tuple(nets[n] for n in encoding.outputs)
    return replace(encoding, gates=tuple(net.gates), outputs=outputs)


def centred(encoding: Encoding) -> Encoding:
    """With the constant that makes the largest error least, and without gates that no output needs."""
    error = encoding_error(encoding)
    constant = encoding.constant - (int(error.min()) + int(error.max())) // 2
    first, nets = encoding.operand_bits, {n: n for n in range(encoding.operand_bits)}
    gates: list[Gate] = []
    for g in encoding.used_gates:
        kind, a, b = encoding.gates[g]
        nets[first + g] = first + len(gates)
        gates.append(Gate(kind, nets[a], nets[b]))
    outputs = tuple(nets[n] for n in encoding.outputs)
    return replace(encoding, gates=tuple(gates), outputs=outputs, constant=constant)


def improve(
    encoding: Encoding,
    kicks: int,
    seed: int,
    threes: bool = False,
    stopped: Callable[[], bool] = lambda: False,
) -> Encoding:
    """Swaps until none pays; then as many times two outputs at random are replaced and it is tried again.

    threes : weights of three times a power of two are tried, too. Of equal ranges the nets that need fewer
    gates are taken. The number of outputs stays. stopped : asked before each kick; True ends the search with
    what it has.
    """
    planes = net_planes(encoding)
    cost = _costs(encoding)
    outputs, weights = np.array(encoding.outputs), np.array(encoding.weights)
    error = encoding_error(encoding).astype(np.int32)
    rng = np.random.default_rng(seed)
    best = (
        _descend(error, (planes, cost), outputs, weights, threes),
        outputs.copy(),
        weights.copy(),
        error.copy(),
    )
    for _ in range(kicks):
        if stopped():
            break
        for k in rng.choice(len(outputs), min(2, len(outputs)), replace=False):
            _take(error, planes, outputs, weights, (k, *_random_place(rng, planes, outputs, weights[k])))
        found = _descend(error, (planes, cost), outputs, weights, threes)
        if found <= best[0]:
            best = found, outputs.copy(), weights.copy(), error.copy()
        else:
            outputs[:], weights[:], error[:] = best[1:]
    nets, powers = best[1].tolist(), best[2].tolist()
    return centred(replace(encoding, outputs=tuple(nets), weights=tuple(powers)))


def _random_place(
    rng: np.random.Generator, planes: np.ndarray, outputs: np.ndarray, weight: int
) -> tuple[int, int]:
    """A net that is no output, and the weight that was there or one beside it."""
    free = np.setdiff1d(np.arange(len(planes)), outputs)
    shifted = int(weight) << int(rng.integers(2))
    return int(rng.choice(free)), shifted


def _costs(encoding: Encoding) -> np.ndarray:
    """Area of the gates that each net stands on, in thirds of a NAND2: int32[nets]."""
    cones: list[frozenset[int]] = [frozenset()] * encoding.operand_bits
    for g, gate in enumerate(encoding.gates):
        cones.append(cones[gate.a] | cones[gate.b] | {g})
    areas = [round(3 * AREA_NAND2[gate.kind]) for gate in encoding.gates]
    return np.array([sum(areas[g] for g in cone) for cone in cones], np.int32)


def _take(
    error: np.ndarray,
    planes: np.ndarray,
    outputs: np.ndarray,
    weights: np.ndarray,
    move: tuple[int, int, int],
) -> None:
    """Output k becomes ``net`` with ``weight``."""
    k, net, weight = move
    add_plane(error, planes[outputs[k]], np.int32(-weights[k]))
    outputs[k], weights[k] = net, weight
    add_plane(error, planes[net], np.int32(weight))


def _descend(
    error: np.ndarray,
    nets: tuple[np.ndarray, np.ndarray],
    outputs: np.ndarray,
    weights: np.ndarray,
    threes: bool,
) -> tuple[int, int]:
    """Swaps while they pay: (width of the error, area) at the end. nets : planes, and what each costs."""
    planes, cost = nets
    while True:
        width = int(error.max()) - int(error.min())
        now = (width, int(cost[outputs].sum()))
        k, net, weight = _best_swap(error, planes, cost, outputs, weights, threes)
        if k < 0:
            return now
        _take(error, planes, outputs, weights, (int(k), int(net), int(weight)))


@compiled()
def _best_swap(error, planes, cost, outputs, weights, threes):
    """The output, net and weight of the swap after which the error is least wide, then the area; -1: none."""
    taken = np.zeros(planes.shape[0], np.bool_)
    taken[outputs] = True
    least, cheapest = np.int64(error.max()) - np.int64(error.min()), np.int64(0)
    found = (np.int64(-1), np.int64(0), np.int64(0))
    left = np.empty_like(error)
    for k in range(outputs.size):
        left[:] = error
        add_plane(left, planes[outputs[k]], np.int32(-weights[k]))
        for net in range(planes.shape[0]):
            if taken[net] and net != outputs[k]:
                continue
            weight, width = _best_weight(class_ranges(left, planes[net]), threes)
            more = np.int64(cost[net]) - np.int64(cost[outputs[k]])
            if width < least or (width == least and more < cheapest):
                least, cheapest, found = width, more, (np.int64(k), np.int64(net), weight)
    return found


@compiled()
def _best_weight(ranges, threes):
    """Of a net: the weight with which the error is least wide, and how wide; 0 is none."""
    low0, high0, low1, high1 = (
        np.int64(ranges[0, 0]),
        np.int64(ranges[0, 1]),
        np.int64(ranges[1, 0]),
        np.int64(ranges[1, 1]),
    )
    best, least = np.int64(0), _WIDE
    if low0 > high0 or low1 > high1:
        return best, least
    ideal = (low0 + high0 - low1 - high1) // 2
    size = max(abs(ideal), np.int64(1))
    power = np.int64(1)
    while 2 * power <= size:
        power *= 2
    half = power // 2
    for weight in (power, 2 * power, 3 * half, 3 * power, -power, -2 * power, -3 * half, -3 * power):
        if weight == 0 or (weight % 3 == 0 and not threes):
            continue
        width = max(high0, high1 + weight) - min(low0, low1 + weight)
        if width < least:
            best, least = weight, width
    return best, least
