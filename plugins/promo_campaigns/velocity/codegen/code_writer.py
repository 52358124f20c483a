"""Writing Python source line by line, with the template offset each line stands for.

Only constants carry template text, and only as `repr` gives it; names are numbered.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECES = 16


class CodeWriter:
    """Collects lines; what is printed is gathered in an f-string until something else has to happen."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.offsets: list[int] = []
        self._indent = 0
        self._numbers = 0
        self._pieces: list[str] = []
        self._sinks: list[str] = []
        self._empty: dict[str, tuple[int, int]] = {}
        self._at = 0

    def line(self, code: str, at: int | None = None) -> None:
        """Add a line that stands for a template offset, by default that of the line before."""
        self._at = self._at if at is None else at
        self.lines.append(" " * self._indent + code)
        self.offsets.append(self._at)

    @contextmanager
    def block(self, head: str, at: int | None = None) -> Iterator[None]:
        """Indent what is written inside under a head such as `if x:`; what was printed before it stays outside."""
        self.flush()
        self.line(head, at)
        self._indent += 1
        before = len(self.lines)
        yield
        if len(self.lines) == before:
            self.line("pass")
        self._indent -= 1

    def fresh(self, letter: str = "t") -> str:
        """Return a name nothing else has."""
        self._numbers += 1
        return f"{letter}{self._numbers}"

    @contextmanager
    def sink(self, at: int, name: str = "") -> Iterator[str]:
        """Gather what is printed inside in a variable of its own, or in one that holds an empty text already."""
        if self._sinks:
            self.flush()
        if not name:
            name = self.fresh("o")
            self._empty[name] = len(self.lines), self._indent
            self.line(f"{name} = ''", at)
        self._sinks.append(name)
        yield name
        self.flush()
        self._sinks.pop()

    def print_text(self, text: str) -> None:
        """Print constant text."""
        self._pieces.append(repr(text))

    def print_name(self, name: str) -> None:
        """Print the text that a variable holds."""
        self._pieces.append(f"f'{{{name}}}'")
        if len(self._pieces) >= PIECES:
            self.flush()
            self.check_size()

    def flush(self) -> None:
        """Write out what was gathered, before anything else happens."""
        if self._pieces:
            joined = " ".join(self._pieces)
            self._pieces = []
            sink = self._sinks[-1]
            index, indent = self._empty.pop(sink, (0, -1))
            if indent == self._indent:  # nothing is printed before: the empty start is not needed
                del self.lines[index], self.offsets[index]
                self.line(f"{sink} = {joined}")
            else:
                self.line(f"{sink} += {joined}")

    def check_size(self) -> None:
        """Write the check that what was printed so far is not too long."""
        self.line(f"if len({self._used(-1)}) > most: full()")

    def printed(self) -> str:
        """Return the variable that holds what was printed so far."""
        self.flush()
        return self._used(-1)

    def outermost(self) -> str:
        """Return the variable that holds what the whole function printed."""
        return self._used(0)

    def _used(self, position: int) -> str:
        """Return the variable of an open sink, which from now on has to hold a text."""
        self._empty.pop(self._sinks[position], None)
        return self._sinks[position]
