"""``python -m benchmarks.timeloop [-o FILE]``: the paper's Tables 5 and 6, Timeloop against the closed forms.

Needs Timeloop, Accelergy with the plug-in registered, and pytimeloop. Starts from an empty cache. Prints, for
each table, array and mapping, on how many layers all action counts agree, the largest relative difference of
an energy, and how long the runs took; layers that disagree are listed by name.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from hd_plugin import Layer
from hd_plugin._data_files import data_folder
from hd_plugin.energy import load_technology
from hd_plugin.engines import AnalyticEngine, Array, Engine, Evaluation, Request, get_engine, load_array
from hd_plugin.engines.timeloop import load_problem
from hd_plugin.errors import InputError
from hd_plugin.streaming import Jobs

COLUMNS = ("table", "array", "mapping", "layers", "counts equal", "largest energy difference", "seconds")
FLIP_RATE = 0.31234567  # no short number, so that rounding shows
ARRAYS = ("input_stationary_8x8", "input_stationary_32x32")
TABLES = ("mobilenet_v2_table5", "resnet26_table6")
MAPPINGS = ("paper", "mapper")


def layers(table: str) -> list[Layer]:
    """A layer for each problem file; codes do not matter to counts."""
    shapes = {p.stem: load_problem(p) for p in sorted((data_folder("layers") / table).glob("*.yaml"))}
    return [
        Layer(f"{table}/{name}", np.zeros((s.K, s.C, s.R, s.S), np.uint8), 4, output_hw=(s.P, s.Q))
        for name, s in shapes.items()
    ]


def difference(one: Evaluation, two: Evaluation) -> float:
    """The largest relative difference of an energy that both know."""
    a, b = asdict(one.energy), asdict(two.energy)
    return max(abs(a[k] - b[k]) / (abs(b[k]) or 1.0) for k in a if a[k] is not None and b[k] is not None)


def split(engine: Engine, found: list[Layer], array: Array) -> tuple[list[Layer], list[str]]:
    """The layers that an engine takes, and why it refuses the others."""
    taken, refused = [], []
    for layer in found:
        try:
            engine.check([layer], array)
            taken.append(layer)
        except InputError as error:
            refused.append(str(error))
    return taken, refused


@dataclass(frozen=True)
class Outcome:
    """A line of the table, and what is to be said about single layers."""

    row: tuple[str, ...]
    notes: list[str]


def compared(table: str, array_name: str, mapping: str, cache: str, jobs: Jobs) -> Outcome:
    """Every layer of ``table`` on an array by both engines."""
    technology, array = load_technology("eyeriss45"), load_array(array_name)
    engine = get_engine("timeloop", mapping=mapping, cache=cache)
    taken, notes = split(engine, layers(table), array)
    requests = [Request(la, -(-la.C // array.rows) * la.taps, FLIP_RATE, 5) for la in taken]
    right = AnalyticEngine().evaluate(requests, array, technology, jobs)
    start = time.perf_counter()
    found = engine.evaluate(requests, array, technology, jobs)
    seconds = time.perf_counter() - start
    pairs = list(zip(found, right))
    equal = [pair for pair in pairs if pair[0].counts == pair[1].counts]
    worst = max((difference(f, r) for f, r in equal), default=float("nan"))
    for request, (f, r) in zip(requests, pairs):
        if f.counts != r.counts:
            notes.append(f"{request.layer.name} on {array_name}, {mapping}: {counts_apart(f, r)}")
    told = (str(len(requests)), str(len(equal)), f"{worst:.1e}", f"{seconds:.0f}")
    return Outcome((table, array_name, mapping, *told), notes)


def counts_apart(one: Evaluation, two: Evaluation) -> str:
    """The counts that differ, both values."""
    a, b = asdict(one.counts), asdict(two.counts)
    return ", ".join(f"{k} {a[k]:,} against {b[k]:,}" for k in a if a[k] != b[k])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, help="also write the table as Markdown")
    args = parser.parse_args()
    jobs = Jobs(None)
    with tempfile.TemporaryDirectory() as cache:
        cases = itertools.product(TABLES, ARRAYS, MAPPINGS)
        outcomes = [compared(table, array, mapping, cache, jobs) for table, array, mapping in cases]
    table = Table(*COLUMNS)
    for outcome in outcomes:
        table.add_row(*outcome.row)
    notes = [note for outcome in outcomes for note in outcome.notes]
    Console(width=160).print(table, *notes, sep="\n")
    if args.output:
        lines = [f"| {' | '.join(row)} |" for row in (COLUMNS, *(outcome.row for outcome in outcomes))]
        lines.insert(1, "|" + " --- |" * len(COLUMNS))
        text = "\n".join(lines) + "\n" + "".join(f"\n- {note}" for note in notes) + "\n"
        args.output.write_text(text, encoding="utf8")


if __name__ == "__main__":
    main()
