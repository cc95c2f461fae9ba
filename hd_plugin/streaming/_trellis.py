"""Trellis rounding: codes that trade rounding error against flips, chosen for the order in which they stream.

Along the stream of one input channel the best codes are a shortest path through 2**bits levels, found exactly by
dynamic programming; then the orders are searched again for the new codes, and so on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from hd_plugin.bits import TransitionTable, decode, encode, hamming
from hd_plugin.errors import InputError
from hd_plugin.streaming._count import flips
from hd_plugin.streaming._energy import EnergyObjective, stream_cost
from hd_plugin.streaming._jobs import Jobs, Progress
from hd_plugin.streaming._optimize import optimize, with_rate
from hd_plugin.streaming._plan import StreamPlan
from hd_plugin.streaming._viterbi import round_columns, round_with_feedback
from hd_plugin.weights import Layer

__all__ = ["Rounding", "round_to_plan", "trellis"]

_MOST_BITS = 8
_DAMPING = 0.01  # of the Hessian's mean diagonal, so that it can be inverted
_ENOUGH = 1e-3  # of the objective; less gain than this ends the alternation


@dataclass(frozen=True, eq=False)
class Rounding:
    """``layer`` with the chosen codes, and the ``plan`` to stream them; error, error_before : mean squared error of a weight,
    in squared steps (importance-weighted, if given), now and when rounded to the nearest level; cost : what mu is multiplied with, the flips or
    what a table or an objective takes instead."""

    layer: Layer
    plan: StreamPlan
    mu: float
    error: float
    error_before: float
    flips: int
    flips_before: int
    cost: float

    @property
    def noise_dB(self) -> float:
        """How much the weight noise has grown."""
        if not self.error_before:
            return math.inf if self.error else 0.0
        return 10 * math.log10(self.error / self.error_before) if self.error else -math.inf


def trellis(
    layer: Layer,
    mu: float,
    rows: int = 8,
    method: str = "cluster",
    effort: str = "local",
    seed: int = 0,
    *,
    importance: np.ndarray | None = None,
    hessian: np.ndarray | None = None,
    table: TransitionTable | None = None,
    objective: EnergyObjective | None = None,
    rounds: int = 6,
    threads: int | None = None,
    progress: Progress | None = None,
    jobs: Jobs | None = None,
) -> Rounding:
    """Codes for ``layer`` and a plan to stream them that together minimise squared error + ``mu`` * flips.

    mu : what a flip is worth in squared steps, >= 0. importance : real [K, C, Fy, Fx] or [C, Fy, Fx], >= 0; weighs squared
    errors (the diagonal of a Hessian, say); its mean does not matter. hessian : float [C * Fy * Fx] squared, the second
    moments of the layer's inputs; each column's error is then made good by the columns after it (GPTQ, with streams
    in place of single weights). table : transition costs instead of flips. objective : energy instead of flips, in a unit in which random words
    cost as much as they flip; partial sums count for the plan, and for which round is best, not for a single code. Starts from the real weights where the layer
    has them, else from its integers. rounds : of rounding and ordering at most. Raises InputError for a bad argument.
    """
    _check(layer, mu, importance, hessian, table, objective)
    target, price = _target(layer), _Price(layer.bits, table, objective)
    jobs = jobs or Jobs(threads, progress, f"{layer.name} trellis")
    search = {"table": table, "objective": objective, "jobs": jobs}
    start = optimize(layer, rows, method, effort, seed, **search)
    before = flips(layer, start)
    weigh = _Weigh(layer, importance, hessian)
    base = weigh.error(layer, target)
    best: Rounding | None = None
    plan = start
    for _ in range(rounds):
        rounded = replace(layer, codes=_codes(layer, target, plan, mu, weigh, price))
        kept = with_rate(replace(plan, digest=rounded.digest), rounded)
        found = optimize(rounded, rows, method, effort, seed, **search)
        cost, _, plan = min(
            ((price.cost(rounded, p), i, p) for i, p in enumerate((kept, found))), key=lambda c: c[:2]
        )
        now = Rounding(
            rounded, plan, mu, weigh.error(rounded, target), base, flips(rounded, plan), before, cost
        )
        if best is not None and _objective(now) > (1 - _ENOUGH) * _objective(best):
            return min(best, now, key=_objective)
        best = now
        if jobs.interrupted:
            break
    return best


def round_to_plan(
    layer: Layer,
    plan: StreamPlan,
    mu: float,
    *,
    importance: np.ndarray | None = None,
    hessian: np.ndarray | None = None,
    table: TransitionTable | None = None,
) -> Layer:
    """``layer`` with the codes that minimise squared error + ``mu`` * flips under the orders of ``plan``, as ``trellis`` does."""
    return replace(
        layer,
        codes=_codes(
            layer,
            _target(layer),
            plan,
            mu,
            _Weigh(layer, importance, hessian),
            _Price(layer.bits, table, None),
        ),
    )


class _Price:
    """What streams cost: flips, a table's entries, or an energy objective."""

    def __init__(self, bits: int, table: TransitionTable | None, objective: EnergyObjective | None) -> None:
        self.objective, self.table, self.unit = objective, table, 1.0
        if objective is not None:
            self.table = objective.table
            codes = np.arange(1 << bits)
            self.unit = float(hamming(codes[:, None], codes[None, :]).mean()) / max(
                float(self.table.cost.mean()), 1e-12
            )

    def weight(self, mu: float) -> np.ndarray:
        """Cost of every transition, float64[L, L]; empty for flips."""
        return np.empty((0, 0)) if self.table is None else mu * self.unit * self.table.cost.astype(np.float64)

    def cost(self, layer: Layer, plan: StreamPlan) -> float:
        if self.objective is not None:
            return self.unit * sum(stream_cost(self.objective, layer, g) for g in plan.groups)
        if self.table is not None:
            return float(sum(self.table.stream_cost(plan.words(layer, g)) for g in plan.groups))
        return float(flips(layer, plan))


