"""A netlist as Verilog with delays, and its toggles in an event-driven simulator, to check our own by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hd_plugin.gates._logic import Tree
from hd_plugin.gates._schedule import Schedule
from hd_plugin.gates._simulators import find_simulator

__all__ = ["hdl_toggles", "to_verilog", "write_bench"]

_PERIOD = 10_000  # steps of a clock cycle, more than any path


def to_verilog(schedule: Schedule, delays: np.ndarray | None = None, dump: bool = True) -> str:
    """Every cell as ``assign`` or a register, every net a wire of its own.

    A bench around it plays ``stimulus.hex`` for `CYCLES cycles. delays : of every net's driver in steps,
    inertial; None: no delays. dump : write all changes to ``toggles.vcd``.
    """
    net = schedule.netlist
    inputs = [n for name, nets in net.inputs.items() if nets != [schedule.clock] for n in nets]

    def wait(n: int) -> str:
        return f"#{max(int(delays[n]), 1)} " if delays is not None and n < delays.size else ""

    lines = [
        "`timescale 1ps/1ps",
        "module bench;",
        "reg clk = 0;",
        f"reg [{len(inputs) - 1}:0] rows [0:`CYCLES-1];",
        "reg [31:0] t = 0;",
        "always @(posedge clk) t <= t + 1;",
        f"wire [{len(inputs) - 1}:0] row = rows[t];",
        "wire n0 = 1'b0;",
        "wire n1 = 1'b1;",
    ]
    lines += [f"wire n{n} = row[{i}];" for i, n in enumerate(inputs)]
    nodes = [node for step in schedule.steps for node in step]
    lines += [f"reg n{node.net} = 0;" if node.register else f"wire n{node.net};" for node in nodes]
    for node in nodes:
        text = _expression(node.tree)
        lines.append(
            f"always @(posedge clk) n{node.net} <= {wait(node.net)}{text};"
            if node.register
            else f"assign {wait(node.net)}n{node.net} = {text};"
        )
    outputs = [n for nets in net.outputs.values() for n in nets]
    width = len(outputs)
    lines += [
        f"wire [{width - 1}:0] outputs = {{{', '.join(f'n{n}' for n in outputs)}}};",
        f"reg [{width - 1}:0] seen = 0;",  # what nobody sees is optimised away
        f"always @(posedge clk) seen <= (seen << 1) ^ (seen >> {width - 1}) ^ outputs;",
    ]
    lines += [
        "initial begin",
        '  $readmemh("stimulus.hex", rows);',
        f"  #{_PERIOD};",
        *(['  $dumpfile("toggles.vcd"); $dumpvars(0, bench);'] if dump else []),
        f"  repeat (`CYCLES - 1) begin #1 clk = 1; #{_PERIOD} clk = 0; end",
        '  $display("outputs %h", seen);',
        "  $finish;",
        "end",
        "endmodule",
    ]
    return "\n".join(lines) + "\n"


def _expression(tree: Tree) -> str:
    kind = tree[0]
    if kind == "pin":
        return f"n{tree[1]}"
    if kind in ("0", "1"):
        return f"1'b{kind}"
    if kind == "!":
        return f"(~{_expression(tree[1])})"
    return f"({_expression(tree[1])} {kind} {_expression(tree[2])})"


def write_bench(
    schedule: Schedule,
    stimulus: Mapping[str, np.ndarray],
    folder: Path,
    delays: np.ndarray | None = None,
    dump: bool = True,
) -> None:
    """``bench.v`` and ``stimulus.hex`` in ``folder``: what an HDL simulator needs to play ``stimulus``.

    stimulus : bool[bits, cycles] by port. delays, dump : as for ``to_verilog``.
    """
    ports = schedule.netlist.inputs.items()
    planes = np.concatenate([np.asarray(stimulus[name]) for name, nets in ports if nets != [schedule.clock]])
    digits = -(-planes.shape[0] // 4)
    padded = np.zeros((digits * 4, planes.shape[1]), np.uint8)
    padded[: planes.shape[0]] = planes
    nibbles = (padded.reshape(digits, 4, -1) * np.array([1, 2, 4, 8], np.uint8)[:, None]).sum(1)
    letters = np.array(list("0123456789abcdef"))
    (folder / "stimulus.hex").write_text(
        "\n".join("".join(letters[nibbles[::-1, t]]) for t in range(planes.shape[1])) + "\n"
    )
    (folder / "bench.v").write_text(
        f"`define CYCLES {planes.shape[1]}\n" + to_verilog(schedule, delays, dump)
    )


def hdl_toggles(
    schedule: Schedule, stimulus: Mapping[str, np.ndarray], folder: Path, delays: np.ndarray | None = None
) -> np.ndarray:
    """Toggles of every net in iverilog, int64[nets].

    stimulus : bool[bits, cycles] by port. folder : gets the bench and what the simulator writes. Raises
    MissingTool, SimulationError.
    """
    simulator = find_simulator("iverilog")
    assert simulator is not None  # it raises for one that is named and missing
    write_bench(schedule, stimulus, folder, delays)
    simulator.call(simulator.build(folder, ["bench.v"], "bench"), folder)
    return _changes(folder / "toggles.vcd", len(schedule.netlist.names))


def _changes(path: Path, nets: int) -> np.ndarray:
    """How often each net of a VCD file has another value after a moment than before.

    What happens inside of a moment does not count.
    """
    names: dict[str, list[int]] = {}  # nets that are one and the same share a mark
    value: dict[str, str] = {}
    moment: dict[str, str] = {}  # the value before the present moment, of what changes in it
    total: Counter[str] = Counter()
    with path.open() as file:
        for line in file:
            if line[0] in "01xz":
                mark = line[1:-1]
                moment.setdefault(mark, value.get(mark, line[0]))
                value[mark] = line[0]
            elif line[0] == "#":
                total.update(mark for mark, old in moment.items() if value[mark] != old)
                moment.clear()
            elif line.startswith("$var"):
                _, _, _, mark, name, *_ = line.split()
                if name[0] == "n" and name[1:].isdigit():
                    names.setdefault(mark, []).append(int(name[1:]))
    total.update(mark for mark, old in moment.items() if value[mark] != old)
    found = np.zeros(nets, np.int64)
    for mark, same in names.items():
        found[[n for n in same if n < nets]] = total[mark]
    return found
