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


def commands(text: str) -> Iterator[list[str]]:
    """Take the commands of a shell block apart; quotes and a backslash at the end of a line go on in the next one."""
    pending = ""
    for line in text.splitlines():
        pending += line.removesuffix("\\") + ("" if line.endswith("\\") else "\n")
        if line.endswith("\\"):
            continue
        try:
            words = shlex.split(pending, comments=True)
        except ValueError:  # a quotation mark is open
            continue
        if words:
            yield words
        pending = ""
    assert not pending.strip(), f"a command has no end: {pending}"


def table(page: str, head: str) -> list[list[str]]:
    """Return the rows of the table whose first column has this head."""
    found = re.search(rf"^\| {re.escape(head)} \|.*\n\| ---.*\n((?:\|.*\n)+)", page_text(page), re.MULTILINE)
    assert found, f"{page} has no table of {head}"
    return [row.strip("|").split(" | ") for row in found[1].splitlines()]
