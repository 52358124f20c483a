"""Puts errors in settings into words for their author."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

from promo_campaigns.definitions.settings.model import EMPTY
from promo_campaigns.definitions.settings.settings_schema import parse_branch, resolved
from promo_campaigns.model.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from promo_campaigns.definitions.settings.settings_schema import Schema

_LAST = "\uffff"
_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "settings of its own",
    "model_type": "settings of its own",
}


class _Place(NamedTuple):
    """Where an error lies: the way its author would go, and what the schema says of it."""

    setting: tuple[str | int, ...]
    form: Schema
    described: str


def worded(error: ValidationError, schema: Schema) -> SettingError:
    """Return the first of pydantic's errors in the author's words, with the others in its ``others``.

    :param schema: the JSON schema of the model, which holds the descriptions and the names that exist
    """
    ranked = sorted(error.errors(include_url=False), key=_rank)
    first, *others = (_worded(one, schema) for one in ranked if one is ranked[0] or _tells_more(one, ranked))
    first.others = others
    return first


def _tells_more(error: ErrorDetails, ranked: Sequence[ErrorDetails]) -> bool:
    """Tell whether an error is no consequence of another: a list of a wrong item, or what a misspelt name left out."""
    inside = any(one is not error and one["loc"][: len(error["loc"])] == error["loc"] for one in ranked)
    misspelt = error["type"] == "missing" and any(
        one["type"] == "extra_forbidden" and one["loc"][:-1] == error["loc"][:-1] for one in ranked
    )
    return not inside and not misspelt


def _worded(first: ErrorDetails, schema: Schema) -> SettingError:
    *way, last = first["loc"] or ("",)
    if first["type"] == "extra_forbidden":
        above = _place(schema, way)
        problem = f"there is no setting {str(last)!r}" + _inside(above)
        return SettingError(
            problem, setting=(*above.setting, last), hint=nearest(str(last), above.form.get("properties", {}))
        )
    place = _place(schema, first["loc"])
    if first["type"] == "missing":
        above = _place(schema, way)
        problem = f"the setting {last!r} is missing" + _inside(above)
        return SettingError(problem, setting=above.setting, hint=place.described)
    return _wrong_value(first, place)


def _wrong_value(error: ErrorDetails, place: _Place) -> SettingError:
    name = next((step for step in reversed(place.setting) if isinstance(step, str)), "the workflow")
    problem, hint = f"{name!r} cannot be {_shown(error['input'])}", place.described
    if error["type"] == EMPTY:
        problem = f"{name!r} is empty"
    elif error["type"] in _TYPES:
        problem = f"{name!r} must be {_TYPES[error['type']]}, not {_shown(error['input'])}"
    elif error["type"] == "enum":
        hint = nearest(str(error["input"]), place.form["enum"])
    return SettingError(problem, setting=place.setting, hint=hint)


def _rank(error: ErrorDetails) -> tuple[bool, list[str]]:
    """Put a name that does not exist first: what is missing beside it is most likely what was meant.

    A wrong item stands before its list, which pydantic then finds too short.
    """
    return error["type"] != "extra_forbidden", [*(str(step) for step in error["loc"]), _LAST]


def _place(schema: Schema, loc: Collection[str | int]) -> _Place:
    """Follow pydantic's way through the schema; a step into one form of several is no step of the author's."""
    form, described, setting = schema, "", []
    for step in loc:
        branch = parse_branch(step)
        if branch is not None:
            form = resolved(schema, form["oneOf"][branch])
            described = described or form.get("description", "")
            continue
        setting.append(step)
        below: Any = form.get("properties", {}).get(step) if isinstance(step, str) else form.get("items")
        if below is None:
            break
        form = resolved(schema, below)
        described = form.get("description", described)
    return _Place(tuple(setting), form, described)


def _inside(place: _Place) -> str:
    named = next((step for step in reversed(place.setting) if isinstance(step, str)), None)
    return f" in {named!r}" if named else ""


def nearest(name: str, names: Collection[str]) -> str:
    """Return the hint for a name that is none of those that exist."""
    known = sorted(names)
    close = get_close_matches(name, known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(known) or 'none'}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "settings of its own" if isinstance(value, dict) else repr(value)
