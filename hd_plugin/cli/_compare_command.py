"""compare: what every streaming order costs, layer by layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hd_plugin.cli._command import command, network_argument, option
from hd_plugin.cli._options import (
    DEFAULT_NETWORK,
    array_options,
    changed_inputs,
    given_as_file,
    method_option,
    network_options,
    objective_options,
    output_options,
    pairs,
    scenario,
    search_options,
    sizing_options,
    threads_option,
)
from hd_plugin.cli._output import checked_folder, deliver
from hd_plugin.cli._progress import jobs

__all__ = ["compare"]


@command(
    "compare",
    "hd-plugin compare model.tflite --rows 16 --cols 16 --energy simulated --technology sg13g2 -o out/",
)
@network_argument(DEFAULT_NETWORK)
@network_options
@sizing_options
@option(
    "Network",
    "--trained",
    multiple=True,
    metavar="NETWORK",
    help="A trained network of the same layers, beside this one; may be repeated.",
)
@array_options
@option("Array", "--array", help="An array from arch/ or a YAML file, instead of --rows and --cols.")
@method_option("direct, segment or cluster; may be repeated.", "all")
@search_options
@option(
    "Search",
    "--studies/--no-studies",
    default=None,
    help="Also convergence and cluster sizes (default: with -o).",
)
@threads_option
@option(
    "Array",
    "--mac",
    "macs",
    metavar="MAC,...",
    help="What the PEs are, several side by side: binary, tree, exact, or files of encodings or "
    "characterisations; NAME@N: a register behind every N full adders (tree: rows) of a column.",
)
@option(
    "Energy",
    "--energy",
    show_default="flips; simulated with --mac",
    help="Datapath energy from flips (the engine's straight line), modelled, or simulated at gate level.",
)
@objective_options
@option(
    "Energy",
    "--clock/--no-clock",
    default=True,
    help="Count the clock in totals; never part of the datapath.",
)
@option(
    "Energy",
    "--engine",
    default="analytic",
    help="Where counts and energies come from: analytic (closed forms) or timeloop (the installed tools).",
)
@option(
    "Energy",
    "--mapping",
    help="timeloop: paper (the analytic engine's dataflow) or mapper (timeloop-mapper's).",
)
@option("Energy", "--cache", help="timeloop: folder of finished runs.")
@option(
    "Energy",
    "--architecture",
    metavar="FILE",
    help="timeloop: a v4 architecture of your own, in place of arch/input_stationary.yaml.",
)
@option(
    "Energy",
    "--part",
    "parts",
    multiple=True,
    metavar="PART=NAME",
    help="timeloop: what your architecture calls a part, as in mac=my_mac; may be repeated.",
)
@output_options
def compare(source: str, threads: int | None, as_json: bool, output: Path | None, **options: Any) -> None:
    """Energy of NETWORK, layer by layer, under every streaming order.

    NETWORK is a weights file or a bundled name; or a YAML file that says the whole experiment
    (examples/study.yaml), or compare.json of an earlier run, to be run again. With -o DIR: compare.json,
    compare.csv, report.html, plots/ and the plans; with timeloop also the inputs and the outputs of every
    run.
    """
    from hd_plugin.study import run

    engine = {"name": options.pop("engine")}
    engine |= {name: options.pop(name) for name in ("mapping", "cache", "architecture")}
    engine["parts"] = pairs(options.pop("parts"), "--part") or None
    options["macs"] = [name.strip() for name in (options["macs"] or "").split(",") if name.strip()] or None
    asked = scenario(source, options | {"engine": engine})
    checked_folder(output)
    if output is not None and not given_as_file(source) and options["studies"] is None and not asked.macs:
        asked = asked.but(studies=True)
    with jobs(threads, output) as running:
        result = run(asked, running)
    if changed := changed_inputs(source, result.provenance.input_digests):
        click.echo(f"note: other weights than in {source}: {', '.join(changed)}", err=True)
    deliver(result, output, as_json, running)
