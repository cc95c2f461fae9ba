"""The floors of the house: who may import whom, and how quick the front door is."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import hd_plugin

PACKAGE = Path(hd_plugin.__file__).parent
# a room imports only from rooms above it
FLOORS = [
    "errors",
    "_atomic",
    "_yaml",
    "_data_files",
    "bits",
    "weights",
    "streaming",
    "energy",
    "engines",
    "hosts",
    "hardware",
    "rewriting",
    "training",
    "encoding_mac",
    "studies",
    "gate_energy",
    "combined",
    "comparison",
    "report",
    "cli",
]
ALLOWED_SIDEWAYS = {
    ("hosts", "energy"),
    ("comparison", "report"),
    ("combined", "comparison"),
}  # to_html and plot load report on demand
HEAVY = {
    "torch": {"training", "weights", "rewriting"},
    "onnx": {"weights"},
    "fast_tsp": set(),
    "accelforge": {"engines", "hosts"},
    "pyosys": {"hardware"},
    "dask": set(),
    "numba": {"streaming", "hardware"},
    "matplotlib": {"report"},
    "jinja2": {"report"},
    "rich": {"report", "cli"},
    "click": {"cli"},
}
HOSTS_MAY_USE = {"errors", "energy", "_registry", "_checked", "_yaml", "_data_files", "_atomic", "hosts"}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.Import):
            yield from ((a.name, node.lineno) for a in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module, node.lineno


def room(path):
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


FILES = [p for p in sorted(PACKAGE.rglob("*.py")) if room(p) not in ("__init__", "_data", "networks")]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_rooms_import_only_from_rooms_above(path):
    here = room(path)
    assert here in FLOORS, f"{path.name}: room {here!r} is on no floor; add it to FLOORS"
    for module, line in imports(path):
        top, _, rest = module.partition(".")
        if top == "hd_plugin" and rest:
            there = rest.split(".")[0]
            where = f"{path.relative_to(PACKAGE)}:{line} imports {module}"
            assert FLOORS.index(there) <= FLOORS.index(here) or (here, there) in ALLOWED_SIDEWAYS, where
            assert here != "hosts" or there in HOSTS_MAY_USE, where
        elif top in HEAVY:
            assert here in HEAVY[top], (
                f"{path.relative_to(PACKAGE)}:{line} imports {module} outside of its room"
            )


def test_files_stay_small_enough_to_read():
    long = {
        str(p.relative_to(PACKAGE)): n
        for p in FILES
        if (n := len(p.read_text(encoding="utf8").splitlines())) > 300
    }
    assert not long


def test_the_library_never_prints():
    for path in FILES:
        if room(path) in ("cli", "training"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            assert not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"), path


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, hd_plugin; print([m for m in ('numpy', 'numba', 'torch', 'matplotlib', 'scipy') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize("name", [n for n in hd_plugin.__all__])
def test_every_public_name_resolves_and_is_documented(name):
    thing = getattr(hd_plugin, name)
    assert name == "__version__" or thing.__doc__


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'optimise'"):
        hd_plugin.optimise
