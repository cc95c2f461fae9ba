"""HDL simulators as programs: which are installed, and how they are called."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hd_plugin.errors import HdPluginError, MissingTool, did_you_mean

__all__ = ["SIMULATORS", "SimulationError", "Simulator", "find_simulator"]

SIMULATORS = ("verilator", "iverilog")  # the faster one first
# verilator makes C++ that has to be compiled
_PROGRAMS = {"verilator": ("verilator", "make", "g++"), "iverilog": ("iverilog", "vvp")}
_PATIENCE_S = 3600
_VERILATOR = (
    *("verilator", "--binary", "-O3", "-Wno-lint", "-Wno-style", "-Wno-MULTIDRIVEN"),
    *("--x-assign", "unique", "--unroll-count", "8192", "-j", "2", "-CFLAGS", "-O2"),
)


class SimulationError(HdPluginError):
    """A simulator failed; the text has its last words."""


@dataclass(frozen=True)
class Simulator:
    """One installed simulator, by name. ``build`` once for some parameters, ``call`` as often as wanted."""

    name: str

    def build(
        self,
        folder: Path,
        sources: Iterable[str | Path],
        top: str,
        parameters: Mapping[str, int] | None = None,
    ) -> list[str]:
        """Compile the Verilog in ``sources`` in ``folder``; the command that runs it.

        top : the module that is simulated, with these ``parameters``. Raises SimulationError.
        """
        files, given, folder = [str(s) for s in sources], dict(parameters or {}), Path(folder).resolve()
        if self.name == "iverilog":
            made = folder / f"{top}.vvp"
            chosen = [f"-P{top}.{k}={v}" for k, v in given.items()]
            self.call(["iverilog", "-g2005", "-o", str(made), "-s", top, *chosen, *files], folder)
            return ["vvp", "-n", str(made)]
        made = folder / "verilated"
        chosen = [f"-G{k}={v}" for k, v in given.items()]
        self.call([*_VERILATOR, "--top-module", top, "--Mdir", str(made), *chosen, *files], folder)
        return [str(made / f"V{top}")]

    def call(self, command: Sequence[str], folder: Path, advice: str = "simulate fewer cycles") -> str:
        """What one of the simulator's programs says, run in ``folder``.

        advice : what to do when it takes longer than an hour. Raises SimulationError when it fails.
        """
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise SimulationError(f"{self.name}: still running after {_PATIENCE_S} s; {advice}") from error
        if done.returncode:
            words = (done.stderr or done.stdout).strip()[-1500:]
            raise SimulationError(f"{' '.join(command[:2])}: failed with {done.returncode}: {words}")
        return done.stdout


def find_simulator(name: str = "auto") -> Simulator | None:
    """The simulator called ``name``; for "auto" the first one installed or None, for "none" None.

    Raises MissingTool when a named one is not installed.
    """
    if name == "none":
        return None
    if name != "auto" and name not in SIMULATORS:
        raise MissingTool(
            f"simulator: {name!r} is unknown; {did_you_mean(name, [*SIMULATORS, 'auto', 'none'])}"
        )
    for known in SIMULATORS if name == "auto" else (name,):
        if all(shutil.which(program) for program in _PROGRAMS[known]):
            return Simulator(known)
    if name == "auto":
        return None
    raise MissingTool(
        f"simulator: {name} is not installed (Debian: apt install {name}); --simulator none does without one"
    )
