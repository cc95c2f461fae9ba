"""Action counts and energy of a layer, out of the runs that stand for its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hd_plugin.energy import ActionCounts, AddressLut, EnergyBreakdown, Technology
from hd_plugin.engines._accesses import Accesses, ComponentResult
from hd_plugin.engines._protocol import Evaluation
from hd_plugin.engines.timeloop._mapping import Block
from hd_plugin.engines.timeloop._parts import COMPONENTS
from hd_plugin.engines.timeloop._results import RunError, reference_table
from hd_plugin.engines.timeloop._run import Outcome
from hd_plugin.errors import did_you_mean

__all__ = ["evaluation"]

_MEMORIES = (
    "main_memory",
    "weight_buffer",
    "input_buffer",
    "output_buffer",
    "accumulation_buffer",
    "input_register",
)


def evaluation(
    runs: Sequence[tuple[Outcome, Block]],
    variables: Mapping[str, Any],
    technology: Technology,
    names: Mapping[str, str],
) -> Evaluation:
    """The sum of the runs. names : what the architecture calls each part.

    Raises RunError when the runs lack a part that counts are read from.
    """
    parts: dict[str, ComponentResult] = {}
    for outcome, block in runs:
        if missing := [names[part] for part in COMPONENTS if names[part] not in outcome.components]:
            raise RunError(
                f"{outcome.folder}: Timeloop tells nothing of {', '.join(missing)}; "
                f"{did_you_mean(missing[0], outcome.components)}"
            )
        for name, part in _share(outcome, block, variables["input_copies"], names).items():
            parts[name] = _add(parts.get(name), part, outcome.cycles)
    cycles = sum(outcome.cycles for outcome, _ in runs)
    ours = {part: parts[names[part]] for part in COMPONENTS}
    others = [part for name, part in parts.items() if name not in names.values()]
    return Evaluation(
        _counts(ours, cycles, variables),
        _energy(ours, others, cycles, variables, technology),
        parts,
        tuple(str(outcome.folder) for outcome, _ in runs),
    )


def _counts(parts: Mapping[str, ComponentResult], cycles: int, variables: Mapping[str, Any]) -> ActionCounts:
    hops = parts["weight_line"].fills * variables["cols"]
    return ActionCounts(
        mac=parts["mac"].computes,
        weight_hops=hops,
        idle_weight_hops=hops - parts["mac"].computes,
        weight_reads=parts["weight_buffer"].reads,
        accumulator_reads=parts["accumulation_buffer"].reads,
        accumulator_writes=parts["accumulation_buffer"].updates,
        input_reads=parts["input_buffer"].reads,
        output_writes=parts["output_buffer"].updates,
        lut_reads=cycles * variables["lut_reads_per_cycle"],
        cycles=cycles,
    )


def _energy(
    parts: Mapping[str, ComponentResult],
    others: Sequence[ComponentResult],
    cycles: int,
    variables: Mapping[str, Any],
    technology: Technology,
) -> EnergyBreakdown:
    """Where ``leak`` holds work of every cycle, of the address table and the clock, it is taken apart.

    others : components of the architecture that are none of the parts; what they do counts as memory.
    """
    table = AddressLut(
        technology, variables["lut_entries"], variables["lut_entry_bits"], variables["lut_reads_per_cycle"]
    )
    static_pJ = table.leak_pJ(float(variables["global_cycle_seconds"])) * cycles
    leaking = [part.per_cycle_pJ for name, part in parts.items() if name not in ("clock", "address_lut")]
    memories = [*(parts[name] for name in _MEMORIES), *others]
    return EnergyBreakdown(
        mac_J=1e-12 * parts["mac"].energy_pJ,
        weight_hop_J=1e-12 * parts["weight_line"].energy_pJ,
        psum_hop_J=1e-12 * parts["psum_hop"].energy_pJ,
        lut_J=1e-12 * (parts["address_lut"].per_cycle_pJ - static_pJ),
        memory_J=sum(1e-12 * part.energy_pJ for part in memories),
        clock_J=1e-12 * parts["clock"].per_cycle_pJ,
        leakage_J=1e-12 * (sum(leaking) + sum(part.per_cycle_pJ for part in others) + static_pJ),
    )


def _share(
    outcome: Outcome, block: Block, copies: int, names: Mapping[str, str]
) -> dict[str, ComponentResult]:
    """What a block adds to its layer, which is run as several only because Timeloop miscounts uneven sizes.

    Weights come into the buffers with the first block that uses them, outputs leave with the last one, and
    inputs, which an unrolled problem holds ``copies`` times, come once.
    """
    parts = dict(outcome.components)

    def change(part: str, space: str, **accesses: Any) -> None:
        name = names[part]
        parts[name] = replace(
            parts[name],
            accesses={**parts[name].accesses, space: replace(parts[name].accesses[space], **accesses)},
        )

    if not block.last:
        change("output_buffer", "Outputs", reads=0, fills=0, updates=0, energy_pJ=0.0)
        change("main_memory", "Outputs", reads=0, fills=0, updates=0, energy_pJ=0.0)
    if not block.first:
        buffer = names["weight_buffer"]
        found = parts[buffer].accesses["Weights"]
        write_pJ = reference_table(outcome.folder / "timeloop-model.ERT.yaml")[buffer]["write"]
        change("weight_buffer", "Weights", fills=0, energy_pJ=found.energy_pJ - found.fills * write_pJ)
        change("main_memory", "Weights", reads=0, energy_pJ=0.0)
    if copies > 1:
        filled, read = (parts[names[n]].accesses["Inputs"] for n in ("input_buffer", "main_memory"))
        # the buffer's write energy knows of the copies already
        change("input_buffer", "Inputs", fills=filled.fills // copies)
        change("main_memory", "Inputs", reads=read.reads // copies, energy_pJ=read.energy_pJ / copies)
    return parts


def _add(so_far: ComponentResult | None, part: ComponentResult, cycles: int) -> ComponentResult:
    """``part`` of ``cycles`` cycles added to a sum, whose per_cycle_pJ is over all its cycles."""
    s = so_far or ComponentResult(0, 0.0, 0.0, {})
    accesses = dict(s.accesses)
    for space, more in part.accesses.items():
        old = accesses.get(space, Accesses(0, 0, 0, 0.0))
        accesses[space] = Accesses(
            old.reads + more.reads,
            old.fills + more.fills,
            old.updates + more.updates,
            old.energy_pJ + more.energy_pJ,
        )
    return ComponentResult(
        s.computes + part.computes,
        s.compute_pJ + part.compute_pJ,
        s.per_cycle_pJ + part.per_cycle_pJ * cycles,
        accesses,
    )
