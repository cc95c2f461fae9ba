"""``python -m benchmarks.timeloop [-o FILE]``: every layer of the paper's Tables 5 and 6, Timeloop against the closed forms.

Needs Timeloop, Accelergy with the plug-in registered, and pytimeloop. Starts from an empty cache. Prints, for each
table, array and mapping, on how many layers all action counts agree, the largest relative difference of an energy, and
how long the runs took; layers that disagree are listed by name.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import asdict
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, help="also write the table as Markdown")
    args = parser.parse_args()
    technology, jobs = load_technology("eyeriss45"), Jobs(None)
    table, text, notes = Table(*COLUMNS), [f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}\n"], []
    with tempfile.TemporaryDirectory() as cache:
        for name in ("mobilenet_v2_table5", "resnet26_table6"):
            for array_name in ARRAYS:
                array = load_array(array_name)
                for mapping in ("paper", "mapper"):
                    engine = get_engine("timeloop", mapping=mapping, cache=cache)
                    taken, refused = split(engine, layers(name), array)
                    notes += refused
                    requests = [Request(la, -(-la.C // array.rows) * la.taps, FLIP_RATE, 5) for la in taken]
                    right = AnalyticEngine().evaluate(requests, array, technology, jobs)
                    start = time.perf_counter()
                    found = engine.evaluate(requests, array, technology, jobs)
                    seconds = time.perf_counter() - start
                    equal = [f.counts == r.counts for f, r in zip(found, right)]
                    worst = max(
                        (difference(f, r) for f, r, same in zip(found, right, equal) if same),
                        default=float("nan"),
                    )
                    row = (
                        name,
                        array_name,
                        mapping,
                        str(len(requests)),
                        str(sum(equal)),
                        f"{worst:.1e}",
                        f"{seconds:.0f}",
                    )
                    table.add_row(*row)
                    text.append(f"| {' | '.join(row)} |\n")
                    for request, f, r, same in zip(requests, found, right, equal):
                        if not same:
                            told = {
                                k: (v, asdict(r.counts)[k])
                                for k, v in asdict(f.counts).items()
                                if v != asdict(r.counts)[k]
                            }
                            notes.append(
                                f"{request.layer.name} on {array_name}, {mapping}: "
                                + ", ".join(f"{k} {a:,} against {b:,}" for k, (a, b) in told.items())
                            )
    console = Console(width=160)
    console.print(table, *notes, sep="\n")
    if args.output:
        args.output.write_text(
            "".join(text) + "".join(f"\n- {note}" for note in notes) + "\n", encoding="utf8"
        )


if __name__ == "__main__":
    main()
