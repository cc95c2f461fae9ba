"""Search for 8 x 8 encodings: evaluations in a second of processor time, against plain numpy."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks import cases
from hd_plugin import encoding_mac as em
from hd_plugin.encoding_mac._genetic import Genetic
from hd_plugin.encoding_mac._planes import KINDS, class_ranges, encoding_error, output_planes, product_values

COLUMNS = ("what is evaluated", "compiled / s", "numpy / s", "compiled / numpy")

_OPERATIONS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "nand": lambda a, b: ~(a & b),
    "nor": lambda a, b: ~(a | b),
    "xor": lambda a, b: a ^ b,
    "xnor": lambda a, b: ~(a ^ b),
    "not": lambda a, b: ~a,
}


def _rate(work: Callable[[], object], seconds: float) -> float:
    """Calls in a second of processor time (the machine is shared), after one that warms up."""
    work()
    begun, calls = time.process_time(), 0
    while time.process_time() - begun < seconds:
        work()
        calls += 1
    return calls / (time.process_time() - begun)


def plain_error(search: Genetic, genes: np.ndarray) -> float:
    """Half the range of an individual's error over the largest product, with arrays of a value a pair."""
    pairs = np.arange(1 << search.a_bits + search.w_bits)
    a, w = pairs >> search.w_bits, pairs & ((1 << search.w_bits) - 1)
    nets = [(a >> b) & 1 == 1 for b in range(search.a_bits)] + [
        (w >> b) & 1 == 1 for b in range(search.w_bits)
    ]
    for kind, x, y in genes[: -search.outputs].reshape(-1, 3):
        nets.append(_OPERATIONS[KINDS[kind]](nets[x], nets[y]))
    values = product_values(search.a_bits, search.w_bits, *search.signs).astype(float)
    tried = np.unique(genes[-search.outputs :])

    def ridge(chosen: np.ndarray) -> np.ndarray:
        bits = np.array([nets[n] for n in chosen], float).T
        centred = bits - bits.mean(axis=0)
        return np.linalg.solve(centred.T @ centred + 0.1 * np.eye(len(chosen)), centred.T @ values)

    outputs = np.sort(tried[np.argsort(-np.abs(ridge(tried)), kind="stable")[: search.kept]])
    error = np.array([nets[n] for n in outputs], float).T @ np.rint(ridge(outputs)) - values
    return float(np.ptp(error) / 2 / np.abs(values).max())


def run(quick: bool) -> Iterator[tuple[str, ...]]:
    seconds = 0.5 if quick else 4.0
    for columns in (1, 2):
        search = Genetic(8, 8, (True, True), columns, threshold=1e-9, seed=cases.SEED)
        genes = search.begin().genes[0]
        _, told = search.fitness(genes)
        assert abs(told - plain_error(search, genes)) < 1e-3
        ours = _rate(lambda s=search, g=genes: s.fitness(g), seconds)
        plain = _rate(lambda s=search, g=genes: plain_error(s, g), seconds)
        yield _row(
            f"an individual: {256 * columns} gates, 128 outputs, 40 kept, two regressions", ours, plain
        )
    encoding = em.truncated(8, 8, 40)
    planes, error = output_planes(encoding), encoding_error(encoding)
    bits = np.unpackbits(planes[0].view(np.uint8), bitorder="little").astype(bool)

    def ranges() -> tuple[int, ...]:
        ones, zeros = error[bits], error[~bits]
        return int(zeros.min()), int(zeros.max()), int(ones.min()), int(ones.max())

    assert tuple(class_ranges(error, planes[0]).ravel().tolist()) == ranges()
    yield _row(
        "a swap: the best weight of one net",
        _rate(lambda: class_ranges(error, planes[0]), seconds),
        _rate(ranges, seconds),
    )


def _row(what: str, ours: float, plain: float) -> tuple[str, ...]:
    return what, f"{ours:,.0f}", f"{plain:,.1f}", f"{ours / plain:.1f}x"
