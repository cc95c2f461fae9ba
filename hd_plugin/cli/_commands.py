"""compare, measure, networks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from hd_plugin.cli._options import (
    DEFAULT_NETWORK,
    array_options,
    energy_options,
    load,
    network_options,
    output_options,
    progress_bar,
    search_options,
)
from hd_plugin.cli._output import checked_folder, deliver, save_plans, save_runs, show

__all__ = ["compare", "measure", "networks"]


@click.command()
@click.argument("source", default=DEFAULT_NETWORK)
@network_options
@array_options
@click.option(
    "--cols", type=int, default=8, show_default=True, help="Columns of the array: output pixels per tile."
)
@click.option(
    "--array", "array_name", help="An array from arch/ or a YAML file, instead of --rows and --cols."
)
@click.option(
    "--method", "methods", multiple=True, help="direct, segment or cluster; may be repeated. All by default."
)
@search_options
@click.option(
    "--engine",
    default="analytic",
    show_default=True,
    help="Where counts and energies come from: analytic (closed forms) or timeloop (the installed tools).",
)
@click.option(
    "--mapping", help="timeloop: paper (the analytic engine's dataflow) or mapper (timeloop-mapper's choice)."
)
@click.option(
    "--cache", type=click.Path(path_type=Path, file_okay=False), help="timeloop: folder of finished runs."
)
@click.option(
    "--trained",
    multiple=True,
    metavar="NETWORK",
    help="A trained network of the same layers, beside this one; may be repeated.",
)
@click.option(
    "--technology",
    help="Energy coefficients: a bundled name or a YAML file (default: the array's, else eyeriss45; hd_generic45 for gate-level energy).",
)
@click.option(
    "--energy",
    default="flips",
    show_default=True,
    help="Datapath energy from flips (the engine's straight line), modelled, or simulated at gate level (a characterised technology).",
)
@click.option(
    "--clock/--no-clock",
    default=True,
    show_default=True,
    help="Count the clock in totals; it is never part of the datapath.",
)
@click.option(
    "--objective",
    default="flips",
    show_default=True,
    help="Plans for least flips, or for least modelled energy.",
)
@energy_options
@click.option(
    "--studies/--no-studies", default=None, help="Also convergence and cluster sizes (default: with -o)."
)
@output_options
def compare(
    source: str,
    rows: int,
    cols: int,
    array_name: str | None,
    methods: tuple[str, ...],
    studies: bool | None,
    engine: str,
    mapping: str | None,
    cache: Path | None,
    trained: tuple[str, ...],
    as_json: bool,
    output: Path | None,
    **options: Any,
) -> None:
    """Energy of NETWORK (a file or a bundled name), layer by layer, under every streaming order.

    With -o DIR: compare.json, compare.csv, report.html, plots/ and the plans; with timeloop also the inputs and the
    outputs of every run.
    """
    from hd_plugin import comparison
    from hd_plugin.engines import Array, get_engine, load_array
    from hd_plugin.report import compare_tables

    array = load_array(array_name) if array_name else Array(rows, cols)
    chosen = get_engine(
        engine, **{k: v for k, v in (("mapping", mapping), ("cache", cache)) if v is not None}
    )
    checked_folder(output)
    others = [_named(load(name, dict(options)), name) for name in trained]
    network = load(source, options)
    with progress_bar() as progress:
        result = comparison.compare(
            network,
            array=array,
            trained=others,
            methods=methods or comparison.METHODS,
            engine=chosen,
            progress=progress,
            studies=output is not None if studies is None else studies,
            **options,
        )
    if output is not None:
        result.to_json(output / "compare.json")
        result.to_csv(output / "compare.csv")
        result.plot(output / "plots")
        result.to_html(output / "report.html")
        save_plans(output / "plans", result.plans)
        save_runs(output / "timeloop", result)
    if as_json:
        click.echo(json.dumps(result.to_dict(), indent=1))
    else:
        show(*compare_tables(result))
        if output is not None:
            click.echo(f"report: {output / 'report.html'}")
    if result.provenance["interrupted"]:
        click.echo(
            "interrupted: searches that had not begun fell back on the paper's greedy orders", err=True
        )


def _named(network: Any, source: str) -> Any:
    """Runs of ``train`` are all called network.npz: their folder tells them apart."""
    from dataclasses import replace

    path = Path(source)
    return replace(network, name=f"{path.parent.name}/{path.stem}") if path.name == "network.npz" else network


@click.command()
@click.argument("source", default=DEFAULT_NETWORK)
@network_options
@output_options
def measure(source: str, as_json: bool, output: Path | None, **options: Any) -> None:
    """Flips and NHD of every layer in file order, with flips per bit plane."""
    import numpy as np

    from hd_plugin.bits import plane_flips
    from hd_plugin.report import measure_table
    from hd_plugin.streaming import flips, nhd

    checked_folder(output)
    network = load(source, options)
    rows = [
        {
            "name": la.name,
            "K": la.K,
            "C": la.C,
            "taps": la.taps,
            "bits": la.bits,
            "number_format": la.number_format,
            "flips": flips(la),
            "nhd": nhd(la),
            "plane_flips": plane_flips(la.codes, la.bits).tolist(),
        }
        for la in network.layers
    ]
    content = {
        "schema": "hd-plugin/measure/1",
        "network": network.name,
        "digest": network.digest,
        "layers": rows,
        "mean_nhd": float(np.mean([r["nhd"] for r in rows])),
        "unmapped": [{"name": u.name, "reason": u.reason} for u in network.unmapped],
    }
    deliver(content, "measure.json", output, as_json, lambda: [measure_table(content)])


@click.command()
@output_options
def networks(as_json: bool, output: Path | None) -> None:
    """Networks that come with the package, and the network specs and arrays that it knows."""
    from hd_plugin.engines import arrays
    from hd_plugin.report import networks_table
    from hd_plugin.weights import bundled_networks, bundled_specs, load_network

    rows = []
    for name in bundled_networks():
        network = load_network(name)
        rows.append(
            {
                "name": name,
                "layers": len(network.layers),
                "bits": network.layers[0].bits,
                "weights": sum(la.codes.size for la in network.layers),
                "card": _card(name),
            }
        )
    content = {
        "schema": "hd-plugin/networks/1",
        "networks": rows,
        "specs": [str(s) for s in bundled_specs()],
        "arrays": arrays("input_stationary"),
    }
    deliver(content, "networks.json", checked_folder(output), as_json, lambda: networks_table(content))


def _card(name: str) -> str:
    """The card's text, or nothing."""
    from importlib.resources import files

    card = files("hd_plugin.networks") / f"{name}.md"
    return card.read_text(encoding="utf8") if card.is_file() else ""
