"""Output sizes that a file does not tell: of linear layers by the number of input vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hd_plugin.weights._layer import Window
from hd_plugin.weights._readers import RawLayer
from hd_plugin.weights._told import Note

__all__ = ["with_sizes"]


def with_sizes(layers: Sequence[RawLayer], tokens: int | None) -> tuple[list[RawLayer], list[Note]]:
    """``layers`` where every linear one has a size: ``tokens`` input vectors, where that is given; else what
    the file tells, else one; and notes of what was assumed or replaced.
    """
    sized, notes = [], dict[str, list[str]]()
    for la in layers:
        known = la.output_hw
        la = replace(la, window=Window(padding=(0, 0, 0, 0))) if len(la.shape) == 2 else la
        if len(la.shape) != 2 or (known is not None and tokens in (None, known[0] * known[1])):
            sized.append(la)
            continue
        told = f"{tokens} input vectors for each linear layer (--tokens)"
        if tokens is None:
            told = "one input vector assumed for linear layers whose file does not tell (--tokens N)"
        elif known is not None:
            told += f", not {known[0] * known[1]} as the file has"
        notes.setdefault(told, []).append(la.name)
        sized.append(replace(la, output_hw=(tokens or 1, 1)))
    return sized, [Note(text, tuple(names)) for text, names in notes.items()]
