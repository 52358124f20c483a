"""The refusals that resources have in common, as the documentation shows them."""

from __future__ import annotations

from typing import Any

ALWAYS = (401, 403, 429, 500, 503)
"""Statuses that every resource may answer with."""
WITH_BODY = (400, 413, 415)
"""Statuses of resources that take a body."""

_WAIT = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
_REFUSALS: dict[int, tuple[str, dict[str, Any]]] = {
    400: (
        "The request is not valid; each place at fault is named, and no value repeated.",
        {
            "message": "the request is not valid",
            "errors": [{"place": "channels[0]", "message": "not an e-mail address"}],
        },
    ),
    401: ("The key is missing or wrong.", {"message": "send the API key as the password of HTTP Basic"}),
    403: ("The key does not allow it.", {"message": "this key does not allow it; make one with --scope contacts"}),
    404: ("There is no such thing.", {"message": "contact not found"}),
    409: ("The contact is being sent to.", {"message": "the contact is being sent to; try again"}),
    413: ("The body is too long.", {"message": "the body is longer than 262144 bytes; send less at once"}),
    415: ("The body is not JSON.", {"message": "the body must be JSON; send it with Content-Type: application/json"}),
    429: ("Too many requests with this key.", {"message": "more than 200 requests a second with this key; try again"}),
    500: ("Something went wrong here.", {"message": "internal error"}),
    503: ("The store cannot be asked, or others hold the contact.", {"message": "others hold the contact; try again"}),
}
SCHEMA = {
    "type": "object",
    "required": ["message"],
    "properties": {
        "message": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["place", "message"],
                "properties": {"place": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


def name_of(status: int) -> str:
    """Return the name of a refusal among the components of the document."""
    return f"Refusal{status}"


def refusals() -> dict[str, Any]:
    """Return all refusals by name, as responses of a document."""
    found: dict[str, Any] = {}
    for status, (description, example) in _REFUSALS.items():
        content = {"schema": {"$ref": "#/components/schemas/Refusal"}, "example": example}
        response: dict[str, Any] = {"description": description, "content": {"application/json": content}}
        if status in {409, 429, 503}:
            response["headers"] = _WAIT
        found[name_of(status)] = response
    return found
