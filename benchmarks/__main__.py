"""``python -m benchmarks [--quick] [-o FILE]``: print every table, and write them as Markdown."""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import cases, clustering, encode_search, gates, growth, ordering, rounding


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes only")
    parser.add_argument("-o", "--output", type=Path, help="also write the tables as Markdown")
    args = parser.parse_args()
    versions = ", ".join(
        f"{p} {importlib.metadata.version(p)}" for p in ("hd-plugin", "numpy", "numba", "scipy", "fast-tsp")
    )
    machine = f"Python {platform.python_version()}, {platform.machine()}"
    head = f"{cases.network().name}, seed {cases.SEED}; {versions}; {machine}"
    console = Console()
    console.print(head)
    text = [
        f"# Benchmarks\n\n{head}.\n\nRatios within one run, on a shared machine: the ratios are to be "
        "trusted, the milliseconds less.\n"
    ]
    for module in (ordering, growth, clustering, rounding, encode_search, gates):
        title = module.__doc__.strip()
        table = Table(*module.COLUMNS, title=title)
        text.append(f"\n## {title}\n\n| {' | '.join(module.COLUMNS)} |\n|{' --- |' * len(module.COLUMNS)}\n")
        for row in module.run(args.quick):
            table.add_row(*row)
            text.append(f"| {' | '.join(row)} |\n")
        console.print(table)
    if args.output:
        args.output.write_text("".join(text), encoding="utf8")


if __name__ == "__main__":
    main()
