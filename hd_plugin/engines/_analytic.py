"""Closed-form action counts of the fixed input-stationary dataflow (paper, Figures 1(a) and 2)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hd_plugin.energy import ActionCounts, Technology, price
from hd_plugin.engines._array import Array
from hd_plugin.engines._protocol import Evaluation, Request
from hd_plugin.errors import InputError
from hd_plugin.streaming import Jobs
from hd_plugin.weights import Layer

__all__ = ["AnalyticEngine", "analytic_counts", "check_sizes", "output_size"]


_ADVICE = (
    "weights alone do not tell it. Trace it with --model MODEL and --input-size HxW, or give a network spec "
    "(--spec FILE, see layers/)"
)


def output_size(layer: Layer) -> tuple[int, int]:
    """(P, Q) of a layer. Raises InputError when they are not known."""
    if layer.output_hw is None:
        raise InputError(f"layer {layer.name!r}: its output size (P, Q) is not known; {_ADVICE}")
    return layer.output_hw


def check_sizes(layers: Sequence[Layer]) -> None:
    """Raises one InputError that names all layers whose output size is not known."""
    lacking = [layer for layer in layers if layer.output_hw is None]
    if len(lacking) > 1:
        names = ", ".join(repr(layer.name) for layer in lacking[:3]) + (" ..." if len(lacking) > 3 else "")
        raise InputError(
            f"{len(lacking)} layers ({names}): their output sizes (P, Q) are not known; {_ADVICE}"
        )
    for layer in lacking:
        output_size(layer)


def analytic_counts(layer: Layer, array: Array, groups: int, lut: bool) -> ActionCounts:
    """Counts for tiles of ``cols`` output pixels outermost, groups inside, output channels innermost.

    With M = P * Q: MAC = M * K * C * taps; weight hops = cols * ceil(M / cols) * C * K * taps, since idle
    columns still carry the weight; SRAM weight reads = ceil(M / cols) * C * K * taps; accumulator reads and
    writes = M * K per group. Raises InputError when the layer's output size is not known, or for another
    dataflow.
    """
    array.check_dataflow("input_stationary")
    pixels = math.prod(output_size(layer))
    tiles = -(-pixels // array.cols)
    weights = layer.K * layer.C * layer.taps
    return ActionCounts(
        mac=pixels * weights,
        weight_hops=array.cols * tiles * weights,
        idle_weight_hops=(array.cols * tiles - pixels) * weights,
        weight_reads=tiles * weights,
        accumulator_reads=pixels * layer.K * groups,
        accumulator_writes=pixels * layer.K * groups,
        input_reads=pixels * layer.C * layer.taps,
        output_writes=pixels * layer.K,
        lut_reads=tiles * groups * layer.K if lut else 0,
        cycles=tiles * groups * layer.K,
    )


class AnalyticEngine:
    """Closed forms of the fixed input-stationary dataflow; needs no tools."""

    name = "analytic"
    slow = False

    def check(self, layers: Sequence[Layer], array: Array) -> None:
        array.check_weights(layers)
        check_sizes(layers)
        for layer in layers:
            analytic_counts(layer, array, 1, False)

    def evaluate(
        self, requests: Sequence[Request], array: Array, technology: Technology, jobs: Jobs
    ) -> list[Evaluation]:
        return [_evaluation(request, array, technology) for request in requests]

    def provenance(self) -> dict[str, str]:
        return {}


def _evaluation(r: Request, array: Array, technology: Technology) -> Evaluation:
    counts, widths = analytic_counts(r.layer, array, r.groups, r.lut_bits > 0), array.widths(r.layer.bits)
    pes = array.rows * array.cols
    return Evaluation(counts, price(counts, r.flip_rate, widths, technology, pes=pes, lut_bits=r.lut_bits))
