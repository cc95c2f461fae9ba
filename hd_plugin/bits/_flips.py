"""Hamming distance and the flips of a stream: THE definition; every other count is tested against it."""

from __future__ import annotations

import numpy as np

__all__ = ["hamming", "plane_flips", "stream_flips"]


def hamming(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """HD(a, b) = popcount(a xor b), element by element (paper, section 4.1). uint8/uint16 -> int64."""
    return np.bitwise_count(np.bitwise_xor(a, b)).astype(np.int64)


def stream_flips(words: np.ndarray) -> int:
    """Flips while ``words[T, ...]`` stream one after the other over the same wires: the paper's HD(W).

    Sum over t of HD(words[t], words[t+1]) over all other axes. uint8 or uint16 bit patterns.
    """
    words = np.asarray(words)
    return int(hamming(words[:-1], words[1:]).sum())


def plane_flips(words: np.ndarray, bits: int) -> np.ndarray:
    """Flips per bit plane, int64[bits], least significant bit first; they add up to ``stream_flips``."""
    words = np.asarray(words)
    changed = np.bitwise_xor(words[:-1], words[1:])
    return np.array([int(((changed >> b) & 1).sum()) for b in range(bits)], np.int64)
