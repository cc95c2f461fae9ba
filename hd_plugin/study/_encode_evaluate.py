"""``evaluate_encodings``: what a quantised network scores with encoded products, trained with them or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hd_plugin.encoding_mac import Encoding, column_area, exact, load_encoding
from hd_plugin.errors import InputError, did_you_mean
from hd_plugin.streaming import Jobs
from hd_plugin.study._encoded_scores import CHOICE, EncodedLayer, EncodedRun, EncodingScores, TunedScore
from hd_plugin.weights import Network

if TYPE_CHECKING:
    from hd_plugin.training.encoded import Assignment
    from hd_plugin.training.encoded_network import EncodedNetwork, TrialImages, Tuning

__all__ = ["evaluate_encodings"]


def evaluate_encodings(
    network: Network,
    model: str,
    encodings: Sequence[Encoding | str | Path],
    images: TrialImages,
    *,
    jobs: Jobs | None = None,
    folder: Path | None = None,
    **how: Any,
) -> EncodingScores:
    """``network``, run as ``model`` (see ``make_model``), with each of ``encodings`` in all layers.

    encodings : or their names, as ``load_encoding`` takes them. how : a_bits (8), of activations;
    exact_layers, whose products stay exact; correct (True), to calibrate steps and biases on training images;
    bound, points of top-1 that a choice of exact products or one of the encodings for each layer may lose on
    training images;
    tuning, a ``Tuning``, in ``folder``. Test images are read for scores only. Raises InputError.
    """
    from hd_plugin.training.encoded_network import EncodedNetwork

    asked, jobs = _Asked(**how), jobs or Jobs()
    if asked.tuning is not None and folder is None:
        raise InputError("folder: missing; fine-tuning keeps its checkpoints and networks there")
    found = _resolved(encodings, network, asked.a_bits)
    known = {layer.name for layer in network.layers}
    for name in asked.exact_layers:
        if name not in known:
            raise InputError(f"exact layers: {name!r}: not in the network; {did_you_mean(name, known)}")
    whole = EncodedNetwork(model, network, images, asked.a_bits)
    jobs.question({"command": "encode-evaluate", "weights": network.digest, "images": images.digest()})
    work = _Work(whole, asked, folder)
    first, *parts = jobs.parts(*[1.0] * (1 + len(found)), *([3.0] if asked.bound is not None else []))
    exact_top1, _ = first.named("exact integers").apart(partial(work.top1, whole, whole.exact(asked.correct)))
    runs = []
    for (name, encoding), part in zip(found.items(), parts):
        every = {la.name: encoding for la in network.layers if la.name not in asked.exact_layers}
        runs.append(part.named(name).apart(partial(work.run, name, every)))
    judged: tuple[Mapping[str, float], ...] = ()
    if asked.bound is not None:
        run, judged = parts[-1].named(CHOICE).apart(partial(work.choice, list(found.values())))
        runs.append(run)
    return EncodingScores(
        network.name,
        network.digest,
        model,
        asked.a_bits,
        exact_top1,
        tuple(runs),
        len(images.test[0]),
        len(images.calibration),
        asked.correct,
        asked.bound,
        judged,
        tuning=None if asked.tuning is None else asdict(asked.tuning),
    )


@dataclass(frozen=True)
class _Asked:
    a_bits: int = 8
    exact_layers: tuple[str, ...] = ()
    correct: bool = True
    bound: float | None = None
    tuning: Tuning | None = None

    def __post_init__(self) -> None:
        if self.bound is not None and not self.bound >= 0:
            raise InputError(f"bound: {self.bound!r} found; a number of points of at least 0 is needed")


def _resolved(
    encodings: Sequence[Encoding | str | Path], network: Network, a_bits: int
) -> dict[str, Encoding]:
    """By name, each once."""
    widths = sorted({layer.bits for layer in network.layers})
    if len(widths) != 1:
        raise InputError(f"{network.name}: weights of {widths} bits found; encodings need one width")
    found: dict[str, Encoding] = {}
    for one in encodings:
        made = one if isinstance(one, Encoding) else load_encoding(one, a_bits, widths[0])
        name = made.name if isinstance(one, (Encoding, Path)) or Path(one).is_file() else str(one)
        if name in found or name == CHOICE:
            raise InputError(f"encoding {name!r}: found twice, or a name that is taken; give each once")
        found[name] = made
    if not found:
        raise InputError("encodings: none found; give one at least")
    return found


@dataclass(frozen=True)
class _Work:
    """Runs of one network."""

    network: EncodedNetwork
    asked: _Asked
    folder: Path | None

    def top1(self, network: EncodedNetwork, assigned: Assignment, jobs: Jobs) -> tuple[float, float]:
        """Of the test images, and the loss."""

        def score() -> tuple[np.ndarray]:
            found = network.test(assigned, _ends(jobs))
            return (np.array([found.top1, found.loss]),)

        top1, loss = jobs.kept("encoded score", (network.identity(assigned),), score)[0]
        return float(top1), float(loss)

    def run(self, name: str, encodings: Mapping[str, Encoding], jobs: Jobs) -> EncodedRun:
        return self.scored(name, encodings, self.network.assign(encodings, self.asked.correct), jobs)

    def scored(
        self, name: str, encodings: Mapping[str, Encoding], assigned: Assignment, jobs: Jobs
    ) -> EncodedRun:
        top1, loss = self.top1(self.network, assigned, jobs)
        tuned = self.tuned(name, encodings, assigned, jobs) if self.asked.tuning is not None else None
        layers, cost = self.layers(encodings, assigned)
        return EncodedRun(name, layers, top1, loss, cost, tuned, assigned.notes)

    def choice(
        self, candidates: Sequence[Encoding], jobs: Jobs
    ) -> tuple[EncodedRun, tuple[Mapping[str, float], ...]]:
        """Each layer's own, which may be the exact products: so that there is always one within the bound."""
        from hd_plugin.training.encoded_choice import choose

        assert self.asked.bound is not None
        ordered = sorted(candidates, key=lambda one: one.errors().rmse)
        if ordered[0].errors().max_absolute:
            bits, signed = self.network.layers[0].bits, ordered[0].a_signed
            ordered.insert(0, exact(self.asked.a_bits, bits, a_signed=signed))
        chosen = choose(self.network, ordered, self.asked.bound, self.asked.exact_layers, _ends(jobs))
        run = self.scored(CHOICE, chosen.encodings, chosen.assigned, jobs)
        return run, tuple(asdict(one) for one in chosen.measured)

    def tuned(
        self, name: str, encodings: Mapping[str, Encoding], assigned: Assignment, jobs: Jobs
    ) -> TunedScore:
        """Steps and biases are found anew for the trained weights, so that its file alone scores the same."""
        tuning, each = self.asked.tuning, _ends(jobs)
        assert tuning is not None and self.folder is not None
        stem = "".join(c if c.isalnum() or c in "._-" else "-" for c in name)
        made = self.network.tune(assigned, tuning, self.folder / stem, lambda *_told: each())
        top1, loss = self.top1(made, made.assign(encodings, self.asked.correct), jobs)
        exact_top1, _ = self.top1(made, made.exact(self.asked.correct), jobs)
        assert self.network.images.tuning is not None
        count = tuning.images or len(self.network.images.tuning.pixels)
        how = tuning.epochs, count, tuning.rate, tuning.gradient, tuning.seed
        return TunedScore(top1, loss, exact_top1, *how, made.network.source)

    def layers(
        self, encodings: Mapping[str, Encoding], assigned: Assignment
    ) -> tuple[tuple[EncodedLayer, ...], float]:
        """A line for each layer, and what all of them cost beside exact encodings."""
        errors, lines, cost, whole = self.network.errors(assigned), [], 0.0, 0.0
        for layer in self.network.layers:
            own, pixels = encodings.get(layer.name), int(np.prod(layer.output_hw or (1, 1)))
            products, reference = layer.codes.size * pixels, exact(self.asked.a_bits, layer.bits)
            cost += products * column_area(own or reference)
            whole += products * column_area(reference)
            clip = assigned.steps[layer.name][0] / self.network.steps[layer.name][0]
            line = EncodedLayer(
                layer.name, own.name if own else None, (own or reference).bits, products, clip
            )
            if layer.name in errors:
                error, rms = errors[layer.name]
                line = replace(
                    line, rmse=error.weighted_rmse or 0.0, mean=error.weighted_mean or 0.0, rms=rms
                )
            lines.append(line)
        return tuple(lines), cost / whole


def _ends(jobs: Jobs) -> Callable[[], None]:
    """Ends work at a Ctrl-C."""

    def each() -> None:
        if jobs.interrupted:
            raise KeyboardInterrupt

    return each
