"""Technology files: coefficients in pJ, each with its source."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from hd_plugin._checked import Checked, check, read_json, read_mapping
from hd_plugin._wording import shown
from hd_plugin.energy._node_scaling import NodeScale, node_scale, scaled_nodes
from hd_plugin.errors import InputError, did_you_mean

__all__ = [
    "SCHEMA",
    "Technology",
    "TechnologyFile",
    "load_technology",
    "read_characterisation",
    "technologies",
    "technology_path",
]

SCHEMA = "hd-plugin/characterisation/1"
_NODE = re.compile(r"(\d+(?:\.\d+)?)\s*nm", re.IGNORECASE)


@dataclass(frozen=True)
class Technology:
    """Energies at the reference flip rate in pJ, areas in um2; ``sources`` says where each number comes from.

    clock_fraction : clock energy of a PE and cycle, relative to its datapath energy at the reference rate.
    floor : the share of datapath energy that is left when no weight bit flips. scaled : how its numbers came
    from another node's; None when they are its own. psum_hop_pJ_per_bit : where it is not hop_pJ_per_bit; 0
    for a column that counts, and has no registers for partial sums.
    """

    name: str
    description: str
    node_nm: float
    multiplier_pJ_per_bit2: float
    adder_pJ_per_bit: float
    hop_pJ_per_bit: float
    sram_pJ_per_bit: float
    lut_pJ_per_bit: float
    clock_fraction: float
    reference_rate: float
    floor: float
    multiplier_um2_per_bit2: float
    adder_um2_per_bit: float
    register_um2_per_bit: float
    sram_um2_per_bit: float
    leakage_nW_per_um2: float
    sram_leakage_nW_per_bit: float
    sources: dict[str, str]
    path: Path
    scaled: NodeScale | None = None
    psum_hop_pJ_per_bit: float | None = None

    @property
    def psum_pJ_per_bit(self) -> float:
        """Of the hop of a partial sum: as any hop's, unless the array has another way to add up."""
        return self.hop_pJ_per_bit if self.psum_hop_pJ_per_bit is None else self.psum_hop_pJ_per_bit

    def __str__(self) -> str:
        """Its name, and what it was scaled from."""
        return self.name if self.scaled is None else f"{self.name}: {self.scaled}"

    @property
    def reference(self) -> str:
        """What finds this technology again, from any folder: its name, or the absolute path of its file."""
        return self.name if self.path.parent == _folder() else str(self.path)


def _folder() -> Path:
    return Path(__file__).parent / "technologies"


def technologies() -> list[str]:
    """Names of the technologies that come with the package: YAML, or JSON of a characterised array."""
    return sorted(p.stem for pattern in ("*.yaml", "*.json") for p in _folder().glob(pattern))


def technology_path(name: str | Path) -> Path:
    """The file of a technology: ``name`` itself, or of the bundled one of that name or node.

    For a node that is scaled to, the file whose coefficients are scaled. Raises InputError for an unknown
    name or node.
    """
    path = Path(str(name))  # 45 without quotes is a number in YAML
    if path.suffix in (".yaml", ".yml", ".json"):
        if not path.exists():
            raise InputError(
                f"{path}: no such file; name a technology file, or one of {', '.join(technologies())}"
            )
        return path
    node = _NODE.fullmatch(str(name).strip())
    if node:
        name = _of_node(float(node[1]), str(name))
    for suffix in (".yaml", ".json"):
        if (_folder() / f"{name}{suffix}").exists():
            return _folder() / f"{name}{suffix}"
    raise InputError(
        f"technology: {str(name)!r} is unknown; "
        + did_you_mean(str(name), technologies())
        + " (or give a YAML file, or a JSON file of 'characterize')"
    )


def _told(text: str) -> str:
    if not text.strip():
        raise ValueError(f"{shown(text)} found; a text is needed")
    return text


# 45 without quotes is a name too, and 2014 a source
Text = Annotated[
    str, BeforeValidator(lambda v: str(v) if isinstance(v, (int, float)) else v), AfterValidator(_told)
]


