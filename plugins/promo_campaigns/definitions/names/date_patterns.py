"""Patterns of dates in which a letter stands for something else than people mean by it."""

from __future__ import annotations

import re

_QUOTED = re.compile(r"'[^']*'")
_MINUTES = re.compile(r"(?<!m)mm(?!m)")
_DAY = re.compile(r"[yYdMLDEw]")
_MISTAKES = (
    ("Y", "w", "has the year of the week in YYYY, which is another one at the turn of a year", "Write yyyy"),
    ("D", "", "has the day of the year in D", "Write d for the day of the month"),
)


def pattern_mistake(pattern: str) -> tuple[str, str] | None:
    """Return what is wrong with a pattern, and how it is written; None if it says what is meant, or is no such pattern.

    A name of a format, such as ``medium``, or a pattern of a number is none.
    """
    plain = _QUOTED.sub("", pattern)
    if plain.isalpha() and len(set(plain)) > len("yMd"):
        return None
    for letter, unless, problem, hint in _MISTAKES:
        if letter in plain and not (unless and unless in plain):
            return problem, hint
    if _MINUTES.search(plain) and _DAY.search(plain) and not re.search("[HhKk]", plain):
        return "has minutes in mm", "Write MM for the month"
    return None
