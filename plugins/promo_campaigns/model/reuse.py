"""Whether a contact that holds a code is given another one."""

from __future__ import annotations

from enum import Enum


class Reuse(str, Enum):
    """Whether a contact gets another code in each run.

    Codes given by any workflow count; what matters is their type, discount and validity.
    """

    NEW = "new each run"
    """Always."""
    SAME = "same until it expires"
    """The contact is given its code of the type and discount again, if that is valid for the days asked for."""
