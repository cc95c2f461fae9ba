"""``rewrite_network``: channels in an order that flips few bits, written back into the network; the outputs
stay the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hd_plugin._ratios import times
from hd_plugin.errors import InputError
from hd_plugin.study._result import Result
from hd_plugin.weights import NetworkChoice, Note, Unmapped, locate

if TYPE_CHECKING:
    from hd_plugin.rewriting import Rewriting
    from hd_plugin.training.rewritten import IntegerTest

__all__ = ["NetworkRewriting", "RewriteRequest", "rewrite_network"]


@dataclass(frozen=True)
class RewriteRequest:
    """What a state file cannot tell of its network, and how to search.

    model : the network that weights belong to ("resnet20", or "package.module:function"); None for an .onnx
    file. classes, shape : of its outputs and inputs, (H, W) or (C, H, W), where no test
    images tell. test : images for
    which both networks are run in integers. outputs : "keep" or "permute" the network's own. effort, seed :
    as for ``optimize``.
    """

    model: str | None = None
    classes: int = 10
    shape: tuple[int, ...] = (32, 32)
    test: Path | None = None
    outputs: str = "keep"
    effort: str = "local"
    seed: int = 0


@dataclass(frozen=True, repr=False)
class NetworkRewriting(Result):
    """What moved in every layer. Schema hd-plugin/rewrite/1. test : scores before and after, and whether all
    sums are equal.

    save : writes the network in its own format to a path.
    """

    schema = "hd-plugin/rewrite/1"
    file = "rewrite.json"

    source: str
    request: RewriteRequest
    layers: tuple[Rewriting, ...]
    output_order: tuple[int, ...]
    test: IntegerTest | None
    save: Callable[[Path], None] = field(repr=False)
    unmapped: tuple[Unmapped, ...] = ()
    network_notes: tuple[Note, ...] = ()

    @property
    def ok(self) -> bool:
        """False when a test found a difference."""
        return self.test is None or self.test.equal

    def summary(self) -> dict[str, float]:
        before, after = (sum(getattr(r, k) for r in self.layers) for k in ("flips_before", "flips"))
        return {"flips_before": before, "flips": after, "hd_reduction": times(before, after)}

    def to_dict(self) -> dict[str, Any]:
        asked = self.request
        return {
            "schema": self.schema,
            "source": self.source,
            "outputs": asked.outputs,
            "effort": asked.effort,
            "seed": asked.seed,
            **({} if asked.model is None else {"test": asdict(self.test) if self.test else None}),
            "output_order": list(self.output_order),
            "layers": [asdict(told) for told in self.layers],
            "unmapped": [u.to_dict() for u in self.unmapped],
            "network_notes": [n.to_dict() for n in self.network_notes],
        }


def rewrite_network(choice: NetworkChoice, request: RewriteRequest | None = None) -> NetworkRewriting:
    """The network in the file of ``choice`` with output channels of its layers, and the inputs after them,
    reordered.

    An .onnx file has its own network; weights need ``request.model``. Raises InputError.
    """
    asked, path = request or RewriteRequest(), locate(choice.source)
    how = {"outputs": asked.outputs, "effort": asked.effort, "seed": asked.seed}
    if path.suffix == ".onnx":
        if asked.model or asked.test:
            raise InputError(f"{path}: an .onnx file has its own network; --model and --test go with weights")
        if choice.layers:
            raise InputError("--layer: a network is rewritten as a whole")
        return _onnx(path, choice, asked, how)
    if asked.model is None:
        raise InputError(
            f"{path}: give --model, the network that these weights belong to (or an .onnx file, which has "
            f"its own)"
        )
    from hd_plugin.training.rewritten import rewrite_weights

    network = choice.load()
    made = rewrite_weights(asked.model, path, network, asked.shape, asked.classes, asked.test, **how)
    return NetworkRewriting(
        path.name,
        asked,
        tuple(made.rewritten.told),
        tuple(made.rewritten.output_order.tolist()),
        made.test,
        made.save,
        tuple(network.unmapped),
        network.flip_notes,
    )


def _onnx(path: Path, choice: NetworkChoice, asked: RewriteRequest, how: dict[str, Any]) -> NetworkRewriting:
    from hd_plugin.rewriting.onnx_network import rewrite_onnx

    read = choice.model_dump(include={"bits", "number_format", "per_channel", "keep_integers"})
    made = rewrite_onnx(path, None, **read, **how)
    return NetworkRewriting(
        path.name,
        asked,
        tuple(made.told),
        tuple(made.output_order.tolist()),
        None,
        made.save,
        tuple(made.network.unmapped),
        made.network.flip_notes,
    )
