"""How far from optimal a plan's orders can be at most."""

from __future__ import annotations

import numpy as np

from hd_plugin.streaming._bound import path_lower_bound
from hd_plugin.streaming._clusters import group_distances
from hd_plugin.streaming._count import group_flips
from hd_plugin.streaming._jobs import Jobs
from hd_plugin.streaming._paper import HAMMING
from hd_plugin.streaming._plan import StreamPlan
from hd_plugin.weights import Layer, as_layer

__all__ = ["group_lower_bounds", "lower_bound"]


def group_lower_bounds(
    layer: Layer, plan: StreamPlan, rounds: int = 300, *, jobs: Jobs | None = None
) -> np.ndarray:
    """No order of a group flips fewer bits than this: int64[groups], the Held-Karp 1-tree bound, rounded up.

    The grouping is taken as given; only orders are bounded. For ``direct`` plans, whose groups share one
    order, the bound still holds but is that of a segment plan. rounds : of the ascent that makes it tight.
    After a Ctrl-C it is 0 for what was not begun, and loose for what was not ended. Raises PlanMismatch for
    other weights.
    """
    have = group_flips(layer, plan)

    jobs = (jobs or Jobs()).titled(f"{layer.name} bound")

    def bound(i: int) -> tuple[np.ndarray]:
        g = plan.groups[i]
        words = layer.codes[:, g.channels, g.tap[0], g.tap[1]]
        distinct = np.unique(words, axis=0)  # equal words stand together at no cost
        if distinct.shape[0] < 2:
            return (np.array(0),)
        codes, channels = distinct.astype(np.uint16), np.arange(g.channels.size)
        d = group_distances(codes, channels, layer.bits, HAMMING, jobs.flag)
        return (np.array(path_lower_bound(d, int(have[i]), rounds, jobs.flag)),)

    def kept(i: int) -> int:
        g = plan.groups[i]
        inputs = layer.digest, g.tap, g.channels, int(have[i]), rounds
        return int(jobs.kept("bound", inputs, lambda: bound(i))[0])

    return np.array(jobs.map(kept, range(len(plan.groups)), lambda i: 0), np.int64)


def lower_bound(layer: Layer | np.ndarray, plan: StreamPlan, *, jobs: Jobs | None = None) -> int:
    """Sum of ``group_lower_bounds``: no orders of the plan's groups flip fewer bits in all."""
    return int(group_lower_bounds(as_layer(layer), plan, jobs=jobs).sum())
