"""A program through the Verilog: memory images in, sums and toggles out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hd_plugin.bits import NUMBER_FORMATS
from hd_plugin.gates import Simulator
from hd_plugin.hardware._activations import Activations, tiles_of
from hd_plugin.hardware._design import SYSTOLIC, ArrayDesign, Operands
from hd_plugin.hardware._integer import NO_SUM
from hd_plugin.hardware._program import Program
from hd_plugin.hardware._starts import starts
from hd_plugin.hardware._tables import address_bits, hex_lines
from hd_plugin.hardware._testbench import build_bench, run_bench

__all__ = ["Bench", "Seen"]


@dataclass(frozen=True, eq=False)
class Seen:
    """What one run of the test bench told.

    sums : int64[K, pixels] by output channel. toggles : of the array's weight inputs. cycles : clock cycles,
    loading included.
    """

    sums: np.ndarray
    toggles: int
    cycles: int


class Bench:
    """The test bench, compiled once for all ``runs``: (program, activations) of one number format and width.

    folder : gets the compiled test bench and the images of each run. cols : output pixels per tile. tiles :
    of each layer, the first ones, or all for None. design : the array. Raises SimulationError, and InputError
    for operands that it is not made for.
    """

    def __init__(
        self,
        simulator: Simulator,
        folder: Path,
        runs: Iterable[tuple[Program, Activations]],
        cols: int = 8,
        tiles: int | None = None,
        design: ArrayDesign = SYSTOLIC,
    ) -> None:
        self.simulator, self.folder, self.cols, self.tiles = simulator, Path(folder).resolve(), cols, tiles
        self.design = design
        runs = list(runs)
        first, a = runs[0]
        self.rows = first.tables.rows
        most = max(int(p.tables.shape[1] * np.prod(p.tables.shape[2:])) for p, _ in runs)
        operands = Operands(a.bits, first.bits, a.signed)
        design.check(operands, first.number_format)
        self.psum_bits = design.psum_bits(self.rows, operands)
        self.acc_bits = self.psum_bits + (max(1, most // self.rows) + 1).bit_length()
        if design.code_table is not None:  # the sums, constants and all, may need more
            largest = most * int(np.abs(design.code_table).max())
            self.acc_bits = max(self.acc_bits, largest.bit_length() + 1)
        self.addresses = address_bits(max(p.tables.shape[0] for p, _ in runs))
        self.act_bits = a.bits
        parameters = {
            "ROWS": self.rows,
            "COLS": cols,
            "WEIGHT_BITS": first.bits,
            "ACT_BITS": a.bits,
            "ACT_SIGNED": int(a.signed),
            "PSUM_BITS": self.psum_bits,
            "ACC_BITS": self.acc_bits,
            "FORMAT": NUMBER_FORMATS.index(first.number_format),
            "DEPTH": 1 << self.addresses,
            "ADDR_BITS": self.addresses,
            "LATENCY": design.build(self.rows, self.psum_bits).latency,
            "STEPS": max(p.words.shape[0] * p.words.shape[1] for p, _ in runs),
            "GROUPS": max(len(p.used) for p, _ in runs),
            "ACTS": max(self.tiles_of(a) * len(p.used) * self.rows for p, a in runs),
            "TILES": max(self.tiles_of(a) for _, a in runs),
        }
        self.command = build_bench(simulator, self.folder, parameters, design)

    def tiles_of(self, activations: Activations) -> int:
        """How many tiles a run takes."""
        return tiles_of(activations, self.cols, self.tiles)

    def run(self, made: Program, activations: Activations, alternate: bool = False) -> Seen:
        """One layer; with ``alternate`` every other tile runs backwards. Sums of the tiles that were run."""
        made.check()
        tiles, K = self.tiles_of(activations), made.words.shape[1]
        images: dict[str, Iterable[str]] = {
            "words": _pack(made.words, made.bits).reshape(-1),
            "addresses": hex_lines(made.tables.output_addresses.reshape(-1), self.addresses),
            "used": hex_lines([(1 << int(n)) - 1 for n in made.used], self.rows),
            "acts": self._acts(made, activations, tiles),
            "starts": hex_lines(
                starts(made, self.design, tiles, alternate) & ((1 << self.acc_bits) - 1), self.acc_bits
            ),
        }
        for name, lines in images.items():
            (self.folder / f"{name}.mem").write_text("\n".join(lines) + "\n", encoding="ascii")
        plusargs = {
            "K": K,
            "groups": len(made.used),
            "tiles": tiles,
            "alternate": int(alternate),
            "lut": int(made.tables.needs_outputs),
            **{name: f"{name}.mem" for name in images},
            "out": "sums.txt",
        }
        told = run_bench(self.simulator, self.command, self.folder, plusargs)
        sums = np.full((K, tiles * self.cols), NO_SUM, np.int64)
        sums[made.tables.output_order] = self._sums(tiles, K)
        return Seen(sums[:, : activations.patches.shape[2]], told["toggles"], told["cycles"])

    def _acts(self, made: Program, activations: Activations, tiles: int) -> np.ndarray:
        """One line for each tile, group and row: the columns' activations.

        Idle rows and pixels that are not there have 0.
        """
        t, pixels = made.tables, tiles * self.cols
        patches = np.zeros((*activations.patches.shape[:2], pixels), np.int64)
        patches[:, :, : min(pixels, activations.patches.shape[2])] = activations.patches[:, :, :pixels]
        picked = np.where(
            (t.input_addresses >= 0)[:, :, None], patches[t.input_addresses, t.taps[:, None]], 0
        )  # [groups, rows, pixels]
        by_tile = picked.reshape(*picked.shape[:2], tiles, self.cols).transpose(2, 0, 1, 3)
        return _pack(by_tile & ((1 << self.act_bits) - 1), self.act_bits).reshape(-1)

    def _sums(self, tiles: int, K: int) -> np.ndarray:
        """What the test bench wrote: signed sums by address and pixel, int64[K, tiles * cols]."""
        lines = (self.folder / "sums.txt").read_text(encoding="ascii").split()
        found = np.full((tiles * K, self.cols), NO_SUM)  # an unknown (x) stays no sum at all
        mask, half = (1 << self.acc_bits) - 1, 1 << (self.acc_bits - 1)
        for row, line in zip(found, lines):
            if "x" not in line.lower():
                word = int(line, 16)
                row[:] = [(((word >> (c * self.acc_bits)) & mask) ^ half) - half for c in range(self.cols)]
        return found.reshape(tiles, K, self.cols).transpose(1, 0, 2).reshape(K, -1)


def _pack(values: np.ndarray, bits: int) -> np.ndarray:
    """Words of the last axis as one hexadecimal number each, the first one lowest: str[...]."""
    width = values.shape[-1] * bits
    every = (
        ((values[..., None].astype(np.uint32) >> np.arange(bits, dtype=np.uint32)) & 1)
        .astype(np.uint8)
        .reshape(*values.shape[:-1], width)
    )
    octets = np.packbits(every, axis=-1, bitorder="little")[..., ::-1]
    flat = np.ascontiguousarray(octets).reshape(-1, octets.shape[-1])
    return np.array([line.tobytes().hex() for line in flat]).reshape(values.shape[:-1])
