"""One order for every block of channels that suits all layers which produce it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hd_plugin.errors import InputError
from hd_plugin.rewriting._channels import ChannelGraph, order_of
from hd_plugin.streaming import Jobs, flips, optimize
from hd_plugin.weights import Layer

__all__ = ["Rewriting", "Solution", "check_outputs", "solve"]


@dataclass(frozen=True)
class Rewriting:
    """What happened to one layer.

    flips_before, flips : in file order, before and after. tied : layers whose output channels move with its
    own. pinned : why all or some of its output channels stay, or None.
    """

    name: str
    flips_before: int
    flips: int
    tied: tuple[str, ...]
    pinned: str | None


@dataclass(frozen=True, eq=False)
class Solution:
    """Orders for every block, and what they do. layers : the permuted layers, by name."""

    graph: ChannelGraph
    orders: dict[Any, np.ndarray]
    layers: dict[str, Layer]
    told: list[Rewriting]

    def permuted(self, key: str, values: np.ndarray) -> np.ndarray:
        """A stored tensor with its channels moved."""
        return self.graph.permuted(key, values, self.orders)


def check_outputs(outputs: str) -> None:
    """InputError unless it says what becomes of a network's own outputs."""
    if outputs not in ("keep", "permute"):
        raise InputError(f"outputs: {outputs!r} found; keep or permute")


def solve(
    graph: ChannelGraph,
    layers: Mapping[str, Layer],
    effort: str = "local",
    seed: int = 0,
    jobs: Jobs | None = None,
) -> Solution:
    """Orders of output channels with few flips: method ``direct``, jointly for layers that are tied.

    layers : codes by layer name; a layer of the graph that is not among them moves along and does not count.
    Raises InputError for codes whose channels are not the graph's.
    """
    _check_sizes(graph, layers)
    producers = _producers(graph, layers)
    free = [block for block in producers if block.pinned is None and block.size > 1]
    jobs = jobs or Jobs()

    def order(block: Any, jobs: Jobs) -> np.ndarray:
        words = [
            layers[name].codes[first : first + block.size].reshape(block.size, -1).astype(np.uint16)
            for name, first in producers[block]
        ]
        bits = max(layers[name].bits for name, _ in producers[block])
        joint = Layer("joint", np.concatenate(words, axis=1), bits)
        return optimize(joint, 8, "direct", effort, seed, jobs=jobs).groups[0].order

    orders = dict(zip(free, jobs.spread(order, free)))
    moved: dict[str, Layer] = {}
    told = []
    for weight in graph.weights:
        if weight.name not in layers or weight.name in moved:
            continue
        layer = layers[weight.name]
        moved[weight.name] = _moved(layer, order_of(weight.out, orders), order_of(weight.into, orders))
        blocks = weight.out.blocks()
        producing = (name for block in blocks for name, _ in producers.get(block, []))
        tied = dict.fromkeys(name for name in producing if name != weight.name)
        pinned = next((b.pinned for b in blocks if b.pinned), None)
        told.append(Rewriting(weight.name, flips(layer), flips(moved[weight.name]), tuple(tied), pinned))
    return Solution(graph, orders, moved, told)


def _check_sizes(graph: ChannelGraph, layers: Mapping[str, Layer]) -> None:
    for weight in graph.weights:
        sizes = tuple(s.channels * s.repeat for s in (weight.out, weight.into))
        if weight.name in layers and layers[weight.name].codes.shape[:2] != sizes:
            raise InputError(
                f"layer {weight.name!r}: codes of {list(layers[weight.name].codes.shape)} found, "
                f"where the network has {list(sizes)} channels"
            )


def _producers(graph: ChannelGraph, layers: Mapping[str, Layer]) -> dict[Any, list[tuple[str, int]]]:
    """For every block of channels the layers that make it, and their first channel in it."""
    producers: dict[Any, list[tuple[str, int]]] = {}
    for weight in graph.weights:
        if weight.name in layers and weight.out.repeat == 1:
            for first, block in weight.out.starts():
                producers.setdefault(block, []).append((weight.name, first))
    return producers


def _moved(layer: Layer, out: np.ndarray, into: np.ndarray) -> Layer:
    """The layer with its channels in other orders; ``into``: of all columns, C * P * Q if flattened."""
    codes = np.ascontiguousarray(layer.codes[out][:, into])
    weights = None if layer.weights is None else layer.weights[out][:, into]
    return replace(
        layer, codes=codes, weights=weights, scale=layer.scale[out] if np.ndim(layer.scale) else layer.scale
    )
