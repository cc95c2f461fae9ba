"""Tell Accelergy where the plug-in is: one entry in accelergy_config.yaml, with a way back."""

from __future__ import annotations

import contextlib
import io
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hd_plugin._accelergy_config import config_yaml, default_config, locked, read_config
from hd_plugin._atomic import write_text
from hd_plugin._data_files import accelergy_config
from hd_plugin.errors import InputError, MissingTool

__all__ = ["Registration", "plug_in_folder", "register", "unregister"]

_KEY = "estimator_plug_ins"
_FILE = "hd_plugin.estimator.yaml"
_TAIL = ("hd_plugin", "hosts", "accelergy", "plug_in")


@dataclass(frozen=True)
class Registration:
    """What was done, or with ``dry_run`` would be. text : the file's new content; None: nothing to write."""

    config: Path
    changed: bool
    text: str | None
    backup: Path | None
    told: str


def plug_in_folder() -> Path:
    """The folder with the plug-in's *.estimator.yaml."""
    return Path(__file__).resolve().parent / "plug_in"


def register(config: str | Path | None = None, dry_run: bool = False) -> Registration:
    """Add the plug-in's folder to ``estimator_plug_ins``; comments and other entries stay as they are.

    Adds nothing when it is there already, or when pip put a copy into one of the folders listed. A file
    that is changed is first copied to accelergy_config.yaml.bak; a file that does not exist is made, as
    Accelergy itself makes it. Processes that register at once wait for each other. Raises InputError: a
    configuration that is none or broken, a folder that cannot be written; MissingTool: no configuration
    yet, and no Accelergy on the PATH to make one.
    """
    path, folder = (Path(config) if config else accelergy_config()).resolve(), str(plug_in_folder())
    with _alone(path, dry_run):
        data, new = _read(path)
        entries = data[_KEY]
        if folder in [str(e) for e in entries]:
            return Registration(path, False, None, None, f"{path}: hd_plugin is registered already")
        copy = next(
            (found for e in entries if not _ours(str(e)) for found in sorted(Path(str(e)).rglob(_FILE))), None
        )
        if copy is not None:
            told = f"{path}: Accelergy finds hd_plugin already, as pip installed it ({copy})"
            return (
                _write(path, data, new, dry_run, told) if new else Registration(path, False, None, None, told)
            )
        _take_out(entries)  # one of an older place of the package
        entries.append(folder)
        return _write(path, data, new, dry_run, f"{path}: hd_plugin registered ({folder})")


def unregister(config: str | Path | None = None, dry_run: bool = False) -> Registration:
    """Take every entry of hd_plugin out again. Raises InputError as ``register``."""
    path = (Path(config) if config else accelergy_config()).resolve()
    if not path.exists():
        return Registration(path, False, None, None, f"{path}: no such file; nothing to undo")
    with _alone(path, dry_run):
        data, _ = _read(path)
        if not _take_out(data[_KEY]):
            return Registration(
                path, False, None, None, f"{path}: hd_plugin is not registered; nothing to undo"
            )
        return _write(path, data, False, dry_run, f"{path}: hd_plugin taken out")


def _alone(path: Path, dry_run: bool) -> contextlib.AbstractContextManager[None]:
    """Nobody else changes ``path`` meanwhile; a dry run writes nothing, no lock either."""
    return contextlib.nullcontext() if dry_run else locked(path)


def _ours(entry: str) -> bool:
    path = Path(entry)
    return (
        path == plug_in_folder() or (path / _FILE).is_file() or path.parts[-4:] == _TAIL
    )  # of a checkout that has moved


def _take_out(entries: list) -> bool:
    """Whether there was an entry of ours. One by one: a new list would lose the comments of the others."""
    ours = [i for i, e in enumerate(entries) if _ours(str(e))]
    for i in reversed(ours):
        del entries[i]
    return bool(ours)


def _read(path: Path) -> tuple[Any, bool]:
    """The configuration, and whether it is new: as Accelergy would make it."""
    new = not path.exists()
    data = config_yaml().load(default_config(_accelergy())) if new else read_config(path)
    if data.get(_KEY) is None:
        data[_KEY] = []
    if not isinstance(data[_KEY], list):
        raise InputError(f"{path}: {_KEY}: {data[_KEY]!r} found; a list of folders is needed")
    return data, new


def _accelergy() -> Path:
    program = shutil.which("accelergy")
    if program is None:
        raise MissingTool(
            "no accelergy_config.yaml yet, and no Accelergy on the PATH to make one; put its bin folder on "
            "the PATH, or run accelergy once and then 'hd-plugin register' again"
        )
    return Path(program)


def _write(path: Path, data: Any, new: bool, dry_run: bool, told: str) -> Registration:
    stream = io.StringIO()
    config_yaml().dump(data, stream)
    backup = None if new else path.with_name(path.name + ".bak")
    if not dry_run:
        if backup is not None:
            write_text(backup, path.read_text(encoding="utf8"))
        write_text(path, stream.getvalue())
    return Registration(path, True, stream.getvalue(), backup, told)
