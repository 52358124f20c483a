"""`$esc`: text encoded for where it is put."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape as escape_xml

from promo_campaigns.velocity.values.arguments import Method
from promo_campaigns.velocity.values.percent import percent_encoded
from promo_campaigns.velocity.values.values import Encoded

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.velocity.values.meter import Meter

_QUOTES = {'"': "&quot;", "'": "&apos;"}
_JAVA = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_SCRIPT = {**_JAVA, "'": "\\'", "/": "\\/", "<": "\\u003C", ">": "\\u003E", "&": "\\u0026"}
_FIRST, _LAST = " ", "~"
_MARKS = {
    "dollar": "$",
    "hash": "#",
    "backslash": "\\",
    "quote": '"',
    "singleQuote": "'",
    "exclamation": "!",
    "newline": "\n",
}


class EscapeTool:
    """The tool."""

    __slots__ = ()


def _by_table(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(mark) or (mark if _FIRST <= mark <= _LAST else _units(mark)) for mark in text)


def _units(mark: str) -> str:
    data = mark.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{data[at : at + 2].hex().upper()}" for at in range(0, len(data), 2))


def _escaping(encode: Callable[[str], str], form: str = "") -> tuple[Method, ...]:
    def run(meter: Meter, _tool: EscapeTool, value: object) -> object:
        if value is None:
            return None
        text = meter.fits(encode(value.text if type(value) is Encoded else meter.text(value)))
        return Encoded(text, form) if form else text

    return (Method("o", run),)


def _mark(text: str) -> tuple[Method, ...]:
    return (Method("", lambda _meter, _tool: text),)


_SHORT = {
    "d": "dollar",
    "h": "hash",
    "b": "backslash",
    "q": "quote",
    "s": "singleQuote",
    "e": "exclamation",
    "n": "newline",
}
METHODS: dict[str, tuple[Method, ...]] = {
    "html": _escaping(escape, "html"),
    "xml": _escaping(lambda text: escape_xml(text, _QUOTES), "xml"),
    "url": _escaping(percent_encoded, "url"),
    "javascript": _escaping(lambda text: _by_table(text, _SCRIPT)),
    "java": _escaping(lambda text: _by_table(text, _JAVA)),
    "sql": _escaping(lambda text: text.replace("'", "''")),
    **{f"get{name[0].upper()}{name[1:]}": _mark(text) for name, text in _MARKS.items()},
    **{f"get{short.upper()}": _mark(_MARKS[name]) for short, name in _SHORT.items()},
}
