"""Accelergy 0.4: the plug-in that it loads, and how it is registered."""

from hd_plugin.hosts.accelergy._registration import Registration, plug_in_folder, register, unregister

__all__ = ["Registration", "plug_in_folder", "register", "unregister"]
