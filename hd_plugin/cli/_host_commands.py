"""doctor, layers, register, networks: the host tools, and what is known by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hd_plugin.cli._command import command, network_argument, option
from hd_plugin.cli._options import (
    DEFAULT_NETWORK,
    EXISTING,
    FILE,
    load,
    network_options,
    output_options,
    pairs,
    sizing_options,
)
from hd_plugin.cli._output import checked_folder, deliver

__all__ = ["doctor", "layers", "networks", "register"]


@command("register", "hd-plugin register --dry-run")
@option("Host", "--config", type=FILE, help="The accelergy_config.yaml to change; by default the user's.")
@option("Host", "--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@option("Host", "--undo", is_flag=True, help="Take the plug-in out again.")
@option("Output", "--json", "as_json", is_flag=True, help="Machine-readable result on stdout.")
def register(config: Path | None, dry_run: bool, undo: bool, as_json: bool) -> None:
    """Tell Accelergy where the plug-in is (needed for editable installs; safe to repeat).

    A file that is changed is first copied to accelergy_config.yaml.bak.
    """
    from hd_plugin import study

    deliver(study.register(config, dry_run=dry_run, undo=undo), None, as_json)


@command("doctor", "hd-plugin doctor my_arch.yaml my_components/ my_variables.yaml")
@click.argument("files", type=EXISTING, nargs=-1)
@option(
    "Host",
    "--define",
    "defined",
    multiple=True,
    metavar="NAME=VALUE",
    help="A value for files that are templates (jinja); may be repeated.",
)
@output_options
def doctor(files: tuple[Path, ...], defined: tuple[str, ...], as_json: bool, output: Path | None) -> None:
    """Run the installed Accelergy on FILES and show who served what.

    FILES are those of an architecture: itself, its variables, components and problem, in any order; a folder
    stands for its YAML files. Without any, a bundled architecture. One of subtree and local needs Accelergy
    alone, one of nodes pytimeloop too. Exit code 1 when a part asked for hd_plugin (by an hd_ class or a
    flip_rate) and was answered by another, or when nobody answered.
    """
    from hd_plugin import study
    from hd_plugin.engines.timeloop import RunError

    checked_folder(output)
    try:
        result = study.doctor(*files, define=pairs(defined, "--define"))
    except RunError as error:
        click.echo(f"Error: {error}", err=True)
        raise click.exceptions.Exit(1) from error
    deliver(result, output, as_json)


@command("layers", "hd-plugin layers model.tflite -o problems/")
@network_argument(DEFAULT_NETWORK)
@network_options
@sizing_options
@output_options
def layers(source: str, as_json: bool, output: Path | None, **options: Any) -> None:
    """Timeloop v4 problems of the layers of NETWORK: one YAML file a layer with -o DIR."""
    from hd_plugin import study

    network = load(source, options)
    deliver(study.problems(network, checked_folder(output)), output, as_json)


@command("networks", "hd-plugin networks --json")
@output_options
def networks(as_json: bool, output: Path | None) -> None:
    """Networks that come with the package, and the network specs and arrays that it knows."""
    from hd_plugin import study

    checked_folder(output)
    deliver(study.catalogue(), output, as_json)
