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


def _read(job):
    """The files as one, in the front end's words, with what they lack; and sentences about the latter.

    Accelergy needs neither a problem, nor constraints on loops, whose dimensions only the problem has, nor
    the depth of a DRAM; the front end does.
    """
    from accelergy.utils.yaml import load_yaml

    whole, notes = {}, []
    for path in job["files"]:
        for key, value in load_yaml(path, data=job["define"]).items():
            key = "components" if key == "compound_components" else key
            if key not in whole:
                whole[key] = value
            elif key == "components":
                whole[key]["classes"] = [*whole[key]["classes"], *value["classes"]]
            elif key == "variables":
                whole[key].update(value)
            else:
                raise SystemExit(f"{path}: a second {key}; give one of them")
    is_free = "problem" not in whole
    if is_free:
        whole["problem"] = _problem(job["problem"], whole["architecture"])
        for key in [key for key in whole if "mapping" in key or "constraints" in key]:
            del whole[key]
        notes.append("no problem among the files: constraints on loops were not looked at")
    _help(whole["architecture"].get("nodes", []), is_free, notes)
    return whole, notes


def _problem(problem, architecture):
    """A problem with the dataspaces that the architecture speaks of, or as it is where it speaks of none."""
    names = dict.fromkeys(_dataspaces(architecture.get("nodes", [])))
    if names:
        projection = [[[dimension]] for dimension in problem["shape"]["dimensions"]]
        spaces = [{"name": name, "projection": projection} for name in names]
        problem["shape"]["data_spaces"] = [*spaces[:-1], {**spaces[-1], "read_write": True}]
    return problem


def _dataspaces(nodes):
    for node in nodes:
        for key, lists in node.get("constraints", {}).items():
            if "dataspace" in key:
                for names in lists.values():
                    yield from (str(name) for name in names if isinstance(names, list))
        yield from _dataspaces(node.get("nodes", []))


def _help(nodes, is_free, notes):
    for node in nodes:
        if is_free and "constraints" in node:  # those on dataspaces tell the branches of a !Parallel apart
            loops = [key for key in node["constraints"] if "dataspace" not in key]
            for key in loops:
                del node["constraints"][key]
        if "DRAM" in str(node.get("class", "")) and "depth" not in node.get("attributes", {}):
            node.setdefault("attributes", {})["depth"] = 2**30
            notes.append(
                f"{node.get('name')}: has no depth; 2**30 was taken here, and Timeloop may refuse the "
                "architecture without one"
            )
        _help(node.get("nodes", []), is_free, notes)


def _accelergy(job, front_end):
    whole, notes = _read(job)
    with open(job["notes"], "w") as file:
        json.dump(notes, file)
    return front_end.Specification(**whole)


def main(path):
    with open(path) as file:
        job = json.load(file)
    import pytimeloop.timeloopfe.v4 as front_end
    from pytimeloop.timeloopfe.v4 import constraints

    if job["program"] == "accelergy":
        spec = _accelergy(job, front_end)
    else:
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
