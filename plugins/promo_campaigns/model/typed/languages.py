"""Language codes, and which of several languages a contact is written to in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    Text = TypeVar("Text")

_CODE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")


def normalize_language(language: str) -> str:
    """Return a language code as codes are compared, ``pt-br`` for ``pt_BR``; empty for what is none."""
    return language.replace("_", "-").lower() if _CODE.fullmatch(language) else ""


def nearest_text(texts: Mapping[str, Text], language: str | None, otherwise: Text) -> Text:
    """Return the text in a language, else in the one that it is a form of (``uk`` for ``uk-UA``), else another text.

    :param texts: by the tags of their languages
    """
    tag = normalize_language(language) if language else ""
    while tag:
        if tag in texts:
            return texts[tag]
        tag = tag.rpartition("-")[0]
    return otherwise
