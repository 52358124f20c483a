"""Refuses links to pictures of codes where nobody says who serves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.definitions.definitions import message_file, source_file
from promo_campaigns.delivery.pictures import place_of_link

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from promo_campaigns.definitions.settings.text_settings import TextSettings
    from promo_campaigns.model.run_spec import DataSource, Message


def refuse_links(include: Path, message: Message, sources: Iterable[DataSource]) -> None:
    """Refuse a campaign without ``pictures_url`` whose texts read ``$barcode.link``.

    :raises DefinitionError: naming the first such text
    """
    for version in (message, *message.versions()):
        texts: dict[tuple[str, ...], str] = {("title",): version.title, ("body",): version.body}
        texts |= {("html",): version.html}
        texts |= {("options", name): text for name, text in version.options.items()}
        _refuse(message_file(include, version.name), texts)
    for source in sources:
        texts = {("path",): source.path, ("body",): source.body}
        texts |= {("headers", name): text for name, text in source.headers.items()}
        _refuse(source_file(include, source.name), texts)


def _refuse(file: TextSettings, texts: Mapping[tuple[str, ...], str]) -> None:
    for way, text in texts.items():
        place = place_of_link(text)
        if place >= 0:
            line = file.line_in(way, 1 + text.count("\n", 0, place))
            problem = f"{'.'.join(way)}: $barcode.link leads to a picture, and nobody says who serves it"
            hint = "Say in the workflow where contacts reach the profile API, as in pictures_url: https://codes.shop.example"
            file.fail(problem, line=line, hint=hint)
