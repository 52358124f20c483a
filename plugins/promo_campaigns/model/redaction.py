"""Removes secrets from a text before it is shown, in every form in which they may stand in it."""

from __future__ import annotations

import json
from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HIDDEN = "***"


def secret_forms(secret: str) -> set[str]:
    """Return the forms in which a text may hold a secret: as it is, escaped for URLs, JSON and HTML, and in base64."""
    escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    escaped |= {escape(secret), escape(secret, quote=False)}
    return {
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        b64encode(secret.encode()).decode(),
        *escaped,
    }


def redacted(text: str, secrets: Iterable[str], masks: Mapping[str, str] | None = None) -> str:
    """Return a text without the secrets.

    :param masks: what to show in place of some secrets; the others are left out
    """
    shown = {form: HIDDEN for secret in secrets if secret for form in secret_forms(secret)}
    shown |= {form: mask for secret, mask in (masks or {}).items() for form in secret_forms(secret)}
    for form in sorted(shown, key=len, reverse=True):
        text = text.replace(form, shown[form])
    return text


def printable_name(name: str) -> str:
    """Return a file's name fit for a log: on one line, without control characters or bytes that are no text."""
    return name if name.isprintable() else ascii(name)[1:-1]
