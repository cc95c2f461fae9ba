"""Trellis rounding: codes that trade rounding error against flips, chosen for the order in which they stream.

Along the stream of one input channel the best codes are a shortest path through 2**bits levels, found exactly
by dynamic programming; then the orders are searched again for the new codes, and so on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hd_plugin.bits import TransitionTable
from hd_plugin.errors import InputError
from hd_plugin.streaming._count import flips
from hd_plugin.streaming._efforts import EFFORTS
from hd_plugin.streaming._energy import EnergyObjective
from hd_plugin.streaming._jobs import Jobs
from hd_plugin.streaming._levels import Errors, Price, best_codes, steps_of
from hd_plugin.streaming._optimize import check_minimise, optimize, with_rate
from hd_plugin.streaming._plan import StreamPlan
from hd_plugin.streaming._settings import Search
from hd_plugin.weights import Layer, as_layer

__all__ = ["Rounding", "round_to_plan", "trellis"]

_MOST_BITS = 8
_ENOUGH = 1e-3  # of the objective; less gain than this ends the alternation
_USUAL = Search()


@dataclass(frozen=True, eq=False)
class Rounding:
    """``layer`` with the chosen codes, and the ``plan`` to stream them.

    error, error_before : mean squared error of a weight, in squared steps (importance-weighted, if given),
    now and when rounded to the nearest level. cost : what mu is multiplied with: the flips, or what was
    minimised instead.
    """

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

    @property
    def objective(self) -> float:
        """What was minimised: squared error of all weights + mu * cost."""
        return self.error * self.layer.codes.size + self.mu * self.cost


def trellis(
    layer: Layer | np.ndarray,
    mu: float,
    search: Search = _USUAL,
    *,
    importance: np.ndarray | None = None,
    hessian: np.ndarray | None = None,
    minimise: TransitionTable | EnergyObjective | None = None,
    jobs: Jobs | None = None,
) -> Rounding:
    """Codes for ``layer`` and a plan to stream them that together minimise squared error + ``mu`` * flips.

    mu : what a flip is worth in squared steps, >= 0. search : rows, method, effort and seed of the orders,
    and rounds of rounding and ordering at most. importance : real [K, C, Fy, Fx] or [C, Fy, Fx], >= 0; weighs
    squared errors (the diagonal of a Hessian, say); its mean does not matter. hessian : float [C * Fy * Fx]
    squared, the second moments of the layer's inputs; each column's error is then made good by the columns
    after it (GPTQ, with streams in place of single weights). minimise : transition costs in place of flips;
    or energy, in a unit in which random words cost as much as they flip: partial sums count for the plan, and
    for which round is best, not for a single code. Starts from the real weights where the layer has them,
    else from its integers. Raises InputError for a bad argument.
    """
    layer = as_layer(layer)
    _check(layer, mu, importance, hessian, minimise)
    jobs = (jobs or Jobs()).titled(f"{layer.name} trellis")
    asked = _Asked(layer, float(mu), minimise, Errors(layer.codes.shape, importance, hessian))
    floor = EFFORTS[search.effort].floor
    if floor is None:
        return asked.alternate(search, jobs)
    low, own = jobs.parts(1.0 + EFFORTS[floor].kicks, 1.0 + EFFORTS[search.effort].kicks)
    first = asked.alternate(search.model_copy(update={"effort": floor}), low)
    if jobs.interrupted:
        return first
    return min(asked.alternate(search, own), first, key=lambda r: r.objective)


@dataclass(frozen=True, eq=False)
class _Asked:
    """What ``trellis`` is asked, checked."""

    layer: Layer
    mu: float
    minimise: TransitionTable | EnergyObjective | None
    errors: Errors

    def alternate(self, search: Search, jobs: Jobs) -> Rounding:
        """Codes for orders, and orders for codes, while that helps. After a Ctrl-C: the best so far."""
        layer, mu, errors = self.layer, self.mu, self.errors
        target, price = steps_of(layer), Price(layer.bits, self.minimise)
        first, *later = jobs.parts(*[1.0] * (1 + search.rounds))

        def ordered(layer: Layer, jobs: Jobs) -> StreamPlan:
            asked = search.rows, search.method, search.effort, search.seed
            return optimize(layer, *asked, minimise=self.minimise, jobs=jobs)

        plan = start = ordered(layer, first)
        before, base = flips(layer, start), errors.mean(layer, target)
        best = Rounding(layer, start, mu, base, base, before, before, price.cost(layer, start))
        for round_, part in enumerate(later):
            codes = self._codes(plan, price, part)
            if jobs.interrupted:
                return replace(best, plan=replace(best.plan, interrupted=True))
            rounded = replace(layer, codes=codes)
            kept = with_rate(replace(plan, digest=rounded.digest), rounded)
            cost, _, plan = min(
                ((price.cost(rounded, p), i, p) for i, p in enumerate((kept, ordered(rounded, part)))),
                key=lambda c: c[:2],
            )
            error = errors.mean(rounded, target)
            now = Rounding(rounded, plan, mu, error, base, flips(rounded, plan), before, cost)
            if round_ and now.objective > (1 - _ENOUGH) * best.objective:
                return min(best, now, key=lambda r: r.objective)
            best = now
        return best

    def _codes(self, plan: StreamPlan, price: Price, jobs: Jobs) -> np.ndarray:
        """The best codes for the orders of ``plan``; of no use after a Ctrl-C."""

        def inputs() -> Iterator[Any]:
            errors, bits = self.errors, self.layer.bits
            yield from (steps_of(self.layer), self.mu, price.weight(self.mu), bits, self.layer.number_format)
            yield from (plan.column_orders(), [g.channels.tolist() for g in plan.groups])
            yield from (errors.importance, errors.hessian)

        def make() -> tuple[np.ndarray]:
            return (best_codes(self.layer, plan, self.mu, self.errors, price, jobs.flag),)

        return jobs.apart(lambda own: own.kept("codes", inputs(), make))[0]


def round_to_plan(
    layer: Layer,
    plan: StreamPlan,
    mu: float,
    *,
    importance: np.ndarray | None = None,
    hessian: np.ndarray | None = None,
    minimise: TransitionTable | EnergyObjective | None = None,
) -> Layer:
    """``layer`` with the codes that minimise squared error + ``mu`` * flips under the orders of ``plan``.

    The arguments are those of ``trellis``.
    """
    errors = Errors(layer.codes.shape, importance, hessian)
    return replace(layer, codes=best_codes(layer, plan, mu, errors, Price(layer.bits, minimise)))


def _check(
    layer: Layer,
    mu: float,
    importance: np.ndarray | None,
    hessian: np.ndarray | None,
    minimise: TransitionTable | EnergyObjective | None,
) -> None:
    where = f"layer {layer.name!r}"
    if isinstance(mu, bool) or not isinstance(mu, (int, float)) or not math.isfinite(mu) or mu < 0:
        raise InputError(f"mu: {mu!r} found; a number >= 0 is needed (squared steps a flip)")
    if layer.bits > _MOST_BITS:
        raise InputError(
            f"{where}: {layer.bits} bits; the trellis has 2**bits levels and goes up to {_MOST_BITS} bits"
        )
    check_minimise(layer, minimise)
    if importance is not None and hessian is not None:
        raise InputError(
            f"{where}: importance and hessian given; the Hessian's diagonal is an importance, "
            "so give one of them"
        )
    if hessian is not None and minimise is not None:
        raise InputError(f"{where}: hessian and minimise given; transition costs go with importance only")
    if importance is not None:
        _check_importance(where, layer, np.asarray(importance))
    if hessian is not None:
        size = layer.C * layer.taps
        if np.shape(hessian) != (size, size) or not np.isfinite(hessian).all():
            raise InputError(
                f"{where}: hessian of shape {np.shape(hessian)} found; "
                f"finite numbers of shape {(size, size)} are needed"
            )


def _check_importance(where: str, layer: Layer, given: np.ndarray) -> None:
    shapes = layer.codes.shape, layer.codes.shape[1:]
    usable = given.shape in shapes and np.isfinite(given).all() and given.min() >= 0 and given.any()
    if not usable:
        raise InputError(
            f"{where}: importance of shape {given.shape} found; finite numbers >= 0, not all 0, of shape "
            f"{shapes[0]} or {shapes[1]} are needed"
        )
