"""A folder whose files the project wrote: they may be written again, anything else is never touched."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from hd_plugin._atomic import write_text
from hd_plugin.errors import InputError

__all__ = ["replace_files"]

_LIST = ".hd-plugin-files.json"


def replace_files(folder: Path, wanted: Iterable[tuple[str, Path]]) -> None:
    """Copy (name below ``folder``, source) files, and take away those of an earlier call that are not among
    them.

    A list in the folder says which files are the project's own. Raises InputError for a folder that holds
    files but no such list, and for a file of somebody else's in the way: nothing is removed or overwritten
    then.
    """
    files, known = dict(wanted), _known(folder)
    if foreign := [name for name in files if (folder / name).exists() and name not in known]:
        raise InputError(
            f"{folder / foreign[0]}: was not written by hd-plugin and stays; give another output folder"
        )
    for name in known - set(files):
        (folder / name).unlink(missing_ok=True)
        _drop_empty(folder, (folder / name).parent)
    if files:
        write_text(folder / _LIST, json.dumps(sorted(set(files)), indent=1) + "\n")
    else:
        (folder / _LIST).unlink(missing_ok=True)
    for name, source in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    _drop_empty(folder.parent, folder)


def _known(folder: Path) -> set[str]:
    """Files that an earlier call wrote."""
    path = folder / _LIST
    if path.is_file():
        try:
            return {str(name) for name in json.loads(path.read_text(encoding="utf8"))}
        except (OSError, ValueError, TypeError) as error:
            raise InputError(
                f"{path}: damaged ({error}); delete it, and the files of hd-plugin beside it"
            ) from error
    return set()


def _drop_empty(top: Path, folder: Path) -> None:
    """Remove ``folder`` and the folders between it and ``top`` as far as nothing is in them."""
    while folder != top and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
