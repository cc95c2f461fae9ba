"""encode evaluate: what a network scores with encoded products."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hd_plugin.cli._command import command, network_argument, option, stack
from hd_plugin.cli._options import EXISTING, given, load, network_options, output_options, threads_option
from hd_plugin.cli._output import checked_folder, deliver
from hd_plugin.cli._progress import jobs

if TYPE_CHECKING:
    from hd_plugin.training.encoded_network import Tuning

__all__ = ["evaluate"]

_TUNING = ("epochs", "tuning_images", "rate", "batch", "gradient")

_images = stack(
    option(
        "Network",
        "--model",
        required=True,
        help="The network to run (resnet20, ... or PACKAGE.MODULE:FUNCTION).",
    ),
    option("Network", "--test", type=EXISTING, required=True, help="Test images, read for scores only."),
    option(
        "Network",
        "--calibrate",
        type=EXISTING,
        help="Training images: steps of activations, biases, and what judges a choice (default: those of "
        "--finetune).",
    ),
    option("Network", "--calibration-images", type=int, default=256, help="How many, drawn by the seed."),
)
_encodings = stack(
    option(
        "Network",
        "--encoding",
        "encodings",
        multiple=True,
        required=True,
        metavar="NAME",
        help="exact, truncated:BITS, truncated:BITS:uncompensated or a file; may be repeated.",
    ),
    option("Network", "--a-bits", type=int, default=8, help="Width of an activation, 2 to 8."),
    option(
        "Network",
        "--exact-layers",
        "exact_layers",
        multiple=True,
        metavar="LAYER",
        help="A layer whose products stay exact; may be repeated.",
    ),
    option(
        "Network",
        "--correct/--plain",
        "correct",
        default=True,
        help="Steps and biases that suit each encoding, from calibration images; or those of exact products.",
    ),
    option(
        "Network",
        "--bound",
        type=float,
        metavar="POINTS",
        help="Also choose an encoding for each layer, losing at most so much top-1 of training images.",
    ),
)
_tuning = stack(
    option(
        "Training",
        "--finetune",
        type=EXISTING,
        multiple=True,
        help="Training images: train with each encoding and score again; may be repeated.",
    ),
    option("Training", "--epochs", type=int, default=1),
    option(
        "Training",
        "--tuning-images",
        type=int,
        default=0,
        show_default="all",
        help="Train on so many of them, drawn by the seed.",
    ),
    option("Training", "--rate", type=float, default=0.004, help="Largest learning rate."),
    option("Training", "--batch", type=int, default=128),
    option(
        "Training",
        "--gradient",
        default="exact",
        help="exact: as if products were exact; table: of the encoding's smoothed table.",
    ),
    option("Training", "--seed", type=int, default=0, help="Of the drawn images and of training."),
)


@command(
    "evaluate",
    "hd-plugin encode evaluate resnet20.th --bits 8 --per-channel --model resnet20 --encoding truncated:40 "
    "--calibrate train.zip --test test.zip",
)
@network_argument()
@network_options
@_images
@_encodings
@_tuning
@threads_option
@output_options
def evaluate(source: str, threads: int | None, as_json: bool, output: Path | None, **options: Any) -> None:
    """Top-1 of NETWORK with encoded products, beside exact integers, for each encoding in all layers.

    Each product comes from the encoding's table. With --finetune networks are trained with their encoding and
    kept in DIR; the same command goes on where an earlier one was stopped.
    """
    from hd_plugin.study import evaluate_encodings
    from hd_plugin.training.encoded_network import TrialImages

    checked_folder(output)
    tune, seed = options.pop("finetune"), options.pop("seed")
    if tune and output is None:
        raise click.UsageError("--finetune needs -o DIR: checkpoints and trained networks are kept there")
    if not tune and (idle := given(*_TUNING)):
        raise click.UsageError(f"{', '.join(idle)}: goes with --finetune only")
    tuning = _asked({name: options.pop(name) for name in _TUNING}, seed) if tune else None
    names = ("model", "encodings", "calibrate", "test", "calibration_images", "a_bits", "correct", "bound")
    own = {name: options.pop(name) for name in (*names, "exact_layers")}
    model, encodings = own.pop("model"), own.pop("encodings")
    count = own.pop("calibration_images")
    network = load(source, options)
    images = TrialImages.read(own.pop("calibrate"), own.pop("test"), tune, count, seed)
    with jobs(threads, output) as running:
        result = evaluate_encodings(
            network, model, encodings, images, jobs=running, folder=output, tuning=tuning, **own
        )
    deliver(result, output, as_json, running)


def _asked(options: dict[str, Any], seed: int) -> Tuning:
    from hd_plugin.training.encoded_network import Tuning

    return Tuning(images=options.pop("tuning_images"), seed=seed, **options)
