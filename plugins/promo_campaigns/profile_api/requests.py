"""Reads requests of the profile API: size, media type, form. Refusals never repeat what was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from promo_campaigns.model.errors import ContactError

if TYPE_CHECKING:
    from starlette.requests import Request

Model = TypeVar("Model", bound=BaseModel)

_MOST_ERRORS = 20
_NOT_JSON = "not JSON, or with half of a surrogate pair or a number of thousands of digits"
"""The reader does not say which of them it was without quoting."""


class RequestError(Exception):
    """A request that is answered with an error.

    :param status: the HTTP status
    :param message: what is wrong and what to do, as a sentence without a full stop
    :param errors: the places at fault, each ``{"place": ..., "message": ...}``
    """

    def __init__(self, status: int, message: str, errors: list[dict[str, str]] | None = None) -> None:
        self.status = status
        self.message = message
        self.errors = errors or []
        super().__init__(message)


def is_true(request: Request, name: str) -> bool:
    """Return whether a query parameter is there and says yes."""
    return request.query_params.get(name, "").lower() in {"true", "1"}


async def read_json(request: Request, model: type[Model], *, most_bytes: int) -> Model:
    """Return the body as a model.

    :param most_bytes: longest body
    :raises RequestError: 415, its media type is not JSON; 413, it is too long; 400, it does not fit the model
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        message = "the body must be JSON; send it with Content-Type: application/json"
        raise RequestError(415, message)
    return parse_json(model, await read_body(request, most_bytes))


def parse_json(model: type[Model], body: bytes) -> Model:
    """Return JSON as a model.

    :raises RequestError: 400, it does not fit the model
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        message = "the request is not valid"
        raise RequestError(400, message, problems(error)) from None
    except RecursionError:
        message = "the request is nested too deeply"
        raise RequestError(400, message) from None


async def read_body(request: Request, most_bytes: int) -> bytes:
    """Return the body.

    :raises RequestError: 413, it is too long
    """
    declared = request.headers.get("content-length", "0")
    message = f"the body is longer than {most_bytes} bytes; send less at once"
    if not declared.isdecimal() or int(declared[:20]) > most_bytes:
        raise RequestError(413, message)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most_bytes:
            raise RequestError(413, message)
    return bytes(body)


def problems(error: ValidationError) -> list[dict[str, str]]:
    """Return the places at fault and what is wrong, without the values."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return [{"place": _place(one["loc"]), "message": _message(one["type"], one["msg"])} for one in found[:_MOST_ERRORS]]


def first_problem(error: ValidationError | RequestError | ContactError) -> dict[str, str]:
    """Return the first place at fault of one element of a list, and what is wrong there."""
    if isinstance(error, ValidationError):
        return problems(error)[0]
    if isinstance(error, ContactError):
        return {"place": error.place, "message": error.problem}
    return error.errors[0] if error.errors else {"place": "", "message": error.message}


def _place(location: tuple[int | str, ...]) -> str:
    """Return a place such as ``channels[0].value``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".")


def _message(kind: str, message: str) -> str:
    if kind == "json_invalid":
        return _NOT_JSON
    return message.removeprefix("Value error, ")
