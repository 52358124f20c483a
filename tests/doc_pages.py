"""The pages of ``docs/`` as tests read them: what stands in fences, and tables.

A fence with a name behind its language is a file (```` ```yaml include/messages/push.yaml ````).
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
_FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """What stands in one fence.

    :ivar name: of the file that it is, else empty
    """

    language: str
    name: str
    text: str


def page_text(page: str) -> str:
    """Return a page by its path in ``docs/``."""
    return (DOCS / page).read_text(encoding="utf-8")


def read_blocks(page: str) -> list[Block]:
    """Return what stands in the fences of a page, from its top to its end."""
    return [Block(language, name or "", text) for language, name, text in _FENCE.findall(page_text(page))]


def texts(page: str, language: str) -> list[str]:
    """Return what stands in the fences of one language."""
    return [block.text for block in read_blocks(page) if block.language == language]


def files(page: str) -> dict[str, str]:
    """Return the files of a page by their names."""
    return {block.name: block.text for block in read_blocks(page) if block.name}


def statements(text: str) -> Iterator[str]:
    """Return the commands of a shell block as they are typed; quotes and a backslash at the end of a line go on."""
    pending = ""
    for line in text.splitlines(keepends=True):
        pending += line
        if line.endswith("\\\n"):
            continue
        try:
            words = words_of(pending)
        except ValueError:  # a quotation mark is open
            continue
        if words:
            yield pending.strip()
        pending = ""
    assert not pending.strip(), f"a command has no end: {pending}"


def commands(text: str) -> Iterator[list[str]]:
    """Take the commands of a shell block apart."""
    return map(words_of, statements(text))


def words_of(command: str) -> list[str]:
    """Return the words of a command as a shell takes them apart, without its comments."""
    return shlex.split(command.replace("\\\n", ""), comments=True)


def squeezed(line: str) -> str:
    """Return a line with one blank between its words: columns are as wide as what stands in them."""
    return " ".join(line.split())


def fits(line: str, shown: str) -> bool:
    """Tell whether a line is what was shown; ``…`` in it stands for anything."""
    parts = line.split("…")
    at = 0
    for number, part in enumerate(parts):
        found = shown.find(part, at)
        if found < 0 or (number == 0 and found):
            return False
        at = found + len(part)
    return parts[-1] == "" or shown.endswith(parts[-1])


def lines(text: str) -> list[str]:
    """Return the lines of a text that say something."""
    return [*filter(None, map(squeezed, text.splitlines()))]


def first_line_missing(text: str, shown: str) -> str:
    """Return the first line of a page that was not printed in its turn; empty if all of them were."""
    left = [squeezed(line) for line in shown.splitlines()]
    for line in lines(text):
        found = next((at for at, each in enumerate(left) if fits(line, each)), None)
        if found is None:
            return line
        left = left[found + 1 :]
    return ""


def table(page: str, head: str) -> list[list[str]]:
    """Return the rows of the table whose first column has this head."""
    found = re.search(rf"^\| {re.escape(head)} \|.*\n\| ---.*\n((?:\|.*\n)+)", page_text(page), re.MULTILINE)
    assert found, f"{page} has no table of {head}"
    return [row.strip("|").split(" | ") for row in found[1].splitlines()]
