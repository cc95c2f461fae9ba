"""The estimators alone, as a simulator's environment has them: pydantic, PyYAML and nothing else."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hd_plugin._extras import EXTRAS, install_line
from hd_plugin.energy import build_component

# installed before all else in a fresh interpreter: hides every library but those that are named
HIDE = """
import sys
STANDARD = sys.stdlib_module_names
class Hide:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        known = top in STANDARD or top in ALLOWED or top.startswith("_sysconfig")
        if top in HIDDEN or ALLOWED and not known:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hide())
"""
ESTIMATORS = {
    "hd_plugin",
    "accelergy",
    "pydantic",
    "pydantic_core",
    "annotated_types",
    "typing_extensions",
    "typing_inspection",
    "yaml",
    "_yaml",
}
# Accelergy's interface, as far as the plug-in uses it
ACCELERGY = """
from dataclasses import make_dataclass
from types import ModuleType
for name, classes in {
    "accelergy": (),
    "accelergy.plug_in_interface": (),
    "accelergy.plug_in_interface.interface":
        ("AccelergyPlugIn", "AccelergyQuery", "AccuracyEstimation", "Estimation"),
    "accelergy.plug_in_interface.estimator_wrapper": ("PrintableCall", "SupportedComponent"),
}.items():
    sys.modules[name] = ModuleType(name)
    for cls in classes:
        setattr(sys.modules[name], cls, make_dataclass(cls, ["value", "unit"]))
import logging
sys.modules["accelergy.plug_in_interface.interface"].AccelergyPlugIn.logger = logging.getLogger("a")
sys.modules["accelergy.plug_in_interface.interface"].AccelergyPlugIn.__init__ = lambda self: None
"""
MAC = {"technology": "sg13g2", "flip_rate": 0.25, "weight_bits": 4, "activation_bits": 8, "psum_bits": 16}


def python(code, hidden=(), allowed=()):
    names = f"HIDDEN, ALLOWED = {set(hidden) or '()'}, {set(allowed) or '()'}\n"
    return subprocess.run([sys.executable, "-c", names + HIDE + code], capture_output=True, text=True)


def test_accelergy_is_served_without_any_other_library():
    from hd_plugin.hosts.accelergy import plug_in_folder

    path = plug_in_folder() / "hd_plugin_estimator.py"
    done = python(
        ACCELERGY
        + f"import runpy; made = runpy.run_path({str(path)!r})['HdPlugIn']()\n"
        + "from types import SimpleNamespace as Q\n"
        + f"q = Q(class_name='hd_mac', class_attrs={MAC}, action_name='compute', action_args={{}})\n"
        + "print(made.estimate_energy(q).value)\n"
        + "import hd_plugin, hd_plugin.hosts.accelergy\n",
        allowed=ESTIMATORS,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == build_component("hd_mac", MAC)[0].actions_pJ()["compute"]


@pytest.mark.parametrize(
    "hidden, command",
    [
        ("click", "--help"),
        ("click", "compare"),
        ("numpy", "measure NET"),
        ("numba", "optimize NET"),
        ("rich", "measure NET"),
        ("rich", "networks"),
        ("scipy", "optimize NET --effort greedy"),
        ("matplotlib", "compare NET -o OUT --no-studies"),
        ("jinja2", "compare NET -o OUT --no-studies"),
        ("safetensors", "measure NET.safetensors"),
        ("tflite", "measure NET.tflite"),
        ("ruamel", "register --config OUT.yaml"),
        ("torch", "rewrite NET --model resnet8"),
    ],
)
def test_a_command_says_in_one_line_which_library_is_missing(hidden, command, tmp_path):
    weights = np.random.default_rng(0).normal(size=(4, 16, 1, 1))
    np.savez(tmp_path / "net.npz", **{"a.weight": weights, "a.output_hw": np.array([2, 2])})
    (tmp_path / "out.yaml").write_text("version: 0.4\nestimator_plug_ins: []\n")
    for suffix in ("safetensors", "tflite"):
        (tmp_path / f"net.npz.{suffix}").write_bytes(b"\0" * 64)
    places = command.replace("NET", str(tmp_path / "net.npz")).replace("OUT", str(tmp_path / "out"))
    words = ["hd-plugin", *places.split()]
    done = python(f"sys.argv = {words}\nfrom hd_plugin.cli import run; run()", hidden={hidden})
    # on a loaded machine the search before it tells how far it is
    told = [line for line in done.stderr.splitlines() if not re.match(r"\d+% done", line)]
    assert done.returncode == 2 and len(told) == 1 and told[0].startswith("error: "), done.stderr
    assert hidden in told[0] and re.search(r"(run|installed): pip install '", told[0])


def test_python_is_told_the_same():
    code = (
        "import hd_plugin as hd\n"
        "for name in ('compare', 'write_report'):\n"
        "    try: getattr(hd, name)(None, '.')\n"
        "    except hd.errors.MissingTool as error: print(error)\n"
    )
    done = python("import hd_plugin.errors\n" + code, hidden={"numpy", "rich"})
    assert done.stdout.splitlines() == [
        f"{name} is not installed; run: pip install 'hd-plugin[standard]'" for name in ("numpy", "rich")
    ], done.stderr
    own = python(
        "from hd_plugin._extras import missing_library as m\n"
        "print(m(ModuleNotFoundError('', name='hd_plugin.nothing')), m(ModuleNotFoundError('', name='x')))"
    )
    assert own.stdout.split() == ["None", "None"]


def test_the_extras_are_those_of_pyproject():
    toml = pytest.importorskip("tomllib", reason="Python 3.10 reads no TOML: extras cannot be compared")
    project = toml.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]

    def names(lines):
        found = {re.match(r"[\w.-]+", line)[0].lower() for line in lines} - {"hd-plugin"}
        return {"pil" if name == "pillow" else name for name in found}

    assert names(project["dependencies"]) == {"pydantic", "pyyaml"}
    for extra, modules in EXTRAS.items():
        assert names(project["optional-dependencies"][extra]) == {m.lower() for m in modules}
    for extra, lines in project["optional-dependencies"].items():
        if extra not in ("standard", "docs", "check"):
            assert "hd-plugin[standard]" in lines, f"{extra} alone would have no command line"
    assert install_line("google.nothing") is None and "[torch]" in install_line("torch.nn")
