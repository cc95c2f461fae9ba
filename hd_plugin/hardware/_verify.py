"""Does a plan compute its layer, in integers and in Verilog, and do its wires flip as often as counted?"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from hd_plugin._checked import Checked
from hd_plugin.errors import InputError
from hd_plugin.gates import find_simulator
from hd_plugin.hardware._activations import Activations, random_activations
from hd_plugin.hardware._design import SYSTOLIC, ArrayDesign, Operands
from hd_plugin.hardware._integer import NO_SUM, convolution, run_program
from hd_plugin.hardware._program import Program, program
from hd_plugin.hardware._verilog import Bench
from hd_plugin.streaming import Jobs, StreamPlan, hardware_flips
from hd_plugin.weights import Layer

__all__ = ["RtlCheck", "Verification", "VerifyOptions", "check_program", "verify", "verify_all"]


@dataclass(frozen=True)
class RtlCheck:
    """What the Verilog did in the first ``tiles`` tiles.

    difference : None when every sum equals the convolution's, else where it does not. toggles : seen on the
    array's weight inputs. flips : ``hd.hardware_flips`` of the same tiles.
    """

    simulator: str
    tiles: int
    difference: str | None
    toggles: int
    flips: int
    cycles: int

    @property
    def ok(self) -> bool:
        return self.difference is None and self.toggles == self.flips


@dataclass(frozen=True)
class Verification:
    """One layer under one plan.

    difference : where integer arithmetic through the plan and its tables first leaves the plain convolution,
    None when it never does. tables : their sizes. rtl : None when no simulator ran.
    """

    layer: str
    method: str
    K: int
    C: int
    taps: int
    pixels: int
    difference: str | None
    flips_hardware: int
    tables: dict[str, int]
    rtl: RtlCheck | None

    @property
    def ok(self) -> bool:
        """True when nothing differs and, if a simulator ran, toggles equal flips."""
        return self.difference is None and (self.rtl is None or self.rtl.ok)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "ok": self.ok}


class VerifyOptions(Checked):
    """How ``verify`` goes about it.

    cols : output pixels of a tile. simulator : "verilator", "iverilog", "auto" (what is installed, or none)
    or "none". tiles : how many of each layer go through the Verilog, None for all; integer arithmetic
    always takes all pixels. alternate : every other tile backwards. seed : of random activations.
    """

    cols: Annotated[int, Field(ge=1)] = 8
    simulator: str = "auto"
    tiles: Annotated[int, Field(ge=1)] | None = 4
    alternate: bool = False
    seed: Annotated[int, Field(ge=0)] = 0


_DEFAULT = VerifyOptions()


def verify(
    layer: Layer,
    plan: StreamPlan,
    activations: Activations | None = None,
    options: VerifyOptions = _DEFAULT,
    design: ArrayDesign = SYSTOLIC,
) -> Verification:
    """Run ``layer`` through ``plan`` and compare with its plain convolution, exactly.

    activations : the layer's inputs; by default uniform random 8-bit ones for all its output pixels. design :
    the array; with an encoded one, the convolution has its products too. Raises PlanMismatch for a plan of
    other weights, InputError for activations of another size, or operands that the array is not made for,
    MissingTool for a simulator that is not installed.
    """
    given = {} if activations is None else {layer.name: activations}
    return verify_all([(layer, plan)], given, options, design=design)[0]


def verify_all(
    pairs: Sequence[tuple[Layer, StreamPlan]],
    activations: Mapping[str, Activations] | None = None,
    options: VerifyOptions = _DEFAULT,
    jobs: Jobs | None = None,
    design: ArrayDesign = SYSTOLIC,
) -> list[Verification]:
    """``verify`` for many; the Verilog is compiled once.

    All weights and all activations must be of one width and format, and all plans of one number of rows.
    activations : by layer name, random ones for the others. jobs : progress, and a journal; runs go one by
    one.
    """
    simulator = find_simulator(options.simulator)
    runs = _runs(pairs, activations or {}, options.seed, design)
    with tempfile.TemporaryDirectory(prefix="hd_plugin-") as folder:
        bench = None
        if simulator is not None and runs:
            chosen = [(made, inputs) for _, _, made, inputs in runs]
            bench = Bench(simulator, Path(folder), chosen, options.cols, options.tiles, design)
        running = (jobs or Jobs()).titled("verify")

        def check(run: tuple[Layer, StreamPlan, Program, Activations], own: Jobs) -> Verification:
            def make() -> tuple[np.ndarray]:
                found = check_program(*run, bench, options, design)
                return (np.frombuffer(json.dumps(asdict(found)).encode(), np.uint8),)

            layer, plan, _, given = run
            told = options, simulator and simulator.name, layer.output_hw, plan.to_json()
            [text] = own.kept(
                "verified", (layer.name, layer.digest, *told, given.digest, design.digest), make
            )
            found = json.loads(text.tobytes())
            rtl = found.pop("rtl")
            return Verification(**found, rtl=None if rtl is None else RtlCheck(**rtl))

        done = []
        for run, part in zip(runs, running.parts(*[1.0] * len(runs))):
            done += part.spread(check, [run])
        return done


def _runs(
    pairs: Sequence[tuple[Layer, StreamPlan]],
    activations: Mapping[str, Activations],
    seed: int,
    design: ArrayDesign,
) -> list[tuple[Layer, StreamPlan, Program, Activations]]:
    """Programs with their inputs. Raises InputError for several kinds of them."""
    given = dict(activations)
    signed, bits = any(a.signed for a in given.values()), max((a.bits for a in given.values()), default=8)
    if not given and design.operands is not None:
        signed, bits = design.operands.act_signed, design.operands.act_bits
    runs = []
    for layer, plan in pairs:
        if layer.name not in given:
            given[layer.name] = random_activations(layer, seed, bits, signed)
        runs.append((layer, plan, program(layer, plan), given[layer.name]))
    one = {(p.bits, p.number_format, plan.rows, a.bits, a.signed) for _, plan, p, a in runs}
    if len(one) > 1:
        raise InputError(
            "verify: layers of several kinds (weight bits, number format, rows, activation bits, signed): "
            f"{sorted(one)}; verify them one kind at a time"
        )
    for weight_bits, number_format, _, act_bits, act_signed in one:
        design.check(Operands(act_bits, weight_bits, act_signed), number_format)
    return runs


def check_program(
    layer: Layer,
    plan: StreamPlan,
    made: Program,
    inputs: Activations,
    bench: Bench | None,
    options: VerifyOptions = _DEFAULT,
    design: ArrayDesign = SYSTOLIC,
) -> Verification:
    """One program against the layer's convolution and the plan's flips.

    bench : None for integers alone, else one of ``design``. options : columns of a tile, and whether tiles
    alternate.
    """
    wanted = convolution(layer, inputs, design.code_table)
    pixels, cols, alternate = wanted.shape[1], options.cols, options.alternate
    rtl = None
    if bench is not None:
        seen, tiles = bench.run(made, inputs, alternate), bench.tiles_of(inputs)
        rtl = RtlCheck(
            bench.simulator.name,
            tiles,
            _difference(seen.sums, wanted[:, : seen.sums.shape[1]]),
            seen.toggles,
            hardware_flips(layer, plan, tiles, alternate),
            seen.cycles,
        )
    return Verification(
        layer.name,
        plan.method,
        layer.K,
        layer.C,
        layer.taps,
        pixels,
        _difference(run_program(made, inputs, design.code_table), wanted),
        hardware_flips(layer, plan, -(-pixels // cols), alternate),
        made.tables.sizes(),
        rtl,
    )


def _difference(found: np.ndarray, wanted: np.ndarray) -> str | None:
    wrong = np.argwhere(found != wanted)
    if not wrong.size:
        return None
    k, p = wrong[0]
    value = "unknown" if found[k, p] == NO_SUM else found[k, p]
    return (
        f"output channel {k}, pixel {p}: {value} found, {wanted[k, p]} needed; {len(wrong)} of {wanted.size} "
        "sums differ"
    )