class _Weigh:
    """How errors count. error : mean over weights, in squared steps; with a Hessian H of the columns, E H E' in the unit of what
    is left of a column's variance when the columns before it are known (so that nearest rounding of independent inputs
    counts 1/12 in any layer)."""

    def __init__(self, layer: Layer, importance: np.ndarray | None, hessian: np.ndarray | None) -> None:
        self.importance = (
            np.ones((1, 1, 1, 1)) if importance is None else _spread(importance, layer.codes.shape)
        )
        self.hessian = None if hessian is None else np.asarray(hessian, np.float64)
        if self.hessian is not None:
            self.damped = self.hessian + np.eye(len(self.hessian)) * _DAMPING * max(
                float(np.diag(self.hessian).mean()), 1e-12
            )
            self.unit = float(np.mean(1 / np.diag(_upper(self.damped)) ** 2))

    def error(self, layer: Layer, target: np.ndarray) -> float:
        error = layer.values - target
        if self.hessian is None:
            return float((self.importance * error**2).mean())
        flat = error.reshape(layer.K, -1)
        return float(((flat @ self.hessian) * flat).sum() / self.unit / flat.size)


def _upper(matrix: np.ndarray) -> np.ndarray:
    """U with inverse(matrix) = U' U."""
    return np.linalg.cholesky(np.linalg.inv(matrix)).T


def _codes(
    layer: Layer, target: np.ndarray, plan: StreamPlan, mu: float, weigh: _Weigh, price: _Price
) -> np.ndarray:
    orders, flat = plan.column_orders(), target.reshape(layer.K, -1)
    codes = np.empty(orders.shape, layer.codes.dtype)
    if weigh.hessian is not None:
        # groups with the largest inputs first: their errors have the most columns to go to
        columns = sorted(
            (plan.columns(group) for group in plan.groups), key=lambda c: -np.diag(weigh.hessian)[c].sum()
        )
        taken = np.concatenate(columns)
        upper = np.ascontiguousarray(_upper(weigh.damped[np.ix_(taken, taken)]))
        codes[:, taken] = round_with_feedback(
            np.ascontiguousarray(flat[:, taken]),
            upper,
            np.ascontiguousarray(orders[:, taken].T),
            _values(layer),
            float(mu),
            weigh.unit,
        )
        return codes.reshape(layer.codes.shape)
    importance = np.broadcast_to(weigh.importance, target.shape).reshape(orders.shape)
    chosen = round_columns(
        np.take_along_axis(flat, orders, axis=0),
        np.take_along_axis(importance, orders, axis=0),
        _values(layer),
        float(mu),
        price.weight(mu),
    )
    np.put_along_axis(codes, orders, chosen.astype(codes.dtype), axis=0)
    return codes.reshape(layer.codes.shape)


def _target(layer: Layer) -> np.ndarray:
    """Real weights in steps, float64 [K, C, Fy, Fx]."""
    return layer.values.astype(np.float64) if layer.weights is None else layer.weights / layer.steps


def _values(layer: Layer) -> np.ndarray:
    """The value of each code; inf for -2**(bits - 1), which symmetric quantisation leaves out, and for a second zero, which
    would not come back from a file of integers."""
    codes, top = np.arange(1 << layer.bits), (1 << (layer.bits - 1)) - 1
    integers = decode(codes, layer.bits, layer.number_format)
    back = encode(np.maximum(integers, -top), layer.bits, layer.number_format)
    return np.where(codes == back, integers, np.inf)


def _spread(importance: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    spread = np.broadcast_to(np.asarray(importance, np.float64), shape)
    return spread / spread.mean()


def _objective(r: Rounding) -> float:
    return r.error * r.layer.codes.size + r.mu * r.cost


def _check(
    layer: Layer,
    mu: float,
    importance: np.ndarray | None,
    hessian: np.ndarray | None,
    table: TransitionTable | None,
    objective: EnergyObjective | None,
) -> None:
    where = f"layer {layer.name!r}"
    if isinstance(mu, bool) or not isinstance(mu, (int, float)) or not math.isfinite(mu) or mu < 0:
        raise InputError(f"mu: {mu!r} found; a number >= 0 is needed (squared steps a flip)")
    if layer.bits > _MOST_BITS:
        raise InputError(
            f"{where}: {layer.bits} bits; the trellis has 2**bits levels and goes up to {_MOST_BITS} bits"
        )
    if importance is not None and hessian is not None:
        raise InputError(
            f"{where}: importance and hessian given; the Hessian's diagonal is an importance, so give one of them"
        )
    if hessian is not None and (table is not None or objective is not None):
        raise InputError(
            f"{where}: hessian and {'table' if table is not None else 'objective'} given; transition tables go with importance only"
        )
    if importance is not None:
        given = np.asarray(importance)
        if (
            given.shape not in (layer.codes.shape, layer.codes.shape[1:])
            or not np.isfinite(given).all()
            or given.min() < 0
            or not given.any()
        ):
            raise InputError(
                f"{where}: importance of shape {given.shape} found; finite numbers >= 0, not all 0, of shape "
                f"{layer.codes.shape} or {layer.codes.shape[1:]} are needed"
            )
    if hessian is not None:
        size = layer.C * layer.taps
        if np.shape(hessian) != (size, size) or not np.isfinite(hessian).all():
            raise InputError(
                f"{where}: hessian of shape {np.shape(hessian)} found; finite numbers of shape {(size, size)} are needed"
            )
