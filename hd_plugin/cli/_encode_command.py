"""encode: encodings searched for. The group of the commands about encodings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hd_plugin.cli._command import command, option
from hd_plugin.cli._encode_evaluate import evaluate
from hd_plugin.cli._options import output_options, threads_option
from hd_plugin.cli._output import checked_folder, deliver
from hd_plugin.cli._progress import jobs

__all__ = ["encode"]


@click.group("encode")
def encode() -> None:
    """Encodings (EncodingNet): multipliers replaced by simple gates whose outputs are counted."""


@command("search", "hd-plugin encode search --a-bits 8 --w-bits 8 --seed 0 -o found/")
@option("Search", "--a-bits", type=int, default=8, help="Width of an activation, 2 to 8.")
@option("Search", "--w-bits", type=int, default=8, help="Width of a weight, 2 to 8.")
@option(
    "Search",
    "--unsigned-activations",
    "a_unsigned",
    is_flag=True,
    help="Activations from 0 up, as after a ReLU; weights are always two's complement.",
)
@option("Search", "--fewest", type=int, show_default="a quarter", help="Outputs of the smallest encodings.")
@option("Search", "--rows", type=int, default=32, help="Rows of the column whose area counts.")
@option("Search", "--seed", type=int, default=0, help="Same seed, same encodings.")
@threads_option
@output_options
def search(
    a_unsigned: bool,
    fewest: int | None,
    threads: int | None,
    as_json: bool,
    output: Path | None,
    **asked: Any,
) -> None:
    """Search for encodings of a product that are small and nearly exact.

    With -o DIR: encode-search.json, the encodings as files, and pictures beside the base cases. The same
    command goes on where an earlier one was stopped.
    """
    from hd_plugin.encoding_mac import SearchSettings
    from hd_plugin.study import find_encodings

    if fewest is None:
        fewest = max(1, asked["a_bits"] * asked["w_bits"] // 4)
    settings = SearchSettings(a_signed=not a_unsigned, fewest=fewest, **asked)
    checked_folder(output)
    with jobs(threads, output) as running:
        result = find_encodings(settings, running)
    deliver(result, output, as_json, running)


encode.add_command(search)
encode.add_command(evaluate)
