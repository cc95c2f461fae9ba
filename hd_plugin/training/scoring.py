"""A network with its calibration and test images: what rounding without training asks of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from hd_plugin._journal import Journal
from hd_plugin.errors import InputError
from hd_plugin.training.calibrate import input_moments
from hd_plugin.training.data import load_images
from hd_plugin.training.evaluate import accuracy
from hd_plugin.training.models import make_model
from hd_plugin.training.saved import load_into, load_layers
from hd_plugin.weights import Layer

__all__ = ["Scoring"]


class Scoring:
    """A network by name, and images to calibrate and to score it with.

    model, source : as ``make_model`` and ``load_into`` take them. calibrate : images, of which ``count`` are
    drawn by ``seed``; test : images, all used. Raises InputError when there are neither calibration nor test
    images, or what reading them raises.
    """

    def __init__(
        self, model: str, source: str | Path, calibrate: Path | None, count: int, seed: int, test: Path | None
    ) -> None:
        if calibrate is None and test is None:
            raise InputError("--model: needs images, --calibrate or --test or both")
        self.model, self.source = model, source
        self.calibration: torch.Tensor | None = None
        self.test: tuple[torch.Tensor, torch.Tensor] | None = None
        if calibrate is not None:
            images, _, self.classes = load_images(calibrate)
            generator = torch.Generator().manual_seed(seed)
            self.calibration = images[torch.randperm(len(images), generator=generator)[:count]]
        if test is not None:
            images, labels, self.classes = load_images(test)
            self.test = images, labels

    @property
    def images_used(self) -> int:
        """How many calibration images."""
        return 0 if self.calibration is None else len(self.calibration)

    def identity(self) -> dict[str, str]:
        """What makes scores these scores: the network, and its images."""
        images = [x.numpy() for x in (self.calibration, *(self.test or ())) if x is not None]
        return {"model": self.model, "images": Journal.key("images", images).hex()}

    def fresh(self) -> nn.Module:
        """The float network."""
        return load_into(make_model(self.model, len(self.classes)), self.source)

    def moments(self) -> dict[str, np.ndarray]:
        """``input_moments`` of the float network. Raises InputError without calibration images."""
        if self.calibration is None:
            raise InputError("--calibrate: missing; moments need images")
        return input_moments(self.fresh(), self.calibration)

    def top1(self, layers: Iterable[Layer]) -> float:
        """Accuracy on the test images with these rounded layers, in percent.

        Raises InputError without test images.
        """
        if self.test is None:
            raise InputError("--test: missing; scores need images")
        return accuracy(load_layers(self.fresh(), layers), *self.test)[0]
