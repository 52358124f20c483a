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
    REDEEMED = "until redeemed"
    """The same, said by a reminder: a code that a shop has told of is in use, and is not given again by either."""

    @property
    def gives_again(self) -> bool:
        """Whether a contact is given again what it holds."""
        return self is not Reuse.NEW
