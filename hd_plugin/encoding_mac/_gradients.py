"""The gradient of a convolution through a table: what its smoothed table says of each operand."""

from __future__ import annotations

import numpy as np

from hd_plugin.bits._compiled import compiled
from hd_plugin.encoding_mac._convolve import TILE, product_rows
from hd_plugin.errors import InputError

__all__ = ["activation_gradient", "table_slopes", "weight_gradient"]

_BLOCK = 4096  # pixels whose gradients stay in the cache


def table_slopes(table: np.ndarray, reach: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """How a product changes with its activation, and with its weight: float32[activations, weights] each.

    The difference between the products ``reach`` operands above and below, a step of the operand; at the ends
    between what is there. Of the exact product: the weight, and the activation. Raises InputError for a reach
    below 1.
    """
    if reach < 1:
        raise InputError(f"reach: {reach} found; at least 1 is needed")
    return _slopes(table, reach), np.ascontiguousarray(_slopes(table.T, reach).T)


def _slopes(table: np.ndarray, reach: int) -> np.ndarray:
    """Along the first axis."""
    places = np.arange(len(table))
    low, high = np.maximum(places - reach, 0), np.minimum(places + reach, len(table) - 1)
    return ((table[high] - table[low]) / (high - low)[:, None]).astype(np.float32)


@compiled(fastmath={"reassoc", "contract"})
def _back(rows, patches, grads, found):
    """found[input, pixel] += sum over k of grads[pixel, k] * rows[input, patches[input, pixel], k]."""
    inputs, pixels = patches.shape
    for start in range(0, pixels, _BLOCK):
        stop = min(start + _BLOCK, pixels)
        for i in range(inputs):
            own = rows[i]
            for p in range(start, stop):
                row, grad = own[patches[i, p]], grads[p]
                total = np.float32(0)
                for k in range(TILE):
                    total += row[k] * grad[k]
                found[i, p] += total


def activation_gradient(
    slopes: np.ndarray, weights: np.ndarray, patches: np.ndarray, grads: np.ndarray
) -> np.ndarray:
    """sum over k of grads[k, p] * slopes[patches[i, p], weights[k, i]], float32[inputs, pixels].

    slopes : the first of ``table_slopes``. weights, patches : as ``table_sums`` takes them. grads :
    float32[K, pixels], of the sums.
    """
    turned = np.ascontiguousarray(slopes.T)
    rows = np.empty((weights.shape[1], turned.shape[1], TILE), np.float32)
    found = np.zeros(patches.shape, np.float32)
    for k in range(0, len(weights), TILE):
        product_rows(turned, weights[k : k + TILE], rows)
        _back(rows, patches, _tile(grads, k), found)
    return found


@compiled()
def _gather(patches, grads, found):
    """found[input, half, patches[input, pixel], k] += grads[pixel, k]; two halves, so that equal activations
    beside each other do not wait for each other.
    """
    inputs, pixels = patches.shape
    for start in range(0, pixels, _BLOCK):
        stop = min(start + _BLOCK, pixels)
        for i in range(inputs):
            for p in range(start, stop):
                row, grad = found[i, p & 1, patches[i, p]], grads[p]
                for k in range(TILE):
                    row[k] += grad[k]


def weight_gradient(
    slopes: np.ndarray, weights: np.ndarray, patches: np.ndarray, grads: np.ndarray
) -> np.ndarray:
    """sum over p of grads[k, p] * slopes[patches[i, p], weights[k, i]], float32[K, inputs].

    slopes : the second of ``table_slopes``; the rest as for ``activation_gradient``.
    """
    K, inputs = weights.shape
    by_activation = np.empty((inputs, 2, slopes.shape[0], TILE), np.float32)
    found = np.empty((K, inputs), np.float32)
    columns = slopes.T[weights]  # [K, inputs, activations]
    for k in range(0, K, TILE):
        by_activation[:] = 0
        _gather(patches, _tile(grads, k), by_activation)
        own = columns[k : k + TILE]
        found[k : k + TILE] = np.einsum("kia,iak->ki", own, by_activation.sum(1)[:, :, : len(own)])
    return found


def _tile(grads: np.ndarray, k: int) -> np.ndarray:
    """The gradients of TILE output channels from ``k`` on, float32[pixels, TILE]; 0 beyond the last."""
    own = grads[k : k + TILE]
    found = np.zeros((grads.shape[1], TILE), np.float32)
    found[:, : len(own)] = own.T
    return found
