"""verify: does a plan compute its layer, exactly, and do the wires flip as often as counted?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hd_plugin.cli._options import (
    DEFAULT_NETWORK,
    array_options,
    load,
    network_options,
    output_options,
    progress_bar,
    real_activations,
    search_options,
)
from hd_plugin.cli._output import checked_folder, deliver, save_tables
from hd_plugin.errors import InputError

if TYPE_CHECKING:
    from hd_plugin.streaming import StreamPlan
    from hd_plugin.weights import Layer, Network

__all__ = ["verify"]

_PLANNED = ("direct", "segment", "cluster")


@click.command()
@click.argument("source", default=DEFAULT_NETWORK)
@network_options
@click.option(
    "--plan",
    "plans",
    type=click.Path(path_type=Path, exists=True),
    multiple=True,
    metavar="PLAN",
    help="A plan file, or a folder of them; may be repeated. Without it, plans are searched as optimize does.",
)
@click.option(
    "--method",
    "methods",
    multiple=True,
    help="Without --plan: direct, segment or cluster; may be repeated. All by default.",
)
@array_options
@click.option(
    "--cols", type=int, default=8, show_default=True, help="Columns of the array: output pixels per tile."
)
@search_options
@click.option(
    "--simulator",
    default="auto",
    show_default=True,
    help="verilator, iverilog, auto (the one that is installed) or none.",
)
@click.option(
    "--tiles", type=int, default=4, show_default=True, help="Tiles of each layer that go through the Verilog."
)
@click.option("--all-tiles", is_flag=True, help="Every tile through the Verilog.")
@click.option("--alternate", is_flag=True, help="Every other tile runs backwards.")
@click.option("--model", help="With --images: the network to run (resnet20, ... or PACKAGE.MODULE:FUNCTION).")
@click.option(
    "--images",
    type=click.Path(path_type=Path, exists=True),
    help="Take activations from an image of these, not random ones.",
)
@output_options
def verify(
    source: str,
    plans: tuple[Path, ...],
    methods: tuple[str, ...],
    rows: int,
    cols: int,
    effort: str,
    seed: int,
    threads: int | None,
    simulator: str,
    tiles: int,
    all_tiles: bool,
    alternate: bool,
    model: str | None,
    images: Path | None,
    as_json: bool,
    output: Path | None,
    **options: Any,
) -> None:
    """Run NETWORK's layers through stream plans, in integer arithmetic and, with a simulator installed, through the Verilog.

    Both must equal the plain convolution exactly, address tables included, and the toggles of the weight inputs must equal the
    hardware flip count. Exit code 1 when they do not. With -o DIR: verify.json and the tables, as JSON and for $readmemh.
    """
    from hd_plugin.hardware import AddressTables, find_simulator, verify_all
    from hd_plugin.report import verify_table

    checked_folder(output)
    if (images is None) != (model is None):
        raise InputError(
            "--images and --model go together: images to run, and the network to run them through"
        )
    if plans and methods:
        raise InputError("--plan and --method exclude each other: plans have their methods")
    chosen = find_simulator(simulator)
    network = load(source, options)
    activations = real_activations(model, source, images, seed) if model else {}
    with progress_bar() as progress:
        pairs = (
            _load(network, plans)
            if plans
            else _search(network, methods or _PLANNED, rows, effort, seed, threads, progress)
        )
        done = verify_all(
            pairs,
            activations,
            cols=cols,
            simulator=chosen.name if chosen else "none",
            tiles=None if all_tiles else tiles,
            alternate=alternate,
            seed=seed,
            progress=progress,
        )
    unseen = len({layer.name for layer, _ in pairs} - set(activations)) if activations else 0
    told = (
        f"{images}, image {seed}"
        + (f"; random ones for {unseen} layers that the run does not reach" if unseen else "")
        if images
        else "random"
    )
    content = {
        "schema": "hd-plugin/verify/1",
        "network": network.name,
        "digest": network.digest,
        "cols": cols,
        "seed": seed,
        "alternate": alternate,
        "activations": told,
        "simulator": chosen.name if chosen else None,
        "ok": all(v.ok for v in done),
        "layers": [v.to_dict() for v in done],
    }
    if output is not None:
        save_tables(output / "tables", {(p.layer, p.method): AddressTables.of(p) for _, p in pairs})
    deliver(content, "verify.json", output, as_json, lambda: [verify_table(content)])
    if not content["ok"]:
        click.get_current_context().exit(1)


def _search(
    network: Network,
    methods: Sequence[str],
    rows: int,
    effort: str,
    seed: int,
    threads: int | None,
    progress: Any,
) -> list[tuple[Layer, StreamPlan]]:
    from hd_plugin.streaming import optimize

    return [
        (layer, optimize(layer, rows, method, effort, seed, threads=threads, progress=progress))
        for layer in network.layers
        for method in methods
    ]


def _load(network: Network, paths: Sequence[Path]) -> list[tuple[Layer, StreamPlan]]:
    """The plans in ``paths`` with their layers, in network order."""
    from hd_plugin.streaming import StreamPlan

    files = [
        file for path in paths for file in (sorted(path.rglob("*.plan.json")) if path.is_dir() else [path])
    ]
    if not files:
        raise InputError(
            f"{', '.join(map(str, paths))}: no plan (*.plan.json) in there; hd-plugin optimize -o DIR makes them"
        )
    pairs = []
    for file in files:
        plan = StreamPlan.load(file)
        layer = network.layer(plan.layer)
        plan.check(layer)
        pairs.append((layer, plan))
    place = {layer.name: i for i, layer in enumerate(network.layers)}
    return sorted(pairs, key=lambda pair: place[pair[0].name])
