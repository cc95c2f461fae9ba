"""doctor, layers, register: the commands about Timeloop and Accelergy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hd_plugin.cli._options import DEFAULT_NETWORK, load, network_options, output_options
from hd_plugin.cli._output import checked_folder, deliver

__all__ = ["doctor", "layers", "register"]


@click.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The accelergy_config.yaml to change; by default the user's.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@click.option("--undo", is_flag=True, help="Take the plug-in out again.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable result on stdout.")
def register(config: Path | None, dry_run: bool, undo: bool, as_json: bool) -> None:
    """Tell Accelergy where the plug-in is (needed for editable installs; safe to repeat).

    A file that is changed is first copied to accelergy_config.yaml.bak.
    """
    from hd_plugin.hosts import accelergy

    done = (accelergy.unregister if undo else accelergy.register)(config, dry_run)
    content = {
        "schema": "hd-plugin/register/1",
        "config": str(done.config),
        "changed": done.changed,
        "dry_run": dry_run,
        "backup": str(done.backup) if done.backup and done.changed else None,
        "text": done.text,
    }

    def tables() -> list[str]:
        told = [f"would write: {done.told}" if dry_run and done.changed else done.told]
        if done.changed and done.backup and not dry_run:
            told.append(f"before: {done.backup}")
        if dry_run and done.text:
            told.append(done.text)
        if (Path("accelergy_config.yaml").is_file()) and config is None:
            told.append(
                "note: Accelergy run in this folder reads the accelergy_config.yaml here instead; give --config for it"
            )
        return told

    deliver(content, "register.json", None, as_json, tables)


@click.command()
@click.argument("architecture", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option(
    "--variables",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file of variables for ARCHITECTURE; arch/*_8x8.yaml show the form.",
)
@output_options
def doctor(architecture: Path | None, variables: Path | None, as_json: bool, output: Path | None) -> None:
    """Run the installed Accelergy on ARCHITECTURE (v4; the bundled array by default) and show who served what.

    Exit code 1 when a dummy, another plug-in or another version answered for a component of hd_plugin's, or nobody did.
    """
    from dataclasses import asdict

    from hd_plugin.engines.timeloop import RunError, examine
    from hd_plugin.report import doctor_tables

    checked_folder(output)
    try:
        found = examine(architecture, variables)
    except RunError as error:
        click.echo(f"Error: {error}", err=True)
        raise click.exceptions.Exit(1) from error
    content: dict[str, Any] = {
        "schema": "hd-plugin/doctor/1",
        "healthy": found.healthy,
        "accelergy_config": str(found.config),
        "tools": {k: str(v) for k, v in asdict(found.tools).items()},
        "rows": [asdict(row) for row in found.rows],
    }
    deliver(content, "doctor.json", output, as_json, lambda: doctor_tables(content))
    if not found.healthy:
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("source", default=DEFAULT_NETWORK)
@network_options
@output_options
def layers(source: str, as_json: bool, output: Path | None, **options: Any) -> None:
    """Timeloop v4 problems of the layers of NETWORK: one YAML file a layer with -o DIR."""
    from dataclasses import asdict

    from hd_plugin.engines.timeloop import shape_of, write_problems
    from hd_plugin.report import layers_table

    network = load(source, options)
    rows = [{"name": layer.name, **asdict(shape_of(layer))} for layer in network.layers]
    content = {
        "schema": "hd-plugin/layers/1",
        "network": network.name,
        "digest": network.digest,
        "layers": rows,
        "unmapped": [asdict(u) for u in network.unmapped],
    }
    if checked_folder(output) is not None:
        files = write_problems(
            network.layers, output, f"of network {network.name}; stride 1 assumed (weights do not tell it)"
        )
        for row, path in zip(rows, files):
            row["file"] = path.name
    deliver(content, "layers.json", output, as_json, lambda: [layers_table(content)])
