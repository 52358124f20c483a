"""Which headers a connection may set, and that of the Basic scheme."""

from __future__ import annotations

import re
from base64 import b64encode

OF_THE_CALL = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "connection", "idempotency-key", "te", "trailer", "upgrade"),
        *("proxy-authorization", "proxy-connection", "expect"),
    }
)
"""Headers that are made for each request, and those that say how it travels."""
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def is_header(name: str) -> bool:
    """Tell whether a text can be the name of a header (RFC 9110, section 5.1)."""
    return _NAME.fullmatch(name) is not None


def is_free_header(name: str) -> bool:
    """Tell whether a header may carry what signs a request: none that a request has of its own."""
    return is_header(name) and name.lower() not in {*OF_THE_CALL, "content-type"}


def basic_auth(login: str, password: str) -> str:
    """Return the value of an ``Authorization`` header of the Basic scheme (RFC 7617, UTF-8)."""
    return "Basic " + b64encode(f"{login}:{password}".encode()).decode()
