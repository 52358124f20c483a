"""Makes the OpenAPI document of the profile API from its resources."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from promo_campaigns.profile_api.openapi.errors import ALWAYS, SCHEMA, WITH_BODY, name_of, refusals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.profile_api.resources import Resource

_PARAMETER = re.compile(r"\{(\w+)\}")
_REFERENCE = "#/components/schemas/{model}"
_ABOUT = """\
Contacts, events, orders and messages over HTTP, compatible with the vendor's API (docs/reference/profile-api.md).
Any user name goes with a key as the password of HTTP Basic."""


def describe(resources: Sequence[Resource], version: str) -> dict[str, Any]:
    """Return the document."""
    schemas = _schemas(resources)
    paths: dict[str, dict[str, Any]] = {}
    for one in resources:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Profile API", "version": version, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "basic"}},
            "schemas": {**schemas, "Refusal": SCHEMA},
            "responses": refusals(),
        },
    }


def _schemas(resources: Sequence[Resource]) -> dict[str, Any]:
    models = {model for one in resources for model in (one.body, one.element) if model is not None}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, made = models_json_schema([(model, "validation") for model in ordered], ref_template=_REFERENCE)
    schemas: dict[str, Any] = made["$defs"]
    for one in resources:
        if one.body is not None and one.element is not None:
            # The list takes any object, so that a wrong one does not refuse the others; this is what it should be.
            for member in schemas[one.body.__name__]["properties"].values():
                if member.get("items", {}).get("type") == "object":
                    member["items"] = {"$ref": _REFERENCE.format(model=one.element.__name__)}
    return schemas


def _operation(one: Resource) -> dict[str, Any]:
    summary, _, rest = (one.call.__doc__ or "").strip().partition("\n\n")
    needed = " or ".join(f"`{scope.value}`" for scope in one.scopes)
    statuses = sorted({*ALWAYS, *one.errors, *(WITH_BODY if one.body else ())})
    operation: dict[str, Any] = {
        "operationId": _PARAMETER.sub(r"\1", f"{one.method.lower()}{one.path}").replace("/", "_"),
        "summary": " ".join(summary.split()),
        "description": " ".join([*rest.split(), f"Needs a key with the scope {needed}."]),
        "parameters": _parameters(one),
        "responses": {
            "200": _answer(one),
            **{str(status): {"$ref": f"#/components/responses/{name_of(status)}"} for status in statuses},
        },
    }
    if one.body is not None:
        content = {"schema": {"$ref": _REFERENCE.format(model=one.body.__name__)}, "example": one.sent}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    return operation


def _parameters(one: Resource) -> list[dict[str, Any]]:
    in_path = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": one.path_schema.get(name, {"type": "integer", "minimum": 1}),
        }
        for name in _PARAMETER.findall(one.path)
    ]
    return [*in_path, *({"name": name, "in": "query", "schema": schema} for name, schema in one.query.items())]


def _answer(one: Resource) -> dict[str, Any]:
    kind = "text/plain" if isinstance(one.answer, str) else "application/json"
    content = {kind: {"schema": schema_of(one.answer), "example": one.answer}}
    answer: dict[str, Any] = {"description": "Done, and stored.", "content": content}
    if "startindex" in one.query:
        said = {"description": "Rows of the whole list; of a long one at least so many.", "schema": {"type": "integer"}}
        answer["headers"] = {"TotalCount": said}
    return answer


def schema_of(example: object) -> dict[str, Any]:
    """Return the schema of answers like an example: the types of its members, none of which must be there."""
    if isinstance(example, dict):
        return {"type": "object", "properties": {name: schema_of(value) for name, value in example.items()}}
    if isinstance(example, list):
        return {"type": "array", "items": schema_of(example[0]) if example else {}}
    if isinstance(example, bool):
        return {"type": "boolean"}
    if isinstance(example, int):
        return {"type": "integer"}
    return {"type": "number" if isinstance(example, float) else "string"}
