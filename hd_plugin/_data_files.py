"""Where the data folders (layers, arch) are: in an installed wheel, or beside the package in its sources."""

from __future__ import annotations

import os
from pathlib import Path

from hd_plugin.errors import InputError

__all__ = ["accelergy_config", "cache_folder", "data_folder"]


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


def cache_folder(name: str) -> Path:
    """Where what took long is kept: HD_PLUGIN_CACHE, or hd_plugin/``name`` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(os.environ.get("HD_PLUGIN_CACHE") or os.path.join(base, "hd_plugin", name))


def accelergy_config() -> Path:
    """The configuration that Accelergy reads and writes for a user, when its working directory holds none."""
    return Path.home() / ".config" / "accelergy" / "accelergy_config.yaml"
