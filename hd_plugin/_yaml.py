"""Read a YAML mapping and check it: ALL problems are collected into one error before anything is built."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from hd_plugin.errors import InputError, did_you_mean

__all__ = ["Problems", "read_mapping"]


def read_mapping(path: str | Path, loader: type = yaml.SafeLoader) -> dict[str, Any]:
    """The top-level mapping of a YAML file; ``loader``: PyYAML's safe one, or a subclass. Raises InputError that names the file (and the line, if any)."""
    path = Path(path)
    try:
        data = yaml.load(path.read_text(encoding="utf8"), loader)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: not readable as YAML ({' '.join(str(error).split())})") from error
    if not isinstance(data, dict):
        raise InputError(f"{path}: a mapping of fields is needed, {type(data).__name__} found")
    return data


class Problems:
    """Collects what is wrong with a file; ``raise_any`` raises one InputError that lists it all."""

    def __init__(self, path: str | Path) -> None:
        self.path, self.found = path, []

    def add(self, text: str) -> None:
        self.found.append(text)

    def keys(self, data: Mapping[str, Any], known: set[str], required: set[str], where: str = "") -> None:
        """Note unknown and missing keys of ``data``."""
        for key in data:
            if key not in known:
                self.add(f"{where}{key}: unknown field; {did_you_mean(key, sorted(known))}")
        for key in sorted(required - set(data)):
            self.add(f"{where}{key}: missing")

    def number(self, value: Any, where: str, low: float, high: float, whole: bool = False) -> float:
        """``value`` when it is a number in [low, high]; else a note, and ``low``."""
        ok = isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
        if not ok or (whole and value != int(value)):
            self.add(
                f"{where}: {value!r} found; a {'whole ' if whole else ''}number from {low:g} to {high:g} is needed"
            )
            return low
        return int(value) if whole else float(value)

    def raise_any(self) -> None:
        if self.found:
            raise InputError(f"{self.path}: " + "; ".join(self.found))
