"""Image folders (a directory or a zip of CLASS/image files) as uint8 tensors in memory."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from hd_plugin._guard import check_unpacked, open_zip, why
from hd_plugin._wording import shown
from hd_plugin.errors import InputError

__all__ = ["Images", "augmented_batches", "load_images", "normalise"]

_LARGEST = 4096  # pixels along a side
_RATIO = 64  # of an image's pixels to its file; photographs reach 30
_IMAGE_SUFFIXES = {".webp", ".png", ".jpg", ".jpeg", ".bmp"}
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


class Images(NamedTuple):
    """pixels : uint8[N, 3, H, W]; labels : int64[N], places in ``classes``."""

    pixels: torch.Tensor
    labels: torch.Tensor
    classes: list[str]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image: channels, height, width."""
        return tuple(self.pixels.shape[1:])

    def to(self, device: str) -> Images:
        return Images(self.pixels.to(device), self.labels.to(device), self.classes)


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.suffix.lower() in _IMAGE_SUFFIXES):
            yield file.parent.name, file.read_bytes()
        return
    with open_zip(path, "a folder or a zip of CLASS/image files is needed") as archive:
        for name in sorted(archive.namelist()):
            if Path(name).suffix.lower() in _IMAGE_SUFFIXES:
                yield Path(name).parent.name, archive.read(name)


def _decoded(path: Path, name: str, data: bytes, size: tuple[int, int] | None) -> np.ndarray:
    """uint8[H, W, 3]; ``size`` : of the images before. Its own is looked at before it is decoded."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of size and odd metadata: sizes are checked here
            with Image.open(io.BytesIO(data)) as image:
                _check_size(path, image.size, size)
                return np.asarray(image.convert("RGB"))
    except InputError:
        raise
    except Exception as error:  # PIL raises many kinds for a file that is none
        raise InputError(f"{path}: an image of class {shown(name)} cannot be read ({why(error)})") from error


def _check_size(path: Path, size: tuple[int, int], before: tuple[int, int] | None) -> None:
    if before not in (None, size):
        both = f"{_told(before)} and {_told(size)}"
        raise InputError(f"{path}: images of several sizes, {both}; resize them to one first")
    if max(size) > _LARGEST:
        most = f"at most {_LARGEST} along a side are read"
        raise InputError(f"{path}: an image of {_told(size)} pixels found; {most}")


def _told(size: tuple[int, int] | None) -> str:
    return f"{size[0]} x {size[1]}" if size else ""


def load_images(*paths: str | Path) -> Images:
    """All images under ``paths``, joined.

    A label is the index of the image's folder name in alphabetical order (torchvision's ImageFolder rule).
    Raises InputError for an archive that cannot be read, holds no image, or holds images of several sizes.
    """
    names: list[str] = []
    images: list[np.ndarray] = []
    packed = unpacked = 0
    for path in paths:
        for name, data in _files(Path(path)):
            size = (images[0].shape[1], images[0].shape[0]) if images else None
            images.append(_decoded(Path(path), name, data, size))
            packed, unpacked = packed + len(data), unpacked + images[-1].nbytes
            check_unpacked(path, packed, unpacked, _RATIO)
            names.append(name)
    if not images:
        raise InputError(f"{', '.join(map(str, paths))}: no CLASS/image file found")
    classes = sorted(set(names))
    index = {c: i for i, c in enumerate(classes)}
    pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
    return Images(pixels, torch.tensor([index[n] for n in names]), classes)


def normalise(images: torch.Tensor) -> torch.Tensor:
    """uint8[N, 3, H, W] -> float32, scaled by the usual ImageNet channel mean and deviation."""
    mean = torch.tensor(MEAN, device=images.device).view(1, 3, 1, 1)
    std = torch.tensor(STD, device=images.device).view(1, 3, 1, 1)
    return (images.float() / 255 - mean) / std


def augmented_batches(
    images: torch.Tensor, labels: torch.Tensor, batch: int, generator: torch.Generator, pad: int = 4
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """One shuffled epoch of full batches, each image shifted by up to ``pad`` pixels and mirrored at random.

    Random numbers come from ``generator`` on the CPU, so they are the same for images on any device.
    """
    n, _, height, width = images.shape
    device = images.device
    order = torch.randperm(n, generator=generator)
    for start in range(0, n - batch + 1, batch):
        take = order[start : start + batch].to(device)
        x = torch.nn.functional.pad(images[take], (pad,) * 4)
        dy, dx = torch.randint(0, 2 * pad + 1, (2, batch), generator=generator).to(device)
        rows = dy.view(-1, 1, 1) + torch.arange(height, device=device).view(1, -1, 1)
        cols = dx.view(-1, 1, 1) + torch.arange(width, device=device).view(1, 1, -1)
        flip = (torch.rand(batch, generator=generator) < 0.5).to(device)
        cols = torch.where(flip.view(-1, 1, 1), cols.flip(2), cols)
        x = x[torch.arange(batch, device=device).view(-1, 1, 1), :, rows, cols].permute(0, 3, 1, 2)
        yield normalise(x).contiguous(memory_format=torch.channels_last), labels[take]
