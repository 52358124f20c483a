"""Regular expressions as a tree. What needs backtracking to match (look-around, back references) has no node."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OneOf:
    """One character.

    :param source: a Python character class, such as `[a-z]`, that it is in
    """

    source: str


@dataclass(frozen=True, slots=True)
class Edge:
    """A place between characters: `^` the start, `$` the end or before a last line end, `b` and `B` word edges."""

    kind: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """Parts one after the other."""

    parts: tuple[PatternNode, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """The first of several that leads to a match."""

    choices: tuple[PatternNode, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part so many times; without `most`, any number of times."""

    part: PatternNode
    least: int
    most: int | None
    greedy: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A part whose match is kept under a number."""

    number: int
    part: PatternNode


PatternNode = OneOf | Edge | Sequence | Alternatives | Repeat | Group
