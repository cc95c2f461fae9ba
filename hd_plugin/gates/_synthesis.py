"""Verilog, synthesised and mapped to a cell library by yosys (its Python package, pyosys)."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from hd_plugin.errors import HdPluginError, InputError, MissingTool
from hd_plugin.gates._libraries import LibertyFiles, liberty_bytes, liberty_files

__all__ = ["SynthesisError", "synthesise"]

_PATIENCE_S = 3600
# A process of its own: what yosys and abc do when they fail is to end it
_SCRIPT = """
import sys
from pyosys import libyosys as ys
design = ys.Design()
for command in open(sys.argv[1]).read().splitlines():
    ys.run_pass("tee -q -a yosys.log " + command, design)
"""


class SynthesisError(HdPluginError):
    """yosys failed; the text has its last words."""


# abc's commands as yosys gives them for a liberty file, but for "&get -n; &fraig -x; &put" behind the first
_WITHOUT_FRAIG = "strash;scorr;dc2;dretime;strash;&get,-n;&dch,-f;&nf;&put"


def synthesise(
    sources: Iterable[str | Path],
    top: str,
    liberty: LibertyFiles,
    target: str | Path,
    wrapper: str = "",
    fraig: bool = True,
) -> None:
    """Write the netlist of module ``top``, flat, in the cells of ``liberty``, to ``target`` (JSON).

    liberty : one file or several. sources : Verilog files. wrapper : Verilog that is read after them, say a
    ``top`` that fixes the parameters of a module (``chparam`` of pyosys does not reach into generate loops).
    fraig : False leaves abc's search for equal nets out, which takes hours where many columns of one sum are
    large, and hardly finds any in them. Raises MissingTool without pyosys, InputError for a path that yosys
    cannot read, SynthesisError with yosys's words when it fails.
    """
    if importlib.util.find_spec("pyosys") is None:
        raise MissingTool(
            "pyosys is not installed: pip install 'hd-plugin[synthesis]'; without it 'characterize' works "
            "with the bundled circuits only (--technology)"
        )
    libraries, target = [_readable(path) for path in liberty_files(liberty)], _readable(target)
    files = [str(_readable(source)) for source in sources]
    with tempfile.TemporaryDirectory(prefix="hd_plugin-") as name:
        folder = Path(name)
        if wrapper:
            (folder / "top.v").write_text(wrapper, encoding="utf8")
            files.append("top.v")
        cells = " ".join(f"-liberty {_unpacked(path, folder)}" for path in libraries)
        # opt_clean without -purge keeps the registers' names
        commands = [
            *(f"read_verilog {file}" for file in files),
            f"hierarchy -top {top}",
            f"synth -flatten -top {top}",
            f"dfflibmap {cells}",
            f"abc {'' if fraig else f'-script +{_WITHOUT_FRAIG} '}{cells}",
            "opt_clean",
            f"write_json {target}",
        ]
        _run(commands, folder, " and ".join(map(str, libraries)), target)


def _unpacked(path: Path, folder: Path) -> Path:
    """What abc can read: it does not unpack."""
    if path.suffix != ".gz":
        return path
    plain = folder / f"unpacked-{path.stem}"
    plain.write_bytes(liberty_bytes(path))
    return plain


def _readable(path: str | Path) -> Path:
    path = Path(path).resolve()
    if any(c.isspace() for c in str(path)):
        raise InputError(f"{path}: yosys takes no blanks in a path; move the file")
    return path


def _run(commands: list[str], folder: Path, liberty: str, target: Path) -> None:
    """The commands of yosys, in ``folder``."""
    (folder / "commands.ys").write_text("\n".join(commands), encoding="utf8")
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, "commands.ys"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    if not done.returncode and target.exists():
        return
    log = folder / "yosys.log"
    told = (log.read_text(errors="replace") if log.exists() else "").splitlines() + done.stderr.splitlines()
    words = [line for line in told if "ERROR" in line or "rror:" in line]
    said = " ".join(words[-3:]) or done.stderr.strip()[-800:] or "nothing"
    raise SynthesisError(f"yosys: synthesis with {liberty} failed ({done.returncode}): {said}")
