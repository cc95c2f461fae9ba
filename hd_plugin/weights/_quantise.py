"""Post-training quantisation: symmetric, uniform, with the clip that minimises the squared error."""

from __future__ import annotations

import numpy as np

from hd_plugin.errors import InputError

__all__ = ["optimal_scale", "quantise"]

_CLIPS = np.linspace(0.15, 1.0, 171)  # clip as a fraction of max|w|; 0.5 % steps


def _check(values: np.ndarray, bits: int, where: str) -> np.ndarray:
    values = np.asarray(values)
    if not 2 <= bits <= 16:
        raise InputError(f"bits: {bits} is out of range; use 2 to 16")
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).sum())
        raise InputError(
            f"{where}: {bad} of {values.size} weights are NaN or infinite; check how the file was exported"
        )
    return values


def optimal_scale(values: np.ndarray, bits: int, *, where: str = "weights") -> float:
    """The step size that minimises the mean squared rounding error of ``values``.

    Levels are the integers from -(2**(bits-1) - 1) to 2**(bits-1) - 1 (symmetric, so that every number
    format can hold them); what lies beyond the last level is clipped to it. The clip is searched on a
    grid of 0.5 % steps of max|w|; each candidate's error is exact, from prefix sums over sorted |w|.

    values : any shape, real. bits : 2 to 16. Returns a positive float. Raises InputError on NaN or inf.
    """
    w = np.sort(np.abs(_check(values, bits, where).astype(np.float64).ravel()))
    if w.size == 0 or w[-1] == 0:
        return 1.0
    top = 2 ** (bits - 1) - 1
    first = np.concatenate([[0.0], np.cumsum(w)])
    levels = np.arange(top + 1)
    best_scale, best_error = 0.0, np.inf
    for clip in _CLIPS:
        scale = clip * w[-1] / top
        cuts = np.searchsorted(w, (levels[1:] - 0.5) * scale)
        edges = np.concatenate([[0], cuts, [w.size]])
        count, total = np.diff(edges), np.diff(first[edges])
        level = levels * scale
        error = float((count * level**2 - 2 * level * total).sum())  # + sum w^2, the same for all
        if error < best_error:
            best_scale, best_error = float(scale), error
    return best_scale


def quantise(
    values: np.ndarray, bits: int, *, per_channel: bool = False, where: str = "weights"
) -> tuple[np.ndarray, np.ndarray]:
    """Round ``values[K, ...]`` to signed integers of ``bits`` bits.

    Returns ``(integers int16[K, ...], scale float64[] or [K])`` with values ~ integers * scale.
    Raises InputError when a weight is NaN or infinite, or ``bits`` is not in 2..16.
    """
    values = _check(values, bits, where).astype(np.float64)
    if per_channel:
        scale = np.array([optimal_scale(v, bits) for v in values])
        step = scale.reshape((-1,) + (1,) * (values.ndim - 1))
    else:
        scale = step = np.array(optimal_scale(values, bits))
    top = 2 ** (bits - 1) - 1
    return np.clip(np.rint(values / step), -top, top).astype(np.int16), scale
