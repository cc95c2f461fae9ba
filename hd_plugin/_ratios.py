"""Before against after, as all tables, plots and texts say it (docs/numbers.md)."""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = ["less", "mean_times", "times"]


def times(before: float, after: float) -> float:
    """x: before / after. What had nothing to lose is unchanged (1), what lost all is infinitely better."""
    return float(before / after) if after else (1.0 if not before else math.inf)


def less(before: float, after: float) -> float:
    """The share that is gone: 1 - after / before; below 0 where it grew. 0 where there was nothing."""
    return float(1 - after / before) if before else (0.0 if not after else -math.inf)


def mean_times(before: Iterable[float], after: Iterable[float]) -> float:
    """The paper's mean reduction: mean over layers of each layer's x."""
    each = [times(b, a) for b, a in zip(before, after)]
    return sum(each) / len(each)
