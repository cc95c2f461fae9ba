"""Where the data folders (layers, arch) are: in an installed wheel, or beside the package in its sources."""

from __future__ import annotations

from pathlib import Path

from hd_plugin.errors import InputError

__all__ = ["accelergy_config", "data_folder"]


def data_folder(name: str) -> Path:
    """The folder ``name`` of data files. Raises InputError when the installation lacks it."""
    package = Path(__file__).resolve().parent
    for folder in (package / "_data" / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise InputError(
        f"data folder {name!r}: found neither in hd_plugin/_data nor beside the package; "
        "reinstall hd_plugin, or run it from a complete source tree"
    )


def accelergy_config() -> Path:
    """The configuration that Accelergy reads and writes for a user, when its working directory holds none."""
    return Path.home() / ".config" / "accelergy" / "accelergy_config.yaml"
