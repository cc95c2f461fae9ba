"""characterize: an array in a cell library, and energy models from it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from hd_plugin.cli._options import output_options, progress_bar
from hd_plugin.cli._output import checked_folder, show
from hd_plugin.errors import InputError

__all__ = ["characterize"]


@click.command()
@click.option(
    "--liberty",
    type=click.Path(path_type=Path),
    help="A cell library (Liberty, .lib); synthesis needs pyosys.",
)
@click.option(
    "--technology",
    help="Instead of --liberty: the circuit of a bundled technology, or of an earlier characterisation (a JSON file).",
)
@click.option(
    "--netlist",
    type=click.Path(path_type=Path),
    help="With --liberty: the array's netlist (yosys write_json), instead of synthesis.",
)
@click.option("--name", help="Name of the new technology (default: the library's file name).")
@click.option("--rows", type=int, default=8, show_default=True)
@click.option("--cols", type=int, default=8, show_default=True)
@click.option("--weight-bits", type=int, default=4, show_default=True)
@click.option("--act-bits", type=int, default=8, show_default=True)
@click.option("--psum-bits", type=int, default=16, show_default=True)
@click.option(
    "--node-nm",
    type=float,
    help="Scales what no cell library tells, the memories (default: the technology's, else 45).",
)
@click.option(
    "--wire-load",
    type=float,
    default=1.0,
    show_default=True,
    help="Assumed wire load for each pin, in mean input capacitances.",
)
@click.option(
    "--glitches/--no-glitches",
    default=True,
    show_default=True,
    help="Count what happens inside a cycle, with inertial delays.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--threads", type=int, default=None, help="Threads to use; all cores by default. Never changes a result."
)
@output_options
def characterize(
    liberty: Path | None,
    technology: str | None,
    netlist: Path | None,
    name: str | None,
    node_nm: float | None,
    wire_load: float,
    glitches: bool,
    seed: int,
    threads: int | None,
    as_json: bool,
    output: Path | None,
    **sizes: int,
) -> None:
    """Synthesise the array in a cell library, simulate its gates, and fit energy models to what they spend.

    Writes NAME.json and NAME.circuit.json.gz (to the folder characterised, or with -o DIR); --technology DIR/NAME.json then prices with them in every
    command. Without --liberty the bundled hd_generic45 is characterised anew.
    """
    from hd_plugin.energy import load_characterisation
    from hd_plugin.hardware.gates import (
        ArraySize,
        bundled_library,
        characterise,
        check_names,
        load_circuit,
        make_circuit,
    )
    from hd_plugin.report import characterise_tables

    if liberty and technology:
        raise InputError(
            "--liberty and --technology exclude each other: synthesise with a library, or take a circuit that was"
        )
    if netlist and not liberty:
        raise InputError("--netlist needs --liberty: the library of its cells")
    output = checked_folder(output or Path("characterised"))
    size, wanted = ArraySize(**sizes), technology or "hd_generic45"
    known = None if liberty else load_characterisation(wanted)
    name = name or (liberty.stem if liberty else known.technology.name)
    node_nm = node_nm if node_nm is not None else known.technology.node_nm if known else 45.0
    check_names(name, node_nm, seed)
    if known is not None and (technology or known.array == size.to_dict()) and wire_load == 1.0:
        if known.array != size.to_dict():
            raise InputError(
                f"--technology {wanted}: its circuit is {ArraySize(**known.array).name}, {size.name} is asked for; give --liberty to synthesise another one"
            )
        circuit = load_circuit(known.circuit)
    elif technology:
        raise InputError("--wire-load changes a circuit; give --liberty to make it anew")
    else:
        circuit = make_circuit(liberty or bundled_library(), size, netlist, wire_load)
    with progress_bar() as progress:
        path = characterise(
            circuit,
            name,
            output,
            node_nm=node_nm,
            glitches=glitches,
            seed=seed,
            threads=threads,
            progress=progress,
        )
    content = json.loads(path.read_text(encoding="utf8"))
    if as_json:
        click.echo(json.dumps(content, indent=1))
    else:
        show(*characterise_tables(content))
        click.echo(f"written: {path}")
