"""Two versions of a message, compared contact by contact."""

from __future__ import annotations

import difflib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from promo_campaigns.delivery.pictures import contexts_of
from promo_campaigns.delivery.rendering import render_texts
from promo_campaigns.delivery.unsubscribing import add_unsubscribing
from promo_campaigns.model.errors import PromoError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.delivery.rendering import MessageTemplates
    from promo_campaigns.model.links.unsubscribing import UnsubscribeLinks
    from promo_campaigns.model.picture_link import PictureLinks
    from promo_campaigns.model.run import Recipient

DIFF_COLUMNS: dict[str, Literal["text", "number", "time"]] = {
    "contact_id": "number",
    "part": "text",
    "old": "text",
    "new": "text",
}
"""The columns of a difference: a row for each text that changed."""

PARTS = ("title", "body")


@dataclass(slots=True, kw_only=True)
class DiffReport:
    """How two versions of a message differ over an audience.

    :ivar contacts: contacts that would be sent to
    :ivar changed: those with a text that changed
    :ivar parts: changed texts by part of the message
    :ivar samples: the first differences, each as a unified diff; they hold values of profiles
    """

    old: str
    new: str
    contacts: int = 0
    changed: int = 0
    parts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PARTS, 0))
    samples: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return asdict(self)


class MessageDiff:
    """Compares two versions of a message.

    :param old: the compiled version before
    :param new: the compiled version after
    :param report: where differences are counted
    :param samples: how many differences the report spells out
    :param pictures: makes links to pictures of codes; None if neither version shows one
    :param unsubscribing: makes links to unsubscribe; None if nobody serves them
    """

    def __init__(  # noqa: PLR0913  (two versions, and what they are rendered and told with)
        self,
        old: MessageTemplates,
        new: MessageTemplates,
        report: DiffReport,
        *,
        samples: int,
        pictures: PictureLinks | None = None,
        unsubscribing: UnsubscribeLinks | None = None,
    ) -> None:
        self._versions = old, new
        self._report = report
        self._samples = samples
        self._pictures = pictures
        self._unsubscribing = unsubscribing

    def rows(self, recipients: Sequence[Recipient]) -> list[tuple[int, str, str, str]]:
        """Return the texts that differ, in the order of ``DIFF_COLUMNS``, and count them."""
        contexts = contexts_of(recipients, self._pictures)
        add_unsubscribing(contexts, recipients, self._unsubscribing)
        rows: list[tuple[int, str, str, str]] = []
        old, new = (render_texts(version, recipients, contexts) for version in self._versions)
        for part, columns in (("title", (old.titles, new.titles)), ("body", (old.bodies, new.bodies))):
            pairs = zip(recipients, *columns, strict=True)
            texts = ((one.contact_id, part, _shown(before), _shown(after)) for one, before, after in pairs)
            found = [row for row in texts if row[2] != row[3]]
            self._report.parts[part] += len(found)
            rows += found
        rows.sort(key=lambda row: row[0])
        self._report.contacts += len(recipients)
        self._report.changed += len({row[0] for row in rows})
        for row in rows[: self._samples - len(self._report.samples)]:
            self._report.samples.append(_sample(*row))
        return rows


def _shown(text: str | PromoError) -> str:
    return f"(cannot be rendered: {text})" if isinstance(text, PromoError) else text


def _sample(contact_id: int, part: str, old: str, new: str) -> str:
    place = f"contact {contact_id} {part}"
    return "\n".join(
        difflib.unified_diff(old.splitlines(), new.splitlines(), f"old {place}", f"new {place}", lineterm="")
    )
