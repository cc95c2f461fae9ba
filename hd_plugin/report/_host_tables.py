"""Tables about the host tools: problems of layers, who served what, registration."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape

from hd_plugin.engines.timeloop import DIMENSIONS
from hd_plugin.report._table import Fitted, named, names, new_table, told_of
from hd_plugin.report._tables import tables
from hd_plugin.study import Diagnosis, Problems, Registered

__all__: list[str] = []


@tables.register(Problems)
def _problems(result: Problems) -> list[Fitted | str]:
    """Sizes by Timeloop's letters."""
    files = ["file"] if result.files else []
    table = new_table(
        f"{escape(result.network)}: Timeloop problems", [names(), *files], [*DIMENSIONS, "stride"]
    )
    for name, shape in result.shapes.items():
        own = [result.files[name].name] if files else []
        stride = "x".join(map(str, shape.stride)) if result.windows.get(name) else "?"
        table.add_row(named(name), *own, *(str(getattr(shape, x)) for x in DIMENSIONS), stride)
    return [table, *told_of(result.unmapped, result.network_notes)]


@tables.register(Diagnosis)
def _diagnosis(result: Diagnosis) -> list[Fitted | str]:
    """Who served each component and action."""
    examination = result.examination
    found = new_table("Found", ["what", "where"], [])
    for name, path in examination.programs.items():
        found.add_row(name.replace("_", "-"), escape(str(path)))
    found.add_row("configuration", escape(str(examination.config)))
    table = new_table("Who served what", ["component", "class", "action"], ["value"])
    for name in ("served by", "problem"):
        table.add_column(name)
    for r in examination.rows:
        table.add_row(
            escape(r.component),
            escape(r.class_name),
            r.action,
            f"{r.value:.6g} {r.unit}",
            escape(r.estimator),
            escape(r.problem),
            style="red" if r.problem else None,
        )
    notes = [f"note: {escape(note)}" for note in examination.notes]
    wrong, own = result.summary()["problems"], sum(r.estimator == "hd_plugin" for r in examination.rows)
    if wrong:
        return [found, table, *notes, f"{wrong} of {len(examination.rows)} values have a problem"]
    return [found, table, *notes, f"all {own} values that hd_plugin was asked for are its own"]


@tables.register(Registered)
def _registered(result: Registered) -> list[Fitted | str]:
    """What was done, in words."""
    done, dry = result.done, result.dry_run
    told = [escape(f"would write: {done.told}" if dry and done.changed else done.told)]
    if done.changed and done.backup and not dry:
        told.append(escape(f"before: {done.backup}"))
    if dry and done.text:
        told.append(escape(done.text))
    if Path("accelergy_config.yaml").is_file() and done.config.parent != Path.cwd():
        told.append(
            "note: Accelergy run in this folder reads the accelergy_config.yaml here instead; give --config "
            "for it"
        )
    return list(told)
