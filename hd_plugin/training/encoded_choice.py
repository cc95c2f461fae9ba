"""An encoding for each layer: the cheapest ones that lose no more accuracy than is allowed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hd_plugin.encoding_mac import Encoding, column_area
from hd_plugin.errors import InputError
from hd_plugin.training.encoded import Assignment
from hd_plugin.training.encoded_network import EncodedNetwork

__all__ = ["Choice", "Judged", "choose", "costs"]


@dataclass(frozen=True)
class Judged:
    """A prefix of the moves, measured.

    moves : how many. top1 : of the judging images, in percent. cost : area times products, beside that of
    the first candidate in all layers.
    """

    moves: int
    top1: float
    cost: float


@dataclass(frozen=True, eq=False)
class Choice:
    """encodings : by layer. exact_top1 : of the judging images with exact products. losses : what the
    cross-entropy of the judging images rises by when one layer alone has that candidate, float64[layers,
    candidates]. measured : the prefixes that were looked at.
    """

    encodings: dict[str, Encoding]
    assigned: Assignment
    exact_top1: float
    losses: np.ndarray
    measured: tuple[Judged, ...]


def costs(network: EncodedNetwork, names: Sequence[str], candidates: Sequence[Encoding]) -> np.ndarray:
    """A layer's products times ``column_area``, float64[names, candidates], in NAND2."""
    by_name = {layer.name: layer for layer in network.layers}
    pixels = [int(np.prod(by_name[name].output_hw or (1, 1))) for name in names]
    products = [by_name[name].codes.size * n for name, n in zip(names, pixels)]
    return np.multiply.outer(np.array(products, float), [column_area(one) for one in candidates])


def choose(
    network: EncodedNetwork,
    candidates: Sequence[Encoding],
    bound: float = 1.0,
    exact_layers: Sequence[str] = (),
    each: Callable[[], None] | None = None,
) -> Choice:
    """For each layer one of ``candidates``, of which the first errs least.

    exact_layers : keep exact products; all others begin with the first candidate. Each layer's own loss,
    alone among exact ones, says in which order steps to cheaper candidates pay: the least loss for the cost
    first, along the convex hull. Of that sequence the longest prefix is taken (by bisection) that is
    measured to lose at most ``bound`` points of top-1 against exact products, on training images that neither
    calibrate nor test. No test image is read. Raises InputError without candidates, or when even the first
    one everywhere loses more.
    """
    if not candidates:
        raise InputError("encodings: none found; a choice needs candidates")
    names = [la.name for la in network.layers if la.name in network.steps and la.name not in exact_layers]
    price = costs(network, names, candidates)
    exact = network.judge(network.exact(), each)
    losses = np.zeros(price.shape)
    for i, name in enumerate(names):
        for j, one in enumerate(candidates):
            losses[i, j] = network.judge(network.assign({name: one}), each).loss - exact.loss
    moves = _moves(price, losses)
    whole = sum(price[:, 0])
    measured: dict[int, tuple[Judged, Assignment]] = {}

    def good(count: int) -> bool:
        chosen = _after(moves[:count], len(price))
        assigned = network.assign({name: candidates[j] for name, j in zip(names, chosen)})
        top1 = network.judge(assigned, each).top1
        cost = float(sum(price[i, j] for i, j in enumerate(chosen)) / whole)
        measured[count] = Judged(count, top1, cost), assigned
        return exact.top1 - top1 <= bound

    best, beyond = 0, len(moves) + 1
    if not good(0):
        raise InputError(
            f"bound: {bound:g} points found; {candidates[0].name!r} in all layers loses "
            f"{exact.top1 - measured[0][0].top1:.2f} of the judging images; give an encoding nearer to exact"
        )
    while beyond - best > 1:
        middle = len(moves) if not measured.get(len(moves)) and moves else (best + beyond) // 2
        best, beyond = (middle, beyond) if good(middle) else (best, middle)
    chosen = _after(moves[:best], len(price))
    named = {name: candidates[j] for name, j in zip(names, chosen)}
    told = tuple(measured[count][0] for count in sorted(measured))
    return Choice(named, measured[best][1], exact.top1, losses, told)


def _moves(price: np.ndarray, losses: np.ndarray) -> list[tuple[int, int]]:
    """(layer, candidate) in the order in which steps to a cheaper candidate pay."""
    found = []
    for i in range(len(price)):
        at = 0
        while True:
            cheaper = [j for j in range(price.shape[1]) if price[i, j] < price[i, at]]
            if not cheaper:
                break
            slopes = [(losses[i, j] - losses[i, at]) / (price[i, at] - price[i, j]) for j in cheaper]
            least = int(np.argmin(slopes))
            found.append((slopes[least], i, cheaper[least]))
            at = cheaper[least]
    # a layer's own slopes rise along its hull, so that its steps stay in their order
    return [(i, j) for _, i, j in sorted(found)]


def _after(moves: Sequence[tuple[int, int]], layers: int) -> list[int]:
    """The candidate of each layer after some moves."""
    chosen = [0] * layers
    for i, j in moves:
        chosen[i] = j
    return chosen
