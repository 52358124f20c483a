"""Reading a regular expression of `java.util.regex`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from promo_campaigns.velocity.fault import fail
from promo_campaigns.velocity.patterns.pattern_tree import Alternatives, Edge, Group, OneOf, Repeat, Sequence

if TYPE_CHECKING:
    from promo_campaigns.velocity.patterns.pattern_tree import PatternNode

MOST_CHARACTERS = 200
MOST_DEPTH = 12
MOST_COUNT = 100
HINT = "Use characters, classes, groups, alternatives, counts and the marks ^ $ . * + ? | only"
CLASSES = {
    "d": "0-9",
    "w": "a-zA-Z0-9_",
    "s": r" \t\n\x0b\f\r",
}
CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "e": "\x1b", "a": "\x07"}
COUNT = re.compile(r"\{([0-9]{1,3})(?:(,)([0-9]{1,3})?)?\}")
ANY = "[^\n\r\x85\u2028\u2029]"
SIMPLE = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class PatternParser:
    """Reads a pattern by recursive descent.

    :raises Fault: the pattern is wrong, or needs backtracking to match
    """

    def __init__(self, text: str) -> None:
        if len(text) > MOST_CHARACTERS:
            self.refuse("is too long")
        self._text = text
        self._pos = 0
        self._depth = 0
        self.groups = 0

    def refuse(self, what: str) -> None:
        """End the render because of this pattern."""
        fail(f"a regular expression {what}", HINT)

    def parse(self) -> PatternNode:
        """Read the whole pattern."""
        found = self._alternatives()
        if self._pos < len(self._text):
            self.refuse("closes a group it does not open")
        return found

    def _peek(self) -> str:
        return self._text[self._pos : self._pos + 1]

    def _next(self) -> str:
        found = self._peek()
        if not found:
            self.refuse("ends too early")
        self._pos += 1
        return found

    def _alternatives(self) -> PatternNode:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            self.refuse("is nested too deep")
        choices = [self._sequence()]
        while self._peek() == "|":
            self._pos += 1
            choices.append(self._sequence())
        self._depth -= 1
        return choices[0] if len(choices) == 1 else Alternatives(tuple(choices))

    def _sequence(self) -> PatternNode:
        parts: list[PatternNode] = []
        while self._peek() and self._peek() not in "|)":
            parts.append(self._repeated(self._atom()))
        return Sequence(tuple(parts))

    def _repeated(self, part: PatternNode) -> PatternNode:
        counted = COUNT.match(self._text, self._pos)
        if self._peek() in SIMPLE and self._peek():
            least, most = SIMPLE[self._next()]
        elif counted:
            self._pos = counted.end()
            least = int(counted.group(1))
            most = least if not counted.group(2) else int(counted.group(3)) if counted.group(3) else None
        else:
            return part
        if max(least, most or 0) > MOST_COUNT or (most is not None and most < least):
            self.refuse("has a count out of range")
        lazy = self._peek() == "?"
        self._pos += lazy
        if self._peek() and (self._peek() in SIMPLE or COUNT.match(self._text, self._pos)):
            self.refuse("repeats a repetition")
        return Repeat(part, least, most, greedy=not lazy)

    def _atom(self) -> PatternNode:
        mark = self._next()
        if mark == "(":
            return self._group()
        if mark == "[":
            return OneOf(f"[{self._class()}]")
        if mark == ".":
            return OneOf(ANY)
        if mark in "^$":
            return Edge(mark)
        if mark == "\\":
            return self._escape()
        if mark in "*+?{":
            self.refuse("repeats nothing")
        return OneOf(f"[{re.escape(mark)}]" if mark != "^" else r"[\^]")

    def _group(self) -> PatternNode:
        number = 0
        if self._text.startswith("?:", self._pos):
            self._pos += 2
        elif self._peek() == "?":
            self.refuse("uses a kind of group that is not supported")
        else:
            self.groups += 1
            number = self.groups
        part = self._alternatives()
        if self._peek() != ")":
            self.refuse("does not close a group")
        self._pos += 1
        return Group(number, part) if number else part

    def _escape(self) -> PatternNode:
        mark = self._next()
        if mark in "bB":
            return Edge(mark)
        return OneOf(f"[{self._escaped(mark)}]" if not mark.isupper() else f"[^{self._escaped(mark.lower())}]")

    def _escaped(self, mark: str) -> str:
        """Return the inside of a character class for what follows a backslash."""
        if mark in CLASSES:
            return CLASSES[mark]
        if mark in CONTROLS:
            return re.escape(CONTROLS[mark])
        if mark.isalnum() and mark.isascii():
            self.refuse("uses an escape that is not supported")
        return re.escape(mark)

    def _class(self) -> str:
        inside = ""
        if self._peek() == "^":
            self._pos += 1
            inside = "^"
        first = True
        while first or self._peek() != "]":
            mark = self._next()
            first = False
            if mark == "[" or self._text.startswith("&&", self._pos - 1):
                self.refuse("uses a set operation that is not supported")
            if mark == "-" and self._peek() not in ("]", "") and inside not in ("", "^") and not inside.endswith("\\-"):
                inside += "-"
            elif mark == "\\":
                inside += self._class_escape()
            else:
                inside += re.escape(mark)
        self._pos += 1
        return self._checked(inside)

    def _class_escape(self) -> str:
        mark = self._next()
        if mark in "DWS":
            self.refuse("uses an escape that is not supported")
        return self._escaped(mark)

    def _checked(self, inside: str) -> str:
        try:
            re.compile(f"[{inside}]")
        except re.error:
            self.refuse("has a character class that is wrong")
        return inside
