"""rewrite: a network with its channels in an order that flips few bits, and the same outputs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hd_plugin.cli._options import load, network_options, output_options
from hd_plugin.cli._output import checked_folder, deliver
from hd_plugin.errors import InputError

if TYPE_CHECKING:
    from hd_plugin.rewriting import Rewriting

__all__ = ["rewrite"]


@click.command()
@click.argument("source")
@network_options
@click.option(
    "--model",
    help="The network that the weights belong to (resnet20, ... or PACKAGE.MODULE:FUNCTION); an .onnx file has its own.",
)
@click.option(
    "--classes", type=int, default=10, show_default=True, help="Of --model, where no --test images tell."
)
@click.option(
    "--input", "size", default="3x32x32", show_default=True, help="Of --model: channels x height x width."
)
@click.option(
    "--outputs",
    type=click.Choice(["keep", "permute"]),
    default="keep",
    show_default=True,
    help="Of the whole network: keep their order or not.",
)
@click.option(
    "--test",
    type=click.Path(path_type=Path, exists=True),
    help="Run both networks in integers on these images: scores, and whether all sums are equal.",
)
@click.option(
    "--effort", default="local", show_default=True, help="greedy (the paper's algorithm), local or best."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same orders.")
@output_options
def rewrite(
    source: str,
    model: str | None,
    classes: int,
    size: str,
    outputs: str,
    test: Path | None,
    effort: str,
    seed: int,
    as_json: bool,
    output: Path | None,
    **options: Any,
) -> None:
    """Reorder the channels of SOURCE for few flips without any hardware: rows of each layer, columns of the layers after it.

    SOURCE is an .onnx file, or weights with --model. With -o DIR: the network in its own format, and rewrite.json. Exit code 1 when --test
    finds a difference.
    """
    from hd_plugin.report import rewrite_table
    from hd_plugin.weights import locate

    checked_folder(output)
    path = locate(source)
    if output is not None and (output / path.name).resolve() == path.resolve():
        raise InputError(f"{output / path.name}: is SOURCE itself, which would be lost; give another folder")
    content: dict[str, Any] = {
        "schema": "hd-plugin/rewrite/1",
        "source": path.name,
        "outputs": outputs,
        "effort": effort,
        "seed": seed,
    }
    if path.suffix == ".onnx":
        if model or test:
            raise InputError(f"{path}: an .onnx file has its own network; --model and --test go with weights")
        if options["layers"]:
            raise InputError("--layer: a network is rewritten as a whole")
        told, order = _onnx(path, output, options, outputs=outputs, effort=effort, seed=seed)
    elif model is None:
        raise InputError(
            f"{path}: give --model, the network that these weights belong to (or an .onnx file, which has its own)"
        )
    else:
        told, order = _torch(
            path,
            source,
            model,
            classes,
            size,
            test,
            output,
            options,
            content,
            outputs=outputs,
            effort=effort,
            seed=seed,
        )
    content |= {"output_order": order, "layers": [asdict(t) for t in told]}
    deliver(content, "rewrite.json", output, as_json, lambda: [rewrite_table(content)])
    if content.get("test") and not content["test"]["equal"]:
        click.get_current_context().exit(1)


def _onnx(
    path: Path, output: Path | None, options: dict[str, Any], **how: Any
) -> tuple[list[Rewriting], list[int]]:
    from hd_plugin.rewriting.onnx_network import rewrite_onnx

    names = ("bits", "number_format", "per_channel", "keep_integers")
    made = rewrite_onnx(path, output / path.name if output else None, **{n: options[n] for n in names}, **how)
    return made.told, made.output_order.tolist()


def _torch(
    path: Path,
    source: str,
    model: str,
    classes: int,
    size: str,
    test: Path | None,
    output: Path | None,
    options: dict[str, Any],
    content: dict[str, Any],
    **how: Any,
) -> tuple[list[Rewriting], list[int]]:
    from hd_plugin.training.rewritten import rewrite_weights

    try:
        shape = tuple(int(n) for n in size.lower().split("x"))
    except ValueError as error:
        raise InputError(
            f"--input: {size!r} found; channels x height x width, 3x32x32 say, are needed"
        ) from error
    if len(shape) != 3 or min(shape) < 1 or classes < 1:
        raise InputError(
            f"--input, --classes: {size!r}, {classes} found; channels x height x width, 3x32x32 say, and at least one class are needed"
        )
    made = rewrite_weights(model, path, load(source, options), shape, classes, test, **how)
    content["test"] = made.test
    if output is not None:
        made.save(output / path.name)
    return made.rewritten.told, made.rewritten.output_order.tolist()
