"""HDL simulators: which are installed, and one run of the test bench in each."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hd_plugin.errors import HdPluginError, MissingTool, did_you_mean

__all__ = ["SIMULATORS", "SimulationError", "Simulator", "find_simulator", "rtl_files"]

SIMULATORS = ("verilator", "iverilog")  # the faster one first
_TOP = "hd_testbench"
_PATIENCE_S = 3600


class SimulationError(HdPluginError):
    """A simulator failed; the text has its last words."""


def rtl_files(testbench: bool = True) -> list[Path]:
    """The Verilog of the array, the PE first, and the test bench."""
    folder = Path(__file__).resolve().parent / "rtl"
    names = ["hd_pe", "hd_array", "hd_lut", "hd_accumulator", "hd_datapath", *([_TOP] if testbench else [])]
    return [folder / f"{name}.v" for name in names]


@dataclass(frozen=True)
class Simulator:
    """One installed simulator. ``build`` once for a set of parameters, ``run`` as often as wanted."""

    name: str

    def build(self, folder: Path, parameters: Mapping[str, int]) -> list[str]:
        """Compile the test bench in ``folder``; the command that runs it. Raises SimulationError."""
        sources = [str(p) for p in rtl_files()]
        if self.name == "iverilog":
            made = folder / "testbench.vvp"
            self.call(
                [
                    "iverilog",
                    "-g2005",
                    "-o",
                    str(made),
                    "-s",
                    _TOP,
                    *(f"-P{_TOP}.{k}={v}" for k, v in parameters.items()),
                    *sources,
                ],
                folder,
            )
            return ["vvp", "-n", str(made)]
        self.call(
            [
                "verilator",
                "--binary",
                "-O3",
                "-Wno-lint",
                "-Wno-style",
                "-Wno-MULTIDRIVEN",
                "--x-assign",
                "unique",
                "--unroll-count",
                "8192",
                "--top-module",
                _TOP,
                "-j",
                "2",
                "-CFLAGS",
                "-O2",
                "--Mdir",
                str(folder / "verilated"),
                *(f"-G{k}={v}" for k, v in parameters.items()),
                *sources,
            ],
            folder,
        )
        return [str(folder / "verilated" / f"V{_TOP}")]

    def run(self, command: list[str], folder: Path, plusargs: Mapping[str, int | str]) -> dict[str, int]:
        """Run in ``folder``; what the test bench tells (toggles, cycles). Raises SimulationError."""
        text = self.call([*command, *(f"+{k}={v}" for k, v in plusargs.items())], folder)
        told = dict(
            re.findall(
                r"(\w+)=(\w+)",
                next((line for line in text.splitlines() if line.startswith("HD_PLUGIN ")), ""),
            )
        )
        if "toggles" not in told:
            raise SimulationError(
                f"{self.name}: the test bench did not finish; it said: {text.strip()[-500:] or 'nothing'}"
            )
        return {k: int(v) for k, v in told.items()}

    def call(self, command: list[str], folder: Path) -> str:
        """What one of the simulator's programs says, run in ``folder``. Raises SimulationError when it fails."""
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired as error:
            raise SimulationError(
                f"{self.name}: still running after {_PATIENCE_S} s; simulate fewer tiles (--tiles)"
            ) from error
        if done.returncode:
            raise SimulationError(
                f"{' '.join(command[:2])}: failed with {done.returncode}: {(done.stderr or done.stdout).strip()[-1500:]}"
            )
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
        # verilator makes C++ that has to be compiled
        if all(
            shutil.which(tool)
            for tool in ((known, "make", "g++") if known == "verilator" else (known, "vvp"))
        ):
            return Simulator(known)
    if name == "auto":
        return None
    raise MissingTool(
        f"simulator: {name} is not installed (Debian: apt install {name}); --simulator none checks integer arithmetic only"
    )
