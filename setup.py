"""Packaging. arch/ and layers/ live beside the package for people to read, and inside it once installed."""

from setuptools import find_packages, setup

DATA = {"hd_plugin._data.arch": "arch", "hd_plugin._data.layers": "layers"}
# where Accelergy looks for the plug-ins of its own environment; an editable install skips data_files, and
# hd-plugin register stands in
PLUG_IN = "hd_plugin/hosts/accelergy/plug_in"
ACCELERGY = (
    "share/accelergy/estimation_plug_ins/hd_plugin",
    [f"{PLUG_IN}/hd_plugin.estimator.yaml", f"{PLUG_IN}/hd_plugin_estimator.py"],
)

setup(
    packages=[*find_packages(include=["hd_plugin", "hd_plugin.*"]), *DATA],
    package_dir=DATA,
    package_data={
        **{package: ["*.yaml", "*/*.yaml"] for package in DATA},
        "hd_plugin": ["py.typed", "*.pyi"],
        "hd_plugin.energy": ["*.yaml", "technologies/*"],
        "hd_plugin.hosts.accelergy": ["plug_in/*"],
        "hd_plugin.report": ["*.j2", "*.css", "*.js"],
        "hd_plugin.hardware": ["rtl/*.v", "*.json"],
        "hd_plugin.encoding_mac": ["front/*.json"],
        "hd_plugin.gates": ["libraries/*.lib"],
        "hd_plugin.networks": ["*.npz", "*.md"],
    },
    data_files=[ACCELERGY],
)
