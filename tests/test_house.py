"""The floors of the house: who may import whom, how large things may be, how quick the front door is."""

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hd_plugin

PACKAGE = Path(hd_plugin.__file__).parent
ROOT = Path(__file__).parent.parent
_spec = importlib.util.spec_from_file_location("rooms", ROOT / "tools" / "rooms.py")
rooms = importlib.util.module_from_spec(_spec)
sys.modules["rooms"] = rooms  # dataclasses look their module up
_spec.loader.exec_module(rooms)

HEAVY = {
    "torch": {"training", "weights", "rewriting"},
    "onnx": {"weights", "rewriting"},
    "fast_tsp": set(),
    "accelforge": {"engines", "hosts"},
    "pyosys": {"gates"},
    "dask": set(),
    "numba": {"bits"},
    "scipy": {"streaming", "gates", "characterisation"},
    "matplotlib": {"report"},
    "jinja2": {"report"},
    "rich": {"report", "cli"},
    "click": {"cli"},
}
# who may import the room: report/ is for cli/ and, on demand, hd.write_report
ONLY_FOR = {"report": {"cli", "report"}, "cli": {"cli"}}
HOSTS_MAY_USE = {rooms.BASE, "energy", "hosts"}
MOST_LINES, MOST_FUNCTION_LINES, MOST_PARAMETERS = 300, 60, 7
# functions that are longer or take more, and why
LONG: dict[str, str] = {}
MANY: dict[str, str] = {}

FILES = sorted(p for p in PACKAGE.rglob("*.py") if "networks" not in p.relative_to(PACKAGE).parts)
TESTED = FILES + sorted((ROOT / "tests").glob("*.py")) + sorted((ROOT / "benchmarks").glob("*.py"))


def relative(path):
    return str(path.relative_to(ROOT if ROOT in path.parents and PACKAGE not in path.parents else PACKAGE))


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_rooms_import_only_from_rooms_above(path):
    here = rooms.room_of(rooms.module_name(path))
    for module, line in rooms.imports(path):
        top, where = module.partition(".")[0], f"{relative(path)}:{line} imports {module}"
        if top in HEAVY:
            assert here in HEAVY[top], f"{where} outside of its room"
        if top != "hd_plugin" or module == "hd_plugin":
            continue
        there = rooms.room_of(module)
        if (
            here == rooms.DOOR
        ):  # loads every room's public names on first use, and the report for write_report
            continue
        assert rooms.FLOORS.index(there) <= rooms.FLOORS.index(here), where
        assert here in ONLY_FOR.get(there, {here}), where
        assert here != "hosts" or there in HOSTS_MAY_USE, where


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_no_room_reads_another_rooms_private_modules(path):
    here = rooms.room_of(rooms.module_name(path))
    for module, line in rooms.imports(path):
        parts = module.split(".")
        if parts[0] == "hd_plugin" and len(parts) > 2 and rooms.room_of(module) != here:
            private = [p for p in parts[2:] if p.startswith("_")]
            # for compiled code only: bits itself loads no numba
            kernel = module in ("hd_plugin.bits._popcount", "hd_plugin.bits._compiled")
            assert not private or kernel, f"{relative(path)}:{line} imports {module}"


def test_no_modules_import_each_other():
    assert rooms.circles() == []


def test_the_picture_of_the_rooms_is_what_the_imports_say():
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "rooms.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_architecture_page_names_every_file():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf8")
    named = set(re.findall(r"`(?:[\w/]+/)?(\w+\.py)`", page))
    there = {p.name for p in FILES if len(p.relative_to(PACKAGE).parts) > 1 and "_readers" not in p.parts}
    there -= {"__init__.py", "__main__.py", "hd_plugin_estimator.py"}
    assert there - named == set() and named - {p.name for p in FILES} - {"rooms.py", "test_house.py"} == set()


def test_files_stay_small_enough_to_read():
    lines = {relative(p): len(p.read_text(encoding="utf8").splitlines()) for p in TESTED}
    assert {name: n for name, n in lines.items() if n > MOST_LINES} == {}


def functions():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield f"{relative(path)}:{node.name}", node


def test_functions_are_no_walls():
    long = {
        name: n
        for name, node in functions()
        if (n := node.end_lineno - node.lineno + 1) > MOST_FUNCTION_LINES
    }
    assert set(long) == set(LONG), long


def test_functions_take_seven_parameters_at_most():
    def count(node):
        a = node.args
        names = [p.arg for p in (*a.posonlyargs, *a.args, *a.kwonlyargs)]
        return len([n for n in names if n not in ("self", "cls")])

    many = {name: n for name, node in functions() if (n := count(node)) > MOST_PARAMETERS}
    assert set(many) == set(MANY), many


def test_results_are_typed():
    """No function answers with dict[str, Any] but those that make JSON, records or options."""
    allowed = re.compile(r"to_dict|to_records|from_dict|read_\w+|_\w+|details|options")
    loose = [
        name
        for name, node in functions()
        if node.returns is not None
        and "dict[str, Any]" in ast.unparse(node.returns)
        and not allowed.fullmatch(node.name)
        and not name.startswith("engines/timeloop/")  # sections of another program's YAML
        and not (node.name == "summary" or node.name == "read")
    ]
    assert loose == []


def test_the_library_never_prints():
    for path in FILES:
        if rooms.room_of(rooms.module_name(path)) in ("cli", "training"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            assert not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"), path


def test_importing_the_package_loads_nothing_heavy():
    heavy = ("numpy", "numba", "torch", "matplotlib", "scipy", "pydantic")
    code = f"import sys, hd_plugin; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_reading_weights_and_counting_flips_loads_no_compiler():
    code = "import sys, hd_plugin.weights; print([m for m in ('numba', 'torch') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize("name", hd_plugin.__all__)
def test_every_public_name_resolves_and_is_documented(name):
    thing = getattr(hd_plugin, name)
    assert name == "__version__" or thing.__doc__


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="optimise"):
        _ = hd_plugin.optimise
