"""Options that several commands share, each spelled once, and what they ask for together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hd_plugin.cli._command import F, option, stack
from hd_plugin.cli._output import wide
from hd_plugin.errors import InputError

if TYPE_CHECKING:
    from hd_plugin.study import Scenario
    from hd_plugin.weights import Network, NetworkChoice

__all__ = [
    "DEFAULT_NETWORK",
    "EXISTING",
    "FILE",
    "array_options",
    "changed_inputs",
    "given",
    "given_as_file",
    "load",
    "method_option",
    "network_choice",
    "network_options",
    "objective_options",
    "output_options",
    "pairs",
    "rows_option",
    "scenario",
    "search_options",
    "sizing_options",
    "threads_option",
    "wide_option",
]

DEFAULT_NETWORK = "resnet20_cifar10_w4"
EXISTING = click.Path(path_type=Path, exists=True)
FILE = click.Path(path_type=Path, dir_okay=False)
_READING = ("bits", "number_format", "per_channel", "keep_integers", "spec", "layers")
_SIZING = ("tokens", "model", "input_size")  # of commands that ask how large outputs are
_FREE = ("threads", "as_json", "output", "source")  # how a study is run, not what it asks

network_options = stack(
    option("Network", "--bits", type=int, default=4, help="Width of the weights, 2 to 16."),
    option(
        "Network",
        "--number-format",
        default="twos_complement",
        help="twos_complement, sign_magnitude, offset_binary or gray.",
    ),
    option("Network", "--per-channel", is_flag=True, help="Quantise with one step per output channel."),
    option(
        "Network",
        "--keep-integers/--requantise",
        default=None,
        help="Keep the file's integers, or quantise again; by default they are kept when they fit.",
    ),
    option("Network", "--spec", help="Network spec by name or file (YAML): its layers, its output sizes."),
    option(
        "Network",
        "--layer",
        "layers",
        multiple=True,
        metavar="NAME",
        help="Only this layer, read alone; may be repeated. Embeddings stream where they are named.",
    ),
)

sizing_options = stack(
    option(
        "Network",
        "--tokens",
        type=int,
        help="Input vectors of each linear layer (default: as the file tells, else 1).",
    ),
    option(
        "Network",
        "--model",
        help="With --input-size: the PyTorch network that the weights belong to (resnet20, ... or "
        "PACKAGE.MODULE:FUNCTION), run once for output sizes, strides and paddings.",
    ),
    option("Network", "--input-size", metavar="HxW", help="Of --model: HxW, or CxHxW."),
)

rows_option = option(
    "Array", "--rows", type=int, show_default="8", help="Rows of the array: input channels per group."
)
array_options = stack(
    rows_option,
    option(
        "Array", "--cols", type=int, show_default="8", help="Columns of the array: output pixels per tile."
    ),
)


def method_option(told: str, default: str) -> Callable[[F], F]:
    """--method, ``default`` in words where none is named."""
    return option("Search", "--method", "methods", multiple=True, show_default=default, help=told)


search_options = stack(
    option("Search", "--effort", default="local", help="greedy (the paper's algorithms), local or best."),
    option("Search", "--seed", type=int, default=0, help="Same seed, same plan."),
)
threads_option = option(
    "Search", "--threads", type=int, show_default="all cores", help="Threads to use. Never changes a result."
)

objective_options = stack(
    option("Energy", "--objective", default="flips", help="What plans minimise: flips, or modelled energy."),
    option(
        "Energy",
        "--technology",
        help="Energy coefficients: a bundled name or a file (default: the array's, else eyeriss45; "
        "hd_generic45 for gate-level energy).",
    ),
    option(
        "Energy",
        "--activations",
        help="With gate-level energy: what the array holds; relu (default) or linear, drawn from what real "
        "layers see, or uniform.",
    ),
)

wide_option = option(
    "Output",
    "--wide",
    is_flag=True,
    expose_value=False,
    callback=wide,
    help="Tables with all columns and whole names, however wide.",
)
output_options = stack(
    wide_option,
    option("Output", "--json", "as_json", is_flag=True, help="Machine-readable result on stdout."),
    option(
        "Output",
        "-o",
        "--output",
        type=click.Path(path_type=Path, file_okay=True),
        metavar="DIR",
        help="Folder for output files.",
    ),
)


def network_choice(source: str, options: dict[str, Any]) -> NetworkChoice:
    """Which weights the shared options ask for; takes its own options out of ``options``."""
    from hd_plugin._checked import check
    from hd_plugin.weights import NetworkChoice

    found = {name: options.pop(name) for name in _READING}
    if "input_size" in options:
        found |= {name: options.pop(name) for name in _SIZING}
    found["layers"] = list(found["layers"]) or None
    return check(NetworkChoice, {"source": source, **found}, "")


def load(source: str, options: dict[str, Any]) -> Network:
    """The network that the shared options ask for; takes its own options out of ``options``."""
    from hd_plugin.study import read_network

    return read_network(network_choice(source, options))


def scenario(source: str, options: dict[str, Any]) -> Scenario:
    """What the options ask for, or what the file ``source`` asks for: a scenario (YAML), or a report's JSON.

    Raises InputError that lists all problems; UsageError for options that a scenario's file answers already.
    """
    from hd_plugin._checked import check
    from hd_plugin.study import Scenario

    if given_as_file(source):
        if twice := given(*(name for name in options if name not in _FREE)):
            raise click.UsageError(
                f"{', '.join(twice)}: {source} says what is asked; take the option out, or write it into "
                "the file"
            )
        return Scenario.load(source)
    fields = dict(options)
    fields["network"] = network_choice(source, fields)
    if not fields.get("methods"):
        fields.pop("methods", None)
    return check(Scenario, {k: v for k, v in fields.items() if v is not None}, "")


def pairs(words: Sequence[str], option: str) -> dict[str, str]:
    """NAME=VALUE of an option that may be repeated. Raises UsageError: no such pair, or a name twice."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals and value):
            raise click.UsageError(f"{option}: {word!r} found; NAME=VALUE is needed")
        if name in found:
            raise click.UsageError(f"{option}: {name} is {found[name]!r} and {value!r}; keep one of them")
        found[name] = value
    return found


def given_as_file(source: str) -> bool:
    """Whether ``source`` says the whole experiment: a scenario, or a report."""
    path = Path(source)  # an index of weights is no scenario
    return path.suffix in (".yaml", ".yml", ".json") and not path.name.endswith(".index.json")


def changed_inputs(source: str, digests: Mapping[str, str]) -> list[str]:
    """Weights whose digest is not the one in the report ``source``; none where it is no report."""
    from hd_plugin._guard import read_bytes
    from hd_plugin._parsed import parse_json

    if Path(source).suffix != ".json":
        return []
    told = parse_json(read_bytes(source), source, "make the report again")["provenance"].get("input_digests")
    if not isinstance(told, Mapping):
        raise InputError(f"{source}: provenance.input_digests: a mapping of files and digests is needed")
    return sorted(name for name in {*told, *digests} if told.get(name) != digests.get(name))


def given(*names: str) -> list[str]:
    """Those of the parameters that stand on the command line, as the user spells them."""
    context = click.get_current_context()
    spelled = {str(p.name): p.opts[-1] for p in context.command.params}
    typed = click.core.ParameterSource.COMMANDLINE
    return [spelled[n] for n in names if context.get_parameter_source(n) is typed]
