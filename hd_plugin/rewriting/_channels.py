"""Which channels of which tensors have to move together when a layer's output channels are reordered.

A dimension of channels is a `Space`: a row of blocks. Blocks that an addition ties are one block; a
concatenation puts blocks side by side; a slice or an addition of unequal parts cuts them. What is left free
inside a block is any permutation of its channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from hd_plugin.errors import InputError

__all__ = ["ChannelGraph", "Space", "Weight", "order_of"]


class _Block:
    """``size`` channels. ``pinned``: why they may not move, or None."""

    def __init__(self, size: int, pinned: str | None = None) -> None:
        self.size, self.pinned = size, pinned
        self.same: _Block | None = None
        self.parts: list[_Block] = []

    def leaves(self) -> Iterator[_Block]:
        """The blocks that it has become."""
        if self.same is not None:
            yield from self.same.leaves()
        elif self.parts:
            for part in self.parts:
                yield from part.leaves()
        else:
            yield self

    def cut(self, at: int) -> None:
        self.parts = [_Block(at, self.pinned), _Block(self.size - at, self.pinned)]

    def tie(self, other: _Block) -> None:
        other.pinned = other.pinned or self.pinned
        self.same = other


@dataclass(frozen=True, eq=False)
class Space:
    """One dimension of channels; each takes ``repeat`` consecutive places (after a flattening, say)."""

    roots: tuple[_Block, ...]
    repeat: int = 1

    def blocks(self) -> list[_Block]:
        return [leaf for root in self.roots for leaf in root.leaves()]

    @property
    def channels(self) -> int:
        return sum(block.size for block in self.blocks())

    def starts(self) -> list[tuple[int, _Block]]:
        """(first channel, block) of each block."""
        sizes = [block.size for block in self.blocks()]
        return list(zip(np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(int).tolist(), self.blocks()))

    def pin(self, why: str) -> None:
        for block in self.blocks():
            block.pinned = block.pinned or why


@dataclass(frozen=True, eq=False)
class Weight:
    """A layer that streams: its name and the spaces of its output and input channels."""

    name: str
    out: Space
    into: Space


@dataclass
class ChannelGraph:
    """Layers, and every stored tensor's axes that run along a space: ``axes[key, axis]``."""

    weights: list[Weight] = field(default_factory=list)
    axes: dict[tuple[str, int], Space] = field(default_factory=dict)

    def space(self, channels: int, pinned: str | None = None) -> Space:
        return Space((_Block(channels, pinned),))

    def layer(
        self, name: str, key: str, out: Space, into: Space, out_axis: int = 0, in_axis: int = 1
    ) -> None:
        """A layer with the weights ``key``."""
        self.along(key, out_axis, out)
        self.along(key, in_axis, into)
        if all(weight.name != name for weight in self.weights):
            self.weights.append(Weight(name, out, into))

    def along(self, key: str, axis: int, space: Space) -> None:
        """The tensor ``key`` has these channels along ``axis``; one that is used twice ties both uses."""
        if (key, axis) in self.axes:
            self.tie(self.axes[key, axis], space)
        else:
            self.axes[key, axis] = space

    def tie(self, a: Space, b: Space, why: str = "tensors of other layouts are added") -> Space:
        """Channel i of one is channel i of the other from now on."""
        if a.repeat != b.repeat or a.channels != b.channels:
            a.pin(why)
            b.pin(why)
            return a
        while True:
            pair = next(((x, y) for x, y in zip(a.blocks(), b.blocks()) if x is not y), None)
            if pair is None:
                return a
            small, large = sorted(pair, key=lambda block: block.size)
            if small.size == large.size:
                small.tie(large)
            else:
                large.cut(small.size)

    def side_by_side(self, spaces: list[Space]) -> Space:
        """A concatenation; pins them all when channels take different numbers of places."""
        if len({s.repeat for s in spaces}) > 1:
            for s in spaces:
                s.pin("tensors of other layouts are concatenated")
            return self.space(
                sum(s.channels * s.repeat for s in spaces), "tensors of other layouts are concatenated"
            )
        return Space(tuple(root for s in spaces for root in s.roots), spaces[0].repeat)

    def padded(self, space: Space, low: int, high: int) -> Space:
        """``low`` channels of padding before it and ``high`` after it."""
        before, after = ([self.space(n)] if n else [] for n in (low, high))
        return self.side_by_side([*before, space, *after])

    def part(self, space: Space, start: int, stop: int) -> Space:
        """Channels ``start`` to ``stop``."""
        if space.repeat != 1:
            space.pin("a part of a flattened tensor is taken")
            return self.space(stop - start, "a part of a flattened tensor is taken")
        for at in (start, stop):
            for first, block in space.starts():
                if first < at < first + block.size:
                    block.cut(at - first)
                    break
        return Space(tuple(block for first, block in space.starts() if start <= first < stop))

    def spread(self, space: Space, places: int) -> Space:
        """Each channel becomes ``places`` consecutive ones."""
        return Space(space.roots, space.repeat * places)

    def permuted(self, key: str, values: np.ndarray, orders: Mapping[_Block, np.ndarray]) -> np.ndarray:
        """The stored tensor ``key`` with its channels moved. InputError when it does not fit its spaces."""
        for (name, axis), space in self.axes.items():
            if name == key:
                index = order_of(space, orders)
                if values.shape[axis] != index.size:
                    raise InputError(
                        f"tensor {key!r}: {values.shape[axis]} channels along axis {axis}, "
                        f"where the graph has {index.size}"
                    )
                values = np.take(values, index, axis)
        return values


def order_of(space: Space, orders: Mapping[_Block, np.ndarray]) -> np.ndarray:
    """What stood at each place before: int64[channels * repeat]."""
    channels = np.concatenate(
        [first + orders.get(block, np.arange(block.size)) for first, block in space.starts()]
    )
    return (channels[:, None] * space.repeat + np.arange(space.repeat)).reshape(-1)
