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
from hd_plugin.errors import InputError

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
@option("Search", "--most", type=int, show_default="five eighths", help="Outputs of the largest ones.")
@option("Search", "--kicks", type=int, default=8, help="Restarts of every local search.")
@option(
    "Search",
    "--generations",
    type=int,
    default=300,
    help="Of the paper's genetic search, for one and for two columns of gates; 0: none. The paper: 2500.",
)
@option(
    "Search",
    "--threshold",
    type=float,
    default=0.02,
    help="Of the genetic search: the largest relative error below which area counts.",
)
@option("Search", "--rows", type=int, default=32, help="Rows of the column whose area counts.")
@option(
    "Search",
    "--data",
    metavar="NETWORK",
    help="Also for encodings that err least where the weights of this network (one step per channel) meet "
    "activations; these are unsigned.",
)
@option(
    "Search",
    "--activations",
    show_default="relu",
    help="With --data, what a layer's input holds: relu, linear or uniform.",
)
@option("Search", "--seed", type=int, default=0, help="Same seed, same encodings.")
@threads_option
@output_options
def search(
    a_unsigned: bool,
    fewest: int | None,
    most: int | None,
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
    from hd_plugin.weights import load_network

    data, activations = asked.pop("data"), asked.pop("activations")
    if activations is not None and data is None:
        raise InputError("--activations: --data is missing, the network whose weights meet them")
    products = asked["a_bits"] * asked["w_bits"]
    fewest = products // 4 if fewest is None else fewest
    most = products * 5 // 8 if most is None else most
    settings = SearchSettings(a_signed=not a_unsigned, fewest=fewest, most=most, **asked)
    checked_folder(output)
    network = None if data is None else load_network(data, bits=settings.w_bits, per_channel=True)
    with jobs(threads, output) as running:
        result = find_encodings(settings, running, data=network, activations=activations or "relu")
    deliver(result, output, as_json, running)


encode.add_command(search)
encode.add_command(evaluate)
