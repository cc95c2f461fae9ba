"""characterize: an array in a cell library, and energy models from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hd_plugin.cli._command import command, option
from hd_plugin.cli._options import output_options, threads_option
from hd_plugin.cli._output import checked_folder, deliver
from hd_plugin.cli._progress import jobs

__all__ = ["characterize"]

_PATH = click.Path(path_type=Path)


@command("characterize", "hd-plugin characterize --liberty cells.lib --rows 16 --cols 16 -o characterised/")
@option(
    "Synthesis",
    "--liberty",
    type=_PATH,
    multiple=True,
    help="A cell library (Liberty, .lib or .lib.gz); repeated where it comes in several files; synthesis "
    "needs pyosys.",
)
@option(
    "Synthesis",
    "--technology",
    help=(
        "Instead of --liberty: the circuit of a bundled technology, or of an earlier characterisation (a "
        "JSON file)."
    ),
)
@option(
    "Synthesis",
    "--netlist",
    type=_PATH,
    help="With --liberty: the array's netlist (yosys write_json), instead of synthesis.",
)
@option("Synthesis", "--name", help="Name of the new technology (default: the library's file name).")
@option("Array", "--rows", type=int, default=8)
@option("Array", "--cols", type=int, default=8)
@option("Array", "--weight-bits", type=int, default=4)
@option("Array", "--act-bits", type=int, default=8)
@option("Array", "--psum-bits", type=int, default=16)
@option(
    "Array",
    "--mac",
    default="binary",
    help="Its PEs: binary, tree, exact, or the file of an encoding; NAME@N: registers in its columns.",
)
@option(
    "Synthesis",
    "--node-nm",
    type=float,
    help="Scales what no cell library tells, the memories (default: the technology's, else 45).",
)
@option(
    "Synthesis",
    "--wire-load",
    type=float,
    default=1.0,
    help="Assumed wire load for each pin, in mean input capacitances.",
)
@option(
    "Synthesis",
    "--fraig/--no-fraig",
    default=True,
    help="abc's search for equal nets; without it large columns that count are minutes in place of hours.",
)
@option(
    "Energy",
    "--glitches/--no-glitches",
    default=True,
    help="Count what happens inside a cycle, with inertial delays.",
)
@option("Search", "--seed", type=int, default=0)
@threads_option
@output_options
def characterize(threads: int | None, as_json: bool, output: Path | None, **options: Any) -> None:
    """Synthesise the array in a cell library, simulate its gates, and fit energy models to what they spend.

    Writes NAME.json and NAME.circuit.json.gz (to the folder characterised, or with -o DIR); --technology
    DIR/NAME.json then prices with them in every command. Without --liberty the bundled hd_generic45 is
    characterised anew.
    """
    from hd_plugin.hardware import ArraySize
    from hd_plugin.study import CharacteriseRequest
    from hd_plugin.study import characterize as make

    names = ("rows", "cols", "weight_bits", "act_bits", "psum_bits")
    size = ArraySize(**{name: options.pop(name) for name in names})
    folder = output or Path("characterised")
    checked_folder(folder)
    with jobs(threads) as running:
        result = make(folder, CharacteriseRequest(size=size, **options), running)
    deliver(result, None, as_json)
