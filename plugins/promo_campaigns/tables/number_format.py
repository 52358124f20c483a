"""How a number format shows the digits of a number: ``000000`` makes ``000123`` of 123, the code that people see."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SECTION_ENDS = re.compile(r'"[^"]*"|\\.|[_*].|(;)', re.DOTALL)
_NO_SIGN = re.compile(r'"[^"]*"|\\.|[_*].|\[[^\]]*\]', re.DOTALL)
_TOKEN = re.compile(r'"([^"]*)"|\\(.)|[_*].|\[([^\]]*)\]|([0#?])|([-+ ()$:\'{}<>=^~&!|№])|.', re.DOTALL)
_FEW_PLACES = 1


@dataclass(frozen=True, slots=True)
class Digits:
    """A format that is made of digits and other characters alone.

    :param tokens: the places of digits, ``0``, ``#`` or ``?``, and texts between them, which are marked
    """

    tokens: tuple[tuple[bool, str], ...]

    def show(self, number: float) -> str:
        """Return a whole number that is not negative as it is shown; empty for any other."""
        if number < 0 or number != int(number):
            return ""
        digits = str(int(number))
        first = next(place for place, (is_text, _) in enumerate(self.tokens) if not is_text)
        shown: list[str] = []
        for place in range(len(self.tokens) - 1, -1, -1):
            is_text, sign = self.tokens[place]
            filler = "0" if sign == "0" else ""
            if is_text:
                shown.append(sign)
            elif place == first:
                shown.append(digits or filler)
            else:
                shown.append(digits[-1:] or filler)
                digits = digits[:-1]
        return "".join(reversed(shown)).strip(" ")


def parse_digits(code: str) -> Digits | None:
    """Return what a format makes of digits; None when it shows a number as it is, or in a way that hides digits.

    Groups of thousands, decimals and exponents are left out: behind them the number itself is known.
    """
    tokens: list[tuple[bool, str]] = []
    for found in _TOKEN.finditer(_first_section(code)):
        quoted, escaped, bracket, digit, sign = found.groups()
        if digit:
            tokens.append((False, digit))
        elif text := quoted or escaped or sign:
            tokens.append((True, text))
        elif _hides_digits(found[0], bracket, quoted):
            return None
    places = [token for is_text, token in tokens if not is_text]
    is_itself = len(tokens) == len(places) and places.count("0") <= _FEW_PLACES
    return None if not places or is_itself else Digits(tuple(tokens))


def _hides_digits(token: str, bracket: str | None, quoted: str | None) -> bool:
    if bracket is not None:
        return bracket[:1] in {"<", ">", "="}  # a condition; a colour or a language hides nothing
    return quoted is None and not token.startswith(("_", "*"))


def is_percent(code: str) -> bool:
    """Tell whether a format shows a number as a share of a hundred."""
    return "%" in _NO_SIGN.sub("", _first_section(code))


def _first_section(code: str) -> str:
    ends = (found.start() for found in _SECTION_ENDS.finditer(code) if found[1])
    return code[: next(ends, len(code))]
