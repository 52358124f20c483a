"""Values inside a path and a query: each stays within the part that the template gives it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from promo_campaigns.velocity.fault import fail
from promo_campaigns.velocity.values.percent import percent_encoded

if TYPE_CHECKING:
    from promo_campaigns.velocity.values.values import Encoded

_VALUE = "\ufdd0"
"""Stands before each value until the whole path is known; no value holds it, since values are percent-encoded."""
_ENDS_OF_PATH = re.compile(r"[?#]")
_SLASHES = re.compile(r"[/\\]")
_MOST_DECODED = 10
_TRIMMED = "".join(map(chr, range(0x21))) + "\x7f"
_HINT = "Check the value that the path reads"


def url_text(text: str) -> str:
    """Return a text as one part of a path or of a query: whatever it holds, it begins no other part.

    :raises Fault: it holds half of a UTF-16 pair
    """
    return _VALUE + percent_encoded(text)


def encoded_url(value: Encoded) -> str:
    """Return a text that a template has encoded itself, as one part of a path or of a query."""
    return _VALUE + value.text if value.form == "url" else url_text(value.text)


def finish_url(text: str) -> str:
    """Return a rendered path and query whose path has the parts of its template.

    Percent-encoding cannot make ``.`` and ``..`` harmless: clients, proxies and servers read ``%2e%2e`` as ``..``.

    :raises Fault: a value leaves a part empty, or makes it one that leads to another path
    """
    if _VALUE not in text:
        return text
    path = _ENDS_OF_PATH.split(text, maxsplit=1)[0]
    for part in path.split("/"):
        if _VALUE not in part:
            continue
        plain = part.replace(_VALUE, "")
        if not plain:
            fail("a value is empty, and with it a part of the path", _HINT)
        if leads_elsewhere(plain):
            fail("a value makes a part of the path '.' or '..', which leads to another path", _HINT)
    return text.replace(_VALUE, "")


def leads_elsewhere(path: str) -> bool:
    """Tell whether a path, or a part of one, holds ``.`` or ``..`` as a part of its own for anybody on the way.

    Some decode it, once or more often, take a backslash for a slash, drop what follows a semicolon, or trim it. What is
    encoded more often than anybody decodes is taken for such a path: its end is as many decodings away as it is long.
    """
    for _ in range(_MOST_DECODED):
        if "%" not in path or path == (decoded := unquote(path)):
            break
        path = decoded
    else:
        return True
    return "." in path and any(piece.partition(";")[0].strip(_TRIMMED) in {".", ".."} for piece in _SLASHES.split(path))
