"""``compare``: a network, layer by layer, under every streaming method; ``run``: the comparison that a
scenario describes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hd_plugin._ratios import mean_times, times
from hd_plugin.energy import EnergyBreakdown
from hd_plugin.engines import check_sizes, get_engine
from hd_plugin.errors import InputError
from hd_plugin.streaming import Jobs
from hd_plugin.study._combined import Combined, check_same_layers
from hd_plugin.study._comparison import Comparison
from hd_plugin.study._flips_only import FlipComparison, flips_only, lacks_sizes
from hd_plugin.study._macs import MacComparison, compare_macs
from hd_plugin.study._networks import read_network
from hd_plugin.study._one_network import compare_one, digests
from hd_plugin.study._plan import search_time
from hd_plugin.study._scenario import Scenario
from hd_plugin.study._used import answered, question
from hd_plugin.weights import Network, NetworkChoice

__all__ = ["combined", "compare", "run"]


def run(scenario: Scenario, jobs: Jobs | None = None) -> Comparison | FlipComparison | MacComparison:
    """The comparison that ``scenario`` describes whole, its networks read from their files.

    Raises InputError for a scenario without a network, and what ``compare`` raises.
    """
    if scenario.network is None:
        raise InputError("network: missing; name a weights file or a bundled network")
    return compare(read_network(scenario.network), scenario.but(network=None), jobs=jobs)


def named(choice: NetworkChoice) -> Network:
    """The network; runs of training are all called network.npz: their folder tells them apart."""
    path, network = Path(choice.source), read_network(choice)
    return replace(network, name=f"{path.parent.name}/{path.stem}") if path.name == "network.npz" else network


def compare(
    network: Network,
    scenario: Scenario | None = None,
    *,
    trained: Sequence[Network] = (),
    jobs: Jobs | None = None,
    **fields: Any,
) -> Comparison | FlipComparison | MacComparison:
    """Flips and energy of every layer of ``network`` under every method; the baseline always comes first.

    scenario : or its ``fields`` (``hd.compare(net, rows=16, energy="simulated")``), or both. trained :
    networks of the same layers, trained for few flips; each goes through the baseline and the last method,
    against ``network`` in file order (the paper's Table 4). Results do not depend on ``jobs`` (threads,
    progress, a journal). Ctrl-C during the searches keeps what was found (``interrupted``) where it costs
    nothing to price; else, and during runs of Timeloop or of gates, it ends the call, and what is done is
    kept for the next one.

    Flips need no output sizes: where one is not known, and nothing but the analytic engine's energy is asked
    for, the answer is a FlipComparison; with several MACs it is a MacComparison. Raises InputError: a wrong
    field; a layer without an output size where anything else is asked; and what the engine raises
    (MissingTool, say).
    """
    asked = answered((scenario or Scenario()).but(**fields), network)
    if asked.trained and trained:
        raise InputError("trained: networks, and a scenario that names some; keep one of them")
    if asked.macs and trained:
        raise InputError("macs: trained networks cannot be asked for with them; leave one of the two out")
    trained = trained or [named(choice) for choice in asked.trained]
    check_same_layers(network, trained)
    jobs = jobs or Jobs()
    if lacks_sizes(network) and not trained and not asked.needs_gates and asked.engine.name == "analytic":
        jobs.question(question("compare", asked, network))
        return flips_only(network, asked, digests(network), jobs)
    check_sizes(network.layers)  # before an hour of search, not after
    engine = get_engine(asked.engine.name, **asked.engine.options)
    jobs.question(question("compare", asked, network, *trained, engine=engine.provenance()))
    if asked.macs:
        return compare_macs(network, asked, engine, jobs)
    alone = asked.but(network=None, methods=asked.methods[-1:], studies=False, trained=())
    own, *parts = jobs.parts(*_times(network, asked, len(trained)))
    result = compare_one(network, asked, engine, own, trained=trained)
    if not trained:
        return result
    others = [compare_one(other, alone, engine, part) for other, part in zip(trained, parts)]
    provenance = replace(result.provenance, interrupted=jobs.interrupted)
    return replace(result, trained=combined(result, others), provenance=provenance)


def _times(network: Network, asked: Scenario, trained: int) -> list[float]:
    """About how long the network takes beside each trained one, which goes through one method."""
    own = {m: sum(search_time(la, m, asked.array.rows) for la in network.layers) for m in asked.methods}
    return [sum(own.values()), *[own[asked.methods[-1]]] * trained]


def combined(base: Comparison, others: Sequence[Comparison]) -> tuple[Combined, ...]:
    """``base`` and every other comparison, method by method, against ``base`` in file order."""
    first, found = base.of("baseline"), []
    for result in (base, *others):
        for method in result.methods:
            pairs = list(zip(first, result.of(method)))
            counted = tuple(times(b.flips, r.flips) for b, r in pairs)
            energy = [times(b.energy.datapath_J, r.energy.datapath_J) for b, r in pairs]
            clocked = [[one[i].energy.clocked_J for one in pairs] for i in (0, 1)]
            found.append(
                Combined(
                    result.network,
                    method,
                    float(np.mean(counted)),
                    max(counted),
                    float(np.mean(energy)),
                    max(energy),
                    mean_times(*clocked),
                    counted,
                    tuple(energy),
                    tuple(r.nhd for _, r in pairs),
                    EnergyBreakdown.sum(r.energy for _, r in pairs),
                )
            )
    return tuple(found)
