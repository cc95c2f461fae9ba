"""Values that are checked when they are made, and files read into them: ALL problems in one error.

pydantic validates; this module makes its findings one InputError that names file and field, says what was
found, what is needed and the nearest names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args

import annotated_types
from pydantic import BaseModel, BeforeValidator, ConfigDict, Strict, ValidationError
from pydantic.fields import FieldInfo

from hd_plugin._guard import read_bytes, read_text
from hd_plugin._parsed import PlainLoader, parse_json, parse_yaml
from hd_plugin._wording import joined, one_line, shown
from hd_plugin.errors import InputError, did_you_mean

__all__ = ["Checked", "Listed", "Whole", "check", "read_json", "read_mapping", "told"]

M = TypeVar("M", bound="Checked")
T = TypeVar("T")
_PATH = 120  # letters of a field's path: keys of a mapping may be of any length


def _whole(value: Any) -> Any:
    """8.0 is 8: hosts hand every number over as a float."""
    is_whole = isinstance(value, float) and value.is_integer()
    return int(value) if is_whole else value


Whole = Annotated[int, BeforeValidator(_whole)]
Listed = Annotated[tuple[T, ...], Strict(False)]  # a list in a file, a tuple in the value


if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)


class _Meta(ModelMetaclass):
    def __call__(cls: type[M], *args: Any, **fields: Any) -> M:  # type: ignore[misc]
        make = super().__call__  # type: ignore[misc]
        return _made(cls, fields, cls.__name__, lambda given: make(*args, **given))


class Checked(BaseModel, metaclass=_Meta):
    """A frozen value whose fields are checked: unknown fields, types and ranges.

    Raises InputError that lists all problems. Numbers have to be numbers (no text, no booleans). ``check``
    names a file in place of the class.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)

    @classmethod
    def read(cls, data: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The fields in ``data``, short forms made whole, and what is wrong between them. For subclasses."""
        return data, []


def check(model: type[M], data: Any, where: str | Path) -> M:
    """``data`` as a ``model``. Raises one InputError: ``where`` and everything that is wrong."""
    if not isinstance(data, Mapping):
        raise InputError(f"{where}: a mapping of fields is needed, {type(data).__name__} found")
    return _made(model, dict(data), where, model.model_validate)


def _made(model: type[M], data: dict[str, Any], where: str | Path, make: Callable[[dict[str, Any]], M]) -> M:
    given, problems = model.read(data)
    made = None
    try:
        made = make(given)
    except ValidationError as error:
        problems = told(model, error) + problems
    except RecursionError:
        problems = ["nested too deeply, or within itself; write it flat"]
    if made is None or problems:
        raise InputError((f"{where}: " if where else "") + joined(problems))
    return made


def told(model: type[BaseModel], error: ValidationError) -> list[str]:
    """Each problem of a validation as a sentence: field, what was found, what is needed."""
    return [_sentence(model, e) for e in error.errors(include_url=False)]


def _sentence(model: type[BaseModel], e: Mapping[str, Any]) -> str:
    loc, kind, found = e["loc"], e["type"], e["input"]
    where = _path(loc)
    if kind == "missing":
        return f"{where}: missing"
    if kind in ("extra_forbidden", "invalid_key"):
        owner = _owner(model, loc[:-1])
        return (
            f"{where}: unknown field; {did_you_mean(str(loc[-1]), list(owner.model_fields) if owner else [])}"
        )
    if kind == "literal_error":
        known = [str(v) for v in get_args(_annotation(model, loc)) or ()]
        name = found if isinstance(found, str) else ""
        return f"{where}: {shown(found)} is unknown; {did_you_mean(name, known)}"
    if kind in ("value_error", "assertion_error"):
        text = str(e["ctx"]["error"]) if "ctx" in e else e["msg"]
        return text if not where or text.startswith(f"{where}: ") else f"{where}: {text}"
    if kind in ("too_short", "too_long"):
        bound = e["ctx"]["min_length"] if kind == "too_short" else e["ctx"]["max_length"]
        word = "at least" if kind == "too_short" else "at most"
        return f"{where}: {shown(found)} found; {word} {bound} of them are needed"
    needed = _needed(model, loc) or _KINDS.get(kind) or e["msg"].lower()
    return f"{where}: {shown(found)} found; {needed} is needed"


_KINDS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping of fields",
    "list_type": "a list",
    "tuple_type": "a list",
    "finite_number": "a finite number",
}


def _path(loc: tuple[int | str, ...]) -> str:
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return one_line(text, _PATH)


def _owner(model: type[BaseModel], loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model that holds the field at the end of ``loc``."""
    found: Any = model
    for part in loc:
        if isinstance(part, str) and _is_model(found) and part in found.model_fields:
            found = found.model_fields[part].annotation
        found = _model_within(found)
    return found if _is_model(found) else None


def _model_within(annotation: Any) -> Any:
    """The model class in ``annotation``, through Optional, lists and mappings."""
    if _is_model(annotation):
        return annotation
    return next((m for a in get_args(annotation) if (m := _model_within(a)) is not None), None)


def _is_model(annotation: Any) -> bool:
    """tuple[X, ...] is none, though Python 3.10 takes it for a class."""
    return isinstance(annotation, type) and not get_args(annotation) and issubclass(annotation, BaseModel)


def _field(model: type[BaseModel], loc: tuple[int | str, ...]) -> Any:
    names = [part for part in loc if isinstance(part, str)]
    for cut in range(len(loc), 0, -1):  # the last part may be an index, a key or a kind of a union
        name = loc[cut - 1]
        owner = _owner(model, loc[: cut - 1])
        if owner is not None and isinstance(name, str) and name in owner.model_fields:
            return owner.model_fields[name]
    return model.model_fields.get(names[0]) if names else None


def _annotation(model: type[BaseModel], loc: tuple[int | str, ...]) -> Any:
    field = _field(model, loc)
    return field.annotation if field is not None else None


def _needed(model: type[BaseModel], loc: tuple[int | str, ...]) -> str | None:
    """What a number's bounds ask for, in words."""
    field = _field(model, loc)
    if field is None:
        return None
    bounds = {type(m): m for m in [*field.metadata, *_metadata(field.annotation)]}
    ge, le, gt = (bounds.get(k) for k in (annotated_types.Ge, annotated_types.Le, annotated_types.Gt))
    if ge is None and gt is None:
        return None
    whole = "whole " if _mentions_int(field.annotation) else ""
    low: Any = ge.ge if ge is not None else gt.gt if gt is not None else 0
    above = "above " if ge is None else ""
    if le is None:
        return f"a {whole}number {above or '>= '}{_bound(low)}"
    return f"a {whole}number from {above}{_bound(low)} to {_bound(le.le)}"


def _bound(value: Any) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"


def _metadata(annotation: Any) -> list[Any]:
    """What ``Annotated`` says anywhere inside of an annotation."""
    found = [m for meta in getattr(annotation, "__metadata__", ()) for m in _unpacked(meta)]
    return found + [m for a in get_args(annotation) for m in _metadata(a)]


def _unpacked(meta: Any) -> list[Any]:
    return list(meta.metadata) if isinstance(meta, FieldInfo) else [meta]


def _mentions_int(annotation: Any) -> bool:
    return annotation is int or any(_mentions_int(a) for a in get_args(annotation))


def read_mapping(path: str | Path, loader: type[PlainLoader] = PlainLoader) -> dict[str, Any]:
    """The top-level mapping of a YAML file; ``loader``: ``PlainLoader``, or a subclass.

    Raises InputError that names the file (and the line, if any).
    """
    data = parse_yaml(read_text(path, kind="YAML"), path, loader)
    if not isinstance(data, dict):
        raise InputError(f"{path}: a mapping of fields is needed, {type(data).__name__} found")
    return data


def read_json(path: str | Path, schemas: Iterable[str], advice: str) -> dict[str, Any]:
    """The mapping in a JSON file of one of ``schemas``; ``advice`` ends every error ("make it again ...").

    Raises InputError: no such file, no JSON, another schema.
    """
    known = list(schemas)
    data: dict[str, Any] = parse_json(read_bytes(path, advice), path, advice)
    schema = data.get("schema") if isinstance(data, dict) else type(data).__name__
    if schema not in known:
        raise InputError(
            f"{path}: schema: {shown(schema)} found, {' or '.join(map(repr, known))} needed; {advice}"
        )
    return data
