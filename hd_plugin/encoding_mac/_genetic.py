"""EncodingNet's own search: Cartesian genetic programming over a grid of gates, weights by ridge regression.

Source: Liu et al., "EncodingNet", arXiv 2402.18595, written from its description.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hd_plugin.encoding_mac._encoding import AREA_NAND2, Encoding, Gate
from hd_plugin.encoding_mac._planes import (
    KINDS,
    Sliced,
    add_plane,
    operand_planes,
    product_values,
    run_gates,
    sliced,
)
from hd_plugin.encoding_mac._ridge import ridge_weights
from hd_plugin.encoding_mac._swaps import centred

__all__ = ["Genetic", "Population"]

_ROWS = 256  # of the grid
_PARENTS, _CHILDREN = 10, 50
_RATES = 0.3, 0.01  # of mutation, of a gene: in the first and in the last generation
_ALPHA = 0.1


@dataclass(frozen=True)
class Population:
    """genes : int32[individuals, genes], best first. fitness : float64[individuals, 2], the least is best."""

    genes: np.ndarray
    fitness: np.ndarray


@dataclass(frozen=True)
class Genetic:
    """One search. columns : of 256 gates each, which read operand bits and earlier columns. outputs : nets
    that are tried; the ``kept`` ones with the largest weights stay. threshold : of the largest relative
    error; below it, area counts.
    """

    a_bits: int
    w_bits: int
    signs: tuple[bool, bool]
    columns: int = 1
    outputs: int = 128
    kept: int = 40
    threshold: float = 0.02
    generations: int = 2500
    seed: int = 0

    def begin(self) -> Population:
        """Individuals at random."""
        rng = np.random.default_rng([self.seed, self.columns])
        return self._ranked((rng.random((_PARENTS, len(self._limits))) * self._limits).astype(np.int32))

    def advance(self, population: Population, generation: int) -> Population:
        """The best parents of the next generation; children come before parents as good as they are."""
        rng = np.random.default_rng([self.seed, self.columns, generation])
        first, last = _RATES
        rate = first * (last / first) ** (generation / max(self.generations - 1, 1))
        children = population.genes[rng.integers(0, _PARENTS, _CHILDREN)]
        changed = rng.random(children.shape) < rate
        drawn = (rng.random(children.shape) * self._limits).astype(np.int32)
        made = self._ranked(np.where(changed, drawn, children))
        fitness = np.concatenate([made.fitness, population.fitness])
        best = np.lexsort(fitness.T[::-1])[:_PARENTS]
        return Population(np.concatenate([made.genes, population.genes])[best], fitness[best])

    @cached_property
    def _operands(self) -> np.ndarray:
        return operand_planes(self.a_bits, self.w_bits)

    @cached_property
    def _products(self) -> np.ndarray:
        return product_values(self.a_bits, self.w_bits, *self.signs)

    @cached_property
    def _target(self) -> Sliced:
        return sliced(self._products)

    @cached_property
    def _limits(self) -> np.ndarray:
        """How many values each gene has: gates as (kind, net, net), then outputs."""
        operands = self.a_bits + self.w_bits
        gates = [(len(KINDS), n, n) for n in operands + _ROWS * np.arange(self.columns) for _ in range(_ROWS)]
        nets = operands + _ROWS * self.columns
        return np.concatenate([np.array(gates).ravel(), np.full(self.outputs, nets)])

    def _ranked(self, genes: np.ndarray) -> Population:
        fitness = np.array([self.fitness(one) for one in genes])
        best = np.lexsort(fitness.T[::-1])
        return Population(genes[best], fitness[best])

    def fitness(self, genes: np.ndarray) -> tuple[float, float]:
        """(1, error) above the threshold, else (0, area in NAND2)."""
        gates, outputs, _, error = self._built(genes)
        if not outputs.size:
            return 2.0, 0.0
        relative = (int(error.max()) - int(error.min())) / 2 / int(np.abs(self._products).max())
        return (1.0, relative) if relative > self.threshold else (0.0, self._area(gates, outputs))

    def _built(self, genes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Gates, outputs, their integer weights, and the error without a constant."""
        gates = genes[: -self.outputs].reshape(-1, 3)
        first, values = self._operands, self._products
        nets = np.empty((len(first) + len(gates), first.shape[1]), np.uint64)
        nets[: len(first)] = first
        run_gates(gates, len(first), nets)
        tried = np.unique(genes[-self.outputs :])
        weights = ridge_weights(nets[tried], self._target, _ALPHA)[:-1]
        outputs = np.sort(tried[np.argsort(-np.abs(weights), kind="stable")[: self.kept]])
        whole = np.rint(ridge_weights(nets[outputs], self._target, _ALPHA)[:-1]).astype(np.int32)
        outputs, whole = outputs[whole != 0], whole[whole != 0]
        error = -values
        for net, weight in zip(outputs, whole):
            add_plane(error, nets[net], weight)
        return gates, outputs, whole, error

    def _area(self, gates: np.ndarray, outputs: np.ndarray) -> float:
        operands, live = self.a_bits + self.w_bits, set(outputs.tolist())
        area = 0.0
        for g in range(len(gates) - 1, -1, -1):
            if operands + g in live:
                kind = KINDS[gates[g, 0]]
                area += AREA_NAND2[kind]
                live |= {int(gates[g, 1])} if kind == "not" else {int(gates[g, 1]), int(gates[g, 2])}
        return area

    def encoding(self, genes: np.ndarray) -> Encoding:
        """The individual with the best constant, and the gates that it needs."""
        gates, outputs, weights, _ = self._built(genes)
        kinds = [KINDS[kind] for kind in gates[:, 0]]
        made = tuple(Gate(k, a, a if k == "not" else b) for k, (a, b) in zip(kinds, gates[:, 1:].tolist()))
        sides = self.a_bits, self.w_bits
        found = Encoding(*sides, made, tuple(outputs.tolist()), tuple(weights.tolist()), 0, *self.signs)
        return centred(found)
