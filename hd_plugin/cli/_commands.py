"""compare, measure, networks, optimize."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from hd_plugin.cli._output import checked_folder, deliver, save_plans, save_runs, show
from hd_plugin.cli._options import (DEFAULT_NETWORK, array_options, energy_options, load, network_options, output_options, progress_bar,
                                    search_options, trellis_options)
from hd_plugin.errors import InputError, did_you_mean

__all__ = ["compare", "measure", "networks", "optimize"]


@click.command()
@click.argument("source", default=DEFAULT_NETWORK)
@network_options
@array_options
@click.option("--cols", type=int, default=8, show_default=True, help="Columns of the array: output pixels per tile.")
@click.option("--array", "array_name", help="An array from arch/ or a YAML file, instead of --rows and --cols.")
@click.option("--method", "methods", multiple=True, help="direct, segment or cluster; may be repeated. All by default.")
@search_options
@click.option("--engine", default="analytic", show_default=True,
              help="Where counts and energies come from: analytic (closed forms) or timeloop (the installed tools).")
@click.option("--mapping", help="timeloop: paper (the analytic engine's dataflow) or mapper (timeloop-mapper's choice).")
@click.option("--cache", type=click.Path(path_type=Path, file_okay=False), help="timeloop: folder of finished runs.")
@click.option("--trained", multiple=True, metavar="NETWORK", help="A trained network of the same layers, beside this one; may be repeated.")
@click.option("--technology", help="Energy coefficients: a bundled name or a YAML file (default: the array's, else eyeriss45; hd_generic45 for gate-level energy).")
@click.option("--energy", default="flips", show_default=True,
              help="Datapath energy from flips (the engine's straight line), modelled, or simulated at gate level (a characterised technology).")
@click.option("--objective", default="flips", show_default=True, help="Plans for least flips, or for least modelled energy.")
@energy_options
@click.option("--studies/--no-studies", default=None, help="Also convergence and cluster sizes (default: with -o).")
@output_options
def compare(source: str, rows: int, cols: int, array_name: str | None, methods: tuple[str, ...], studies: bool | None,
            engine: str, mapping: str | None, cache: Path | None, trained: tuple[str, ...], as_json: bool, output: Path | None,
            **options: Any) -> None:
    """Energy of NETWORK (a file or a bundled name), layer by layer, under every streaming order.

    With -o DIR: compare.json, compare.csv, report.html, plots/ and the plans; with timeloop also the inputs and the
    outputs of every run.
    """
    from hd_plugin import comparison
    from hd_plugin.engines import Array, get_engine, load_array
    from hd_plugin.report import compare_tables
    array = load_array(array_name) if array_name else Array(rows, cols)
    chosen = get_engine(engine, **{k: v for k, v in (("mapping", mapping), ("cache", cache)) if v is not None})
    checked_folder(output)
    others = [_named(load(name, dict(options)), name) for name in trained]
    network = load(source, options)
    with progress_bar() as progress:
        result = comparison.compare(network, array=array, trained=others, methods=methods or comparison.METHODS, engine=chosen, progress=progress,
                                    studies=output is not None if studies is None else studies, **options)
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
        click.echo("interrupted: searches that had not begun fell back on the paper's greedy orders", err=True)


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
    rows = [{"name": la.name, "K": la.K, "C": la.C, "taps": la.taps, "bits": la.bits, "number_format": la.number_format,
             "flips": flips(la), "nhd": nhd(la), "plane_flips": plane_flips(la.codes, la.bits).tolist()}
            for la in network.layers]
    content = {"schema": "hd-plugin/measure/1", "network": network.name, "digest": network.digest, "layers": rows,
               "mean_nhd": float(np.mean([r["nhd"] for r in rows])),
               "unmapped": [{"name": u.name, "reason": u.reason} for u in network.unmapped]}
    deliver(content, "measure.json", output, as_json, lambda: [measure_table(content)])


@click.command()
@click.argument("source")
@network_options
@array_options
@click.option("--method", default="cluster", show_default=True, help="direct, segment or cluster.")
@search_options
@click.option("--objective", default="flips", show_default=True, help="What to minimise: flips, or energy (orders, clusters and the row of each channel).")
@click.option("--technology", help="With --objective energy: a characterised technology, by name or file (default: hd_generic45).")
@energy_options
@click.option("--bound", is_flag=True, help="Also a certified lower bound for the plan's groups (slow for large K).")
@trellis_options
@output_options
def optimize(source: str, rows: int, method: str, effort: str, seed: int, threads: int | None, bound: bool, as_json: bool,
             output: Path | None, **options: Any) -> None:
    """Stream plans for the layers of NETWORK: one file a layer with -o DIR. Ctrl-C keeps the best so far.

    With --objective energy the datapath energy of a characterised technology is minimised instead of flips, and both plans are simulated at gate level.

    With --trellis MU the weights are rounded anew, so that rounding error plus MU times flips is least; with --model and
    --calibrate the errors that reach each layer's outputs count, and with --test every MU is scored.
    """
    from hd_plugin import streaming
    from hd_plugin.report import optimize_table
    checked_folder(output)
    chosen = {name: options.pop(name) for name in ("model", "calibrate", "calibration_images", "feedback", "test")}
    objective, technology, activations = (options.pop(name) for name in ("objective", "technology", "activations"))
    if objective not in ("flips", "energy"):
        raise InputError(f"objective: {objective!r} is unknown; {did_you_mean(objective, ('flips', 'energy'))}")
    if technology and objective != "energy":
        raise click.UsageError("--technology goes with --objective energy only")
    mus = options.pop("trellis")
    network = load(source, options)
    if mus:
        from hd_plugin.cli._trellis import run_trellis
        run_trellis(network, source, mus, rows=rows, method=method, effort=effort, seed=seed, threads=threads, as_json=as_json,
                    output=output, **chosen)
        return
    if unused := [name for name in ("model", "calibrate", "test") if chosen[name]]:
        raise click.UsageError(f"--{unused[0]} goes with --trellis only")
    if objective == "energy":
        if bound:
            raise click.UsageError("--bound is a bound on flips; it goes with --objective flips only")
        from hd_plugin.cli._energy_commands import run_energy_objective
        run_energy_objective(network, rows=rows, method=method, effort=effort, seed=seed, threads=threads, technology=technology, activations=activations,
                             as_json=as_json, output=output)
        return
    plans, rows_ = {}, []
    with progress_bar() as progress:
        for layer in network.layers:
            plan = streaming.optimize(layer, rows, method, effort, seed, threads=threads, progress=progress)
            plans[layer.name, method] = plan
            row = {"name": layer.name, "K": layer.K, "C": layer.C, "taps": layer.taps, "groups": len(plan.groups),
                   "flips_before": streaming.flips(layer), "flips": streaming.flips(layer, plan),
                   "nhd_before": streaming.nhd(layer), "nhd": streaming.nhd(layer, plan)}
            row["hd_reduction"] = row["flips_before"] / row["flips"] if row["flips"] else None
            if bound:
                row["lower_bound"] = streaming.lower_bound(layer, plan, threads=threads, progress=progress)
            rows_.append(row)
            if plan.interrupted:
                click.echo(f"interrupted at layer {layer.name!r}; the plans so far are kept", err=True)
                break
    content = {"schema": "hd-plugin/optimize/1", "network": network.name, "digest": network.digest, "method": method,
               "effort": effort, "rows": rows, "seed": seed, "layers": rows_}
    if output is not None:
        save_plans(output, plans)
    deliver(content, "optimize.json", output, as_json, lambda: [optimize_table(content)])


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
        rows.append({"name": name, "layers": len(network.layers), "bits": network.layers[0].bits,
                     "weights": sum(la.codes.size for la in network.layers), "card": _card(name)})
    content = {"schema": "hd-plugin/networks/1", "networks": rows, "specs": [str(s) for s in bundled_specs()],
               "arrays": arrays("input_stationary")}
    deliver(content, "networks.json", checked_folder(output), as_json, lambda: networks_table(content))


def _card(name: str) -> str:
    """The card's text, or nothing."""
    from importlib.resources import files
    card = files("hd_plugin.networks") / f"{name}.md"
    return card.read_text(encoding="utf8") if card.is_file() else ""
