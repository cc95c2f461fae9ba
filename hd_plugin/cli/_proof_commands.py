"""verify and rewrite: the same results, proven, with and without hardware."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hd_plugin.cli._command import command, moved, network_argument, option
from hd_plugin.cli._options import (
    DEFAULT_NETWORK,
    EXISTING,
    array_options,
    given,
    given_as_file,
    method_option,
    network_choice,
    network_options,
    output_options,
    scenario,
    search_options,
    sizing_options,
    threads_option,
)
from hd_plugin.cli._output import checked_folder, deliver
from hd_plugin.cli._progress import jobs
from hd_plugin.errors import InputError

__all__ = ["rewrite", "verify"]


@command("verify", "hd-plugin verify model.tflite --plan plans/ --simulator verilator --all-tiles")
@network_argument(DEFAULT_NETWORK)
@network_options
@sizing_options
@array_options
@method_option("Without --plan: direct, segment or cluster; may be repeated.", "all")
@search_options
@threads_option
@option(
    "Proof",
    "--plan",
    "paths",
    type=EXISTING,
    multiple=True,
    metavar="PLAN",
    help=(
        "A plan file, or a folder of them; may be repeated. Without it, plans are searched as optimize does."
    ),
)
@option(
    "Proof",
    "--simulator",
    default="auto",
    help="verilator, iverilog, auto (the one that is installed) or none.",
)
@option(
    "Proof",
    "--mac",
    default="binary",
    help="The array: binary (systolic), tree, exact, or the file of an encoding (encode search makes them); "
    "NAME@N: a register behind every N full adders (tree: rows) of a column.",
)
@option("Proof", "--tiles", type=int, default=4, help="Tiles of each layer that go through the Verilog.")
@option("Proof", "--all-tiles", is_flag=True, help="Every tile through the Verilog.")
@option("Proof", "--alternate", is_flag=True, help="Every other tile runs backwards.")
@option(
    "Proof",
    "--images",
    type=EXISTING,
    help="With --model: take activations from an image of these, not random ones.",
)
@output_options
def verify(
    source: str,
    paths: tuple[Path, ...],
    threads: int | None,
    as_json: bool,
    output: Path | None,
    **options: Any,
) -> None:
    """Run NETWORK's layers through stream plans, in integers and, with a simulator installed, through the
    Verilog.

    Both must equal the plain convolution exactly (with an encoding as --mac, that of its products), address
    tables included, and the toggles of the weight
    inputs must equal the hardware flip count. Exit code 1 when they do not. With -o DIR: verify.json and the
    tables, as JSON and for $readmemh.
    """
    from hd_plugin.study import load_plans, read_network, verify_network

    model, images, mac = options["model"], options.pop("images"), options.pop("mac")
    if model is None and images is not None:
        raise InputError("--images and --model go together: the network to run the images through")
    if images is not None and options["input_size"] is None:
        options["model"] = None  # it is run on the images, and not asked for sizes
    if paths and given_as_file(source):
        raise InputError(f"--plan and {source} exclude each other: plans have their own methods and effort")
    if paths and (twice := given("methods", "rows", "effort")):
        raise InputError(f"--plan and {', '.join(twice)} exclude each other: plans have their own")
    if len(twice := given("tiles", "all_tiles")) == 2:
        raise InputError(f"{' and '.join(twice)} exclude each other")
    proof = {name: options.pop(name) for name in ("simulator", "tiles", "all_tiles", "alternate")}
    asked = scenario(source, options)
    checked_folder(output)
    if asked.network is None:
        raise click.UsageError(f"{source}: names no network")
    network, activations = read_network(asked.network), None
    if model and images:
        from hd_plugin.training.calibrate import network_activations

        found = network_activations(model, network.source, images, asked.seed)
        activations = (found, f"{images}, image {asked.seed}")
    plans = load_plans(network, paths) if paths else None
    with jobs(threads, output) as running:
        result = verify_network(
            network,
            asked,
            plans=plans,
            activations=activations,
            options=_proof(asked, proof),
            jobs=running,
            mac=mac,
        )
    deliver(result, output, as_json, running)


def _proof(asked: Any, proof: dict[str, Any]) -> Any:
    from hd_plugin._checked import check
    from hd_plugin.hardware import VerifyOptions

    tiles = None if proof.pop("all_tiles") else proof["tiles"]
    fields = {**proof, "tiles": tiles, "cols": asked.array.cols, "seed": asked.seed}
    return check(VerifyOptions, fields, "")


@command("rewrite", "hd-plugin rewrite resnet20.th --model resnet20 --test cifar10_test.zip -o out/")
@network_argument()
@network_options
@option(
    "Network",
    "--model",
    help=(
        "The network that the weights belong to (resnet20, ... or PACKAGE.MODULE:FUNCTION); an .onnx file "
        "has its own."
    ),
)
@option("Network", "--classes", type=int, default=10, help="Of --model, where no --test images tell.")
@option("Network", "--input-size", "size", default="32x32", help="Of --model: HxW, or CxHxW.")
@moved("--input", to="it is --input-size, as in other commands")
@search_options
@option(
    "Proof",
    "--outputs",
    type=click.Choice(["keep", "permute"]),
    default="keep",
    help="Of the whole network: keep their order or not.",
)
@option(
    "Proof",
    "--test",
    type=EXISTING,
    help="Run both networks in integers on these images: scores, and whether all sums are equal.",
)
@output_options
def rewrite(source: str, size: str, as_json: bool, output: Path | None, **options: Any) -> None:
    """Reorder NETWORK's channels for few flips, no hardware: rows of each layer, columns of the layers after
    it.

    NETWORK is an .onnx file, or weights with --model. With -o DIR: the network in its own format, and
    rewrite.json. Exit code 1 when --test finds a difference.
    """
    from hd_plugin.study import RewriteRequest, rewrite_network
    from hd_plugin.weights import locate

    checked_folder(output)
    path = locate(source)
    if output is not None and (output / path.name).resolve() == path.resolve():
        raise InputError(f"{output / path.name}: is NETWORK itself, which would be lost; give another folder")
    choice = network_choice(source, options)
    if path.suffix == ".onnx" and (idle := given("classes", "size", "spec")):
        raise InputError(f"{', '.join(idle)}: {path} has its own network; leave it out")
    request = RewriteRequest(shape=_shape(size, options["classes"]), **options)
    result = rewrite_network(choice, request)
    if output is not None:
        result.save(output / path.name)
    deliver(result, output, as_json)


def _shape(size: str, classes: int) -> tuple[int, ...]:
    """Of --input-size."""
    from hd_plugin.weights import image_size

    try:
        shape = image_size(size)
    except ValueError as error:
        raise InputError(f"--input-size: {error}") from error
    if classes < 1:
        raise InputError(f"--classes: {classes} found; at least one is needed")
    return shape
