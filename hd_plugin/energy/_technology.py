"""Technology files: coefficients in pJ, each with its source."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hd_plugin._yaml import Problems, read_mapping
from hd_plugin.errors import InputError, did_you_mean

__all__ = ["Technology", "load_technology", "technologies", "technology_path"]

_COEFFICIENTS = {
    "multiplier_pJ_per_bit2": 1e6,
    "adder_pJ_per_bit": 1e6,
    "hop_pJ_per_bit": 1e6,
    "sram_pJ_per_bit": 1e6,
    "lut_pJ_per_bit": 1e6,
    "clock_fraction": 100.0,
}
_FLIP_MODEL = {"reference_rate": 1.0, "floor": 1.0}
_SIZE = {
    "multiplier_um2_per_bit2": 1e6,
    "adder_um2_per_bit": 1e6,
    "register_um2_per_bit": 1e6,
    "sram_um2_per_bit": 1e6,
    "leakage_nW_per_um2": 1e6,
    "sram_leakage_nW_per_bit": 1e6,
}
_FIELDS = ("technology", "description", "node_nm", "coefficients", "flip_model", "size")
_NODE = re.compile(r"(\d+(?:\.\d+)?)\s*nm", re.IGNORECASE)


@dataclass(frozen=True)
class Technology:
    """Energies at the reference flip rate in pJ, areas in um2; ``sources`` says where each number comes from.

    clock_fraction : clock energy of a PE and cycle, relative to its datapath energy at the reference rate.
    floor : the share of datapath energy that is left when no weight bit flips.
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

    @property
    def reference(self) -> str:
        """What finds this technology again, from any folder: its name, or the absolute path of a file of one's own."""
        return self.name if self.path.parent == _folder() else str(self.path)


def _folder() -> Path:
    return Path(__file__).parent / "technologies"


def technologies() -> list[str]:
    """Names of the technologies that come with the package; those that were characterised at gate level are JSON files."""
    return sorted(p.stem for pattern in ("*.yaml", "*.json") for p in _folder().glob(pattern))


def technology_path(name: str | Path) -> Path:
    """The file of a technology: ``name`` itself, or of the bundled one of that name or node. Raises InputError for an unknown name."""
    path = Path(name)
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


def _read(path: Path) -> dict[str, Any]:
    """The fields of a technology; a characterisation has more."""
    if path.suffix != ".json":
        return read_mapping(path)
    try:
        data = json.loads(path.read_text(encoding="utf8"))
        return {k: data[k] for k in _FIELDS if k in data}
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{path}: not a characterisation ({error}); make it again with 'hd-plugin characterize'"
        ) from error


def load_technology(name: str | Path) -> Technology:
    """A bundled technology by name or by node ("45nm": the first one of that node), or a file by path: YAML, or JSON of 'hd-plugin characterize'.

    Raises InputError: unknown name (with the nearest), or a file with ALL its wrong fields listed.
    """
    path = technology_path(name)
    data = _read(path)
    problems = Problems(path)
    problems.keys(data, set(_FIELDS), set(_FIELDS))
    values: dict[str, float] = {}
    sources: dict[str, str] = {}
    for part, fields in (("coefficients", _COEFFICIENTS), ("flip_model", _FLIP_MODEL), ("size", _SIZE)):
        entries = data.get(part)
        if not isinstance(entries, dict):
            if part in data:
                problems.add(f"{part}: a mapping of coefficients is needed")
            continue
        problems.keys(entries, set(fields), set(fields), f"{part}.")
        for field, top in fields.items():
            entry = entries.get(field)
            if field not in entries:
                continue
            if (
                not isinstance(entry, dict)
                or set(entry) != {"value", "source"}
                or not str(entry["source"]).strip()
            ):
                problems.add(f"{part}.{field}: needs exactly 'value' and 'source'")
                continue
            low = 1e-6 if field == "reference_rate" else 0.0
            values[field] = problems.number(entry["value"], f"{part}.{field}.value", low, top)
            sources[field] = str(entry["source"])
    node_nm = problems.number(data.get("node_nm", 45), "node_nm", 1, 1e4)
    problems.raise_any()
    return Technology(
        str(data["technology"]),
        str(data["description"]),
        node_nm,
        **values,
        sources=sources,
        path=path.absolute(),
    )


def _of_node(node_nm: float, asked: str) -> str:
    """The first bundled technology of this node, in the order of ``technologies()``."""
    nodes = {name: _read(technology_path(name)).get("node_nm") for name in technologies()}
    for name, found in nodes.items():
        if found == node_nm:
            return name
    raise InputError(
        f"technology: {asked!r}: no bundled technology is of this node; known: "
        + ", ".join(f"{n} ({v:g} nm)" for n, v in nodes.items())
        + " (or give a YAML file)"
    )
