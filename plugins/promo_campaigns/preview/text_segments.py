"""How many text messages a text is, as the networks count them."""

from __future__ import annotations

from dataclasses import dataclass

GSM_7, UCS_2 = "GSM-7", "UCS-2"
# The alphabet of 3GPP TS 23.038, section 6.2.1.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")
"""Characters that take two places of the alphabet."""
_ALONE, _JOINED = {GSM_7: 160, UCS_2: 70}, {GSM_7: 153, UCS_2: 67}
"""Places of a message that is the only one, and of each of several, whose header takes some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """A text as text messages.

    :ivar count: how many messages are paid for
    :ivar encoding: ``GSM-7``, or ``UCS-2`` where one character or more is none of that alphabet
    :ivar characters: places that the text takes; some characters take two: those of the extension of GSM-7, and in
        UCS-2 those beyond the first plane
    :ivar room: how many more fit without another message
    :ivar strange: the characters that are none of GSM-7, each once, in their order
    """

    count: int
    encoding: str
    characters: int
    room: int
    strange: str


def count_segments(text: str) -> Segments:
    """Count the messages of a text; of a pair of places none is cut between two messages."""
    strange = "".join(dict.fromkeys(letter for letter in text if letter not in _BASIC and letter not in _EXTENSION))
    encoding = UCS_2 if strange else GSM_7
    widths = [_width(letter, encoding) for letter in text]
    places = sum(widths)
    if places <= _ALONE[encoding]:
        count, used, size = (1 if text else 0), places, _ALONE[encoding]
    else:
        size = _JOINED[encoding]
        count, used = _cut(widths, size)
    return Segments(count=count, encoding=encoding, characters=places, room=size - used, strange=strange)


def _cut(widths: list[int], size: int) -> tuple[int, int]:
    """Return into how many messages the text is cut, and how full the last one is."""
    count, used = 1, 0
    for width in widths:
        if used + width > size:
            count, used = count + 1, 0
        used += width
    return count, used


def _width(letter: str, encoding: str) -> int:
    if encoding == UCS_2:
        return len(letter.encode("utf-16-be", "surrogatepass")) // 2
    return 2 if letter in _EXTENSION else 1
