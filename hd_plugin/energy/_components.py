"""What an array is made of: energy per action, area and leakage of each part. Only here do bits become pJ.

``price`` and every host adapter use these classes, so that a layer's energy here and a simulator's reference
table cannot differ by more than the rounding of the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from hd_plugin.energy._flip_rate import check_rate
from hd_plugin.energy._technology import Technology

__all__ = [
    "AddressLut",
    "Clock",
    "Component",
    "Mac",
    "MainMemory",
    "PsumHop",
    "Sram",
    "StationaryRegister",
    "WeightHop",
    "flip_scale",
]

# what a host may give: ``build_component`` checks it, construction from code does not (``price`` makes many)
Rate = Annotated[float, Field(ge=0, le=1)]
Bits = Annotated[int, Field(ge=1, le=64)]
SumBits = Annotated[int, Field(ge=1, le=128)]
Width = Annotated[int, Field(ge=1, le=2**20)]
Many = Annotated[int, Field(ge=1, le=2**24)]
Scale = Annotated[float, Field(ge=0, le=1e3)]


def flip_scale(flip_rate: float, technology: Technology) -> float:
    """Datapath energy against that at the reference rate: floor + (1 - floor) * flip_rate / reference_rate.

    Raises InputError unless the rate is a number from 0 to 1.
    """
    rate = check_rate(flip_rate, "flip_rate")
    return technology.floor + (1 - technology.floor) * rate / technology.reference_rate


@dataclass(frozen=True)
class Component:
    """One instance of a part. Subclasses say what an action costs and how large the part is.

    A field is an attribute in an architecture file, and its annotation says what it may be; ``flip_rate``
    may also be the file of a plan or a comparison. actions : the keys of ``actions_pJ``.
    """

    actions: ClassVar[tuple[str, ...]] = ("read", "write", "update")

    technology: Technology

    def actions_pJ(self) -> dict[str, float]:
        """Energy of each action, in pJ."""
        raise NotImplementedError

    def cycle_pJ(self) -> float:
        """Energy that is spent every cycle whatever the data, leakage left out, in pJ."""
        return 0.0

    @property
    def asks(self) -> str | None:
        """The class whose energies and area the host asks another estimator for; None: they are here."""
        return None

    def scaled_pJ(self, reference_pJ: float) -> float:
        """The energy of an action, for one that asks and was answered ``reference_pJ``."""
        return reference_pJ

    @property
    def told(self) -> str:
        """What a host's log says beside the energies."""
        return ""

    def problems(self) -> list[str]:
        """What is wrong between attributes that are right one by one."""
        return []

    def leak_pJ(self, cycle_seconds: float) -> float:
        """Leakage of one cycle, in pJ."""
        return self.leakage_nW * cycle_seconds * 1e3  # nW x s = 1e-9 J = 1e3 pJ

    @property
    def area_um2(self) -> float:
        raise NotImplementedError

    @property
    def leakage_nW(self) -> float:
        """Static power: the technology's leakage density times the area."""
        return self.technology.leakage_nW_per_um2 * self.area_um2


@dataclass(frozen=True)
class Mac(Component):
    """Multiplier and adder of one PE. ``flip_rate``: weight bits that flip per bit and step, 0 to 1."""

    actions = ("compute",)

    flip_rate: Rate
    weight_bits: Bits
    activation_bits: Bits
    psum_bits: SumBits

    def actions_pJ(self) -> dict[str, float]:
        t = self.technology
        full = (
            t.multiplier_pJ_per_bit2 * self.weight_bits * self.activation_bits
            + t.adder_pJ_per_bit * self.psum_bits
        )
        return {"compute": full * flip_scale(self.flip_rate, t)}

    @property
    def area_um2(self) -> float:
        t = self.technology
        return (
            t.multiplier_um2_per_bit2 * self.weight_bits * self.activation_bits
            + t.adder_um2_per_bit * self.psum_bits
        )


@dataclass(frozen=True)
class WeightHop(Component):
    """The register and wire that a weight passes from PE to PE; ``hops`` of them make a row of the array.

    ``write`` is one new weight that travels all hops; holding a weight and reading it in place cost nothing.
    """

    flip_rate: Rate
    weight_bits: Bits
    hops: Annotated[int, Field(ge=1, le=2**16)] = 1

    def actions_pJ(self) -> dict[str, float]:
        one = self.technology.hop_pJ_per_bit * self.weight_bits * flip_scale(self.flip_rate, self.technology)
        return {"read": 0.0, "write": one * self.hops, "update": 0.0}

    @property
    def area_um2(self) -> float:
        return self.technology.register_um2_per_bit * self.weight_bits * self.hops


