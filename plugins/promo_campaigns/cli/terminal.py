"""What the streams of a command are connected to: only a terminal gets colour, tables that fit it, and progress."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether a person looks at a stream, on a terminal that can move its cursor.

    :param stream: None for one that was closed before the command began
    """
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def has_colour(stream: TextIO | None) -> bool:
    """Tell whether a stream may be coloured: a terminal, unless NO_COLOR is set (see https://no-color.org)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def console(stream: TextIO) -> Console:
    """Return Rich's view of a terminal; values are never read as its markup."""
    from rich.console import Console

    # Without a colour system Rich writes no escape sequences for styles at all; its own NO_COLOR keeps bold.
    system: str | None = "auto" if has_colour(stream) else None
    return Console(file=stream, color_system=system, markup=False, emoji=False, highlight=False)  # type: ignore[arg-type]  # a Literal by hand
