"""An ONNX model written back with its channels reordered."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hd_plugin._atomic import atomic_path
from hd_plugin.errors import InputError
from hd_plugin.rewriting._channels import order_of
from hd_plugin.rewriting._onnx_channels import OnnxChannels
from hd_plugin.rewriting._onnx_model import OnnxModel
from hd_plugin.rewriting._solve import Rewriting, check_outputs, solve
from hd_plugin.streaming import Jobs
from hd_plugin.weights import Network, load_network, load_onnx_model, onnx_layer_names

__all__ = ["RewrittenOnnx", "rewrite_onnx"]


@dataclass(frozen=True, eq=False)
class RewrittenOnnx:
    """network : the reordered layers. told : what happened to each layer. model : the reordered ModelProto.

    output_order : int64[outputs]; output i of the new model is output output_order[i] of the old one.
    """

    network: Network
    told: list[Rewriting]
    output_order: np.ndarray
    model: Any = field(repr=False)

    def save(self, path: str | Path) -> None:
        """Write the reordered model, whole or not at all. InputError for a place that cannot be written."""
        with atomic_path(path) as temporary:
            temporary.write_bytes(self.model.SerializeToString())


def rewrite_onnx(
    source: str | Path,
    target: str | Path | None,
    *,
    outputs: str = "keep",
    effort: str = "local",
    seed: int = 0,
    jobs: Jobs | None = None,
    **options: Any,
) -> RewrittenOnnx:
    """Write ``source`` to ``target`` (None: nowhere) with its channels reordered, as ``rewrite_torch`` does.

    options : of ``load_network``. Raises InputError for a file that is damaged or whose shapes cannot be
    inferred; MissingTool without onnx.
    """
    check_outputs(outputs)
    path = Path(source)
    onnx, model = load_onnx_model(path)
    network = load_network(path, **options)
    told = OnnxModel(path, onnx, model)
    channels = OnnxChannels(told, onnx_layer_names(path, onnx, model))
    if outputs == "keep":
        channels.output.pin("network output")
    try:
        codes = {layer.name: layer for layer in network.layers}
        solution = solve(channels.graph, codes, effort, seed, jobs)
        moved = {
            key: solution.permuted(key, onnx.numpy_helper.to_array(told.stored[key]))
            for key in {key for key, _ in channels.graph.axes}
        }
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    for key, values in moved.items():
        stored = told.stored[key]
        stored.CopyFrom(onnx.numpy_helper.from_array(np.ascontiguousarray(values), stored.name))
    layers = [solution.layers.get(layer.name, layer) for layer in network.layers]
    made = RewrittenOnnx(
        Network(network.name, layers, network.unmapped, str(target or source), notes=network.notes),
        solution.told,
        order_of(channels.output, solution.orders),
        model,
    )
    if target is not None:
        made.save(target)
    return made