@dataclass(frozen=True)
class PsumHop(Component):
    """The register and wire of one partial sum between two PEs; ``update`` is one partial sum passed on."""

    flip_rate: Rate
    psum_bits: SumBits

    def actions_pJ(self) -> dict[str, float]:
        scale = flip_scale(self.flip_rate, self.technology)
        return {"read": 0.0, "write": 0.0, "update": self.technology.psum_pJ_per_bit * self.psum_bits * scale}

    @property
    def area_um2(self) -> float:
        registers = self.technology.psum_pJ_per_bit > 0  # none where the column counts
        return self.technology.register_um2_per_bit * self.psum_bits * registers


@dataclass(frozen=True)
class AddressLut(Component):
    """The table of output addresses (paper, section 5). reads_per_cycle : 1 where a plan needs it, else 0."""

    entries: Many
    entry_bits: Annotated[int, Field(ge=0, le=64)]
    reads_per_cycle: Annotated[float, Field(ge=0, le=64)] = 0.0

    def actions_pJ(self) -> dict[str, float]:
        return dict.fromkeys(("read", "write", "update"), self.technology.lut_pJ_per_bit * self.entry_bits)

    def cycle_pJ(self) -> float:
        return self.reads_per_cycle * self.actions_pJ()["read"]

    @property
    def area_um2(self) -> float:
        return self.technology.sram_um2_per_bit * self.entries * self.entry_bits

    @property
    def leakage_nW(self) -> float:
        return self.technology.sram_leakage_nW_per_bit * self.entries * self.entry_bits


@dataclass(frozen=True)
class Clock(Component):
    """The ungated clock of ``pes`` PEs: each cycle, a share of their datapath at the reference rate."""

    actions = ("read", "write", "update", "cycle")

    weight_bits: Bits
    activation_bits: Bits
    psum_bits: SumBits
    pes: Many

    def actions_pJ(self) -> dict[str, float]:
        return {"read": 0.0, "write": 0.0, "update": 0.0, "cycle": self.cycle_pJ()}

    def cycle_pJ(self) -> float:
        t = self.technology
        mac = Mac(t, t.reference_rate, self.weight_bits, self.activation_bits, self.psum_bits).actions_pJ()[
            "compute"
        ]
        hops = t.hop_pJ_per_bit * self.weight_bits + t.psum_pJ_per_bit * self.psum_bits
        return t.clock_fraction * (mac + hops) * self.pes

    @property
    def area_um2(self) -> float:
        return 0.0  # its buffers are part of the registers' area


@dataclass(frozen=True)
class Sram(Component):
    """An on-chip buffer of ``depth`` words of ``width`` bits. A scale of 0 makes an action free.

    The energy of an access includes the way to the array (paper, section 2). copies : a simulator's
    unrolled problem may hold each word that often; area and leakage are of ``depth / copies`` words.
    """

    width: Width
    depth: Annotated[int, Field(ge=1, le=2**48)]
    read_scale: Scale = 1.0
    write_scale: Scale = 1.0
    update_scale: Scale = 1.0
    copies: Annotated[int, Field(ge=1, le=2**16)] = 1

    def actions_pJ(self) -> dict[str, float]:
        word = self.technology.sram_pJ_per_bit * self.width
        return {
            "read": word * self.read_scale,
            "write": word * self.write_scale,
            "update": word * self.update_scale,
        }

    @property
    def area_um2(self) -> float:
        return self.technology.sram_um2_per_bit * self.width * self.depth / self.copies

    @property
    def leakage_nW(self) -> float:
        return self.technology.sram_leakage_nW_per_bit * self.width * self.depth / self.copies


@dataclass(frozen=True)
class StationaryRegister(Component):
    """A register that holds an operand in its PE, for free; the way there is part of the SRAM access."""

    width: Width

    def actions_pJ(self) -> dict[str, float]:
        return {"read": 0.0, "write": 0.0, "update": 0.0}

    @property
    def area_um2(self) -> float:
        return self.technology.register_um2_per_bit * self.width


@dataclass(frozen=True)
class MainMemory(Component):
    """Off-chip memory of words of ``width`` bits, at an energy that the user gives: no technology has one."""

    width: Width
    energy_pJ_per_bit: Annotated[float, Field(ge=0, le=1e4)] = 0.0

    def actions_pJ(self) -> dict[str, float]:
        return dict.fromkeys(("read", "write", "update"), self.energy_pJ_per_bit * self.width)

    @property
    def area_um2(self) -> float:
        return 0.0
