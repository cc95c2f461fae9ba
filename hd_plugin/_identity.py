"""Whether what lies in a folder is of the run that is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hd_plugin.errors import InputError

__all__ = ["check_same_run"]

_ABSENT = "nothing"


def check_same_run(path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any], folder: Path) -> None:
    """Raises InputError that lists all differences when the run that made ``path`` is not the ``wanted`` one.

    found : the description that the file holds; wanted : anything that JSON can hold. folder : what to delete
    to have this run in its place.
    """
    wanted = json.loads(json.dumps(wanted))
    if found == wanted:
        return
    names = {**found, **wanted}
    differ = [name for name in names if found.get(name, _ABSENT) != wanted.get(name, _ABSENT)]
    raise InputError(
        f"{path}: of another run (other {', '.join(differ)}): {', '.join(_differences(found, wanted))}; "
        f"give another folder, or delete {folder}"
    )


def _differences(found: Any, wanted: Any, name: str = "") -> Iterator[str]:
    """Each value that is not the same, by its path."""
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        for key in {**found, **wanted}:
            where = f"{name}.{key}" if name else key
            yield from _differences(found.get(key, _ABSENT), wanted.get(key, _ABSENT), where)
    elif found != wanted:
        yield f"{name}: {found!r} there, {wanted!r} here"
