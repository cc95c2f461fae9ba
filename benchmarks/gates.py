"""Gate-level simulation of the 8 x 8 array (hd_generic45): cell evaluations a second, against HDL simulators on the same netlist."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from hd_plugin.energy import load_characterisation
from hd_plugin.hardware import find_simulator, program, sampled_activations
from hd_plugin.hardware.gates import GateSimulator, hdl_toggles, load_circuit, stimulus, write_bench
from hd_plugin.streaming import file_order_plan
from hd_plugin.weights import load_network

COLUMNS = (
    "simulator",
    "counts",
    "threads",
    "cycles",
    "seconds",
    "cell evaluations / s",
    "ours settled / it",
    "toggles / ours",
)


def run(quick: bool) -> Iterator[tuple[str, ...]]:
    circuit = load_circuit(load_characterisation("hd_generic45").circuit)
    order, cells = circuit.schedule, len(circuit.netlist.instances)
    layer = next(la for la in load_network("resnet20_cifar10_w4").layers if la.K == 64)
    ports = stimulus(program(layer, file_order_plan(layer, 8)), sampled_activations(layer), 8).ports
    long = {name: np.tile(bits, (1, 16)) for name, bits in ports.items()}
    short = {name: bits[:, :256] for name, bits in ports.items()}
    settled, glitching = GateSimulator(order), GateSimulator(order, circuit.delay_steps)
    ours = {"settled": settled.run(short).nets, "glitches": glitching.run(short).nets}  # and all is compiled
    best = 0.0

    def line(
        name: str, counts: str, threads: int, cycles: int, seconds: float, toggles: np.ndarray | None = None
    ) -> tuple[str, ...]:
        rate = cycles * cells / seconds
        same = (
            ""
            if toggles is None
            else f"{toggles.sum() / max(ours[counts].sum(), 1):.3f}"
            + (
                ", equal net by net"
                if np.array_equal(toggles, ours[counts])
                else f", correlation {np.corrcoef(toggles, ours[counts])[0, 1]:.6f}"
            )
        )
        return (
            name,
            counts,
            str(threads),
            f"{cycles:,}",
            f"{seconds:.3f}",
            f"{rate:.2e}",
            f"{best / rate:,.1f}x",
            same,
        )

    for threads in (2, 1):
        for counts, simulator, what in (("settled", settled, long), ("glitches", glitching, ports)):
            cycles = next(iter(what.values())).shape[1] * threads
            seconds = min(_timed(lambda: _both(simulator, what, threads)) for _ in range(3))
            best = best or cycles * cells / seconds
            yield line("hd_plugin", counts, threads, cycles, seconds)
    clock = order.clock
    for counts, delays in (("settled", None), ("glitches", circuit.delay_steps)):
        if find_simulator("auto") is None:
            return
        with tempfile.TemporaryDirectory() as folder:
            found: list[np.ndarray] = []
            seconds = _timed(lambda: found.append(hdl_toggles(order, short, Path(folder), delays)))
            found[0][clock] = 0
            yield line("iverilog (with compilation)", counts, 1, 256, seconds, found[0])
    if not quick and find_simulator("auto").name == "verilator":
        with tempfile.TemporaryDirectory() as folder:
            write_bench(order, long, Path(folder), dump=False)
            subprocess.run(
                [
                    "verilator",
                    "--binary",
                    "-O3",
                    "-Wno-lint",
                    "-Wno-style",
                    "--top-module",
                    "bench",
                    "-j",
                    "2",
                    "-CFLAGS",
                    "-O1",
                    "bench.v",
                ],
                cwd=folder,
                check=True,
                capture_output=True,
            )
            cycles = next(iter(long.values())).shape[1]
            yield line(
                "verilator (compiled before)",
                "nothing",
                1,
                cycles,
                _timed(
                    lambda: subprocess.run(["obj_dir/Vbench"], cwd=folder, check=True, capture_output=True)
                ),
            )


def _both(simulator: GateSimulator, ports: dict[str, np.ndarray], threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(simulator.run, [ports] * threads))


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
