"""optimize: plans for least flips or least energy, and rounding for either."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hd_plugin.cli._options import (
    array_options,
    energy_options,
    load,
    network_options,
    output_options,
    progress_bar,
    real_activations,
    search_options,
    trellis_options,
)
from hd_plugin.cli._output import checked_folder, deliver, save_plans
from hd_plugin.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from hd_plugin.hardware.gates import ArrayEnergy
    from hd_plugin.weights import Network

__all__ = ["optimize"]


@click.command()
@click.argument("source")
@network_options
@array_options
@click.option("--method", default="cluster", show_default=True, help="direct, segment or cluster.")
@search_options
@click.option(
    "--objective",
    default="flips",
    show_default=True,
    help="What to minimise: flips, or energy (orders, clusters and the row of each channel).",
)
@click.option(
    "--technology",
    help="With --objective energy: a characterised technology, by name or file (default: hd_generic45).",
)
@energy_options
@click.option(
    "--bound", is_flag=True, help="Also a certified lower bound for the plan's groups (slow for large K)."
)
@trellis_options
@output_options
def optimize(
    source: str,
    rows: int,
    method: str,
    effort: str,
    seed: int,
    threads: int | None,
    objective: str,
    technology: str | None,
    activations: str | None,
    bound: bool,
    trellis: tuple[float, ...],
    model: str | None,
    calibrate: Path | None,
    calibration_images: int,
    feedback: bool,
    test: Path | None,
    as_json: bool,
    output: Path | None,
    **options: Any,
) -> None:
    """Stream plans for the layers of NETWORK: one file a layer with -o DIR. Ctrl-C keeps the best so far.

    With --objective energy the datapath energy of a characterised technology is minimised instead of flips, and both plans are simulated at gate
    level; --model and --calibrate take activations from a run of the network on an image.

    With --trellis MU the weights are rounded anew, so that rounding error plus MU times flips is least; with --model and
    --calibrate the errors that reach each layer's outputs count, and with --test every MU is scored.
    """
    from hd_plugin.streaming import OBJECTIVES

    checked_folder(output)
    if objective not in OBJECTIVES:
        raise InputError(f"objective: {objective!r} is unknown; {did_you_mean(objective, OBJECTIVES)}")
    gates = objective == "energy"
    if (technology or activations) and not gates:
        raise click.UsageError(
            f"--{'technology' if technology else 'activations'} goes with --objective energy only"
        )
    if activations and model and not trellis:
        raise click.UsageError(
            "--activations and --model exclude each other: drawn activations, or the network's own"
        )
    if bound and (gates or trellis):
        raise click.UsageError(
            "--bound is a bound on the flips of weights that stay; it goes with --objective flips only, and without --trellis"
        )
    if not trellis:
        if test or (not gates and (model or calibrate)):
            raise click.UsageError(
                f"--{'test' if test else 'model' if model else 'calibrate'} goes with --trellis only"
            )
        if bool(model) != bool(calibrate):
            raise click.UsageError(
                "--model and --calibrate go together: the network to run, and images to run through it"
            )
    network = load(source, options)
    energies = (
        _energies(network, source, rows, technology, activations, model, calibrate, seed) if gates else None
    )
    search = {"rows": rows, "method": method, "effort": effort, "seed": seed, "threads": threads}
    if trellis:
        from hd_plugin.cli._trellis import run_trellis

        run_trellis(
            network,
            source,
            trellis,
            **search,
            energies=energies,
            as_json=as_json,
            output=output,
            model=model,
            calibrate=calibrate,
            calibration_images=calibration_images,
            feedback=feedback,
            test=test,
        )
    elif energies:
        from hd_plugin.gate_energy import compare_objectives
        from hd_plugin.report import objective_tables

        with progress_bar() as progress:
            content, plans = compare_objectives(network, energies, **search, progress=progress)
        if output is not None:
            save_plans(output, plans)
        deliver(content, "optimize.json", output, as_json, lambda: objective_tables(content))
    else:
        _least_flips(network, bound, as_json, output, **search)


def _energies(
    network: Network,
    source: str,
    rows: int,
    technology: str | None,
    activations: str | None,
    model: str | None,
    calibrate: Path | None,
    seed: int,
) -> ArrayEnergy:
    from hd_plugin.hardware.gates import ArrayEnergy

    found = ArrayEnergy(technology or "hd_generic45", activations or "relu", seed)
    for layer in network.layers:  # before a network is run or a search begun
        found.check(layer, rows)
    return (
        replace(found, activations=real_activations(model, source, calibrate, seed, unsigned=True))
        if model and calibrate
        else found
    )


def _least_flips(
    network: Network,
    bound: bool,
    as_json: bool,
    output: Path | None,
    *,
    rows: int,
    method: str,
    effort: str,
    seed: int,
    threads: int | None,
) -> None:
    from hd_plugin import streaming
    from hd_plugin.report import optimize_table

    plans, lines = {}, []
    with progress_bar() as progress:
        for layer in network.layers:
            plan = streaming.optimize(layer, rows, method, effort, seed, threads=threads, progress=progress)
            plans[layer.name, method] = plan
            line = {
                "name": layer.name,
                "K": layer.K,
                "C": layer.C,
                "taps": layer.taps,
                "groups": len(plan.groups),
                "flips_before": streaming.flips(layer),
                "flips": streaming.flips(layer, plan),
                "nhd_before": streaming.nhd(layer),
                "nhd": streaming.nhd(layer, plan),
            }
            line["hd_reduction"] = line["flips_before"] / line["flips"] if line["flips"] else None
            if bound:
                line["lower_bound"] = streaming.lower_bound(layer, plan, threads=threads, progress=progress)
            lines.append(line)
            if plan.interrupted:
                click.echo(f"interrupted at layer {layer.name!r}; the plans so far are kept", err=True)
                break
    content = {
        "schema": "hd-plugin/optimize/1",
        "network": network.name,
        "digest": network.digest,
        "method": method,
        "effort": effort,
        "rows": rows,
        "seed": seed,
        "layers": lines,
    }
    if output is not None:
        save_plans(output, plans)
    deliver(content, "optimize.json", output, as_json, lambda: [optimize_table(content)])
