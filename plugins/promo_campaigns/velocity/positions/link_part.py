"""Links in a text, and the parts of a link that a value must not break.

A link begins as people write one (`https://…`, `myapp://…`, `mailto:…`, `shop.example/…`) and ends at a blank, a
quotation mark or an angle bracket. A value that stands before the end of the host is left as it is; one in a path, in a
query or behind a `#` is percent-encoded.
"""

from __future__ import annotations

import re
from enum import Enum

_OPAQUE = r"(?:mailto|tel|sms|smsto|geo|whatsapp):"
_START = re.compile(
    rf"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{{0,30}}://|(?<![\w.-]){_OPAQUE}(?=\S|\Z)"
    r"|(?<![\w.@-])(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}(?=[/?])",
    re.IGNORECASE,
)
_END = re.compile(r"[\s<>\"'`\u00ab\u00bb\u201c-\u201e]")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,30}://", re.IGNORECASE)
_ADDRESS = re.compile(_OPAQUE, re.IGNORECASE)


class Part(Enum):
    """The part of a link that the text has come to."""

    NONE = "no link"
    WHOLE = "before the first character of a link, where a value is a link of its own"
    HOST = "scheme or host"
    PATH = "path"
    QUERY = "query, or what follows a #"

    def after(self, text: str) -> Part:
        """Return the part in which a piece of a link ends that starts in this part."""
        if not text or self is Part.QUERY:
            return self
        if "?" in text or "#" in text:
            return Part.QUERY
        if self is Part.PATH:
            return self
        if self is Part.WHOLE:
            scheme = _SCHEME.match(text)
            return Part.PATH if not scheme or "/" in text[scheme.end() :] else Part.HOST
        return Part.PATH if "/" in text else Part.HOST

    def after_value(self) -> Part:
        """Return the part that follows a value: one that stood first holds scheme and host."""
        return Part.PATH if self is Part.WHOLE else self


def follow(text: str, part: Part) -> Part:
    """Return the part of a link in which a piece of running text ends that starts in a part of one."""
    at = 0
    while True:
        if part is Part.NONE:
            start = _START.search(text, at)
            if not start:
                return part
            at, part = start.start(), Part.WHOLE if _has_scheme(start.group()) else Part.HOST
        end = _END.search(text, at)
        if not end:
            return part.after(text[at:])
        at, part = end.end(), Part.NONE


def _has_scheme(start: str) -> bool:
    return start.endswith("://") or bool(_ADDRESS.match(start))
