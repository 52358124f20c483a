"""Methods of text that take a regular expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.velocity.fault import fail
from promo_campaigns.velocity.patterns.pattern import compiled
from promo_campaigns.velocity.values.arguments import Method

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.velocity.patterns.pattern import Spans
    from promo_campaigns.velocity.values.meter import Meter

CHARACTERS_A_STEP = 4
SPECIAL = frozenset("\\[](){}.*+?^$|")


def literal(pattern: str) -> str | None:
    """Return the text a pattern stands for if it is nothing but characters, escaped ones included."""
    found, escaped = [], False
    for character in pattern:
        if escaped:
            if character.isalnum():
                return None
            found.append(character)
        elif character != "\\" and character in SPECIAL:
            return None
        elif character != "\\":
            found.append(character)
        escaped = character == "\\" and not escaped
    return None if escaped else "".join(found)


def matches_of(meter: Meter, text: str, pattern: str) -> Iterator[Spans]:
    """Yield every match, as `Matcher.find` does."""
    plain = literal(pattern)
    position = 0
    while position <= len(text):
        found: Spans | None
        if plain:
            start = text.find(plain, position)
            meter.spend(1)
            found = None if start < 0 else (start, start + len(plain))
        else:
            found = compiled(pattern).find(text, position, meter)
        if found is None:
            return
        yield found
        position = found[1] + (found[0] == found[1])


def replaced(meter: Meter, text: str, pattern: str, new: str, most: int = 0) -> str:
    """`replaceAll(pattern, replacement)`, or only the first `most` matches."""
    meter.read(len(text))
    found: list[str] = []
    size, position = len(text), 0
    for number, spans in enumerate(matches_of(meter, text, pattern)):
        if most and number == most:
            break
        filled = _filled(text, spans, new)
        meter.spend(len(new) // CHARACTERS_A_STEP)
        found += [text[position : spans[0]], filled]
        position = spans[1]
        size += len(filled)
        if size > meter.limits.string + len(text):
            meter.room(size)
    return meter.fits("".join([*found, text[position:]]))


def _filled(text: str, spans: Spans, new: str) -> str:
    """Return a replacement with `$1` filled in; a backslash keeps the next character as it is."""
    if "$" not in new and "\\" not in new:
        return new
    found: list[str] = []
    position = 0
    while position < len(new):
        mark = new[position]
        position += 1
        if mark not in "\\$":
            found.append(mark)
            continue
        following = new[position : position + 1]
        if not following or (mark == "$" and not (following.isascii() and following.isdigit())):
            fail("a replacement is wrong", "Write \\$ for a $, and $1 for the first group")
        position += 1
        if mark == "\\":
            found.append(following)
            continue
        start, end = _group(spans, int(following))
        found.append(text[start:end] if start >= 0 else "")
    return "".join(found)


def _group(spans: Spans, number: int) -> tuple[int, int]:
    if 2 * number + 1 >= len(spans):
        fail("a replacement names a group that is not there")
    return spans[2 * number], spans[2 * number + 1]


def matches(meter: Meter, text: str, pattern: str) -> bool:
    """`matches(pattern)`: of the whole text."""
    meter.read(len(text))
    plain = literal(pattern)
    if plain is not None:
        return text == plain
    return compiled(pattern).find(text, 0, meter, whole=True) is not None


def split(meter: Meter, text: str, pattern: str, limit: int = 0) -> list[object]:
    """`split(pattern)` and `split(pattern, limit)`."""
    meter.read(len(text))
    found: list[object] = []
    position = 0
    for spans in matches_of(meter, text, pattern):
        if limit > 0 and len(found) == limit - 1:
            break
        if spans[1] == 0 or (spans[0] == spans[1] == len(text)):
            continue
        found.append(text[position : spans[0]])
        position = spans[1]
        meter.held(len(found))
    if not position:
        return [text]
    found.append(text[position:])
    if limit == 0:
        while found and found[-1] == "":
            found.pop()
    return found


METHODS: dict[str, tuple[Method, ...]] = {
    "matches": (Method("s", matches),),
    "replaceAll": (Method("ss", replaced),),
    "replaceFirst": (Method("ss", lambda meter, text, pattern, new: replaced(meter, text, pattern, new, 1)),),
    "split": (Method("s", split), Method("si", split)),
}
