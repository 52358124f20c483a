"""What a contact gets who holds a code already."""

from __future__ import annotations

from enum import Enum


class Reuse(str, Enum):
    """Whether a contact gets another code in each run.

    Whose code it was given by which workflow does not matter: codes are chosen by type, discount and validity.
    """

    NEW = "new each run"
    """Always."""
    SAME = "same until it expires"
    """It is given again the code of the type and discount that it holds, if that is valid for the days asked for."""
