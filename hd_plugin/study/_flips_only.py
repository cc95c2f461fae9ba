"""What ``compare`` answers for a network whose output sizes are not all known: flips, which need none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hd_plugin._version import __version__
from hd_plugin.streaming import Jobs, StreamPlan, flips, nhd
from hd_plugin.study._plan import PlannedLayer, Planning, all_plans
from hd_plugin.study._scenario import Scenario
from hd_plugin.study._used import answered
from hd_plugin.weights import Layer, Network

__all__ = ["FlipComparison", "FlipProvenance", "flips_only", "lacks_sizes"]


@dataclass(frozen=True)
class FlipProvenance:
    """What a reader needs to get the same numbers again. input_digests : SHA-256 by file."""

    version: str
    scenario: Scenario
    input_digests: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "scenario": self.scenario.to_dict(),
            "input_digests": dict(self.input_digests),
        }


@dataclass(frozen=True, repr=False)
class FlipComparison(Planning):
    """Flips by layer and method, no energies. Schema hd-plugin/compare-flips/1.

    sizes_missing : layers whose output size nobody told.
    """

    schema = "hd-plugin/compare-flips/1"
    file = "compare.json"

    sizes_missing: tuple[str, ...] = ()
    input_digests: Mapping[str, str] | None = None

    @property
    def provenance(self) -> FlipProvenance:
        return FlipProvenance(__version__, self.scenario, self.input_digests or {})

    @property
    def notes(self) -> tuple[str, ...]:
        """Why there is no energy, and what to do."""
        some = ", ".join(self.sizes_missing[:3]) + (" ..." if len(self.sizes_missing) > 3 else "")
        told = (
            f"flips only: energy needs output sizes (P x Q) that the weights file does not tell, of "
            f"{len(self.sizes_missing)}: {some}; trace them with --model MODEL and --input-size HxW, or a "
            "network spec (--spec)"
        )
        return (told + ("; the studies need them, too" if self.scenario.studies else ""),)

    def to_dict(self) -> dict[str, Any]:
        return {
            **super().to_dict(),
            "notes": list(self.notes),
            "sizes_missing": list(self.sizes_missing),
            "provenance": self.provenance.to_dict(),
        }


def lacks_sizes(network: Network) -> tuple[str, ...]:
    """Names of layers whose output size is not known."""
    return tuple(layer.name for layer in network.layers if layer.output_hw is None)


def flips_only(
    network: Network, scenario: Scenario, digests: Mapping[str, str], jobs: Jobs
) -> FlipComparison:
    """Every method's flips of every layer, against the file order."""
    plans = all_plans(network, scenario, scenario.searched, jobs)
    lines = [_line(layer, plans[layer.name, m]) for layer in network.layers for m in scenario.searched]
    return FlipComparison(
        network.name,
        network.digest,
        answered(scenario, network),
        tuple(lines),
        plans,
        tuple(network.unmapped),
        network.flip_notes,
        jobs.interrupted,
        sizes_missing=lacks_sizes(network),
        input_digests=digests,
    )


def _line(layer: Layer, made: StreamPlan) -> PlannedLayer:
    return PlannedLayer(
        name=layer.name,
        method=made.method,
        K=layer.K,
        C=layer.C,
        taps=layer.taps,
        groups=len(made.groups),
        flips_before=flips(layer),
        flips=flips(layer, made),
        nhd_before=nhd(layer),
        nhd=nhd(layer, made),
    )
