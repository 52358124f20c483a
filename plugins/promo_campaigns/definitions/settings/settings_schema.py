"""The JSON schema of a model of settings, for editors, the docs and the words of errors."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema

if TYPE_CHECKING:
    from promo_campaigns.definitions.settings.model import Settings

    Schema = dict[str, Any]

_BRANCH = re.compile(r"<([0-9]+)>")
_SAYS_NOTHING: tuple[object, ...] = ("", 0, [], {}, None)


def branch(number: int) -> str:
    """Return the tag of one form of a setting that may have several, in the order of the schema."""
    return f"<{number}>"


def parse_branch(step: str | int) -> int | None:
    """Return which form a step of pydantic's leads into; None for a step to a setting or an item."""
    found = _BRANCH.fullmatch(step) if isinstance(step, str) else None
    return int(found[1]) if found else None


def resolved(schema: Schema, form: Schema) -> Schema:
    """Return a form with what it refers to, its own description before a shared one's."""
    name = form.get("$ref", "").rpartition("/")[2]
    return {**schema["$defs"][name], **form} if name else form


class _Published(GenerateJsonSchema):
    """Leaves out what tells an author nothing: titles made of names, and defaults that stand for "not given"."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002  (pydantic's signature)
        """Set none."""
        return False

    def default_schema(self, schema: Any) -> dict[str, Any]:  # noqa: ANN401  (likewise)
        """Name the default of a setting that has one."""
        made = super().default_schema(schema)
        if made.get("default") in _SAYS_NOTHING and made.get("default") is not False:
            made.pop("default", None)
        return made


@cache
def schema_of(model: type[Settings]) -> Schema:
    """Return the JSON schema of a model."""
    schema = model.model_json_schema(schema_generator=_Published)
    shared = schema.get("$defs", {})
    for form in (schema, *shared.values()):
        form.setdefault("required", [])
        form["properties"] = {name: _with_words(schema, inside) for name, inside in form.get("properties", {}).items()}
    schema["$defs"] = {name: form for name, form in shared.items() if "enum" not in form}
    return {name: schema[name] for name in sorted(schema, key=lambda name: (name == "$defs", not name.startswith("$")))}


def setting_schema(model: type[Settings], name: str) -> Schema:
    """Return what the JSON schema says of one setting."""
    schema = schema_of(model)
    return resolved(schema, schema["properties"][name])


def _with_words(schema: Schema, form: Schema) -> Schema:
    """Put the words that a setting may be where the setting is."""
    whole = resolved(schema, form)
    if "enum" not in whole:
        return form
    return {name: value for name, value in whole.items() if name not in {"$ref", "title"}}
