"""Attributes of codes: what a contact must have to be given one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ATTRIBUTE = re.compile(r"[A-Za-z_]\w{0,49}", re.ASCII)
"""The name of an attribute."""

MAX_ATTRIBUTES = 5
MAX_VALUE_LENGTH = 100
"""Characters of a value."""

NO_ATTRIBUTES = ""
"""What the store keeps of a code that suits everybody, and of a contact that lacks a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An attribute that a code must share with its contact.

    :ivar name: of the attribute
    :ivar source: where the contact's value is read: ``contact.<field>``, or ``audience.<column>``
    """

    name: str
    source: str


def stored_match(stored: Iterable[Mapping[str, str]]) -> tuple[Match, ...]:
    """Return what a definition matches, from the plain values that the ledger keeps of it."""
    return tuple(Match(**one) for one in stored)


def parse_attributes(kept: str) -> dict[str, str]:
    """Return attributes by name, from the text that the store keeps of them."""
    return dict(json.loads(kept)) if kept else {}


def attributes_in_words(attributes: Mapping[str, str]) -> str:
    """Return attributes as people are shown them, such as ``store Kyiv, currency UAH``."""
    return ", ".join(f"{name} {value}" for name, value in attributes.items()) or "no attributes"
