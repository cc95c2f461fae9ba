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
from hd_plugin.weights import Layer

__all__ = ["DIMENSIONS", "Shape", "load_problem", "problem_of", "shape_of", "write_problems"]

_Size = Annotated[Whole, Field(ge=1, le=2**31)]
DIMENSIONS = ("C", "K", "R", "S", "P", "Q")


@dataclass(frozen=True)
class Shape:
    """Sizes of a layer by Timeloop's letters: C in, K out, R x S taps, P x Q output pixels."""

    C: int
    K: int
    R: int
    S: int
    P: int
    Q: int

    @property
    def pixels(self) -> int:
        return self.P * self.Q


def shape_of(layer: Layer) -> Shape:
    """Raises InputError when the layer's output size is not known."""
    R, S = layer.codes.shape[2:]
    P, Q = output_size(layer)
    return Shape(layer.C, layer.K, R, S, P, Q)


def problem_of(shape: Shape, unrolled: bool = False) -> dict[str, Any]:
    """The v4 problem, a plain convolution of stride 1 (a weights file does not tell strides).

    unrolled : the inputs as the array of Figure 1(a) is fed with them: every tap's pixels of their own, and
    all output pixels in one dimension P, so that a tile is any ``cols`` of them (im2col at the array's
    edge).
    """
    sizes = {d: getattr(shape, d) for d in DIMENSIONS}
    inputs: list[Any] = [[["C"]], [["R"], ["P"]], [["S"], ["Q"]]]
    if unrolled:
        sizes |= {"P": shape.pixels, "Q": 1}
        inputs = [[["C"]], [["R"]], [["S"]], [["P"]], [["Q"]]]
    return {
        "problem": {
            "version": 0.4,
            "instance": sizes,
            "shape": {
                "name": "unrolled_convolution" if unrolled else "convolution",
                "dimensions": list(DIMENSIONS),
                "data_spaces": [
                    {"name": "Weights", "projection": [[["C"]], [["K"]], [["R"]], [["S"]]]},
                    {"name": "Inputs", "projection": inputs},
                    {"name": "Outputs", "projection": [[["K"]], [["P"]], [["Q"]]], "read_write": True},
                ],
            },
        }
    }


class _Instance(Checked):
    C: _Size
    K: _Size
    R: _Size
    S: _Size
    P: _Size
    Q: _Size


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
    return Shape(**dict(check(_File, sizes, path).problem.instance))


def write_problems(layers: Iterable[Layer], folder: Path, comment: str = "") -> list[Path]:
    """One problem file a layer, numbered in network order, each under ``comment``. Returns the files."""
    layers = list(layers)
    digits, paths = max(2, len(str(len(layers)))), []
    shapes = [shape_of(layer) for layer in layers]  # all of them before the first file
    for number, (layer, shape) in enumerate(zip(layers, shapes), 1):
        stem = re.sub(r"[^A-Za-z0-9.-]+", "_", layer.name).strip("._") or "layer"
        head = "".join(f"# {line}\n" for line in [f"layer {layer.name}", *comment.splitlines()])
        paths.append(folder / f"{number:0{digits}d}_{stem}.yaml")
        write_text(paths[-1], head + to_yaml(problem_of(shape)))
    return paths
