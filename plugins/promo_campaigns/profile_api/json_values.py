"""Checks that the store can hold a JSON value: what Python reads and PostgreSQL refuses is refused with a reason."""

from __future__ import annotations

import math

from promo_campaigns.model.typed.strict_json import is_encodable

_DEEPEST = 100


def storable(value: object) -> object:
    """Return a JSON value unchanged, if the store can hold it.

    :raises ValueError: it holds NUL, half of a surrogate pair, NaN, an infinite number, or over 100 levels; the
        message does not hold the value
    """
    waiting = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if depth > _DEEPEST:
            msg = f"nested more than {_DEEPEST} levels deep"
            raise ValueError(msg)
        if isinstance(one, dict):
            waiting += [(name, depth) for name in one]
            waiting += [(inner, depth + 1) for inner in one.values()]
        elif isinstance(one, list):
            waiting += [(inner, depth + 1) for inner in one]
        else:
            _check(one)
    return value


def text_of(value: object) -> str:
    """Return the text of a value that callers send as a text or as a number.

    The rules of the value decide which characters it may hold.

    :raises ValueError: it is neither, or an infinite number
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        msg = "expected a text or a number"
        raise ValueError(msg)  # noqa: TRY004  (pydantic makes a place in the request of it)
    if isinstance(value, float):
        _check(value)
    return str(value)


def _check(value: object) -> None:
    problem = None
    if isinstance(value, str):
        if "\0" in value:
            problem = "NUL is not allowed"
        elif not is_encodable(value):
            problem = "half of a surrogate pair is not allowed"
    elif isinstance(value, float) and not math.isfinite(value):
        problem = "NaN and infinite numbers are not allowed"
    if problem:
        raise ValueError(problem)
