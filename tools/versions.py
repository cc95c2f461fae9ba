"""The tests on other versions: the lowest that pyproject.toml allows, all together, and the newest there are.

    python tools/versions.py lowest                          # Python 3.10, each library at its lowest
    python tools/versions.py newest tests/test_cli.py -x     # the newest Python and libraries
    python tools/versions.py lowest --python 3.12            # another Python

Makes .venv-lowest or .venv-newest with uv (which it installs there) and runs pytest in it, side by side.
Without torch: older builds come with gigabytes of CUDA. An interpreter that is missing is told (exit code 2).
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = "standard,onnx,synthesis,bench,test"
NEWEST = "3.13"


def lowest_python() -> str:
    """Of ``requires-python``."""
    found = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf8"))
    assert found
    return found[1]


def interpreter(version: str) -> Path | None:
    """A Python of this version: on the PATH, or one of pyenv's. None: there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    on_path = map(Path, os.environ.get("PATH", "").split(os.pathsep))
    for folder in [*on_path, *sorted(p / "bin" for p in pyenv.glob(f"{version}.*"))]:
        program = folder / f"python{version}"
        if not program.is_file():
            continue
        ask = [str(program), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        done = subprocess.run(ask, capture_output=True, text=True, check=False)  # a shim may lead nowhere
        if done.stdout.strip() == version:
            return program
    return None


def environment(which: str, program: Path) -> Path:
    """The Python of a fresh environment with the package and its extras."""
    folder = ROOT / f".venv-{which}"
    subprocess.run([program, "-m", "venv", "--clear", folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "uv"], check=True)
    resolution = ["--resolution", "lowest-direct"] if which == "lowest" else []
    uv = [str(folder / "bin" / "uv"), "pip", "install", "-q", "--python", str(python), *resolution]
    subprocess.run([*uv, "-e", f"{ROOT}[{EXTRAS}]"], check=True)
    return python


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("which", choices=["lowest", "newest"])
    parser.add_argument("--python", help="its version, say 3.12")
    parser.add_argument("--jobs", default="auto", help="tests side by side")
    asked, pytest = parser.parse_known_args()
    version = asked.python or (lowest_python() if asked.which == "lowest" else NEWEST)
    program = interpreter(version)
    if program is None:
        print(f"Python {version} is not here: nothing was tested on it", file=sys.stderr)
        return 2
    python = environment(asked.which, program)
    told = "import sys, importlib.metadata as m; print('Python', sys.version.split()[0], *sorted({"
    told += "f'{d.name} {d.version}' for d in m.distributions()}), sep=', ')"
    subprocess.run([python, "-c", told], check=True)
    tests = ["-n", asked.jobs, "--maxprocesses", "8", "--dist", "worksteal", *pytest]
    return subprocess.run([python, "-m", "pytest", *tests], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
