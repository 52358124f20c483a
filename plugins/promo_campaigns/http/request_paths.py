"""The address of a request, exactly the path that the caller gave, on the endpoint's host, and what none may hold."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote

from yarl import URL

from promo_campaigns.velocity.positions.url_text import leads_elsewhere

_RAW = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9!$%&'()*+,;=:@/?._~-]+")
"""What a path or query must not hold as it is (RFC 3986, section 3.3): a lone percent sign among it."""
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def holds_control_character(text: str) -> bool:
    """Tell whether a path or a header holds a control character, which could begin another header; a tab cannot."""
    return _CONTROL.search(text) is not None


@lru_cache(maxsize=1024)  # most data sources have one path for everybody
def request_url(base_url: str, path: str, parameter: tuple[str, str] | None = None) -> URL:
    """Return the address of a path and query. What is encoded stays encoded, and what needs it is.

    yarl would read ``%3B`` as ``;`` and follow ``..``, so it is not let at the path.

    :param parameter: name and value of a parameter to be added
    :raises ValueError: it is no path, or some server on the way could take it for another one
    """
    if not path.startswith(("/", "?")):
        msg = "not a path"
        raise ValueError(msg)
    path = path.partition("#")[0]
    if leads_elsewhere(path.partition("?")[0]):
        msg = "a path with '.' or '..' in it"
        raise ValueError(msg)
    if parameter is not None:
        path += f"{'&' if '?' in path else '?'}{'='.join(quote(text, safe='') for text in parameter)}"
    return URL(base_url + _RAW.sub(_encoded, path), encoded=True)


def path_part(value: object) -> str:
    """Return a value as one part of a path.

    :raises ValueError: it is empty, or would lead to another path
    """
    text = str(value)
    if not text or leads_elsewhere(text):
        msg = "a value that cannot be a part of a path"
        raise ValueError(msg)
    return quote(text, safe="")


def _encoded(found: re.Match[str]) -> str:
    return quote(found[0], safe="")
