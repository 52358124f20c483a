"""What the parsers of all nouns share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction
    from typing import TypeAlias

    Parsers: TypeAlias = _SubParsersAction[ArgumentParser]
    """Where a noun adds its parser, or a noun its verbs."""
