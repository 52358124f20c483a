"""Two messages of a preview, as contacts would read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.model.contact_rules import mask_value
from promo_campaigns.preview.rows import SEND, Example

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.preview.rows import Candidate, Row


class Examples:
    """Keeps the first message, and of the others the first that differs in the values it lacks, else the second.

    :ivar kept: two messages at most
    """

    def __init__(self) -> None:
        self.kept: list[Example] = []
        self._lacking: list[str] = []

    def look_at(self, candidates: Sequence[Candidate], rows: Sequence[Row]) -> None:
        """Look at a part of the preview: contacts, and what each would get."""
        if len(set(self._lacking)) > 1:
            return
        for one, row in zip(candidates, rows, strict=True):
            if row.state == SEND and (len(self.kept) < 2 or row.warnings != self._lacking[0]):  # noqa: PLR2004  (two)
                self._keep(one, row)
                if row.warnings != self._lacking[0]:
                    return

    def _keep(self, one: Candidate, row: Row) -> None:
        title, body = (_without_address(one, text) for text in (row.title, row.body))
        self.kept = [*self.kept[:1], Example(row.contact_id, title, body)]
        self._lacking = [*self._lacking[:1], row.warnings]


def _without_address(one: Candidate, text: str) -> str:
    locator = one.recipient.locator
    return text.replace(locator, mask_value(locator)) if locator else text
