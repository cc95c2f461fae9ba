"""Run by the Python that has pytimeloop, never imported: one job file in, one Timeloop or Accelergy run out.

A process of its own, since pytimeloop has crashed beside other native libraries, and since the host's
Python may not have hd_plugin at all. Uses nothing but pytimeloop and what it brings along.
"""

import json
import re
import sys

_FACTOR = re.compile(r"([A-Za-z]+)=?(\d+)")


def _node_of(target):
    """The v4 node of a target in Timeloop's map.yaml: fanouts are called inter_NAME_spatial there."""
    match = re.fullmatch(r"inter_(.+)_spatial", target)
    return (match.group(1), True) if match else (target, False)


def _replay(spec, entries, constraints):
    """Put the mapper's mapping in place of the constraints on loops and dataspaces; keep all others."""
    for entry in entries:
        name, fanout = _node_of(entry["target"])
        kind = {"datatype": "dataspace"}.get(entry["type"], entry["type"])
        if fanout and kind != "spatial":
            continue  # the front end makes the dummy level, and fills it in, by itself
        found = spec.architecture.find(name).constraints[kind]
        if kind == "dataspace":
            for key in ("keep", "bypass"):
                found[key] = constraints.ProblemDataspaceList(entry[key])
            continue
        factors = [f"{dimension}={size}" for dimension, size in _FACTOR.findall(entry["factors"])]
        found["factors"] = constraints.Factors.factory(factors)
        found["permutation"] = constraints.Permutation.factory(list(entry["permutation"]))
        if kind == "spatial" and "split" in entry:
            found["split"] = int(entry["split"])


def main(path):
    with open(path) as file:
        job = json.load(file)
    import pytimeloop.timeloopfe.v4 as front_end
    from pytimeloop.timeloopfe.v4 import constraints

    spec = front_end.Specification.from_yaml_files(*job["files"])
    if job.get("replay"):
        _replay(spec, job["replay"], constraints)
    calls = {
        "model": front_end.call_model,
        "mapper": front_end.call_mapper,
        "accelergy": front_end.call_accelergy_verbose,
    }
    calls[job["program"]](spec, output_dir=job["folder"], log_to=job["log"])


if __name__ == "__main__":
    main(sys.argv[1])
