"""The command ``hd-plugin``."""

from hd_plugin.cli._main import main

__all__ = ["main"]
