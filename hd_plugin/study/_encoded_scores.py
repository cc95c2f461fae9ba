"""What networks with encoded products score: the result of ``evaluate_encodings``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from hd_plugin.study._result import Result

__all__ = ["CHOICE", "EncodedLayer", "EncodedRun", "EncodingScores", "TunedScore"]

CHOICE = "choice"
"""The name of the run in which each layer has an encoding of its own."""


@dataclass(frozen=True)
class EncodedLayer:
    """encoding : its name, None for exact products. products : multiplications an image. clip : the largest
    input that is not clipped, of the largest one seen. rmse, mean : of a product's error, and rms : of the
    exact product, over the operands that meet in the layer, in units of the product.
    """

    name: str
    encoding: str | None
    outputs: int
    products: int
    clip: float = 1.0
    rmse: float = 0.0
    mean: float = 0.0
    rms: float | None = None


@dataclass(frozen=True)
class TunedScore:
    """After fine-tuning, on all test images. exact_top1 : the same weights with exact products. path : of the
    network's file.
    """

    top1: float
    loss: float
    exact_top1: float
    epochs: int
    images: int
    rate: float
    gradient: str
    seed: int
    path: str


@dataclass(frozen=True)
class EncodedRun:
    """One choice of encodings. top1 : in percent, and loss : mean cross-entropy, on all test images, without
    training. cost : area of a column's PE times products, beside exact encodings' everywhere.
    """

    name: str
    layers: tuple[EncodedLayer, ...]
    top1: float
    loss: float
    cost: float
    tuned: TunedScore | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "notes": list(self.notes)}


@dataclass(frozen=True, repr=False)
class EncodingScores(Result):
    """Schema hd-plugin/encode-evaluate/1. exact_top1 : of exact products, with steps and biases
    found in the same way. judged : prefixes of the choice's moves that were measured on training images.
    """

    schema = "hd-plugin/encode-evaluate/1"
    file = "encode-evaluate.json"
    lines = "runs"

    network: str
    digest: str
    model: str
    a_bits: int
    exact_top1: float
    runs: tuple[EncodedRun, ...]
    test_images: int
    calibration_images: int
    corrected: bool
    bound: float | None = None
    judged: tuple[Mapping[str, float], ...] = ()
    interrupted: bool = False
    tuning: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the runs say, each once, and what was not corrected."""
        told = list(dict.fromkeys(note for run in self.runs for note in run.notes))
        if not self.corrected:
            told.append(
                "not corrected: the mean error of encodings is in the sums; steps are those of exact products"
            )
        return tuple(told)

    def summary(self) -> dict[str, float]:
        """Top-1 of exact integers, and by run: after training where there was any."""
        return {"exact": self.exact_top1, **{r.name: r.tuned.top1 if r.tuned else r.top1 for r in self.runs}}

    def to_records(self) -> list[dict[str, Any]]:
        """A line a run."""
        lines = [run.to_dict() for run in self.runs]
        return [{k: v for k, v in line.items() if k not in ("layers", "notes")} for line in lines]

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": self.schema,
            "network": self.network,
            "digest": self.digest,
            "model": self.model,
            "a_bits": self.a_bits,
            "exact_top1": self.exact_top1,
            "test_images": self.test_images,
            "calibration_images": self.calibration_images,
            "corrected": self.corrected,
            "bound": self.bound,
            "judged": [dict(one) for one in self.judged],
            "tuning": None if self.tuning is None else dict(self.tuning),
            "interrupted": self.interrupted,
            "runs": [run.to_dict() for run in self.runs],
            "notes": list(self.notes),
        }
