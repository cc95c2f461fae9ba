"""Exact encodings of fewer outputs: Booth's radix-4 digits of one operand select rows of the other one.

A. D. Booth, "A signed binary multiplication technique", 1951; radix 4: O. L. MacSorley, 1961.
"""

from __future__ import annotations

from hd_plugin.encoding_mac._encoding import Encoding, Gate
from hd_plugin.errors import InputError

__all__ = ["Netlist", "booth"]


class Netlist:
    """Gates as they are asked for, each once; nets as in ``Encoding``. outputs : net -> weight."""

    def __init__(self, operand_bits: int) -> None:
        self.gates: list[Gate] = []
        self.outputs: dict[int, int] = {}
        self._first = operand_bits
        self._known: dict[Gate, int] = {}

    def gate(self, kind: str, a: int, b: int) -> int:
        """The net of this gate."""
        gate = Gate(kind, *sorted((a, b)))
        if gate not in self._known:
            self._known[gate] = self._first + len(self.gates)
            self.gates.append(gate)
        return self._known[gate]

    def output(self, net: int, weight: int) -> None:
        """Count ``net`` with ``weight``, besides what it has."""
        self.outputs[net] = self.outputs.get(net, 0) + weight

    def encoding(self, a_bits: int, w_bits: int, signs: tuple[bool, bool], name: str) -> Encoding:
        """Of outputs whose weight is not 0."""
        found = [(net, weight) for net, weight in self.outputs.items() if weight]
        nets, weights = zip(*found)
        return Encoding(a_bits, w_bits, tuple(self.gates), nets, weights, 0, *signs, name)


def booth(
    a_bits: int,
    w_bits: int,
    digits: int,
    *,
    recode_activation: bool = False,
    a_signed: bool = True,
    w_signed: bool = True,
) -> Encoding:
    """Exact, with the top ``digits`` of the weight (or of the activation) in radix 4 and ANDs for the rest.

    The recoded operand must be two's complement, of an even number of bits. Raises InputError for another
    one, and for more digits than it has.
    """
    sides = (a_bits, a_signed, 0), (w_bits, w_signed, a_bits)
    (bits, signed, first), (others, other_signed, other) = sides if recode_activation else sides[::-1]
    side = "activation" if recode_activation else "weight"
    if not signed or bits % 2 or not 1 <= digits <= bits // 2:
        raise InputError(
            f"booth: {digits} digits of a {'signed' if signed else 'unsigned'} {bits}-bit {side} found; 1 to "
            "bits / 2 of a signed one of an even number of bits are possible"
        )
    net = Netlist(a_bits + w_bits)
    row = [other + i for i in range(others)]
    low = bits - 2 * digits
    for digit in range(low // 2, bits // 2):
        _digit_row(net, first, digit, row, other_signed)
    for j in range(low):
        for i, bit in enumerate(row):
            negative = (j == low - 1) != (other_signed and i == others - 1)
            net.output(net.gate("and", bit, first + j), -(1 << i + j) if negative else 1 << i + j)
    name = f"booth{'a' if recode_activation else ''}{digits}_{a_bits}x{w_bits}"
    return net.encoding(a_bits, w_bits, (a_signed, w_signed), name)


def _digit_row(net: Netlist, first: int, digit: int, row: list[int], signed: bool) -> None:
    """-2, -1, 0, 1 or 2 times the other operand: selected, inverted where the digit is negative, and 1."""
    top, middle = first + 2 * digit + 1, first + 2 * digit
    if digit:
        one = net.gate("xor", middle, middle - 1)
        two = net.gate("nor", one, net.gate("xnor", top, middle))
    else:
        one, two = middle, net.gate("and", top, net.gate("not", middle, middle))
    places = len(row) + 1
    for i in range(places):
        parts = []
        if i < len(row) or signed:
            parts.append(net.gate("nand", one, row[min(i, len(row) - 1)]))
        if i:
            parts.append(net.gate("nand", two, row[i - 1]))
        # of the lowest and the highest place only one part may be there
        chosen = net.gate("nand", *parts) if len(parts) == 2 else parts[0]
        bit = net.gate("xor" if len(parts) == 2 else "xnor", chosen, top)
        weight = 1 << i + 2 * digit
        net.output(bit, -weight if signed and i == places - 1 else weight)
    # the 1 of a negation; an unsigned row has its sign above its places
    net.output(top, (1 << 2 * digit) - (0 if signed else 1 << places + 2 * digit))
