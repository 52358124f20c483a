"""What a contact gets who holds a code already."""

from __future__ import annotations

from enum import Enum


class Reuse(str, Enum):
    """Whether a contact gets another code in each run.

    By which workflow the code was given does not matter: a code is chosen by type, discount and validity.
    """

    NEW = "new each run"
    """Always."""
    SAME = "same until it expires"
    """It is given again the code of the type and discount that it holds, if that is valid for the days asked for."""
