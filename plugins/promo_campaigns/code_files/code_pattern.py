"""Patterns of generated codes: how codes are drawn, and how hard one of them is to guess."""

from __future__ import annotations

import re
import secrets
import unicodedata
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING

from promo_campaigns.code_files.row_rules import MAX_CODE_LENGTH, BrokenRuleError, check_code
from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ALPHABET = "BCDFGHJKMNPRTVWX2579"
"""What a place of a pattern can be. No vowels, so that no words come up, nor what looks like a vowel (0 1 3 4 Y); of
characters that look alike one at most (B 8, G 6, S 5, Z 2, L 1, Q 0)."""

PLACE = "?"
"""Stands for a character that is drawn."""

RAREST_HIT = 100_000
"""Of so many guesses of a pattern one at most may hit a code."""

_REST = 256 - 256 % len(ALPHABET)
_SYMBOLS = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))
_UNEVEN = bytes(range(_REST, 256))
"""Bytes that are thrown away, so that each character is as likely as any other."""
_NOT_IN_A_PATTERN = re.compile(r"[\s,;\"'\\]")


@dataclass(frozen=True, slots=True)
class CodePattern:
    """The pattern of a set of codes, such as ``SPRING-????-????``.

    :param text: with ``?`` in each place where a character is drawn; composed (NFC)
    """

    text: str

    @property
    def places(self) -> int:
        """How many characters of a code are drawn."""
        return self.text.count(PLACE)

    @property
    def space(self) -> int:
        """How many codes there can be."""
        return int(len(ALPHABET) ** self.places)

    def guesses_per_hit(self, codes: int) -> int:
        """Return how many guesses of the pattern it takes on average to hit one of so many codes."""
        return self.space // max(codes, 1)

    def require_room(self, count: int, before: int = 0) -> None:
        """Refuse a pattern in which a code would be too easy to guess.

        :param count: codes that are to be drawn
        :param before: codes of the pattern that were drawn before
        :raises ConfigurationError: more than one guess in ``RAREST_HIT`` would hit a code; it says how many places do
        """
        codes = count + before
        if self.guesses_per_hit(codes) >= RAREST_HIT:
            return
        needed = self.places + 1
        while len(ALPHABET) ** needed < codes * RAREST_HIT:
            needed += 1
        there = f"{count:,} codes" + (f" beside the {before:,} that there are of it" if before else "")
        msg = (
            f"the pattern {self.text} has {self.places} places ({PLACE}), which are too few for {there}: one guess in "
            f"{self.guesses_per_hit(codes):,} would hit a code, and one in {RAREST_HIT:,} at most may. "
            f"It needs {needed} places"
        )
        raise ConfigurationError(msg)

    def draw(self, count: int) -> list[str]:
        """Draw so many codes from the system's source of secrets; two of them may be the same."""
        symbols, places = _draw_symbols(count * self.places), self.places
        fixed = self.text.split(PLACE)
        columns: list[Iterable[str]] = [repeat(fixed[0])] if fixed[0] else []
        for place, text in enumerate(fixed[1:]):
            columns += [symbols[place::places], *([repeat(text)] if text else [])]
        return list(map("".join, zip(*columns, strict=False)))

    def others(self, codes: Iterable[str]) -> Iterator[str]:
        """Return those of some codes that cannot be of this pattern."""
        matches = re.compile(re.escape(self.text).replace(re.escape(PLACE), f"[{ALPHABET}]")).fullmatch
        return (code for code in codes if not matches(code))


def parse_pattern(text: str) -> CodePattern:
    """Return the pattern that a text is.

    :raises ConfigurationError: it has no place to draw, or its codes could not stand in a code file
    """
    pattern = CodePattern(unicodedata.normalize("NFC", text))
    if not pattern.places:
        msg = f"the pattern {text!r} has no place to draw: write {PLACE} for each, such as SPRING-????-????"
        raise ConfigurationError(msg)
    if _NOT_IN_A_PATTERN.search(pattern.text):
        msg = f"the pattern {text!r} holds a blank, comma, semicolon, quotation mark or backslash; leave them out"
        raise ConfigurationError(msg)
    try:
        for symbol in (ALPHABET[0], ALPHABET[-1]):  # all letters, all digits
            check_code(pattern.text.replace(PLACE, symbol))
    except BrokenRuleError as broken:
        msg = f"codes of the pattern {text!r} could not be loaded: {broken} (at most {MAX_CODE_LENGTH} characters)"
        raise ConfigurationError(msg) from broken
    return pattern


def _draw_symbols(count: int) -> str:
    drawn = b""
    while len(drawn) < count:
        lacking = count - len(drawn)
        drawn += secrets.token_bytes(lacking + lacking // 8 + 16).translate(_SYMBOLS, _UNEVEN)
    return drawn[:count].decode("ascii")
