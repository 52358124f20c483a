"""Where in HTML the static text has come to: running text, an attribute, a comment, a script or a style."""

from __future__ import annotations

import re
from html import unescape
from typing import NamedTuple

from promo_campaigns.velocity.positions.link_part import Part, follow

LINKS = frozenset(
    {
        "href",
        "src",
        "action",
        "formaction",
        "poster",
        "background",
        "cite",
        "data",
        "longdesc",
        "xlink:href",
        "manifest",
    }
)
"""Attributes that hold a link."""
VALUE = "\ufffc"
"""Stands for a value inside of a tag."""
_TAG = re.compile(r"""<(?:"[^"]*"|'[^']*'|[^"'>])*>""")
_OPENS = re.compile(r"<!--|<(?=[A-Za-z/!?])")
_RAW = re.compile(r"<(script|style|title|textarea)\b", re.IGNORECASE)
_OPEN_VALUE = re.compile(r"""([^\s=>/"'<]+)\s*=\s*(?:"([^"]*)|'([^']*)|([^\s>"']*))\Z""")
_CLOSED_VALUES = re.compile(r"""=\s*(?:"[^"]*"|'[^']*')""")


class Place(NamedTuple):
    """A place in HTML.

    :ivar part: of a link in running text
    :ivar tag: what of a tag is written so far; empty outside of tags
    :ivar ends: what ends a comment, a script or a style that is open; empty outside of them
    """

    part: Part = Part.NONE
    tag: str = ""
    ends: str = ""

    @property
    def link(self) -> Part:
        """The part of a link in which a value would stand here."""
        if not self.tag:
            return Part.NONE if self.ends else self.part
        value = _OPEN_VALUE.search(_CLOSED_VALUES.sub("", self.tag))
        if not value or value[1].lower() not in LINKS:
            return Part.NONE
        part = Part.WHOLE
        for number, piece in enumerate((value[2] or value[3] or value[4] or "").split(VALUE)):
            part = part.after_value() if number else part
            part = part.after(unescape(piece))
        return part

    def after_value(self) -> Place:
        """Return the place behind a value."""
        return self._replace(tag=self.tag + VALUE) if self.tag else self._replace(part=self.part.after_value())

    def after(self, text: str) -> Place:
        """Return the place behind a piece of static text."""
        place = self
        while text:
            place, text = place._step(text)
        return place

    def _step(self, text: str) -> tuple[Place, str]:
        if self.ends:
            _, found, rest = text.partition(self.ends) if self.ends == "-->" else _cut(text, self.ends)
            return (Place(), rest) if found else (self, "")
        if self.tag:
            return self._in_tag(self.tag + text)
        opens = _OPENS.search(text)
        if not opens:
            return self._replace(part=follow(text, self.part)), ""
        if opens.group() == "<!--":
            return Place(ends="-->"), text[opens.end() :]
        return Place(tag="<"), text[opens.end() :] or ""

    def _in_tag(self, text: str) -> tuple[Place, str]:
        whole = _TAG.match(text)
        if not whole:
            return self._replace(tag=text), ""
        raw = _RAW.match(text)
        return Place(ends=f"</{raw[1].lower()}" if raw else ""), text[whole.end() :]


def _cut(text: str, end: str) -> tuple[str, str, str]:
    at = text.lower().find(end)
    return (text, "", "") if at < 0 else (text[:at], end, text[at:])
