"""The link by which a contact unsubscribes, among what the texts of a message read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.model.links.unsubscribing import NAME
from promo_campaigns.model.template_context import DATA

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

    from promo_campaigns.model.links.unsubscribing import UnsubscribeLinks
    from promo_campaigns.model.run import Recipient


def add_unsubscribing(
    contexts: Iterable[MutableMapping[str, object]], recipients: Iterable[Recipient], links: UnsubscribeLinks | None
) -> None:
    """Put each contact's link into what its message reads.

    :param links: None if the workflow does not say where contacts unsubscribe
    """
    if links is None:
        return
    for context, recipient in zip(contexts, recipients, strict=True):
        link = links.link(recipient.contact_id)
        context[NAME] = link
        values = context[DATA]
        if isinstance(values, dict):
            values[NAME] = link
