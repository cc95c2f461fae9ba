"""What a case of the fuzz is made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

__all__ = ["Case", "copy_of", "json_of", "yaml_of"]


@dataclass(frozen=True)
class Case:
    """kind : how its bytes can be edited with sense: json, yaml, gz, zip, safetensors, or bytes."""

    name: str
    file: str
    kind: str
    make: Callable[[Path], object]
    answer: Callable[[Path], Any]
    said: Callable[[Path], Any]


def copy_of(source: Path) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(Path(source).read_bytes())


def json_of(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf8"))


def yaml_of(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf8"))
