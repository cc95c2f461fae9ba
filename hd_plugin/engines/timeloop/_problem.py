"""Layers as Timeloop v4 problems, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from hd_plugin._atomic import write_text
from hd_plugin._checked import Checked, Whole, check, read_mapping
from hd_plugin.engines._analytic import output_size
from hd_plugin.engines.timeloop._v4_text import to_yaml
from hd_plugin.errors import InputError
from hd_plugin.weights import Layer, Window

__all__ = ["DIMENSIONS", "Shape", "load_problem", "problem_of", "shape_of", "write_problems"]

_Size = Annotated[Whole, Field(ge=1, le=2**31)]
DIMENSIONS = ("C", "K", "R", "S", "P", "Q")
_STEPS = ("Wstride", "Hstride", "Wdilation", "Hdilation")  # Timeloop's W goes with R and P


@dataclass(frozen=True)
class Shape:
    """Sizes of a layer by Timeloop's letters: C in, K out, R x S taps, P x Q output pixels.

    stride, dilation : (along P and R, along Q and S).
    """

    C: int
    K: int
    R: int
    S: int
    P: int
    Q: int
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)

    @property
    def pixels(self) -> int:
        return self.P * self.Q


def shape_of(layer: Layer) -> Shape:
    """Stride 1 where the layer's is not known. Raises InputError when its output size is not."""
    R, S = layer.codes.shape[2:]
    P, Q = output_size(layer)
    window = layer.window or Window()
    return Shape(layer.C, layer.K, R, S, P, Q, window.stride, window.dilation)


def problem_of(shape: Shape, unrolled: bool = False) -> dict[str, Any]:
    """The v4 problem, a convolution; padding is no part of it: Timeloop counts the pixels that are read.

    unrolled : the inputs as the array of Figure 1(a) is fed with them: every tap's pixels of their own, and
    all output pixels in one dimension P, so that a tile is any ``cols`` of them (im2col at the array's
    edge).
    """
    sizes = {d: getattr(shape, d) for d in DIMENSIONS}
    steps = {} if unrolled else _coefficients(shape)
    inputs: list[Any] = [[["C"]], [["R"], ["P"]], [["S"], ["Q"]]]
    if steps:
        inputs = [[["C"]], [["R", "Wdilation"], ["P", "Wstride"]], [["S", "Hdilation"], ["Q", "Hstride"]]]
    if unrolled:
        sizes |= {"P": shape.pixels, "Q": 1}
        inputs = [[["C"]], [["R"]], [["S"]], [["P"]], [["Q"]]]
    return {
        "problem": {
            "version": 0.4,
            "instance": sizes | steps,
            "shape": {
                "name": "unrolled_convolution" if unrolled else "convolution",
                "dimensions": list(DIMENSIONS),
                **({"coefficients": [{"name": n, "default": 1} for n in _STEPS]} if steps else {}),
                "data_spaces": [
                    {"name": "Weights", "projection": [[["C"]], [["K"]], [["R"]], [["S"]]]},
                    {"name": "Inputs", "projection": inputs},
                    {"name": "Outputs", "projection": [[["K"]], [["P"]], [["Q"]]], "read_write": True},
                ],
            },
        }
    }


def _coefficients(shape: Shape) -> dict[str, int]:
    """Strides and dilations by Timeloop's names; none where all are 1."""
    values = (*shape.stride, *shape.dilation)
    return dict(zip(_STEPS, values)) if max(values) > 1 else {}


class _Instance(Checked):
    C: _Size
    K: _Size
    R: _Size
    S: _Size
    P: _Size
    Q: _Size
    Wstride: _Size = 1
    Hstride: _Size = 1
    Wdilation: _Size = 1
    Hdilation: _Size = 1


class _Problem(Checked):
    instance: _Instance


class _File(Checked):
    problem: _Problem


def load_problem(path: str | Path) -> Shape:
    """The sizes in a file of the form of ``write_problems``. Raises InputError with ALL its problems."""
    problem = read_mapping(path).get("problem")
    if not isinstance(problem, dict) or not isinstance(problem.get("instance"), dict):
        raise InputError(
            f"{path}: problem.instance: missing; a Timeloop v4 problem is needed ('hd-plugin layers' writes "
            "them)"
        )
    sizes = {"problem": {"instance": problem["instance"]}}
    found = check(_File, sizes, path).problem.instance
    letters = {d: getattr(found, d) for d in DIMENSIONS}
    steps = [getattr(found, name) for name in _STEPS]
    return Shape(**letters, stride=(steps[0], steps[1]), dilation=(steps[2], steps[3]))


def write_problems(layers: Iterable[Layer], folder: Path, comment: str = "") -> list[Path]:
    """One problem file a layer, numbered in network order, each under ``comment``. Returns the files."""
    layers = list(layers)
    digits, paths = max(2, len(str(len(layers)))), []
    shapes = [shape_of(layer) for layer in layers]  # all of them before the first file
    for number, (layer, shape) in enumerate(zip(layers, shapes), 1):
        stem = re.sub(r"[^A-Za-z0-9.-]+", "_", layer.name).strip("._") or "layer"
        told = str(layer.window) if layer.window else "stride 1 assumed: the weights file does not tell it"
        lines = [f"layer {layer.name}", *comment.splitlines(), told]
        head = "".join(f"# {line}\n" for line in lines)
        paths.append(folder / f"{number:0{digits}d}_{stem}.yaml")
        write_text(paths[-1], head + to_yaml(problem_of(shape)))
    return paths
