"""Options that several commands share, progress on stderr, and loading a network from them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from hd_plugin.hardware import Activations
    from hd_plugin.weights import Network

__all__ = [
    "DEFAULT_NETWORK",
    "array_options",
    "energy_options",
    "load",
    "network_options",
    "output_options",
    "progress_bar",
    "real_activations",
    "search_options",
    "trellis_options",
]

DEFAULT_NETWORK = "resnet20_cifar10_w4"
_PATIENCE_S = 1.0  # quicker work needs no bar


def _stack(*options: Callable) -> Callable:
    def apply(command: Callable) -> Callable:
        for option in reversed(options):
            command = option(command)
        return command

    return apply


network_options = _stack(
    click.option("--bits", type=int, default=4, show_default=True, help="Width of the weights, 2 to 16."),
    click.option(
        "--number-format",
        default="twos_complement",
        show_default=True,
        help="twos_complement, sign_magnitude, offset_binary or gray.",
    ),
    click.option("--per-channel", is_flag=True, help="Quantise with one step per output channel."),
    click.option(
        "--keep-integers/--requantise",
        default=None,
        help="Keep the file's integers, or quantise again; by default they are kept when they fit.",
    ),
    click.option("--spec", help="Network spec (YAML) with output sizes; 'none' for the file's own layers."),
    click.option(
        "--layer", "layers", multiple=True, metavar="NAME", help="Only this layer; may be repeated."
    ),
)

array_options = _stack(
    click.option(
        "--rows", type=int, default=8, show_default=True, help="Rows of the array: input channels per group."
    )
)

search_options = _stack(
    click.option(
        "--effort", default="local", show_default=True, help="greedy (the paper's algorithms), local or best."
    ),
    click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same plan."),
    click.option(
        "--threads",
        type=int,
        default=None,
        help="Threads to use; all cores by default. Never changes a result.",
    ),
)

trellis_options = _stack(
    click.option(
        "--trellis",
        type=float,
        multiple=True,
        metavar="MU",
        help="Round the weights anew: a flip is worth MU squared steps of rounding error; may be repeated.",
    ),
    click.option(
        "--model", help="With --trellis: the network to run (resnet20, ... or PACKAGE.MODULE:FUNCTION)."
    ),
    click.option(
        "--calibrate",
        type=click.Path(path_type=Path, exists=True),
        help="Training images (no labels are used).",
    ),
    click.option("--calibration-images", type=int, default=1024, show_default=True),
    click.option(
        "--feedback/--no-feedback",
        default=True,
        show_default=True,
        help="Make a weight's error good by later ones, or only weigh errors by the inputs' power.",
    ),
    click.option(
        "--test", type=click.Path(path_type=Path, exists=True), help="Test images, to score each MU."
    ),
)

energy_options = _stack(
    click.option(
        "--activations",
        help="With gate-level energy: what the array holds; relu (default) or linear, drawn from what real layers see, or uniform.",
    )
)

output_options = _stack(
    click.option("--json", "as_json", is_flag=True, help="Machine-readable result on stdout."),
    click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path, file_okay=True),
        metavar="DIR",
        help="Folder for output files.",
    ),
)


def load(source: str, options: dict[str, Any]) -> Network:
    """The network that the shared options ask for; takes its own options out of ``options``."""
    from hd_plugin.weights import load_network

    names = ("bits", "number_format", "per_channel", "keep_integers", "spec", "layers")
    chosen = {n: options.pop(n) for n in names}
    chosen["layers"] = list(chosen["layers"]) or None
    return load_network(source, **chosen)


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int, str], None]]:
    """A callable (done, total, text) that draws a bar on stderr once work has taken a second."""
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    started, tasks = time.monotonic(), {}

    def tell(done: int, total: int, text: str) -> None:
        if time.monotonic() - started < _PATIENCE_S and not bar.live.is_started:
            return
        if not bar.live.is_started:
            bar.start()
        if text not in tasks:
            tasks[text] = bar.add_task(text)
        bar.update(tasks[text], completed=done, total=total)

    try:
        yield tell
    finally:
        if bar.live.is_started:
            bar.stop()


def real_activations(
    model: str, source: str, images: Path, seed: int, unsigned: bool = False
) -> dict[str, Activations]:
    """Every layer's inputs while ``model`` with the weights of ``source`` runs one of ``images``."""
    from hd_plugin.training.calibrate import input_activations
    from hd_plugin.training.data import load_images
    from hd_plugin.training.models import make_model
    from hd_plugin.training.saved import load_into
    from hd_plugin.weights import locate

    pixels, _, classes = load_images(images)
    return input_activations(
        load_into(make_model(model, len(classes)), locate(source)),
        pixels[seed % len(pixels)],
        unsigned=unsigned,
    )
