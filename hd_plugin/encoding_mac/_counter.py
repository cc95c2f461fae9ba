"""A column that counts: Verilog of a compressor tree for bits of any weights, and of its pipeline registers.

Bits whose weights are powers of two, times one odd factor, share a tree. Full adders take the three bits of a
position that are there first (as the three-greedy method does), until two are left; one adder ends it. All of
it modulo 2**width. Factors other than 1 are applied once, to the counted number, by shifts and additions.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple

__all__ = ["Counter", "counter", "signed_digits"]

_ONE = "1'b1"


class Bit(NamedTuple):
    """A wire, and how many full adders it comes after, at most."""

    level: int
    name: str


class Counter(NamedTuple):
    """lines : Verilog that makes ``sum`` of ``outputs_of_all_rows``. stages : registers on the way, one after
    the other. adders : full ones, and the few half ones.
    """

    lines: tuple[str, ...]
    stages: int
    adders: int


class _Heap:
    """Bits by position, the earliest of each first."""

    def __init__(self) -> None:
        self.places: dict[int, list[Bit]] = {}

    def add(self, place: int, bit: Bit) -> None:
        heappush(self.places.setdefault(place, []), bit)

    def levels(self) -> int:
        return max((bit.level for bits in self.places.values() for bit in bits), default=0)


def counter(weights: list[int], rows: int, width: int, every: int | None = None) -> Counter:
    """The tree for ``rows`` times as many bits as there are weights, bit i of row r at r * len(weights) + i.

    width : of ``sum``. every : full adders between two registers, None for none at all; the last registers
    are in front of the final adder.
    """
    return _Tree(width, every).run(weights, rows)


def signed_digits(number: int) -> list[tuple[int, int]]:
    """A positive number as few powers of two, added or subtracted (CSD): [(power, 1 or -1)]."""
    found, power = [], 0
    while number:
        if number & 1:
            digit = 2 - (number & 3)
            found.append((power, digit))
            number -= digit
        number >>= 1
        power += 1
    return found


class _Tree:
    def __init__(self, width: int, every: int | None) -> None:
        self.width, self.every = width, every
        self.lines: list[str] = []
        self.registers: list[str] = []
        self.delayed: dict[tuple[str, int], str] = {}
        self.constant = self.adders = 0

    def run(self, weights: list[int], rows: int) -> Counter:
        main, classes = _Heap(), self.classes(weights, rows)
        for factor, heap in sorted(classes.items()):
            if factor == 1:
                continue
            most = rows * sum(abs(w) for w in weights if _odd(w) == factor) // factor
            self.reduce(heap, most.bit_length())
            for place, bit in self.added(heap, most.bit_length()):
                for power, digit in signed_digits(factor):
                    self.put(main, place + power, bit, digit)
        for place, bits in classes.get(1, _Heap()).places.items():
            for bit in bits:
                main.add(place, bit)
        for place in range(self.width):
            if self.constant >> place & 1:
                main.add(place, Bit(0, _ONE))
        self.reduce(main, self.width)
        stages = 0 if self.every is None else -(-main.levels() // self.every) or 1
        self.final(main, stages)
        if self.registers:
            self.lines += ["always @(posedge clk) begin", *self.registers, "end"]
        return Counter(tuple(self.lines), stages, self.adders)

    def classes(self, weights: list[int], rows: int) -> dict[int, _Heap]:
        """Bits of all rows by odd factor; those of negative weights inverted, which adds a constant."""
        found: dict[int, _Heap] = {}
        for i, weight in enumerate(weights):
            factor = _odd(weight)
            place = (abs(weight) // factor).bit_length() - 1
            heap = found.setdefault(factor, _Heap())
            for row in range(rows):
                name = f"outputs_of_all_rows[{row * len(weights) + i}]"
                if weight < 0:
                    self.constant += weight
                    name = f"~{name}"
                if factor > 1 or place < self.width:
                    heap.add(place, Bit(0, name))
        return found

    def put(self, heap: _Heap, place: int, bit: Bit, digit: int) -> None:
        """The bit once more, or once less: inverted, and a constant."""
        if digit < 0:
            self.constant -= 1 << place
            name = bit.name[1:] if bit.name.startswith("~") else f"~{bit.name}"
            bit = Bit(bit.level, name)
        if place < self.width:
            heap.add(place, bit)

    def reduce(self, heap: _Heap, width: int) -> None:
        """Until no position has more than two bits; what is carried out of ``width`` is dropped."""
        for place in range(width):
            bits = heap.places.get(place, [])
            while len(bits) > 2:
                total, carry = self.adder([heappop(bits) for _ in range(3)], place + 1 < width)
                heappush(bits, total)
                if carry is not None:
                    heap.add(place + 1, carry)

    def added(self, heap: _Heap, width: int) -> list[tuple[int, Bit]]:
        """One bit for each position: a small adder, from the lowest bit up."""
        found: list[tuple[int, Bit]] = []
        carry: Bit | None = None
        for place in range(width):
            bits = [*heap.places.get(place, []), *([carry] if carry else [])]
            carry = None
            if len(bits) > 1:
                bit, carry = self.adder(bits, place + 1 < width)
                found.append((place, bit))
            elif bits:
                found.append((place, bits[0]))
        return found

    def adder(self, bits: list[Bit], carries: bool) -> tuple[Bit, Bit | None]:
        """A full adder, or a half one: sum and carry."""
        level, number = max(bit.level for bit in bits) + 1, self.adders
        self.adders += 1
        stage = 0 if self.every is None else (level - 1) // self.every
        names = [self.at(bit, stage) for bit in bits]
        self.lines.append(f"wire adder_sum_{number} = {' ^ '.join(names)};")
        if not carries:
            return Bit(level, f"adder_sum_{number}"), None
        both = f"({names[0]} & {names[1]})"
        third = f" | ({names[2]} & ({names[0]} ^ {names[1]}))" if len(names) > 2 else ""
        self.lines.append(f"wire adder_carry_{number} = {both}{third};")
        return Bit(level, f"adder_sum_{number}"), Bit(level, f"adder_carry_{number}")

    def at(self, bit: Bit, stage: int) -> str:
        """The bit in a later stage: behind as many registers as lie between."""
        if self.every is None or bit.name == _ONE:
            return bit.name
        name, sign = bit.name.lstrip("~"), "~" * bit.name.startswith("~")
        for s in range((max(bit.level, 1) - 1) // self.every, stage):
            key = (bit.name.lstrip("~"), s)
            if key not in self.delayed:
                made = f"piped{len(self.delayed)}"
                self.delayed[key] = made
                self.lines.append(f"reg {made};")
                self.registers.append(f"    {made} <= {name};")
            name = self.delayed[key]
        return sign + name

    def final(self, heap: _Heap, stages: int) -> None:
        """The last adder, of the two rows that are left."""
        rows: list[list[str]] = [[], []]
        for place in range(self.width):
            left = [self.at(bit, stages) for bit in sorted(heap.places.get(place, []))]
            for row, name in zip(rows, [*left, "1'b0", "1'b0"]):
                row.append(name)
        for name, row in zip(("first_addend", "second_addend"), rows):
            self.lines.append(f"wire [{self.width - 1}:0] {name} = {{{', '.join(reversed(row))}}};")
        self.lines.append("assign sum = first_addend + second_addend;")


def _odd(weight: int) -> int:
    """What is left of |weight| without its factors of two."""
    weight = abs(weight)
    return weight // (weight & -weight)
