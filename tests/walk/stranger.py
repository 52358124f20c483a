"""A stranger who reads ``docs/start/own-airflow.md``: its files are written and its commands typed as they stand there.

Only what is the reader's own differs: the address of the receiver and that of Postgres.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from doc_pages import first_line_missing, lines, read_blocks, statements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from doc_pages import Block
    from walk.terminal import Terminal, Typed

PAGE = "start/own-airflow.md"
MOST_COMMANDS = 12
MOST_SECONDS = 15 * 60.0
POSTGRES = "localhost:5432"
RECEIVER = "https://api.shop.example"
LOGIN = '"auth": "bearer"'
END, AT_LAST = "kill -INT $!", "kill -KILL -- -$!"
"""How the page ends Airflow, once everything was sent; and how, if Airflow does not end by itself."""
REPEATED = ("airflow dags unpause ", "promo runs list")
"""Commands that the page lets its reader repeat until they show what it says."""


def typed_commands() -> list[str]:
    """Return the commands of the page, in its order."""
    return [command for block in read_blocks(PAGE) if _is_typed(block) for command in statements(block.text)]


def put(text: str, places: Mapping[str, str]) -> str:
    """Put the reader's own addresses in place of those of the page."""
    for named, own in places.items():
        text = text.replace(named, own)
    return text


@dataclass
class Stranger:
    """Somebody who does what the page says.

    :ivar places: their own address for each of the page
    :ivar typed: what they have typed so far, each command once
    :ivar compared: how many lines of the page they have seen
    """

    folder: Path
    terminal: Terminal
    places: Mapping[str, str]
    typed: list[Typed] = field(default_factory=list)
    compared: int = 0

    def follow(self) -> None:
        """Do everything that the page says, from its top to its end."""
        blocks = read_blocks(PAGE)
        for at, block in enumerate(blocks):
            if block.name:
                self._write(block.name, block.text)
            elif _is_typed(block):
                self._type_all(block.text, _told_after(blocks, at))

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(put(text, self.places), encoding="utf-8")

    def _type_all(self, text: str, told: str) -> None:
        """Type the commands of a block, and look for what the page says that they show."""
        shown = ""
        for command in statements(text):
            done = self._type(put(command, self.places), told)
            assert done.status == 0, f"{command}\nstatus {done.status}\n{done.shown}"
            shown += done.shown
            self.typed.append(replace(done, command=command))
        missing = first_line_missing(told, shown)
        assert not missing, f"{missing!r} is not shown:\n{shown}"
        self.compared += len(lines(told))

    def _type(self, command: str, told: str) -> Typed:
        """Type a command, again and again if the page lets its reader do so; its time is that of all tries."""
        began, again = time.monotonic(), command.startswith(REPEATED)
        done = self.terminal.type(command)
        while again and first_line_missing(told, done.shown):
            done = self.terminal.type(command)
        return replace(done, seconds=time.monotonic() - began)


def _told_after(blocks: Sequence[Block], at: int) -> str:
    """Return what a page says that a block of commands shows; empty if it says nothing."""
    following = blocks[at + 1 : at + 2]
    return "".join(block.text for block in following if block.language == "text")


def _is_typed(block: Block) -> bool:
    return block.language == "sh" and not block.name
