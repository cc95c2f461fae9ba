"""The array, synthesised and mapped to a cell library by yosys (its Python package, pyosys)."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from hd_plugin.errors import HdPluginError, InputError, MissingTool
from hd_plugin.hardware._simulators import rtl_files

__all__ = ["ArraySize", "SynthesisError", "synthesise"]

_PATIENCE_S = 3600
_LIMITS = {"rows": (1, 64), "cols": (1, 64), "weight_bits": (2, 8), "act_bits": (2, 16), "psum_bits": (4, 48)}
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


@dataclass(frozen=True)
class ArraySize:
    """Parameters of ``hd_array``: the array's size, and widths in bits. Weights are two's complement, activations unsigned."""

    rows: int = 8
    cols: int = 8
    weight_bits: int = 4
    act_bits: int = 8
    psum_bits: int = 16

    def __post_init__(self) -> None:
        for name, (low, high) in _LIMITS.items():
            if not low <= getattr(self, name) <= high:
                raise InputError(
                    f"{name.replace('_', '-')}: {getattr(self, name)} found; {low} to {high} is possible"
                )

    @property
    def name(self) -> str:
        return f"{self.rows}x{self.cols}_w{self.weight_bits}_a{self.act_bits}_p{self.psum_bits}"

    def wrapper(self) -> str:
        """Verilog that fixes the parameters (``chparam`` of pyosys does not reach into generate loops)."""
        s = self
        return (
            f"module top(input wire clk, input wire act_shift, input wire [{s.cols * s.act_bits - 1}:0] act_in, input wire swap, "
            f"input wire [{s.rows * s.weight_bits - 1}:0] weights, output wire [{s.cols * s.psum_bits - 1}:0] psums);\n"
            f"hd_array #(.ROWS({s.rows}), .COLS({s.cols}), .WEIGHT_BITS({s.weight_bits}), .ACT_BITS({s.act_bits}), .PSUM_BITS({s.psum_bits})) array "
            "(.clk(clk), .act_shift(act_shift), .act_in(act_in), .swap(swap), .weights(weights), .psums(psums));\nendmodule\n"
        )

    def to_dict(self) -> dict[str, int]:
        return asdict(self)


def synthesise(size: ArraySize, liberty: str | Path, target: str | Path) -> None:
    """Write the array's netlist in the cells of ``liberty`` to ``target`` (JSON of write_json).

    Raises MissingTool without pyosys, InputError for a liberty file that is none, SynthesisError with yosys's words when it fails.
    """
    if importlib.util.find_spec("pyosys") is None:
        raise MissingTool(
            "pyosys is not installed: pip install 'hd-plugin[synthesis]'; without it 'characterize' works with the bundled circuits only (--technology)"
        )
    liberty, target = Path(liberty).resolve(), Path(target).resolve()
    if any(c.isspace() for c in f"{liberty}{target}"):
        raise InputError(
            f"{liberty if any(c.isspace() for c in str(liberty)) else target}: yosys takes no blanks in a path; move the file"
        )
    with tempfile.TemporaryDirectory(prefix="hd_plugin-") as name:
        folder = Path(name)
        (folder / "top.v").write_text(size.wrapper())
        sources = [p for p in rtl_files(False) if p.stem in ("hd_pe", "hd_array")]
        # opt_clean without -purge keeps the registers' names
        commands = [
            *(f"read_verilog {p}" for p in (*sources, "top.v")),
            "hierarchy -top top",
            "synth -flatten -top top",
            f"dfflibmap -liberty {liberty}",
            f"abc -liberty {liberty}",
            "opt_clean",
            f"write_json {target}",
        ]
        (folder / "commands.ys").write_text("\n".join(commands))
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT, "commands.ys"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
        )
        if done.returncode or not target.exists():
            log = folder / "yosys.log"
            words = [
                line
                for line in (log.read_text(errors="replace") if log.exists() else "").splitlines()
                + done.stderr.splitlines()
                if "ERROR" in line or "rror:" in line
            ]
            said = " ".join(words[-3:]) or done.stderr.strip()[-800:] or "nothing"
            raise SynthesisError(f"yosys: synthesis with {liberty} failed ({done.returncode}): {said}")
