"""train: networks with few flips, by the paper's training or by trellis training, and what they cost in
accuracy.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hd_plugin.cli._command import command, option, stack
from hd_plugin.cli._options import EXISTING, wide_option
from hd_plugin.cli._output import checked_folder, deliver
from hd_plugin.cli._progress import jobs, progress_bar

if TYPE_CHECKING:
    from hd_plugin.training.sweep import Sweep

__all__ = ["train"]

_METHODS = click.Choice(["direct", "segment", "cluster"])

_images = stack(
    option(
        "Network",
        "--data",
        type=EXISTING,
        multiple=True,
        required=True,
        help="Training images, a zip or a folder of CLASS/image; may be repeated.",
    ),
    option(
        "Network",
        "--test",
        type=EXISTING,
        multiple=True,
        required=True,
        help="Test images, read once, after training.",
    ),
    option(
        "Network",
        "--start",
        type=EXISTING,
        help="Float weights to start from (.pt .pth .th, or a .npz of ours); without it, train from scratch.",
    ),
)
_weights = stack(
    option("Network", "--bits", type=int, default=4, help="Width of the weights."),
    option(
        "Network",
        "--per-channel/--per-tensor",
        default=True,
        help="One step per output channel, or per tensor.",
    ),
    option("Network", "--number-format", default="twos_complement"),
    option("Array", "--rows", type=int, default=8, help="Rows of the array: input channels per group."),
    option(
        "Search", "--order-method", type=_METHODS, default="cluster", help="Whose orders are trained for."
    ),
)
_float_epochs = stack(
    option(
        "Training",
        "--float-epochs",
        type=int,
        help="Float epochs before, once for all runs (default: 20 without --start, none with it).",
    ),
    option(
        "Training", "--float-rate", type=float, default=0.2, help="Largest learning rate of the float epochs."
    ),
    option("Training", "--float-decay", type=float, default=5e-4, help="Weight decay of the float epochs."),
)
_epochs = stack(
    option("Training", "--method", type=click.Choice(["paper", "trellis"]), default="trellis"),
    option(
        "Training",
        "--strength",
        "strengths",
        type=float,
        multiple=True,
        help="lambda or mu, squared steps a flip; may be repeated. The baseline (0) always comes first.",
    ),
    option("Training", "--epochs", type=int, default=6, help="Quantised epochs."),
    option(
        "Training", "--rate", type=float, default=0.02, help="Largest learning rate of the quantised epochs."
    ),
    option("Training", "--batch", type=int, default=128),
    option(
        "Training", "--smoothing", type=float, default=0.0, help="Label smoothing, a share, in all epochs."
    ),
    option(
        "Training",
        "--decay-norms/--no-decay-norms",
        default=True,
        help="Weight decay on biases and batch norms too.",
    ),
    option("Training", "--seed", type=int, default=0),
    option(
        "Training",
        "--device",
        default="cpu",
        help="cpu, cuda, cuda:0 ... Several: torchrun -m hd_plugin.cli train ...",
    ),
    option(
        "Training",
        "--minutes",
        type=float,
        help="Stop before the epoch that would take longer than this; the same command goes on.",
    ),
)


@command(
    "train",
    "hd-plugin train resnet20 --data train.zip --test test.zip --start resnet20.th --strength 2 -o runs/",
)
@click.argument("model")
@_images
@_weights
@_float_epochs
@_epochs
@wide_option
@option("Output", "--json", "as_json", is_flag=True, help="Machine-readable result on stdout.")
@option(
    "Output",
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    required=True,
    help="Folder of the runs.",
)
def train(model: str, as_json: bool, output: Path, **options: Any) -> None:
    """Train MODEL (resnet20, mobilenet_v2, ... or PACKAGE.MODULE:FUNCTION) for few bit flips.

    DIR gets a folder a run (checkpoint, log.csv, network.npz, result.json), and of all runs train.json,
    front.csv, front.png and curves.png. A run that is there is not done again, so strengths and methods can
    be added later.
    """
    from hd_plugin.study import training_table

    checked_folder(output)
    wanted = [("baseline", 0.0), *((options["method"], s) for s in options["strengths"])]
    sweep = _sweep(model, output, options)
    with progress_bar() as progress:
        done = sweep.run(wanted, options["minutes"], progress)
    if not sweep.first_process:
        return
    if not done:
        click.echo(f"stopped; the same command goes on from {output}", err=True)
        return
    with jobs(None) as running:
        result = training_table(output, sweep.recipe, options["rows"], options["order_method"], running)
    deliver(result, output, as_json)


def _sweep(model: str, output: Path, options: dict[str, Any]) -> Sweep:
    from hd_plugin.training.loop import Recipe
    from hd_plugin.training.sweep import Sweep

    shared = {name: options[name] for name in ("seed", "smoothing", "decay_norms")}
    recipe = Recipe(
        options["epochs"],
        options["batch"],
        options["rate"],
        bits=options["bits"],
        per_channel=options["per_channel"],
        **shared,
    )
    start, floats = options["start"], options["float_epochs"]
    floats = floats if floats is not None else 0 if start else 20
    before = None
    if floats or not start:
        before = Recipe(floats, options["batch"], options["float_rate"], options["float_decay"], **shared)
    return Sweep(
        model,
        recipe,
        list(options["data"]),
        list(options["test"]),
        start,
        output,
        before,
        options["number_format"],
        options["rows"],
        options["order_method"],
        options["device"],
    )
