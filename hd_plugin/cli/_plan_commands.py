"""measure, optimize, round: flips as they are, plans for fewer, weights rounded for fewer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hd_plugin.cli._command import command, moved, network_argument, option, stack
from hd_plugin.cli._options import (
    DEFAULT_NETWORK,
    EXISTING,
    given,
    load,
    method_option,
    network_options,
    objective_options,
    output_options,
    rows_option,
    scenario,
    search_options,
    threads_option,
)
from hd_plugin.cli._output import checked_folder, deliver
from hd_plugin.cli._progress import jobs

if TYPE_CHECKING:
    from hd_plugin.study import Scenario
    from hd_plugin.weights import Network

__all__ = ["measure", "optimize", "round_"]

_ROUND = "weights are rounded by a command of their own, 'hd-plugin round NETWORK --mu MU'"
_model = option("Network", "--model", help="The network to run (resnet20, ... or PACKAGE.MODULE:FUNCTION).")


@command("measure", "hd-plugin measure model.tflite --number-format gray")
@network_argument(DEFAULT_NETWORK)
@network_options
@output_options
def measure(source: str, as_json: bool, output: Path | None, **options: Any) -> None:
    """Flips and NHD of every layer of NETWORK in file order, with flips per bit plane."""
    from hd_plugin import study

    checked_folder(output)
    deliver(study.measure(load(source, options)), output, as_json)


@command("optimize", "hd-plugin optimize model.tflite --method cluster --effort best -o plans/")
@network_argument()
@network_options
@rows_option
@method_option("direct, segment or cluster; may be repeated.", "cluster")
@search_options
@option(
    "Search",
    "--bound",
    is_flag=True,
    help="Also a certified lower bound for the plan's groups (slow for large K).",
)
@threads_option
@objective_options
@_model
@option(
    "Energy", "--calibrate", type=EXISTING, help="With --model: take activations from one of these images."
)
@output_options
@moved("--trellis", to=_ROUND)
@moved("--calibration-images", to=_ROUND)
@moved("--test", to=_ROUND)
@moved("--feedback/--no-feedback", to=_ROUND, is_flag=True)
def optimize(
    source: str,
    bound: bool,
    model: str | None,
    calibrate: Path | None,
    threads: int | None,
    as_json: bool,
    output: Path | None,
    **options: Any,
) -> None:
    """Stream plans for the layers of NETWORK: one file a layer with -o DIR. Ctrl-C keeps the best so far.

    With --objective energy the datapath energy of a characterised technology is minimised instead of flips,
    and both plans are simulated at gate level; --model and --calibrate take activations from a run of the
    network on an image.
    """
    from hd_plugin import study

    checked_folder(output)
    if bool(model) != bool(calibrate):
        raise click.UsageError(
            "--model and --calibrate go together: the network, and images to run through it"
        )
    asked, network = _one_method(source, options)
    activations = None
    if model and calibrate:
        if asked.objective == "flips":
            raise click.UsageError("--model and --calibrate go with --objective energy only")
        from hd_plugin.training.calibrate import network_activations

        activations = network_activations(model, network.source, calibrate, asked.seed, unsigned=True)
    with jobs(threads, output) as running:
        result = study.plan(network, asked, bound=bound, activations=activations, jobs=running)
    deliver(result, output, as_json, running)


def _one_method(source: str, options: dict[str, Any]) -> tuple[Scenario, Network]:
    """What is asked, cluster where no method is named, and the network."""
    asked = scenario(source, options | {"methods": options["methods"] or ("cluster",)})
    if not asked.needs_gates and (unused := given("technology", "activations")):
        raise click.UsageError(f"{', '.join(unused)}: goes with --objective energy only")
    if asked.network is None:
        raise click.UsageError(f"{source}: names no network")
    from hd_plugin.study import read_network

    return asked, read_network(asked.network)


_calibration = stack(
    option(
        "Rounding", "--calibrate", type=EXISTING, help="With --model: training images (no labels are used)."
    ),
    option("Rounding", "--calibration-images", type=int, default=1024),
    option(
        "Rounding",
        "--feedback/--no-feedback",
        default=True,
        help="Make a weight's error good by later ones, or only weigh errors by the inputs' power.",
    ),
    option("Rounding", "--test", type=EXISTING, help="With --model: test images, to score each MU."),
)


@command(
    "round",
    "hd-plugin round model.pt --mu 0.8 --model resnet20 --calibrate train.zip --test test.zip -o out/",
)
@network_argument()
@network_options
@rows_option
@method_option("Whose orders: direct, segment or cluster.", "cluster")
@search_options
@threads_option
@objective_options
@option(
    "Rounding",
    "--mu",
    "mus",
    type=float,
    multiple=True,
    required=True,
    metavar="MU",
    help="A flip is worth MU squared steps of rounding error; may be repeated.",
)
@_model
@_calibration
@output_options
def round_(
    source: str,
    mus: tuple[float, ...],
    threads: int | None,
    as_json: bool,
    output: Path | None,
    **options: Any,
) -> None:
    """Round the weights of NETWORK anew, so that rounding error plus MU times flips is least; no training.

    With --model and --calibrate the errors that reach each layer's outputs count, and with --test every MU is
    scored. With -o DIR: a folder for each MU, with network.npz and plans. --objective energy prices flips by
    a characterised technology, and simulates what comes of it.
    """
    from hd_plugin import study

    checked_folder(output)
    model, calibrate, test = (options.pop(name) for name in ("model", "calibrate", "test"))
    count, feedback = options.pop("calibration_images"), options.pop("feedback")
    if (calibrate or test) and model is None:
        raise click.UsageError("--calibrate and --test need --model: the network to run the images through")
    if calibrate is None and (idle := given("calibration_images", "feedback")):
        raise click.UsageError(f"{', '.join(idle)}: goes with --calibrate only")
    asked, network = _one_method(source, options)
    scoring = None
    if model:
        from hd_plugin.training.scoring import Scoring

        scoring = Scoring(model, network.source, calibrate, count, asked.seed, test)
    with jobs(threads, output) as running:
        result = study.round_weights(network, mus, asked, scoring=scoring, feedback=feedback, jobs=running)
    deliver(result, output, as_json, running)
