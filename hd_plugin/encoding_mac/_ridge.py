"""Position weights by ridge regression, from how often outputs are 1 together: no table of floats is made."""

from __future__ import annotations

import numpy as np

from hd_plugin.bits._compiled import compiled
from hd_plugin.encoding_mac._planes import Sliced, gram, inner_products

__all__ = ["ridge_weights"]


def ridge_weights(planes: np.ndarray, values: Sliced, alpha: float = 0.1) -> np.ndarray:
    """Weights of outputs that come nearest to ``values``, float64[outputs + 1], the constant at the end.

    Least squares over all pairs plus ``alpha`` times the squared weights; the constant is free. planes :
    uint64[outputs, words].
    """
    pairs, mean = values.pairs, values.total / values.pairs
    together = gram(planes).astype(np.float64)
    ones = together.diagonal().copy()
    right = inner_products(planes, values.planes) + (values.low - mean) * ones
    together -= np.outer(ones, ones) / pairs
    together[np.diag_indices(len(planes))] += alpha
    found = np.empty(len(planes) + 1)
    found[:-1] = _solve(together, right)
    found[-1] = mean - found[:-1] @ ones / pairs
    return found


@compiled()
def _solve(matrix, right):
    """Of a positive definite system, by Cholesky's method: the same numbers whatever the threads."""
    n = right.size
    low, found = np.zeros((n, n)), right.copy()
    for i in range(n):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= low[i, k] * low[j, k]
            low[i, j] = np.sqrt(max(total, 1e-12)) if i == j else total / low[j, j]
    for i in range(n):
        for k in range(i):
            found[i] -= low[i, k] * found[k]
        found[i] /= low[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            found[i] -= low[k, i] * found[k]
        found[i] /= low[i, i]
    return found
