"""What Accelergy loads. Where its Python is not hd_plugin's, the package is found from this file."""

import importlib.util
import sys
from pathlib import Path

NEEDED = ("pydantic", "yaml")  # all that the estimators need beside the package

if importlib.util.find_spec("hd_plugin") is None:
    sys.path.append(str(Path(__file__).resolve().parents[4]))
if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
    packages = " ".join("pyyaml" if name == "yaml" else name for name in missing)
    # an exception would be swallowed, and a dummy would answer for hd_plugin's components
    sys.exit(
        f"hd_plugin cannot estimate: Accelergy's Python has no {packages}; "
        f"run: {sys.executable} -m pip install {packages}"
    )

from hd_plugin.hosts.accelergy._plug_in import HdPlugIn  # noqa: E402 (once it can be found)

__all__ = ["HdPlugIn"]
