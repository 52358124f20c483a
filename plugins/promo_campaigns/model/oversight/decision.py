"""What a person says of all that a restored store has forgotten, and that nobody told of."""

from __future__ import annotations

from enum import Enum


class Rest(str, Enum):
    """What is taken of those of whom nobody told."""

    SENT = "sent"
    UNSENT = "unsent"


class FreeCodes(str, Enum):
    """What becomes of the codes that the store takes for free."""

    WITHDRAW = "withdraw"
    RELEASE = "release"
