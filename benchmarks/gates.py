"""Gate-level simulation of the 8 x 8 array (hd_generic45), cell evaluations a second, and HDL simulators."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hd_plugin.characterisation import stimulus
from hd_plugin.energy import load_characterisation
from hd_plugin.gates import GateSimulator, Schedule, find_simulator, hdl_toggles, load_circuit, write_bench
from hd_plugin.hardware import program, sampled_activations
from hd_plugin.streaming import file_order_plan
from hd_plugin.weights import load_network

_SHORT = 256  # cycles for event-driven simulation
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


@dataclass
class _Lines:
    """Lines of the table. ours : toggles of every net by our own simulator, settled and with glitches."""

    cells: int
    ours: dict[str, np.ndarray]
    best: float = 0.0  # cell evaluations a second, settled

    def line(
        self, name: str, counts: str, cycles: int, seconds: float, threads: int = 1, same: str = ""
    ) -> tuple[str, ...]:
        rate = cycles * self.cells / seconds
        self.best = self.best or rate
        times = (f"{cycles:,}", f"{seconds:.3f}", f"{rate:.2e}", f"{self.best / rate:,.1f}x")
        return (name, counts, str(threads), *times, same)

    def same(self, counts: str, toggles: np.ndarray) -> str:
        """Another simulator's toggles against ours."""
        ours = self.ours[counts]
        share = f"{toggles.sum() / max(ours.sum(), 1):.3f}"
        if np.array_equal(toggles, ours):
            return f"{share}, equal net by net"
        return f"{share}, correlation {np.corrcoef(toggles, ours)[0, 1]:.6f}"


def run(quick: bool) -> Iterator[tuple[str, ...]]:
    circuit = load_circuit(load_characterisation("hd_generic45").circuit)
    order = circuit.schedule
    layer = next(la for la in load_network("resnet20_cifar10_w4").layers if la.K == 64)
    ports = stimulus(program(layer, file_order_plan(layer, 8)), sampled_activations(layer), 8).ports
    long = {name: np.tile(bits, (1, 16)) for name, bits in ports.items()}
    short = {name: bits[:, :_SHORT] for name, bits in ports.items()}
    settled, glitching = GateSimulator(order), GateSimulator(order, circuit.delay_steps)
    ours = {"settled": settled.run(short).nets, "glitches": glitching.run(short).nets}  # and all is compiled
    lines = _Lines(len(circuit.netlist.instances), ours)
    for threads in (2, 1):
        for counts, simulator, what in (("settled", settled, long), ("glitches", glitching, ports)):
            cycles = next(iter(what.values())).shape[1] * threads
            seconds = min(_timed(lambda: _both(simulator, what, threads)) for _ in range(3))
            yield lines.line("hd_plugin", counts, cycles, seconds, threads)
    for counts, delays in (("settled", None), ("glitches", circuit.delay_steps)):
        if find_simulator("auto") is None:
            return
        seconds, toggles = _iverilog(order, short, delays)
        told = lines.same(counts, toggles)
        yield lines.line("iverilog (with compilation)", counts, _SHORT, seconds, same=told)
    if not quick and find_simulator("auto").name == "verilator":
        cycles = next(iter(long.values())).shape[1]
        yield lines.line("verilator (compiled before)", "nothing", cycles, _verilator(order, long))


def _iverilog(
    order: Schedule, ports: dict[str, np.ndarray], delays: np.ndarray | None
) -> tuple[float, np.ndarray]:
    """Seconds, and toggles of every net but the clock."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        toggles = hdl_toggles(order, ports, Path(folder), delays)
        seconds = time.perf_counter() - start
    toggles[order.clock] = 0
    return seconds, toggles


def _verilator(order: Schedule, ports: dict[str, np.ndarray]) -> float:
    """Seconds of the compiled bench."""
    with tempfile.TemporaryDirectory() as folder:
        write_bench(order, ports, Path(folder), dump=False)
        command = "verilator --binary -O3 -Wno-lint -Wno-style --top-module bench -j 2 -CFLAGS -O1 bench.v"
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
        return _timed(lambda: subprocess.run(["obj_dir/Vbench"], cwd=folder, check=True, capture_output=True))


def _both(simulator: GateSimulator, ports: dict[str, np.ndarray], threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(simulator.run, [ports] * threads))


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
