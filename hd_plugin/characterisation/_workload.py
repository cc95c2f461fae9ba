"""Streams to characterise an array with: random ones of every kind, and the layers of bundled networks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hd_plugin.characterisation._objective import energy_objective
from hd_plugin.encoding_mac import Encoding
from hd_plugin.energy import EnergyModel
from hd_plugin.hardware import (
    KINDS,
    MOST_TILES,
    Activations,
    ArraySize,
    Program,
    program,
    sampled_activations,
    telling_tiles,
)
from hd_plugin.streaming import Jobs, file_order_plan, optimize
from hd_plugin.weights import Layer, load_network

__all__ = ["FIT", "TEST", "Sample", "network_layers", "network_samples", "random_samples"]

FIT, TEST = "resnet20_cifar10_w4_baseline", "mobilenet_v2_035_cifar10_w4_baseline"
_METHODS = ("baseline", "segment", "cluster")
_STEPS = 300  # of a random stream's group


@dataclass(frozen=True, eq=False)
class Sample:
    """One stream: of which layer (or kind of random stream) and method, and what runs.

    kind : of its activations. tiles : how many are run.
    """

    layer: str
    method: str
    kind: str
    program: Program
    activations: Activations
    tiles: int = 1


def random_samples(size: ArraySize, seed: int = 0) -> list[Sample]:
    """Words that are held for longer or shorter, that flip one bit only, or that change on one row only.

    With each kind of activation.
    """
    rng = np.random.default_rng(seed)
    B, C = size.weight_bits, 2 * size.rows
    half = 1 << (B - 1)
    found = []

    def add(name: str, codes: np.ndarray, kind: str) -> None:
        layer = Layer(name, codes, B)
        made = program(layer, file_order_plan(layer, size.rows))
        drawn = sampled_activations(layer, kind, size.cols, seed, size.act_bits)
        found.append(Sample(name, "random", kind, made, drawn))

    def held(fresh: np.ndarray, keep: np.ndarray | float) -> np.ndarray:
        codes = fresh.copy()
        hold = rng.random(codes.shape) < keep
        for k in range(1, _STEPS):
            codes[k] = np.where(hold[k], codes[k - 1], codes[k])
        return codes

    for kind in (*KINDS, "uniform"):
        uniform = rng.integers(0, 1 << B, (_STEPS, C))
        bell = np.clip(np.rint(rng.normal(0, half / 3, (_STEPS, C))), -half, half - 1).astype(np.int64)
        bell &= (1 << B) - 1
        for keep in (0.0, 0.5, 0.8, 0.95):
            add(f"uniform words, {keep:.0%} held, {kind}", held(uniform, keep), kind)
            add(f"bell-shaped words, {keep:.0%} held, {kind}", held(bell, keep), kind)
        for b in range(B):
            turns = np.cumsum(rng.random((_STEPS, C)) < 0.3, axis=0) & 1
            add(f"bit {b} flips, {kind}", uniform[:1] ^ (turns << b), kind)
        for row in {0, size.rows // 2, size.rows - 1}:
            others = np.ones((_STEPS, C))
            others[:, row :: size.rows] = 0.2
            add(f"row {row} changes, {kind}", held(uniform, others), kind)
    return found


def network_samples(
    name: str,
    size: ArraySize,
    seed: int = 0,
    jobs: Jobs | None = None,
    model: EnergyModel | None = None,
    encoding: Encoding | None = None,
) -> list[Sample]:
    """Every layer of a network under three methods, with both kinds of activations.

    model : plans for least energy by this model instead of least flips, under two methods with one kind each,
    since where a model errs is where a search for its least energy goes. encoding : of the array's PEs.
    """
    layers = network_layers(name, size.weight_bits, seed)
    methods = _METHODS if model is None else _METHODS[1:]
    asked = [(layer, i, m) for i, layer in enumerate(layers) for m in range(len(methods))]
    jobs = jobs or Jobs()

    def make(item: tuple[Layer, int, int], jobs: Jobs) -> list[Sample]:
        layer, i, m = item
        kinds: tuple[str, ...] = KINDS
        if model is not None:  # one kind; those of the layers themselves often alternate too
            kinds = (KINDS[(i + i // len(KINDS) + m) % len(KINDS)],)
        pixels = size.cols * MOST_TILES
        drawn = {k: sampled_activations(layer, k, pixels, seed + i, size.act_bits) for k in kinds}
        least = None if model is None else energy_objective(model, layer, drawn[kinds[0]], encoding)
        plan = optimize(layer, size.rows, methods[m], seed=seed, minimise=least, jobs=jobs)
        made, tiles = program(layer, plan), telling_tiles(plan)
        return [Sample(layer.name, methods[m], kind, made, drawn[kind], tiles) for kind in kinds]

    return [sample for samples in jobs.spread(make, asked) for sample in samples]


def network_layers(name: str, bits: int, seed: int) -> list[Layer]:
    """The layers of a 4-bit network; in wider words, values that lie evenly within the old steps."""
    layers = load_network(name, bits=bits).layers
    wider = bits - 4
    if wider <= 0:
        return layers
    rng, top, half = np.random.default_rng(seed), (1 << bits - 1) - 1, 1 << wider - 1
    found = []
    for layer in layers:
        values = layer.values.astype(np.int64) * (1 << wider) + rng.integers(-half, half, layer.values.shape)
        found.append(Layer.from_values(layer.name, np.clip(values, -top, top), bits))
    return found
