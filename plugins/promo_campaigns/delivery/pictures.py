"""What texts that show codes as pictures read beside the values of a contact."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from promo_campaigns.model.masking import PLACEHOLDER
from promo_campaigns.model.template_context import BARCODE_NAMES, message_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from promo_campaigns.model.picture_link import PictureLinks
    from promo_campaigns.model.run import Recipient
    from promo_campaigns.model.run_spec import DataSource, RunSpec

_LINK = re.compile(rf"\$!?\{{?(?:{'|'.join(BARCODE_NAMES)})\.link\(")


def shows_pictures(spec: RunSpec) -> bool:
    """Tell whether a text of a campaign may show codes as pictures. The contexts of all others stay as they are."""
    return any(_may_draw(text) for text in (*spec.message.texts(), *source_texts(spec.data_sources)))


def source_texts(sources: Iterable[DataSource]) -> list[str]:
    """Return all that is Velocity in the requests of data sources."""
    return [text for source in sources for text in (source.path, source.body, *source.headers.values())]


def contexts_of(
    recipients: Sequence[Recipient], links: PictureLinks | None, codes: Sequence[str] = ()
) -> list[dict[str, object]]:
    """Return what a template reads of each contact.

    :param links: to pictures of their codes; None if no text shows one
    :param codes: what the placeholder stands for in a preview, for each contact; empty where nobody knows
    """
    contexts = [message_context(recipient) for recipient in recipients]
    if links is not None:
        for place, (context, recipient) in enumerate(zip(contexts, recipients, strict=True)):
            add_pictures(context, recipient, links, codes[place] if codes else "")
    return contexts


def add_pictures(context: dict[str, object], recipient: Recipient, links: PictureLinks, code: str = "") -> None:
    """Put the tool that draws codes into what a template reads; a value of its name comes first, as with every tool.

    :param code: what the placeholder stands for, if the recipient holds that and somebody knows
    """
    from promo_campaigns.velocity.tools.barcode_tool import BarcodeTool  # noqa: PLC0415  (a task that renders nothing loads no compiler)

    specimen = PLACEHOLDER if recipient.code == PLACEHOLDER else ""
    link: Callable[[str], str] | None = None
    if links.url:
        is_shown = bool(links.key) and not specimen
        link = partial(links.link, recipient.contact_id, recipient.expires_at) if is_shown else links.specimen
    tool = BarcodeTool(link, specimen=specimen, stands_for=code)
    for name in BARCODE_NAMES:
        context.setdefault(name, tool)


def place_of_link(text: str) -> int:
    """Return where a text leads to a picture of the code, which shows it as much as ``$promocode`` does; else -1."""
    found = _LINK.search(text)
    return found.start() if found else -1


def _may_draw(text: str) -> bool:
    return any(name in text for name in BARCODE_NAMES)
