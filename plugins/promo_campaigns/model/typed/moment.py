"""A day or a time as a template reads it: with the language and the time zone in which it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, or a time of a day.

    :ivar at: the time, in the zone in which it is told
    :ivar language: the language in which it is told, such as ``uk`` or ``pt-BR``; empty for none in particular
    :ivar has_time: whether the time of the day is meant, or the day alone
    :ivar text: what it is where nobody formats it: ``2030-12-31`` or ``2030-12-31T18:00``
    """

    at: datetime
    language: str = ""
    has_time: bool = True
    text: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        shown = self.at.replace(tzinfo=None, microsecond=0)
        text = (
            shown.isoformat(timespec="seconds" if shown.second else "minutes") if self.has_time else f"{shown:%Y-%m-%d}"
        )
        object.__setattr__(self, "text", text)
