"""An encoding: simple gates over the bits of two operands, and what a 1 at each output is worth.

Source: Liu, Li, Zhang, Yin, Zhuo, Schlichtmann, "EncodingNet", IEEE TCAS-AI 1(2), 2024, arXiv 2402.18595,
written from its description.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hd_plugin._atomic import write_text
from hd_plugin._checked import check, read_json
from hd_plugin.encoding_mac._errors import EncodingErrors, errors_between
from hd_plugin.encoding_mac._file import ADVICE, SCHEMA, EncodingFile
from hd_plugin.encoding_mac._operands import operand_values
from hd_plugin.errors import InputError, did_you_mean

__all__ = ["AREA_NAND2", "Encoding", "Gate"]

# areas in units of a NAND2: the paper's
AREA_NAND2 = {"and": 4 / 3, "or": 4 / 3, "nand": 1.0, "nor": 1.0, "xor": 2.0, "xnor": 2.0, "not": 2 / 3}
_WIDTHS = range(2, 9)
_MOST_OUTPUTS = 64  # one word holds them
_MOST_GATES = 4096


class Gate(NamedTuple):
    """kind : of ``AREA_NAND2``. a, b : nets; ``not`` has b == a."""

    kind: str
    a: int
    b: int


@dataclass(frozen=True)
class Encoding:
    """Gates over operand bits whose outputs, times their weights, add up to a product, or nearly so.

    Nets are numbered: the activation's bits 0 to a_bits - 1, least significant first, then the weight's bits,
    then the gates, each of which reads nets before it. outputs : nets; a bit of an operand is one, too
    (a wire). weights : of each output, integers other than 0. constant : always added; hardware adds it once
    a sum, with the bias. a_signed, w_signed : two's complement, else unsigned. Operands have 2 to 8 bits, an
    encoding 1 to 64 outputs. Raises InputError that says what does not go together.
    """

    a_bits: int
    w_bits: int
    gates: tuple[Gate, ...]
    outputs: tuple[int, ...]
    weights: tuple[int, ...]
    constant: int = 0
    a_signed: bool = True
    w_signed: bool = True
    name: str = "encoding"

    def __post_init__(self) -> None:
        for side, bits in (("a_bits", self.a_bits), ("w_bits", self.w_bits)):
            if bits not in _WIDTHS:
                raise InputError(f"encoding {self.name!r}: {side}: {bits} found; 2 to 8 are possible")
        object.__setattr__(self, "gates", tuple(Gate(*g) for g in self.gates))
        if len(self.gates) > _MOST_GATES or not 1 <= len(self.outputs) <= _MOST_OUTPUTS:
            raise InputError(
                f"encoding {self.name!r}: {len(self.gates)} gates and {len(self.outputs)} outputs found; at "
                f"most {_MOST_GATES} and 1 to {_MOST_OUTPUTS} are possible"
            )
        self._check_gates()
        self._check_outputs()

    def _check_gates(self) -> None:
        for g, gate in enumerate(self.gates):
            where, net = f"encoding {self.name!r}: gate {g}", self.operand_bits + g
            if gate.kind not in AREA_NAND2:
                raise InputError(f"{where}: {gate.kind!r} is unknown; {did_you_mean(gate.kind, AREA_NAND2)}")
            if not (0 <= gate.a < net and 0 <= gate.b < net):
                raise InputError(f"{where}: inputs {gate.a}, {gate.b} found; 0 to {net - 1} are before it")
            if gate.kind == "not" and gate.a != gate.b:
                raise InputError(f"{where}: a 'not' of two nets, {gate.a} and {gate.b}; one is needed, twice")

    def _check_outputs(self) -> None:
        where = f"encoding {self.name!r}"
        if len(self.weights) != len(self.outputs):
            raise InputError(f"{where}: {len(self.outputs)} outputs and {len(self.weights)} weights found")
        nets = self.operand_bits + len(self.gates)
        for i, (net, weight) in enumerate(zip(self.outputs, self.weights)):
            if not 0 <= net < nets:
                raise InputError(f"{where}: output {i}: net {net} found; 0 to {nets - 1} are there")
            if weight == 0 or abs(weight) >= 1 << 31:
                raise InputError(f"{where}: output {i}: weight {weight} found; not 0, below 2**31 is needed")
        if len(set(self.outputs)) != len(self.outputs):
            raise InputError(f"{where}: an output stands twice; add up its weights")
        if abs(self.constant) >= 1 << 31:
            raise InputError(f"{where}: constant {self.constant} found; below 2**31 is needed")

    @property
    def operand_bits(self) -> int:
        """Bits of both operands, and so the first gate's net."""
        return self.a_bits + self.w_bits

    @property
    def bits(self) -> int:
        """How many outputs there are: the wires that go from a PE into its column."""
        return len(self.outputs)

    @cached_property
    def used_gates(self) -> tuple[int, ...]:
        """The gates that reach an output, ascending."""
        first, live = self.operand_bits, set(self.outputs)
        for g in range(len(self.gates) - 1, -1, -1):
            if first + g in live:
                live |= {self.gates[g].a, self.gates[g].b}
        return tuple(g for g in range(len(self.gates)) if first + g in live)

    @property
    def area_nand2(self) -> float:
        """Area of the gates that reach an output, in NAND2 (the paper's areas); no counter, no register."""
        return float(sum(AREA_NAND2[self.gates[g].kind] for g in self.used_gates))

    @property
    def levels(self) -> int:
        """Gates between an operand and an output, at most."""
        depth = [0] * self.operand_bits
        for gate in self.gates:
            depth.append(1 + max(depth[gate.a], depth[gate.b]))
        return max(depth[net] for net in self.outputs)

    def output_words(self) -> np.ndarray:
        """All outputs for all pairs of bit patterns, uint64[2**a_bits, 2**w_bits]: bit i is output i."""
        found = np.zeros((1 << self.a_bits, 1 << self.w_bits), np.uint64)
        for i, plane in enumerate(self._planes()):
            found |= plane.astype(np.uint64) << np.uint64(i)
        return found

    def _planes(self) -> list[np.ndarray]:
        """Each output for all pairs of patterns, uint8[2**a_bits, 2**w_bits]."""
        a = np.arange(1 << self.a_bits, dtype=np.uint16)[:, None]
        w = np.arange(1 << self.w_bits, dtype=np.uint16)[None, :]
        shape = (a.size, w.size)
        nets = [np.broadcast_to(((a >> b) & 1).astype(np.uint8), shape) for b in range(self.a_bits)]
        nets += [np.broadcast_to(((w >> b) & 1).astype(np.uint8), shape) for b in range(self.w_bits)]
        for gate in self.gates:
            nets.append(_OPERATIONS[gate.kind](nets[gate.a], nets[gate.b]))
        return [nets[net] for net in self.outputs]

    def code_table(self) -> np.ndarray:
        """What it makes of all pairs of bit patterns, int64[2**a_bits, 2**w_bits]."""
        found = np.full((1 << self.a_bits, 1 << self.w_bits), self.constant, np.int64)
        for weight, plane in zip(self.weights, self._planes()):
            found += weight * plane.astype(np.int64)
        return found

    def table(self) -> np.ndarray:
        """What it makes of all pairs of operands, int64[2**a_bits, 2**w_bits], operands ascending.

        Rows are activations from the smallest to the largest one, columns weights.
        """
        a = np.argsort(operand_values(self.a_bits, self.a_signed), kind="stable")
        w = np.argsort(operand_values(self.w_bits, self.w_signed), kind="stable")
        return self.code_table()[np.ix_(a, w)]

    def products(self) -> np.ndarray:
        """The exact products in the order of ``table``, int64[2**a_bits, 2**w_bits]."""
        a = np.sort(operand_values(self.a_bits, self.a_signed))
        w = np.sort(operand_values(self.w_bits, self.w_signed))
        return np.multiply.outer(a, w)

    def errors(self, distribution: np.ndarray | None = None) -> EncodingErrors:
        """distribution : how likely each pair is, float[2**a_bits, 2**w_bits] in the order of ``table``.

        Raises InputError for a distribution that is none, or of another shape.
        """
        return errors_between(self.table(), self.products(), distribution)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it: gates as [kind, net, net], outputs as [net, weight]."""
        names = ("name", "a_bits", "w_bits", "a_signed", "w_signed", "constant")
        return {
            "schema": SCHEMA,
            **{name: getattr(self, name) for name in names},
            "gates": [list(gate) for gate in self.gates],
            "outputs": [list(pair) for pair in zip(self.outputs, self.weights)],
        }

    @classmethod
    def from_dict(cls, data: Any, where: str | Path = "encoding") -> Encoding:
        """The encoding in a mapping. Raises InputError that begins with ``where`` and lists what is wrong."""
        given = {k: v for k, v in data.items() if k != "schema"} if isinstance(data, dict) else data
        fields = dict(check(EncodingFile, given, where))
        outputs = fields.pop("outputs")
        try:
            return cls(outputs=tuple(n for n, _ in outputs), weights=tuple(w for _, w in outputs), **fields)
        except InputError as error:
            raise InputError(f"{where}: {error}") from error

    def save(self, path: str | Path) -> None:
        """Write it (JSON, schema hd-plugin/encoding/1), whole or not at all."""
        write_text(path, json.dumps(self.to_dict()) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> Encoding:
        """Read one. Raises InputError that names the file and all that is wrong with it."""
        return cls.from_dict(read_json(path, [SCHEMA], ADVICE), path)


_OPERATIONS = {
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "nand": lambda a, b: 1 - (a & b),
    "nor": lambda a, b: 1 - (a | b),
    "xor": lambda a, b: a ^ b,
    "xnor": lambda a, b: 1 - (a ^ b),
    "not": lambda a, b: 1 - a,
}
