"""The Verilog files of the array, and its test bench in a simulator."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from hd_plugin.gates import SimulationError, Simulator
from hd_plugin.hardware._design import SYSTOLIC, SYSTOLIC_MODULES, ArrayDesign

__all__ = ["build_bench", "rtl_files", "run_bench"]

_TOP = "hd_testbench"


def rtl_files(testbench: bool = True) -> list[Path]:
    """The Verilog of the systolic array, the PE first, and the test bench."""
    folder = Path(__file__).resolve().parent / "rtl"
    names = [*SYSTOLIC_MODULES, "hd_lut", "hd_accumulator", "hd_datapath", *([_TOP] if testbench else [])]
    return [folder / f"{name}.v" for name in names]


def build_bench(
    simulator: Simulator, folder: Path, parameters: Mapping[str, int], design: ArrayDesign = SYSTOLIC
) -> list[str]:
    """Compile the test bench around ``design``, in ``folder``; the command that runs it.

    Raises SimulationError.
    """
    files = rtl_files()
    if design is not SYSTOLIC:
        array = design.write(folder, parameters["ROWS"], parameters["PSUM_BITS"])
        files = [*array, *(path for path in files if path.stem not in SYSTOLIC_MODULES)]
    return simulator.build(folder, files, _TOP, parameters)


def run_bench(
    simulator: Simulator, command: list[str], folder: Path, plusargs: Mapping[str, int | str]
) -> dict[str, int]:
    """Run it in ``folder``; the numbers on its HD_PLUGIN line (toggles, cycles). Raises SimulationError."""
    given = [f"+{name}={value}" for name, value in plusargs.items()]
    text = simulator.call([*command, *given], folder, "simulate fewer tiles (--tiles)")
    line = next((line for line in text.splitlines() if line.startswith("HD_PLUGIN ")), "")
    told = dict(re.findall(r"(\w+)=(\w+)", line))
    if "toggles" not in told:
        raise SimulationError(
            f"{simulator.name}: the test bench did not finish; it said: {text.strip()[-500:] or 'nothing'}"
        )
    return {name: int(number) for name, number in told.items()}
