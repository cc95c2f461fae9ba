"""``verify_network``: does every layer compute the same under its plans, and do the wires flip as often as
counted?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hd_plugin._journal import Journal
from hd_plugin._wording import shown
from hd_plugin.encoding_mac import load_mac
from hd_plugin.errors import InputError
from hd_plugin.gates import find_simulator
from hd_plugin.hardware import Activations, AddressTables, Verification, VerifyOptions, verify_all
from hd_plugin.streaming import Jobs, StreamPlan
from hd_plugin.study._plan import all_plans
from hd_plugin.study._result import Result
from hd_plugin.study._scenario import Scenario
from hd_plugin.study._used import question, used
from hd_plugin.weights import Layer, Network, Note, Unmapped

__all__ = ["NetworkVerification", "load_plans", "verify_network"]


@dataclass(frozen=True, repr=False)
class NetworkVerification(Result):
    """One Verification a layer and plan; activations : where they came from. mac : the array, as named.

    Schema hd-plugin/verify/2.
    """

    schema = "hd-plugin/verify/2"
    file = "verify.json"

    network: str
    digest: str
    scenario: Scenario
    options: VerifyOptions
    simulator: str | None
    activations: str
    layers: tuple[Verification, ...]
    plans: Mapping[tuple[str, str], StreamPlan] = field(repr=False)
    unmapped: tuple[Unmapped, ...] = ()
    network_notes: tuple[Note, ...] = ()
    interrupted: bool = False
    mac: str = "binary"

    @property
    def ok(self) -> bool:
        """True when every layer is exact under every plan, and all toggles equal the counted flips."""
        return all(v.ok for v in self.layers)

    def summary(self) -> dict[str, Any]:
        return {"ok": self.ok, "runs": len(self.layers), "wrong": [v.layer for v in self.layers if not v.ok]}

    def tables(self) -> dict[tuple[str, str], AddressTables]:
        """What the hardware loads, by (layer, method)."""
        return {key: AddressTables.of(plan) for key, plan in self.plans.items()}

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": self.schema,
            "network": self.network,
            "digest": self.digest,
            "cols": self.options.cols,
            "seed": self.options.seed,
            "alternate": self.options.alternate,
            "activations": self.activations,
            "simulator": self.simulator,
            "mac": self.mac,
            "interrupted": self.interrupted,
            "ok": self.ok,
            "layers": [v.to_dict() for v in self.layers],
            "unmapped": [u.to_dict() for u in self.unmapped],
            "network_notes": [n.to_dict() for n in self.network_notes],
            "provenance": {"scenario": self.scenario.to_dict()},
        }


def verify_network(
    network: Network,
    scenario: Scenario | None = None,
    *,
    plans: Mapping[tuple[str, str], StreamPlan] | None = None,
    activations: tuple[Mapping[str, Activations], str] | None = None,
    options: VerifyOptions | None = None,
    jobs: Jobs | None = None,
    mac: str | Path = "binary",
    **fields: Any,
) -> NetworkVerification:
    """Every layer of ``network`` through its plans: in integers, and through the Verilog where a simulator is
    installed.

    plans : by (layer, method), as ``load_plans`` reads them; without them they are searched as ``plan`` does,
    under every method of the scenario. activations : the layers' inputs by name, and where they come from in
    words; random ones for all others. options : columns, simulator, tiles ... (columns and seed of the
    scenario by default). mac : the array: "binary", "tree", "exact" or the file of an encoding, whose
    products then stand in the convolution too. Raises InputError, PlanMismatch, MissingTool.
    """
    asked, jobs = used(scenario or Scenario(), network, "a proof", **fields), jobs or Jobs()
    options = _with_scenario(options or VerifyOptions(), asked)
    simulator = find_simulator(options.simulator)
    own = {name: one.digest for name, one in activations[0].items()} if activations else {}
    made = {
        " ".join(key): Journal.key("plan", (plan.to_json(),)).hex() for key, plan in (plans or {}).items()
    }
    chosen = [network.layer(name) for name, _ in plans] if plans else network.layers
    design = load_mac(mac, *_operands(chosen, activations[0] if activations else {}))
    asked_too = {"options": options.model_dump(), "activations": own, "plans": made, "mac": design.digest}
    jobs.question(question("verify", asked, network, **asked_too))
    searching, proving = jobs.parts(0.0 if plans else 1.0, 1.0)
    if plans is None:
        if not asked.searched:
            raise InputError("methods: direct, segment or cluster is needed; the file order needs no proof")
        plans = all_plans(network, asked, asked.searched, searching)
        if jobs.interrupted:  # a proof of half of a search proves nothing
            raise KeyboardInterrupt
        plans = {(la.name, m): plans[la.name, m] for la in network.layers for m in asked.searched}
    else:
        asked = _of_plans(asked, plans)
    pairs = [(network.layer(name), made) for (name, _), made in plans.items()]
    given, told = activations or ({}, "random")
    if given and (unseen := len({layer.name for layer, _ in pairs} - set(given))):
        told += f"; random ones for {unseen} layers that the run does not reach"
    done = verify_all(pairs, given, options, proving, design)
    return NetworkVerification(
        network.name,
        network.digest,
        asked,
        options,
        simulator.name if simulator else None,
        told,
        tuple(done),
        plans,
        tuple(network.unmapped),
        tuple(network.notes),
        jobs.interrupted,
        str(mac),
    )


def _operands(
    layers: Sequence[Layer], activations: Mapping[str, Activations]
) -> tuple[int | None, int, bool]:
    """Bits of activations (None: random ones of any width) and of weights; whether activations are signed.

    Of the first that are there: that all are of one kind is checked where they run.
    """
    one = next(iter(activations.values()), None)
    weight_bits = layers[0].bits if layers else 4
    return (None, weight_bits, False) if one is None else (one.bits, weight_bits, one.signed)


def _with_scenario(options: VerifyOptions, asked: Scenario) -> VerifyOptions:
    """Columns and seed of the scenario, where the options do not give the same or none."""
    wanted, said_by = {"cols": asked.array.cols, "seed": asked.seed}, {"cols": "array", "seed": "seed"}
    for name in options.model_fields_set & set(wanted):
        if getattr(options, name) != wanted[name] and said_by[name] in asked.model_fields_set:
            raise InputError(
                f"{name}: {getattr(options, name)} in the options, {wanted[name]} in the scenario; these are "
                "two answers to one question, keep one"
            )
        wanted.pop(name)
    return options.model_copy(update=wanted)


def _of_plans(asked: Scenario, plans: Mapping[tuple[str, str], StreamPlan]) -> Scenario:
    """The scenario with the methods and, where it is one for all, the effort of plans that were given."""
    methods = tuple(dict.fromkeys(plan.method for plan in plans.values()))
    efforts = {plan.effort for plan in plans.values()}
    return asked.but(methods=methods, **({"effort": efforts.pop()} if len(efforts) == 1 else {}))


def load_plans(network: Network, paths: Sequence[Path]) -> dict[tuple[str, str], StreamPlan]:
    """The plans in files, and in folders of them, by (layer, method) in network order.

    Where some layers of a network were asked for, a folder may hold plans of the others, which are left
    there. Raises InputError for paths without plans, two plans of one layer and method, or a layer that the
    network has not; PlanMismatch for a plan of other weights.
    """
    files = [f for path in paths for f in (sorted(path.rglob("*.plan.json")) if path.is_dir() else [path])]
    told = ", ".join(map(str, paths))
    if not files:
        raise InputError(f"{told}: no plan (*.plan.json) in there; hd-plugin optimize -o DIR makes them")
    asked = network.asked.layers if network.asked else None
    found: dict[tuple[str, str], StreamPlan] = {}
    for file in files:
        plan = StreamPlan.load(file)
        if asked is not None and plan.layer not in asked and file not in paths:
            continue
        layer: Layer = network.layer(plan.layer)
        plan.check(layer)
        if (layer.name, plan.method) in found:
            raise InputError(
                f"{file}: a second plan of layer {layer.name!r} and method {plan.method}; give one of them"
            )
        found[layer.name, plan.method] = plan
    if not found:
        raise InputError(f"{told}: no plan of {shown(list(asked or ()))} in there; optimize makes it")
    place = {layer.name: i for i, layer in enumerate(network.layers)}
    return dict(sorted(found.items(), key=lambda item: place[item[0][0]]))