class _Sourced(Checked):
    """A number and where it comes from."""

    value: float
    source: Text

    @model_validator(mode="before")
    @classmethod
    def _both(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise ValueError(f"{shown(data)} found; a mapping of 'value' and 'source' is needed")
        return data


class _Size(_Sourced):
    """Energies and areas, of which the largest is only there to catch a wrong unit."""

    value: Annotated[float, Field(ge=0, le=1e6)]


class _Factor(_Sourced):
    value: Annotated[float, Field(ge=0, le=100)]


class _Share(_Sourced):
    value: Annotated[float, Field(ge=0, le=1)]


class _Divisor(_Sourced):
    value: Annotated[float, Field(ge=1e-6, le=1)]


class _Coefficients(Checked):
    multiplier_pJ_per_bit2: _Size
    adder_pJ_per_bit: _Size
    hop_pJ_per_bit: _Size
    sram_pJ_per_bit: _Size
    lut_pJ_per_bit: _Size
    clock_fraction: _Factor
    psum_hop_pJ_per_bit: _Size | None = None


class _FlipModel(Checked):
    reference_rate: _Divisor
    floor: _Share


class _Sizes(Checked):
    multiplier_um2_per_bit2: _Size
    adder_um2_per_bit: _Size
    register_um2_per_bit: _Size
    sram_um2_per_bit: _Size
    leakage_nW_per_um2: _Size
    sram_leakage_nW_per_bit: _Size


class TechnologyFile(Checked):
    """The fields of a technology file; a characterisation has more."""

    technology: Text
    description: Text
    node_nm: Annotated[float, Field(ge=1, le=1e4)]
    coefficients: _Coefficients
    flip_model: _FlipModel
    size: _Sizes

    def as_read_from(self, path: Path) -> Technology:
        """The technology; ``path`` is where it was found."""
        every = {**dict(self.coefficients), **dict(self.flip_model), **dict(self.size)}
        numbers: dict[str, _Sourced] = {name: number for name, number in every.items() if number is not None}
        return Technology(
            self.technology,
            self.description,
            self.node_nm,
            **{name: number.value for name, number in numbers.items()},  # type: ignore[arg-type]
            sources={name: number.source for name, number in numbers.items()},
            path=path.absolute(),
        )


def read_characterisation(path: Path) -> dict[str, Any]:
    """All fields of a characterisation's JSON. Raises InputError: no such file, no JSON, another schema."""
    return read_json(path, [SCHEMA], "make it again with 'hd-plugin characterize'")


def _read(path: Path) -> dict[str, Any]:
    """The fields of a technology, out of either kind of file."""
    if path.suffix != ".json":
        return read_mapping(path)
    data = read_characterisation(path)
    return {name: data[name] for name in TechnologyFile.model_fields if name in data}


def load_technology(name: str | Path) -> Technology:
    """A bundled technology by name or by node ("45nm": the first one of that node), or a file by path.

    A file is YAML, or JSON of 'hd-plugin characterize'. A node between the bundled ones that a published rule
    knows ("65nm") has another one's coefficients scaled by it. Raises InputError: unknown name or node (with
    the nearest), or a file with ALL its wrong fields listed.
    """
    path = technology_path(name)
    found = check(TechnologyFile, _read(path), path).as_read_from(path)
    node = _NODE.fullmatch(str(name).strip())
    if node is None or found.node_nm == float(node[1]):
        return found
    return _at_node(found, node_scale(float(node[1])))


def _at_node(base: Technology, scale: NodeScale) -> Technology:
    """``base`` at the node of ``scale``; each source says what was done to its number."""
    node = f"{scale.node_nm:g} nm"
    energy = f"x {scale.energy:.4g} ({scale.low:.3g} to {scale.high:.3g}) for {node}, energy of logic"
    changed: dict[str, float] = {}
    sources = dict(base.sources)
    for name in _Coefficients.model_fields:
        if name != "clock_fraction" and getattr(base, name) is not None:
            logic = name.startswith(("multiplier", "adder"))
            changed[name] = getattr(base, name) * scale.energy
            sources[name] += f"; {energy}{'' if logic else ', taken for memory and wire too'}: {scale.source}"
    for name in _Sizes.model_fields:
        if "um2_per_bit" in name:
            changed[name] = getattr(base, name) * scale.area
            sources[name] += f"; x {scale.area:g} for {node}, area of logic: {scale.source}"
        else:
            sources[name] += f"; not scaled to {node}"
    return replace(
        base,
        name=f"{scale.node_nm:g}nm",
        description=f"{base.description}; at {node}: {scale}",
        node_nm=scale.node_nm,
        sources=sources,
        scaled=scale,
        **changed,  # type: ignore[arg-type]  # the names are those of floats
    )


def _of_node(node_nm: float, asked: str) -> str:
    """The first bundled technology of this node, in the order of ``technologies()``, or the one to scale."""
    nodes = {name: _read(technology_path(name)).get("node_nm") for name in technologies()}
    for name, found in nodes.items():
        if found == node_nm:
            return name
    if node_nm in scaled_nodes():
        return node_scale(node_nm).base
    have = {name: float(nm) for name, nm in nodes.items() if nm}
    known = {**{f"{nm}nm": float(nm) for nm in scaled_nodes()}, **have}
    near = min(known.values(), key=lambda nm: abs(math.log(nm / max(node_nm, 1))))
    raise InputError(
        f"technology: {asked!r}: no bundled technology is of this node, nor is one scaled to it; nearest: "
        f"{', '.join(n for n, nm in known.items() if nm == near)}; known: "
        + ", ".join(f"{n} ({v:g} nm)" for n, v in have.items())
        + "; scaled: "
        + ", ".join(f"{nm}nm" for nm in scaled_nodes())
        + " (or give a YAML file)"
    )
