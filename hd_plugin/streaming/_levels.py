"""Codes for a plan: what streams cost, how errors count, and the levels that are best for both."""

from __future__ import annotations

import numpy as np

from hd_plugin.bits import TransitionTable, decode, encode, hamming
from hd_plugin.streaming._count import flips
from hd_plugin.streaming._distances import NEVER
from hd_plugin.streaming._energy import EnergyObjective, stream_cost
from hd_plugin.streaming._plan import StreamPlan
from hd_plugin.streaming._viterbi import round_columns, round_with_feedback
from hd_plugin.weights import Layer

__all__ = ["Errors", "Price", "best_codes", "level_values", "steps_of"]

_DAMPING = 0.01  # of the Hessian's mean diagonal, so that it can be inverted


class Price:
    """What streams cost: flips, a table's entries, or an energy objective."""

    def __init__(self, bits: int, minimise: TransitionTable | EnergyObjective | None) -> None:
        self.objective = minimise if isinstance(minimise, EnergyObjective) else None
        self.table = minimise.table if isinstance(minimise, EnergyObjective) else minimise
        self.unit = 1.0
        if isinstance(minimise, EnergyObjective):
            codes = np.arange(1 << bits)
            random = float(hamming(codes[:, None], codes[None, :]).mean())
            self.unit = random / max(float(minimise.table.cost.mean()), 1e-12)

    def weight(self, mu: float) -> np.ndarray:
        """Cost of every transition, float64[L, L]; empty for flips."""
        return np.empty((0, 0)) if self.table is None else mu * self.unit * self.table.cost.astype(np.float64)

    def cost(self, layer: Layer, plan: StreamPlan) -> float:
        """Of streaming the layer once."""
        if self.objective is not None:
            return self.unit * sum(stream_cost(self.objective, layer, g) for g in plan.groups)
        if self.table is not None:
            table = self.table
            return float(sum(table.stream_cost(plan.words(layer, g)) for g in plan.groups))
        return float(flips(layer, plan))


class Errors:
    """How rounding errors count: all alike, by importance, or by a Hessian of the columns.

    With a Hessian H, E H E' is in the unit of what is left of a column's variance when the columns before it
    are known (so that nearest rounding of independent inputs counts 1/12 in any layer).
    """

    def __init__(
        self, shape: tuple[int, ...], importance: np.ndarray | None, hessian: np.ndarray | None
    ) -> None:
        self.importance = np.ones((1, 1, 1, 1)) if importance is None else _spread(importance, shape)
        self.hessian = None if hessian is None else np.asarray(hessian, np.float64)
        if self.hessian is not None:
            mean = max(float(np.diag(self.hessian).mean()), 1e-12)
            self.damped = self.hessian + np.eye(len(self.hessian)) * _DAMPING * mean
            self.unit = float(np.mean(1 / np.diag(_upper(self.damped)) ** 2))

    def mean(self, layer: Layer, target: np.ndarray) -> float:
        """Mean squared error of a weight, in squared steps."""
        error = layer.values - target
        if self.hessian is None:
            return float((self.importance * error**2).mean())
        flat = error.reshape(layer.K, -1)
        return float(((flat @ self.hessian) * flat).sum() / self.unit / flat.size)


def best_codes(
    layer: Layer, plan: StreamPlan, mu: float, errors: Errors, price: Price, stop: np.ndarray = NEVER
) -> np.ndarray:
    """The codes that minimise errors + mu * cost for the orders of ``plan``: like ``layer.codes``.

    stop : not 0 ends it, with codes that are of no use.
    """
    if errors.hessian is not None:
        return _with_feedback(layer, plan, mu, errors, stop)
    target, orders = steps_of(layer), plan.column_orders()
    importance = np.broadcast_to(errors.importance, target.shape).reshape(orders.shape)
    chosen = round_columns(
        np.take_along_axis(target.reshape(orders.shape), orders, axis=0),
        np.take_along_axis(importance, orders, axis=0),
        level_values(layer),
        float(mu),
        price.weight(mu),
        stop,
    )
    codes = np.empty(orders.shape, layer.codes.dtype)
    np.put_along_axis(codes, orders, chosen.astype(codes.dtype), axis=0)
    return codes.reshape(layer.codes.shape)


def _with_feedback(layer: Layer, plan: StreamPlan, mu: float, errors: Errors, stop: np.ndarray) -> np.ndarray:
    power = np.diag(errors.damped)
    flat, orders = steps_of(layer).reshape(layer.K, -1), plan.column_orders()
    # groups with the largest inputs first: their errors have the most columns to go to
    taken = np.concatenate(
        sorted((plan.columns(group) for group in plan.groups), key=lambda c: -power[c].sum())
    )
    codes = np.empty(orders.shape, layer.codes.dtype)
    codes[:, taken] = round_with_feedback(
        np.ascontiguousarray(flat[:, taken]),
        np.ascontiguousarray(_upper(errors.damped[np.ix_(taken, taken)])),
        np.ascontiguousarray(orders[:, taken].T),
        level_values(layer),
        float(mu),
        errors.unit,
        stop,
    )
    return codes.reshape(layer.codes.shape)


def _upper(matrix: np.ndarray) -> np.ndarray:
    """U with inverse(matrix) = U' U."""
    return np.linalg.cholesky(np.linalg.inv(matrix)).T


def steps_of(layer: Layer) -> np.ndarray:
    """Real weights in steps, float64 [K, C, Fy, Fx]."""
    return layer.values.astype(np.float64) if layer.weights is None else layer.weights / layer.steps


def level_values(layer: Layer) -> np.ndarray:
    """The value of each code, float64[2**bits]; inf for a code that is not used.

    That is -2**(bits - 1), which symmetric quantisation leaves out, and a second zero, which would not come
    back from a file of integers.
    """
    codes, top = np.arange(1 << layer.bits), (1 << (layer.bits - 1)) - 1
    integers = decode(codes, layer.bits, layer.number_format)
    back = encode(np.maximum(integers, -top), layer.bits, layer.number_format)
    return np.where(codes == back, integers, np.inf)


def _spread(importance: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    spread = np.broadcast_to(np.asarray(importance, np.float64), shape)
    return spread / spread.mean()
