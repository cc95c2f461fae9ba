"""Networks that the project trains itself, by name; any other nn.Module as PACKAGE.MODULE:FUNCTION."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from hd_plugin._registry import Registry
from hd_plugin.errors import InputError, did_you_mean

__all__ = ["MODELS", "MobileNetV2Cifar", "ResNetCifar", "make_model"]


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride = stride
        self.grow = outputs - inputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.stride != 1 or self.grow:
            x = F.pad(
                x[:, :, :: self.stride, :: self.stride],
                (0, 0, 0, 0, self.grow // 2, self.grow - self.grow // 2),
            )
        return F.relu(y + x)


class ResNetCifar(nn.Module):
    """The CIFAR ResNet of He et al. 2016, section 4.2, with parameter-free shortcuts (option A).

    ``blocks`` residual blocks per stage: 3 gives ResNet-20. Input float[N, 3, 32, 32].
    """

    def __init__(self, classes: int = 10, blocks: int = 3, width: int = 16) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        stages, inputs = [], width
        for outputs, stride in ((width, 1), (2 * width, 2), (4 * width, 2)):
            stages.append(
                nn.Sequential(
                    *(
                        _Block(inputs if i == 0 else outputs, outputs, stride if i == 0 else 1)
                        for i in range(blocks)
                    )
                )
            )
            inputs = outputs
        self.layer1, self.layer2, self.layer3 = stages
        self.linear = nn.Linear(4 * width, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


class _InvertedResidual(nn.Module):
    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand = nn.Conv2d(inputs, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.depthwise = nn.Conv2d(inner, inner, 3, stride, 1, groups=inner, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.project = nn.Conv2d(inner, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu6(self.bn1(self.expand(x)))
        y = F.relu6(self.bn2(self.depthwise(y)))
        y = self.bn3(self.project(y))
        return x + y if self.residual else y


class MobileNetV2Cifar(nn.Module):
    """MobileNetV2 (Sandler et al. 2018) with the strides of the common CIFAR variant.

    They are 1, 1, 2, 2, 1, 2, 1 by stage. With ``width`` 1 its 1x1 convolutions after the first block are the
    33 of the paper's Table 5. Input float[N, 3, 32, 32].
    """

    STAGES = (
        (1, 16, 1, 1),
        (6, 24, 2, 1),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )

    def __init__(self, classes: int = 10, width: float = 1.0) -> None:
        super().__init__()

        def channels(n: int) -> int:  # multiples of 8, never less than 90 % (the original's rule)
            rounded = max(8, int(n * width + 4) // 8 * 8)
            return rounded + 8 * (rounded < 0.9 * n * width)

        inputs, last = channels(32), max(1280, channels(1280))
        self.stem = nn.Conv2d(3, inputs, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inputs)
        blocks = []
        for expansion, outputs, repeats, stride in self.STAGES:
            for i in range(repeats):
                blocks.append(
                    _InvertedResidual(inputs, channels(outputs), expansion, stride if i == 0 else 1)
                )
                inputs = channels(outputs)
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Conv2d(inputs, last, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(last)
        self.linear = nn.Linear(last, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.blocks(F.relu6(self.bn1(self.stem(x))))
        return self.linear(F.relu6(self.bn2(self.head(x))).mean((2, 3)))


MODELS: Registry[Callable[[int], nn.Module]] = Registry(
    "model",
    {
        "resnet20": ResNetCifar,
        "resnet8": partial(ResNetCifar, blocks=1),
        "mobilenet_v2": MobileNetV2Cifar,
        "mobilenet_v2_035": partial(MobileNetV2Cifar, width=0.35),
    },
)


def make_model(name: str, classes: int) -> nn.Module:
    """A fresh network: a name in ``MODELS``, or "package.module:function", called with the number of classes.

    Raises InputError when there is no such thing, or when it returns no nn.Module.
    """
    if name in MODELS:
        return MODELS[name](classes)
    module, _, function = name.partition(":")
    if not function:
        raise InputError(
            f"model: {name!r} is unknown; {did_you_mean(name, MODELS)} (or give PACKAGE.MODULE:FUNCTION)"
        )
    try:
        made = getattr(importlib.import_module(module), function)(classes)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise InputError(f"model: {name!r}: cannot be called with the number of classes ({error})") from error
    if not isinstance(made, nn.Module):
        raise InputError(f"model: {name!r} returned {type(made).__name__}; a torch.nn.Module is needed")
    return made
