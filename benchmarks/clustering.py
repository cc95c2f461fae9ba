"""Clusters against the paper's Algorithm 2 (with the array's capacity) and segments, layer by layer."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

import hd_plugin as hd
from benchmarks.cases import SEED, network

COLUMNS = [
    "K",
    "C",
    "taps",
    "segment",
    "Algorithm 2",
    "cluster",
    "Algorithm 2 / cluster",
    "time: cluster / Algorithm 2",
]


def run(quick: bool = False) -> Iterator[list[str]]:
    ratios = []
    for layer in network().layers[: 6 if quick else None]:
        if layer.C <= 8:
            continue
        flips, seconds = {}, {}
        for name, method, effort in (
            ("segment", "segment", "local"),
            ("Algorithm 2", "cluster", "greedy"),
            ("cluster", "cluster", "local"),
        ):
            started = time.perf_counter()
            plan = hd.optimize(layer, 8, method, effort, SEED)
            seconds[name] = time.perf_counter() - started
            flips[name] = hd.flips(layer, plan)
        base = hd.flips(layer)
        if layer.C > layer.K:
            ratios.append(flips["Algorithm 2"] / flips["cluster"])
        yield [
            str(layer.K),
            str(layer.C),
            str(layer.taps),
            *(f"{base / flips[n]:.3f}x" for n in flips),
            f"{flips['Algorithm 2'] / flips['cluster']:.3f}",
            f"{seconds['cluster'] / seconds['Algorithm 2']:.1f}",
        ]
    if ratios:
        yield ["mean", "C > K", "", "", "", "", f"{np.mean(ratios):.3f}", ""]
