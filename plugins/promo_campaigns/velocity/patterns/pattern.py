"""Matching regular expressions in time linear in the text, whatever the pattern.

All ways to match are followed at once (a Pike machine), best first, so that there is nothing to go back to; the first
match found is the one that Java's backtracking finds.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from promo_campaigns.velocity.fault import fail
from promo_campaigns.velocity.patterns.pattern_parser import PatternParser
from promo_campaigns.velocity.patterns.pattern_tree import Alternatives, Edge, Group, OneOf, Repeat, Sequence

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.velocity.patterns.pattern_tree import PatternNode
    from promo_campaigns.velocity.values.meter import Meter

MOST_INSTRUCTIONS = 1_000
MATCH, TAKE, JUMP, SPLIT, SAVE, EDGE = range(6)
WORD = re.compile("[a-zA-Z0-9_]")
LINE_ENDS = "\n\r\x85\u2028\u2029"
Spans = tuple[int, ...]
Thread = tuple[int, Spans]


class Instruction(NamedTuple):
    """One step of the machine: what it does, where it may go on, and what it needs."""

    kind: int
    first: int = 0
    second: int = 0
    test: Callable[[str], object] | None = None
    edge: str = ""


class Pattern:
    """A compiled pattern.

    :param text: the pattern
    :raises Fault: it is wrong, too large, or needs backtracking
    """

    def __init__(self, text: str) -> None:
        parser = PatternParser(text)
        tree = parser.parse()
        self.groups = parser.groups
        self._program: list[Instruction] = []
        self._write(tree)
        self._add(Instruction(MATCH))

    def _add(self, instruction: Instruction) -> int:
        if len(self._program) >= MOST_INSTRUCTIONS:
            fail("a regular expression is too large once its counts are written out")
        self._program.append(instruction)
        return len(self._program) - 1

    def _write(self, node: PatternNode) -> None:
        if isinstance(node, OneOf):
            self._add(Instruction(TAKE, len(self._program) + 1, test=re.compile(node.source).match))
        elif isinstance(node, Edge):
            self._add(Instruction(EDGE, len(self._program) + 1, edge=node.kind))
        elif isinstance(node, Sequence):
            for part in node.parts:
                self._write(part)
        elif isinstance(node, Group):
            self._add(Instruction(SAVE, len(self._program) + 1, 2 * node.number))
            self._write(node.part)
            self._add(Instruction(SAVE, len(self._program) + 1, 2 * node.number + 1))
        elif isinstance(node, Alternatives):
            self._write_alternatives(node)
        else:
            self._write_repeat(node)

    def _write_alternatives(self, node: Alternatives) -> None:
        ends = []
        for choice in node.choices[:-1]:
            split = self._add(Instruction(SPLIT))
            self._write(choice)
            ends.append(self._add(Instruction(JUMP)))
            self._program[split] = Instruction(SPLIT, split + 1, len(self._program))
        self._write(node.choices[-1])
        for end in ends:
            self._program[end] = Instruction(JUMP, len(self._program))

    def _write_repeat(self, node: Repeat) -> None:
        for _ in range(node.least):
            self._write(node.part)
        if node.most is None:
            split = self._optional(node)
            self._add(Instruction(JUMP, split))
            self._close(split, node)
            return
        splits = [self._optional(node) for _ in range(node.most - node.least)]
        for split in splits:
            self._close(split, node)

    def _optional(self, node: Repeat) -> int:
        split = self._add(Instruction(SPLIT))
        self._write(node.part)
        return split

    def _close(self, split: int, node: Repeat) -> None:
        inside, after = split + 1, len(self._program)
        self._program[split] = Instruction(SPLIT, *((inside, after) if node.greedy else (after, inside)))

    def find(self, text: str, start: int, meter: Meter, *, whole: bool = False) -> Spans | None:
        """Return where the pattern first matches from a position on: start and end, then those of each group or -1.

        :param whole: match the whole text, from `start`
        """
        threads: list[Thread] = []
        found: Spans | None = None
        empty = (-1, -1) * (self.groups + 1)
        for position in range(start, len(text) + 1):
            seen: set[int] = set()
            ready: list[Thread] = []
            for at, spans in threads:
                self._follow(at, spans, (text, position), seen, ready)
            if found is None and not (whole and position > start):
                self._follow(0, (position, *empty[1:]), (text, position), seen, ready)
            meter.spend(1 + len(seen))
            character = text[position : position + 1]
            threads, ended = self._step(ready, character, whole=whole and character != "")
            found = (ended[0], position, *ended[2:]) if ended else found
            if not threads and (found is not None or whole):
                break
        return found

    def _step(self, ready: list[Thread], character: str, *, whole: bool) -> tuple[list[Thread], Spans | None]:
        """Return the threads that take a character, up to the first that ends the match, and what that one kept."""
        taking: list[Thread] = []
        for at, spans in ready:
            kind, first, _, test, _ = self._program[at]
            if kind == MATCH and not whole:
                return taking, spans
            if test is not None and character and test(character):
                taking.append((first, spans))
        return taking, None

    def _follow(self, at: int, spans: Spans, where: tuple[str, int], seen: set[int], ready: list[Thread]) -> None:
        """Go on from an instruction, best way first, to all that take a character or end the match."""
        text, position = where
        waiting = [(at, spans)]
        while waiting:
            at, spans = waiting.pop()
            if at in seen:
                continue
            seen.add(at)
            kind, first, second, _, edge = self._program[at]
            if kind in (MATCH, TAKE):
                ready.append((at, spans))
            elif kind == SPLIT:
                waiting += [(second, spans), (first, spans)]
            elif kind == SAVE:
                waiting.append((first, (*spans[:second], position, *spans[second + 1 :])))
            elif kind == JUMP or at_edge(edge, text, position):
                waiting.append((first, spans))


def at_edge(edge: str, text: str, position: int) -> bool:
    """Tell whether a position is an edge of a kind."""
    if edge == "^":
        return position == 0
    if edge == "$":
        left = len(text) - position
        return left == 0 or (left == 1 and text[position] in LINE_ENDS) or text[position:] == "\r\n"
    before = position > 0 and WORD.match(text[position - 1]) is not None
    after = position < len(text) and WORD.match(text[position]) is not None
    return (before != after) == (edge == "b")


@lru_cache(maxsize=256)
def compiled(text: str) -> Pattern:
    """Return the pattern of a text, compiled once."""
    return Pattern(text)
