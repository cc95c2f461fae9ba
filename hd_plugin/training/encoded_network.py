"""A network by name with its images: what encodings make of it, and what training with them makes good."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from hd_plugin._journal import Journal
from hd_plugin.encoding_mac import Encoding, EncodingErrors, exact, operand_distribution
from hd_plugin.errors import InputError
from hd_plugin.hardware import Activations
from hd_plugin.streaming import Progress
from hd_plugin.training.calibrate import watch_inputs
from hd_plugin.training.data import Images, load_images
from hd_plugin.training.encoded import Assignment, EncodedScores, assign, encoded_scores, unfold_places
from hd_plugin.training.encoded_steps import CLIPS, calibrate_encoded
from hd_plugin.training.encoded_tuning import EncodedTuning
from hd_plugin.training.integers import Steps, activation_steps, input_range
from hd_plugin.training.loop import Recipe, Running, fit
from hd_plugin.training.models import make_model
from hd_plugin.training.orders import Ordering, layers_of
from hd_plugin.training.saved import load_into, save_network
from hd_plugin.training.sizes import output_sizes
from hd_plugin.weights import Layer, Network, load_network

__all__ = ["EncodedNetwork", "TrialImages", "Tuning"]

_SEEN = 4  # images whose operands are counted
_JUDGES = 1000  # training images that judge a choice of encodings


@dataclass(frozen=True)
class Tuning:
    """Fine-tuning. images : that many of the training images, drawn by ``seed``; 0 takes all of them."""

    epochs: int = 1
    images: int = 0
    rate: float = 0.004
    batch: int = 128
    gradient: str = "exact"
    seed: int = 0


@dataclass(frozen=True, eq=False)
class TrialImages:
    """calibration : training images without labels. judges : other training images, which judge a choice of
    encodings. test : read for scores only. tuning : training images, or None.
    """

    calibration: torch.Tensor
    judges: tuple[torch.Tensor, torch.Tensor]
    test: tuple[torch.Tensor, torch.Tensor]
    tuning: Images | None
    classes: list[str]

    @classmethod
    def read(
        cls, calibrate: Path | None, test: Path, tune: tuple[Path, ...] = (), count: int = 256, seed: int = 0
    ) -> TrialImages:
        """calibrate : training images, of which ``count`` are drawn by ``seed``; without, those of ``tune``.

        Raises InputError for images that cannot be read, too few, or of other classes.
        """
        if calibrate is None and not tune:
            raise InputError("--calibrate: missing; steps of inputs need training images")
        tuning = load_images(*tune) if tune else None
        known = tuning if calibrate is None else load_images(calibrate)
        assert known is not None
        if not 1 <= count < len(known.pixels):
            raise InputError(
                f"calibration images: {count} found; there are {len(known.pixels)}, and 1 at least judges"
            )
        order = torch.randperm(len(known.pixels), generator=torch.Generator().manual_seed(seed))
        mine, others = order[:count], order[count : count + _JUDGES]
        images = load_images(test)
        for other in (known, tuning):
            if other is not None and other.classes != images.classes:
                found, known_as = images.classes[:3], other.classes[:3]
                raise InputError(f"{test}: classes {found} ... found, {known_as} ... in training images")
        judges = known.pixels[others], known.labels[others]
        return cls(known.pixels[mine], judges, (images.pixels, images.labels), tuning, images.classes)

    def digest(self) -> str:
        """Of all of them."""
        arrays = [self.calibration, *self.judges, *self.test, *(self.tuning[:2] if self.tuning else ())]
        return Journal.key("images", [x.numpy() for x in arrays]).hex()


class EncodedNetwork:
    """A network by name, its layers as codes, and its images. bits : width of activations.

    Raises InputError for weights that are not the model's own, or a layer that it lacks.
    """

    def __init__(self, model: str, network: Network, images: TrialImages, bits: int = 8) -> None:
        self.model, self.network, self.images, self.bits = model, network, images, bits
        self.steps: Steps = activation_steps(self.fresh(), images.calibration, bits)

    @property
    def layers(self) -> list[Layer]:
        return self.network.layers

    def fresh(self) -> nn.Module:
        """The float network."""
        return load_into(make_model(self.model, len(self.images.classes)), self.network.source)

    def assign(self, encodings: Mapping[str, Encoding | None], correct: bool = True) -> Assignment:
        """``assign`` for its layers; with ``correct`` also what ``calibrate_encoded`` makes of that.

        Without it, an exact encoding needs no table, except where it takes levels away.
        """
        made = assign(self.layers, self.steps, encodings, self.bits)
        if correct and made.how:
            return calibrate_encoded(self.fresh(), self.layers, made, self.images.calibration, CLIPS)
        wanted = {
            name: one
            for name, one in made.how.items()
            if made.steps[name] != self.steps[name] or not _is_exact(one.encoding)
        }
        return replace(made, how=wanted)

    def exact(self, correct: bool = True) -> Assignment:
        """Exact products everywhere, calibrated as encoded ones are: what those are to be held against."""
        return self.assign(
            {la.name: exact(self.bits, la.bits, a_signed=False) for la in self.layers}, correct
        )

    def test(self, assigned: Assignment, each: Callable[[], None] | None = None) -> EncodedScores:
        """All test images."""
        return encoded_scores(self.fresh(), self.layers, assigned, *self.images.test, each)

    def judge(self, assigned: Assignment, each: Callable[[], None] | None = None) -> EncodedScores:
        """The training images that judge."""
        return encoded_scores(self.fresh(), self.layers, assigned, *self.images.judges, each)

    def errors(self, assigned: Assignment) -> dict[str, tuple[EncodingErrors, float]]:
        """Each encoded layer's errors, weighed by the operands that meet in it on a few calibration images,
        and the root mean square of its exact products.
        """
        found: dict[str, Activations] = {}

        def see(name: str, module: nn.Module, x: torch.Tensor) -> None:
            how = assigned.how.get(name)
            if how is None:
                return
            step, signed = assigned.steps[name]
            low, high = input_range(self.bits, signed)
            places = (torch.clamp(torch.round(x / step), low, high) + how.zero).to(torch.uint8)
            patches = unfold_places(module, places, how.zero)[0].numpy().astype(np.int32)
            values = patches - (1 << self.bits - 1 if how.encoding.a_signed else 0)
            channels = module.weight.shape[1]
            shaped = values.reshape(channels, -1, values.shape[1])
            found[name] = Activations(shaped, self.bits, how.encoding.a_signed)

        seen = self.images.calibration[:_SEEN]
        watch_inputs(self.fresh(), seen, _SEEN, see)
        answer = {}
        for layer in assigned.layers(self.layers):
            if layer.name in found:
                encoding = assigned.how[layer.name].encoding
                share = operand_distribution([layer], found)
                power = float((share * encoding.products().astype(float) ** 2).sum()) ** 0.5
                answer[layer.name] = encoding.errors(share), power
        return answer

    def tune(
        self, assigned: Assignment, tuning: Tuning, folder: Path, progress: Progress | None = None
    ) -> EncodedNetwork:
        """The network trained with encoded products; ``folder`` gets checkpoint.pt, log.csv and network.npz.

        A run that finds its own checkpoint goes on after it. Raises InputError without training images.
        """
        images = self.images.tuning
        if images is None:
            raise InputError("--finetune: missing; training needs images")
        order = torch.randperm(len(images.pixels), generator=torch.Generator().manual_seed(tuning.seed))
        taken = order[: tuning.images or len(order)]
        bits = {layer.bits for layer in self.layers}
        if len(bits) != 1:
            raise InputError(f"fine-tuning: weights of {sorted(bits)} bits found; one width is needed")
        recipe = Recipe(tuning.epochs, tuning.batch, tuning.rate, bits=bits.pop(), seed=tuning.seed)
        method = EncodedTuning(0.0, "twos_complement", Ordering(), {}, assigned, tuning.gradient)
        folder.mkdir(parents=True, exist_ok=True)
        model = self.fresh()
        fit(
            model,
            Images(images.pixels[taken], images.labels[taken], images.classes),
            method,
            recipe,
            folder,
            inputs={"tuning": asdict(tuning), "from": self.identity(assigned)},
            running=Running(progress=progress),
        )
        sizes = output_sizes(make_model(self.model, len(images.classes)), (1, *images.shape))
        path = folder / "network.npz"
        save_network(path, model, layers_of(model, "twos_complement", sizes).values(), sizes)
        read = load_network(path, bits=recipe.bits)
        return EncodedNetwork(self.model, replace(read, name=self.network.name), self.images, self.bits)

    def identity(self, assigned: Assignment) -> str:
        """A digest of all that a score depends on: weights, images, encodings, steps and corrections."""
        told: dict[str, Any] = {"model": self.model, "weights": self.network.digest, "steps": assigned.steps}
        told["shrunk"] = dict(assigned.shrunk)
        arrays = []
        for name, one in assigned.how.items():
            told[name] = [one.encoding.to_dict(), one.offset]
            arrays += [] if one.correction is None else [one.correction]
        return Journal.key(self.images.digest(), [json.dumps(told), *arrays]).hex()


def _is_exact(encoding: Encoding) -> bool:
    return bool((encoding.table() == encoding.products()).all())
