"""Packaging. arch/ and layers/ live beside the package for people to read, and inside it once installed."""
from setuptools import find_packages, setup

DATA = {"hd_plugin._data.arch": "arch", "hd_plugin._data.layers": "layers"}

setup(
    packages=[*find_packages(include=["hd_plugin", "hd_plugin.*"]), *DATA],
    package_dir=DATA,
    package_data={
        **{package: ["*.yaml"] for package in DATA},
        "hd_plugin.energy": ["technologies/*.yaml"],
        "hd_plugin.report": ["*.j2", "*.css"],
        "hd_plugin.networks": ["*.npz", "*.md"],
    },
)
