"""Technology files: coefficients in pJ, each with its source."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hd_plugin._yaml import Problems, read_mapping
from hd_plugin.errors import InputError, did_you_mean

__all__ = ["Technology", "load_technology", "technologies"]

_COEFFICIENTS = {"multiplier_pJ_per_bit2": 1e6, "adder_pJ_per_bit": 1e6, "hop_pJ_per_bit": 1e6, "sram_pJ_per_bit": 1e6,
                 "lut_pJ_per_bit": 1e6, "clock_fraction": 100.0}
_FLIP_MODEL = {"reference_rate": 1.0, "floor": 1.0}


@dataclass(frozen=True)
class Technology:
    """Energies at the reference flip rate, in pJ; ``sources`` says where each number comes from.

    clock_fraction : clock energy of a PE and cycle, relative to its datapath energy at the reference rate.
    floor : the share of datapath energy that is left when no weight bit flips.
    """

    name: str
    description: str
    multiplier_pJ_per_bit2: float
    adder_pJ_per_bit: float
    hop_pJ_per_bit: float
    sram_pJ_per_bit: float
    lut_pJ_per_bit: float
    clock_fraction: float
    reference_rate: float
    floor: float
    sources: dict[str, str]


def _folder() -> Path:
    return Path(__file__).parent / "technologies"


def technologies() -> list[str]:
    """Names of the technologies that come with the package."""
    return sorted(p.stem for p in _folder().glob("*.yaml"))


def load_technology(name: str | Path) -> Technology:
    """A bundled technology by name, or a YAML file of the same form by path.

    Raises InputError: unknown name (with the nearest), or a file with ALL its wrong fields listed.
    """
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = _folder() / f"{name}.yaml"
        if not path.exists():
            raise InputError(f"technology: {str(name)!r} is unknown; " + did_you_mean(str(name), technologies())
                             + " (or give a YAML file)")
    data = read_mapping(path)
    problems = Problems(path)
    known = {"technology", "description", "coefficients", "flip_model"}
    problems.keys(data, known, known)
    values: dict[str, float] = {}
    sources: dict[str, str] = {}
    for part, fields in (("coefficients", _COEFFICIENTS), ("flip_model", _FLIP_MODEL)):
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
            if not isinstance(entry, dict) or set(entry) != {"value", "source"} or not str(entry["source"]).strip():
                problems.add(f"{part}.{field}: needs exactly 'value' and 'source'")
                continue
            low = 1e-6 if field == "reference_rate" else 0.0
            values[field] = problems.number(entry["value"], f"{part}.{field}.value", low, top)
            sources[field] = str(entry["source"])
    problems.raise_any()
    return Technology(str(data["technology"]), str(data["description"]), **values, sources=sources)
