"""train: networks with few flips, by the paper's training or by trellis training, and what they cost in accuracy."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hd_plugin.cli._options import progress_bar
from hd_plugin.cli._output import checked_folder, show

if TYPE_CHECKING:
    from hd_plugin.training.loop import Recipe

__all__ = ["train"]

_EXISTING = click.Path(path_type=Path, exists=True)


@click.command()
@click.argument("model")
@click.option(
    "--data",
    "data_",
    type=_EXISTING,
    multiple=True,
    required=True,
    help="Training images, a zip or a folder of CLASS/image; may be repeated.",
)
@click.option(
    "--test", type=_EXISTING, multiple=True, required=True, help="Test images, read once, after training."
)
@click.option(
    "--start",
    type=_EXISTING,
    help="Float weights to start from (.pt .pth .th, or a .npz of ours); without it, train from scratch.",
)
@click.option("--method", type=click.Choice(["paper", "trellis"]), default="trellis", show_default=True)
@click.option(
    "--strength",
    "strengths",
    type=float,
    multiple=True,
    help="lambda or mu, squared steps a flip; may be repeated. The baseline (0) always comes first.",
)
@click.option("--epochs", type=int, default=6, show_default=True, help="Quantised epochs.")
@click.option(
    "--float-epochs",
    type=int,
    help="Float epochs before, once for all runs (default: 20 without --start, none with it).",
)
@click.option("--batch", type=int, default=128, show_default=True)
@click.option(
    "--rate",
    type=float,
    default=0.02,
    show_default=True,
    help="Largest learning rate of the quantised epochs.",
)
@click.option(
    "--float-rate",
    type=float,
    default=0.2,
    show_default=True,
    help="Largest learning rate of the float epochs.",
)
@click.option(
    "--float-decay", type=float, default=5e-4, show_default=True, help="Weight decay of the float epochs."
)
@click.option(
    "--smoothing", type=float, default=0.0, show_default=True, help="Label smoothing, a share, in all epochs."
)
@click.option(
    "--decay-norms/--no-decay-norms",
    default=True,
    show_default=True,
    help="Weight decay on biases and batch norms too.",
)
@click.option("--bits", type=int, default=4, show_default=True, help="Width of the weights.")
@click.option(
    "--per-channel/--per-tensor",
    default=True,
    show_default=True,
    help="One step per output channel, or per tensor.",
)
@click.option("--number-format", default="twos_complement", show_default=True)
@click.option(
    "--rows", type=int, default=8, show_default=True, help="Rows of the array: input channels per group."
)
@click.option(
    "--order-method",
    type=click.Choice(["direct", "segment", "cluster"]),
    default="cluster",
    show_default=True,
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--device",
    default="cpu",
    show_default=True,
    help="cpu, cuda, cuda:0 ... Several: torchrun -m hd_plugin.cli train ...",
)
@click.option(
    "--minutes",
    type=float,
    help="Stop before the epoch that would take longer than this; the same command goes on.",
)
@click.option("--json", "as_json", is_flag=True, help="Machine-readable result on stdout.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    required=True,
    help="Folder of the runs.",
)
def train(
    model: str,
    data_: tuple[Path, ...],
    test: tuple[Path, ...],
    start: Path | None,
    method: str,
    strengths: tuple[float, ...],
    epochs: int,
    float_epochs: int | None,
    batch: int,
    rate: float,
    float_rate: float,
    float_decay: float,
    smoothing: float,
    decay_norms: bool,
    bits: int,
    per_channel: bool,
    number_format: str,
    rows: int,
    order_method: str,
    seed: int,
    device: str,
    minutes: float | None,
    as_json: bool,
    output: Path,
) -> None:
    """Train MODEL (resnet20, mobilenet_v2, ... or PACKAGE.MODULE:FUNCTION) for few bit flips.

    DIR gets a folder a run (checkpoint, log.csv, network.npz, result.json), and of all runs train.json, front.csv, front.png
    and curves.png. A run that is there is not done again, so strengths and methods can be added later.
    """
    from hd_plugin.training.loop import Recipe
    from hd_plugin.training.sweep import Sweep

    checked_folder(output)
    shared = {"seed": seed, "smoothing": smoothing, "decay_norms": decay_norms}
    recipe = Recipe(epochs, batch, rate, bits=bits, per_channel=per_channel, **shared)
    float_epochs = float_epochs if float_epochs is not None else 0 if start else 20
    before = (
        Recipe(float_epochs, batch, float_rate, float_decay, **shared) if float_epochs or not start else None
    )
    sweep = Sweep(
        model,
        recipe,
        list(data_),
        list(test),
        start,
        output,
        before,
        number_format,
        rows,
        order_method,
        device,
    )
    with progress_bar() as progress:
        done = sweep.run([("baseline", 0.0), *((method, s) for s in strengths)], minutes, progress)
    if not sweep.first_process:
        return
    if not done:
        click.echo(f"stopped; the same command goes on from {output}", err=True)
        return
    content = _summary(output, model, recipe, rows, order_method)
    _write(output, content)
    if as_json:
        click.echo(json.dumps(content, indent=1))
    else:
        from hd_plugin.report import training_table

        show(training_table(content))
        click.echo(f"plots: {output / 'front.png'}, {output / 'curves.png'}")


def _summary(output: Path, model: str, recipe: Recipe, rows: int, order_method: str) -> dict[str, Any]:
    """Every finished run in the folder, its flips and energy against the baseline network in file order."""
    from dataclasses import asdict, replace

    from hd_plugin.combined import combine
    from hd_plugin.comparison import compare
    from hd_plugin.weights import load_network

    folders = sorted(
        (p.parent for p in output.glob("*/result.json")), key=lambda p: (p.name != "baseline", p.name)
    )
    results = [json.loads((p / "result.json").read_text(encoding="utf8")) for p in folders]
    folders, results = zip(*((p, r) for p, r in zip(folders, results) if r["method"] != "float"))
    with progress_bar() as progress:
        networks = [
            replace(
                load_network(p / "network.npz", bits=recipe.bits, number_format=r["inputs"]["number_format"]),
                name=p.name,
            )
            for p, r in zip(folders, results)
        ]
        compared = compare(
            networks[0], rows=rows, methods=(order_method,), trained=networks[1:], progress=progress
        )
    table = [asdict(row) for row in compared.trained or combine(compared, []) if row.method == order_method]
    runs = [
        {**{k: v for k, v in row.items() if k != "network"}, **result} for row, result in zip(table, results)
    ]
    runs.sort(key=lambda r: (r["method"] != "baseline", r["method"], r["strength"]))
    return {
        "schema": "hd-plugin/train/1",
        "model": model,
        "recipe": asdict(recipe),
        "rows": rows,
        "order_method": order_method,
        "runs": runs,
    }


def _write(output: Path, content: dict[str, Any]) -> None:
    from hd_plugin._atomic import atomic_path, write_text
    from hd_plugin.report import plot_curves, plot_front
    from hd_plugin.report._plots import save_figure

    write_text(output / "train.json", json.dumps(content, indent=1) + "\n")
    columns = [
        "method",
        "strength",
        "top1",
        "top5",
        "mean_hd_reduction",
        "best_hd_reduction",
        "mean_energy_reduction",
        "best_energy_reduction",
    ]
    with atomic_path(output / "front.csv") as path, open(path, "w", newline="", encoding="utf8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(content["runs"])
    logs = {
        p.parent.name: list(csv.DictReader(p.open(encoding="utf8"))) for p in sorted(output.glob("*/log.csv"))
    }
    save_figure(
        plot_front(content["runs"], f"Accuracy against flips: {content['model']}").figure,
        output / "front.png",
    )
    save_figure(plot_curves(logs).figure, output / "curves.png")
