"""Two messages of a preview, or one in each language, as contacts would read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.model.contact_rules import mask_value
from promo_campaigns.preview.rows import SEND, Example

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from promo_campaigns.preview.rows import Candidate, Row


class Examples:
    """Keeps the first message, and of the others the first that differs in the values it lacks, else the second.

    Of a message in several languages it keeps the first in each.

    :param file_of: names the file whose texts a contact gets; None for a message in one language
    :ivar kept: two messages at most, or one of each file
    """

    def __init__(self, file_of: Callable[[Candidate], str] | None = None) -> None:
        self.kept: list[Example] = []
        self._file_of = file_of
        self._files: set[str] = set()
        self._lacking: list[str] = []

    def look_at(self, candidates: Sequence[Candidate], rows: Sequence[Row]) -> None:
        """Look at a part of the preview: contacts, and what each would get."""
        if self._file_of:
            self._look_for_files(self._file_of, candidates, rows)
            return
        if len(set(self._lacking)) > 1:
            return
        for one, row in zip(candidates, rows, strict=True):
            if row.state == SEND and (len(self.kept) < 2 or row.warnings != self._lacking[0]):  # noqa: PLR2004  (two)
                self._keep(one, row)
                if row.warnings != self._lacking[0]:
                    return

    def _look_for_files(
        self, file_of: Callable[[Candidate], str], candidates: Sequence[Candidate], rows: Sequence[Row]
    ) -> None:
        for one, row in zip(candidates, rows, strict=True):
            if row.state == SEND and (file := file_of(one)) not in self._files:
                self._files.add(file)
                self.kept.append(_example(one, row))

    def _keep(self, one: Candidate, row: Row) -> None:
        self.kept = [*self.kept[:1], _example(one, row)]
        self._lacking = [*self._lacking[:1], row.warnings]


def _example(one: Candidate, row: Row) -> Example:
    title, body = (_without_address(one, text) for text in (row.title, row.body))
    return Example(row.contact_id, title, body)


def _without_address(one: Candidate, text: str) -> str:
    locator = one.recipient.locator
    return text.replace(locator, mask_value(locator)) if locator else text
