"""Checks a workflow's settings against the published JSON schema, and words what is wrong for its author."""

from __future__ import annotations

import json
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NoReturn, cast

from croniter import croniter  # type: ignore[import-untyped]  # it has no types
from jsonschema import Draft202012Validator, FormatChecker

from promo_campaigns.definitions.setting_errors import nearest
from promo_campaigns.model.errors import ConfigurationError, SettingError
from promo_campaigns.model.limits import cap_of, is_time_zone, quiet_minutes
from promo_campaigns.model.parameters import span_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jsonschema.exceptions import ValidationError

NO_SCHEDULE = "none"
PRESETS = ("@once", "@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")
_CRON_FIELDS = 5
_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "settings of its own",
}
_FORMATS = FormatChecker(formats=())


def schema_text() -> str:
    """Return the published schema, as it is packaged."""
    return (files("promo_campaigns.definitions") / "workflow.schema.json").read_text(encoding="utf-8")


@cache
def schema() -> dict[str, Any]:
    """Return the schema as plain values."""
    return cast("dict[str, Any]", json.loads(schema_text()))


def require_schema(document: Mapping[str, Any]) -> None:
    """Check settings, as a YAML file or a call in Python gives them.

    :raises SettingError: for the first that is wrong
    """
    errors = sorted(_validator().iter_errors(document), key=_rank)
    if errors:
        _refuse(errors[0])


def _rank(error: ValidationError) -> tuple[bool, list[str]]:
    """Put a name that does not exist first: what is missing beside it is most likely what was meant."""
    return error.validator != "additionalProperties", [str(step) for step in error.absolute_path]


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(schema(), format_checker=_FORMATS)


def _refuse(error: ValidationError) -> NoReturn:
    """Say what is wrong in the author's words."""
    setting = tuple(error.absolute_path)
    name = next((step for step in reversed(setting) if isinstance(step, str)), "the workflow")
    rule: Any = error.validator_value
    form: Any = error.schema
    value: Any = error.instance
    problem, hint = f"{name!r} cannot be {_shown(value)}", _described(error)
    if error.validator == "additionalProperties":
        unknown = next(str(key) for key in value if key not in form["properties"])
        problem, hint = f"there is no setting {unknown!r}" + _inside(setting), nearest(unknown, form["properties"])
        setting = (*setting, unknown)
    elif error.validator == "required":
        missing = next(key for key in rule if key not in value)
        problem, hint = (
            f"the setting {missing!r} is missing" + _inside(setting),
            form["properties"][missing]["description"],
        )
    elif error.validator == "type":
        problem = f"{name!r} must be {_TYPES[rule]}, not {_shown(value)}"
    elif error.validator == "enum":
        hint = nearest(str(value), rule)
    elif error.validator == "oneOf":
        meant = [place for place, one in enumerate(rule) if _is_meant(one, value)]
        if meant:
            _refuse(next(fault for fault in error.context or () if fault.schema_path[0] == meant[0]))
    raise SettingError(problem, setting=setting, hint=hint)


def _inside(setting: tuple[str | int, ...]) -> str:
    return f" in {setting[-1]!r}" if setting else ""


def _is_meant(form: Mapping[str, Any], value: object) -> bool:
    if isinstance(value, dict):
        return form.get("type") == "object" and all(key in value for key in form["required"])
    return isinstance(value, list) and form.get("type") == "array"


def _described(error: ValidationError) -> str:
    """Return what the schema says of the value: the nearest description, a property's own before a shared one's."""
    place: Any = schema()
    described = ""
    for step in error.absolute_schema_path:
        place = place.get(step) if isinstance(place, dict) else place[cast("int", step)]
        if not isinstance(place, dict):
            continue
        described = place.get("description", described)
        if "$ref" in place:
            shared = schema()["$defs"][place["$ref"].rsplit("/", 1)[1]]
            described = described if "description" in place else shared.get("description", described)
            place = shared
    return described


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "settings of its own"
    return repr(value)


@_FORMATS.checks("cron")
def _is_cron(value: object) -> bool:
    return not isinstance(value, str) or (len(value.split()) == _CRON_FIELDS and croniter.is_valid(value))


@_FORMATS.checks("schedule")
def _is_schedule(value: object) -> bool:
    return value == NO_SCHEDULE or value in PRESETS or _is_cron(value)


@_FORMATS.checks("time-zone")
def _is_time_zone(value: object) -> bool:
    return not isinstance(value, str) or is_time_zone(value)


@_FORMATS.checks("quiet-hours", raises=ConfigurationError)
def _is_quiet_hours(value: object) -> bool:
    return not isinstance(value, str) or bool(quiet_minutes(value))


@_FORMATS.checks("frequency-cap", raises=ConfigurationError)
def _is_cap(value: object) -> bool:
    return not isinstance(value, str) or bool(cap_of(value))


@_FORMATS.checks("span")
def _is_span(value: object) -> bool:
    return not isinstance(value, str) or span_of(value) is not None


@_FORMATS.checks("day", raises=ValueError)
def _is_day(value: object) -> bool:
    return not isinstance(value, str) or date.fromisoformat(value).isoformat() == value


@_FORMATS.checks("deadline", raises=ValueError)
def _is_deadline(value: object) -> bool:
    if not isinstance(value, str) or span_of(value):
        return True
    return datetime.fromisoformat(value.replace("Z", "+00:00")).tzinfo is not None
