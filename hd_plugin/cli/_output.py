"""What commands do with a result: tables or JSON on stdout, files in a folder."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from hd_plugin.comparison import Comparison

__all__ = ["checked_folder", "deliver", "save_plans", "save_runs", "save_tables", "show"]

# of a run of Timeloop, what a reader needs to check it or to run it again
_RUN_FILES = (
    "architecture.yaml",
    "inputs.yaml",
    "parsed-processed-input.yaml",
    "*.ERT.yaml",
    "*.stats.txt",
    "*.map.txt",
    "*.map.yaml",
)


def show(*things: Any) -> None:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:  # a file or a pipe has no width: do not cut numbers short
        console = Console(width=160)
    for thing in things:
        console.print(thing)


def checked_folder(path: Path | None) -> Path | None:
    """Refuse an output folder that cannot be made before any work is done."""
    from hd_plugin._atomic import atomic_path

    if path is not None:
        with atomic_path(path / "hd-plugin.tmp"):
            pass
        (path / "hd-plugin.tmp").unlink(missing_ok=True)  # another process may look at the same moment
    return path


def deliver(
    content: dict[str, Any], name: str, output: Path | None, as_json: bool, tables: Callable[[], list]
) -> None:
    """Write ``content`` to ``output``/``name`` if asked, then print it as JSON or as tables."""
    from hd_plugin._atomic import write_text

    text = json.dumps(content, indent=1)
    if output is not None:
        write_text(output / name, text + "\n")
    if as_json:
        click.echo(text)
    else:
        show(*tables())


def save_plans(folder: Path, plans: dict[tuple[str, str], Any]) -> list[Path]:
    """One file a plan, the baseline's left out. Returns the files."""
    wanted = {key: plan for key, plan in plans.items() if key[1] != "baseline"}
    paths = [folder / f"{stem}.plan.json" for stem in _stems(list(wanted))]
    for path, plan in zip(paths, wanted.values()):
        plan.save(path)
    return paths


def save_tables(folder: Path, tables: dict[tuple[str, str], Any]) -> None:
    """The address tables of each (layer, method)."""
    for stem, one in zip(_stems(list(tables)), tables.values()):
        one.save(folder, stem)


def _stems(keys: list[tuple[str, str]]) -> list[str]:
    """LAYER.METHOD for each; layer names may hold slashes, file names may not, and must stay apart."""
    stems, taken = [], set()
    for layer, method in keys:
        stem = re.sub(r"[^A-Za-z0-9._-]+", "_", layer).strip("._") or "layer"
        name, number = f"{stem}.{method}", 2
        while name.lower() in taken:
            name, number = f"{stem}-{number}.{method}", number + 1
        taken.add(name.lower())
        stems.append(name)
    return stems


def save_runs(folder: Path, result: Comparison) -> None:
    """Timeloop's files of every row, a folder for each run (a layer whose sizes do not divide has several).

    parsed-processed-input.yaml is what timeloop-model takes to run it again. Runs of an earlier comparison go away.
    """
    shutil.rmtree(folder, ignore_errors=True)
    names = _stems([(r.layer, r.method) for r in result.rows])
    for row, name in zip(result.rows, names):
        runs = [Path(f) for f in row.details.get("folders", [])]
        for number, run in enumerate(runs, 1):
            target = folder / (name if len(runs) == 1 else f"{name}.{number}")
            target.mkdir(parents=True, exist_ok=True)
            for path in (p for pattern in _RUN_FILES for p in sorted(run.glob(pattern))):
                shutil.copyfile(path, target / path.name)
