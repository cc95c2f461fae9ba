"""Output sizes that a file does not tell: of linear layers by the number of input vectors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from hd_plugin.weights._layer import Window
from hd_plugin.weights._readers import RawLayer
from hd_plugin.weights._told import Note

__all__ = ["image_size", "with_sizes"]

_MOST = 1 << 16  # pixels
_WORD = re.compile("[0-9]{1,6}")


def image_size(found: object) -> tuple[int, ...]:
    """ "32x32", "3x32x32" or a list of such numbers as (H, W) or (C, H, W).

    Raises ValueError for anything else.
    """
    words = found.lower().split("x") if isinstance(found, str) else found
    sizes: list[object] = list(words) if isinstance(words, (list, tuple)) else []
    numbers = [int(w) if isinstance(w, str) and _WORD.fullmatch(w) else w for w in sizes]
    whole = [n for n in numbers if type(n) is int and 0 < n <= _MOST]
    if len(whole) not in (2, 3) or len(whole) < len(numbers):
        raise ValueError(f"{found!r} found; HxW or CxHxW is needed, 32x32 or 3x32x32 say")
    return tuple(whole)


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
    return sized, [Note(text, tuple(names), tokens is None) for text, names in notes.items()]
