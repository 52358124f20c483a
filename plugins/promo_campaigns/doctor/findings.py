"""What the doctor found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Health(str, Enum):
    """The state of one thing that was looked at."""

    RIGHT = "right"
    NOTE = "note"
    """It works, and should be known."""
    WRONG = "wrong"
    NOT_LOOKED_AT = "not looked at"
    """It cannot be seen from here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found about one thing that a campaign needs.

    :ivar about: the thing, such as ``schema`` or ``connection promo_mail``
    :ivar found: in a line
    :ivar advice: what to do; empty if nothing is to be done
    """

    about: str
    health: Health
    found: str
    advice: str = ""
