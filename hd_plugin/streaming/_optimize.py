"""``optimize``: a stream plan for one layer, by method (what may move) and effort (how hard to search)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hd_plugin._wording import shown
from hd_plugin.bits import TransitionTable
from hd_plugin.errors import InputError
from hd_plugin.streaming._count import nhd
from hd_plugin.streaming._efforts import EFFORTS, Effort
from hd_plugin.streaming._energy import EnergyObjective
from hd_plugin.streaming._jobs import Jobs
from hd_plugin.streaming._levels import Price
from hd_plugin.streaming._method import SearchContext
from hd_plugin.streaming._methods import METHODS
from hd_plugin.streaming._paper import HAMMING
from hd_plugin.streaming._plan import StreamPlan, file_order_plan
from hd_plugin.streaming._plan_file import MOST_ROWS
from hd_plugin.weights import Layer, as_layer

__all__ = [
    "check_minimise",
    "check_rows",
    "check_seed",
    "lessen_energy",
    "optimize",
    "unsearched",
    "with_rate",
]


def check_rows(rows: int) -> int:
    """``rows`` as an int >= 1, or InputError."""
    if isinstance(rows, bool) or int(rows) != rows or not 1 <= rows <= MOST_ROWS:
        raise InputError(
            f"rows: {shown(rows)} found; the array needs a whole number of rows, at least 1 (and at most "
            f"{MOST_ROWS})"
        )
    return int(rows)


def check_seed(seed: int) -> None:
    """InputError unless random numbers can begin with it."""
    if seed < 0:
        raise InputError(f"seed: {seed} found; a number >= 0 is needed")


def check_minimise(layer: Layer, minimise: TransitionTable | EnergyObjective | None) -> None:
    """InputError unless ``minimise`` is what a search can minimise, for codes of this layer."""
    if isinstance(minimise, EnergyObjective):
        minimise.check(layer)
    elif isinstance(minimise, TransitionTable):
        if minimise.bits != layer.bits:
            raise InputError(
                f"minimise: a table of {minimise.bits} bits found, layer {layer.name!r} has {layer.bits} bits"
            )
    elif minimise is not None:
        raise InputError(
            f"minimise: {type(minimise).__name__} found; a TransitionTable or an EnergyObjective is needed"
        )


def optimize(
    layer: Layer | np.ndarray,
    rows: int = 8,
    method: str = "cluster",
    effort: str = "local",
    seed: int = 0,
    *,
    minimise: TransitionTable | EnergyObjective | None = None,
    jobs: Jobs | None = None,
) -> StreamPlan:
    """A plan that streams ``layer`` through an array of ``rows`` rows with few bit flips.

    layer : or an array of weights [K, C, Fy, Fx] or [K, C]: floats are quantised to 4 bits, integers have
    to fit 4 bits (``as_layer`` takes other widths). method : of ``METHODS``: ``baseline`` file order;
    ``direct`` one order for all groups (no hardware needed); ``segment`` channels in file order, an order
    per group; ``cluster`` channels regrouped, an order per group (paper, section 4). effort : of
    ``EFFORTS``: ``greedy`` the paper's Algorithms 1 and 2; ``local`` local search (default); ``best`` 10 to
    25 times more of it, and never a worse plan. minimise : transition costs or energy in place of flips; the
    plan for flips is where the search for little energy begins, so that it costs no more by this objective,
    but for switches between groups. jobs : threads, progress and a journal, ``Jobs(threads=2)``; the same
    inputs and seed give the same plan for any. Ctrl-C keeps the best so far, and file order for groups that
    were not begun (plan.interrupted). Raises InputError for a bad argument.
    """
    rows, layer = check_rows(rows), as_layer(layer)
    chosen, strength = METHODS[method], EFFORTS[effort]
    check_seed(seed)
    check_minimise(layer, minimise)
    jobs = (jobs or Jobs()).titled(f"{layer.name} {method}")
    price = Price(layer.bits, minimise if isinstance(minimise, TransitionTable) else None)
    cost = HAMMING if price.table is None else price.table.cost

    def searched(strength: Effort, jobs: Jobs) -> StreamPlan:
        context = SearchContext(method, rows, strength, seed, cost, jobs)
        groups = jobs.apart(lambda own: chosen.groups(layer, replace(context, jobs=own)))
        return replace(unsearched(layer, rows, method, effort, seed), groups=groups)

    if not chosen.searched:
        return with_rate(replace(searched(strength, jobs), interrupted=False), layer)
    parts = jobs.parts(1.0, 1.0) if isinstance(minimise, EnergyObjective) else [jobs]
    plan = _better(layer, strength, price, parts[0], searched)
    if isinstance(minimise, EnergyObjective):
        return lessen_energy(layer, plan, minimise, jobs=parts[1])
    return with_rate(plan, layer)


def unsearched(layer: Layer, rows: int, method: str, effort: str, seed: int) -> StreamPlan:
    """What stands for a plan that a Ctrl-C came before: file order. ``interrupted`` says so."""
    plan = file_order_plan(layer, rows)
    if METHODS[method].searched:
        return replace(plan, method=method, effort=effort, seed=seed, interrupted=True)
    return replace(plan, method=method)


def _better(
    layer: Layer, strength: Effort, price: Price, jobs: Jobs, search: Callable[[Effort, Jobs], StreamPlan]
) -> StreamPlan:
    """The plan of this effort, or that of its floor where that costs less."""
    efforts = ([EFFORTS[strength.floor]] if strength.floor else []) + [strength]
    best: tuple[float, StreamPlan] | None = None
    for one, part in zip(efforts, jobs.parts(*[1.0 + e.kicks for e in efforts])):
        if best is not None and jobs.interrupted:
            break
        plan = search(one, part)
        cost = price.cost(layer, plan) if len(efforts) > 1 else 0.0
        if best is None or cost <= best[0]:
            best = cost, plan
    assert best is not None  # there is an effort at least
    return replace(best[1], interrupted=jobs.interrupted)


def lessen_energy(
    layer: Layer, plan: StreamPlan, objective: EnergyObjective, *, jobs: Jobs | None = None
) -> StreamPlan:
    """``plan``, made for few flips, with orders, rows and clusters that cost less by ``objective``.

    This is what ``optimize`` does with one. Raises PlanMismatch for a plan of other weights, InputError for
    an objective of another layer and for a method that leaves nothing to choose.
    """
    plan.check(layer)
    objective.check(layer)
    chosen = METHODS[plan.method]
    # a plan that nobody searched names no effort
    strength = EFFORTS[plan.effort] if chosen.searched else Effort()
    jobs, price = (jobs or Jobs()).titled(f"{layer.name} {plan.method}"), Price(layer.bits, objective)
    floor = EFFORTS[strength.floor] if strength.floor else None
    first, last = jobs.parts(1.0 + floor.kicks if floor else 0.0, 1.0 + strength.kicks)
    context = SearchContext(plan.method, plan.rows, strength, plan.seed, HAMMING, last)
    groups = last.apart(lambda own: chosen.lessen(layer, plan.groups, replace(context, jobs=own), objective))
    best = replace(plan, groups=plan.groups if jobs.interrupted else groups)
    if floor and not jobs.interrupted:  # all the way from its own plan for flips
        asked = plan.rows, plan.method, str(strength.floor), plan.seed
        other = optimize(layer, *asked, minimise=objective, jobs=first)
        best = min(best, replace(best, groups=other.groups), key=lambda p: price.cost(layer, p))
    stopped = plan.interrupted or jobs.interrupted
    return with_rate(replace(best, interrupted=stopped, objective="energy"), layer)


def with_rate(plan: StreamPlan, layer: Layer) -> StreamPlan:
    """``plan`` with the flip rate of the layer's codes."""
    return replace(plan, nhd=nhd(layer, plan), number_format=layer.number_format, bits=layer.bits)
