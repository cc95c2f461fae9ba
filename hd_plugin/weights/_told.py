"""What is told of a file beside its layers: what does not go to the array, what was assumed or replaced."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Note", "Unmapped"]


@dataclass(frozen=True)
class Unmapped:
    """Something in the file that does not go to the array, and why (depthwise, say).

    reason : the same words for all of a kind, so that they can be counted. shape : as the file has it, where
    it is one tensor.
    """

    name: str
    reason: str
    shape: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "name": self.name,
            "reason": self.reason,
            **({"shape": list(self.shape)} if self.shape else {}),
        }


@dataclass(frozen=True)
class Note:
    """What was assumed of a file, or replaced, or is worth asking for; and of which layers, if of some.

    assumes_size : that it is an output size for want of anything better.
    """

    text: str
    layers: tuple[str, ...] = ()
    assumes_size: bool = False

    def among(self, names: Collection[str]) -> Note | None:
        """The same of those of its layers that are in ``names``; None where none is."""
        left = tuple(name for name in self.layers if name in names)
        return self if not self.layers else replace(self, layers=left) if left else None

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"text": self.text, **({"layers": list(self.layers)} if self.layers else {})}
