"""Signed links to the picture of a contact's code.

A link names a run, a contact and a kind of picture, and ends with the code; the code itself is not in it. Without the
key a link can be neither made nor changed, so nobody gets from one link to the next.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from promo_campaigns.model.links import signing
from promo_campaigns.model.masking import PLACEHOLDER

if TYPE_CHECKING:
    from datetime import datetime

PATH = "/pictures/"
ENDING = ".png"
"""Some mail programs show a picture only if its address ends like one."""
_MEANING = b"promo_campaigns picture 1\0"
_FORM = struct.Struct(">BQQQ")
_LONGEST = 80
_SIGNED = re.compile(re.escape(PATH) + r"[A-Za-z0-9_-]{40,80}" + re.escape(ENDING))
_DRAWN = re.compile(r"data:image/png;base64,[A-Za-z0-9+/=]+")
_BLANK = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAG7buVgAAAABJRU5ErkJggg=="
)
KINDS = ("qr", "ean13", "code128")
"""The kinds of pictures, in an order that must not change: a link holds the number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureLinks:
    """Makes links for the contacts of a run.

    :ivar url: where the profile API answers; empty for nowhere
    :ivar key: of the signatures; empty for previews, whose links show a specimen
    """

    url: str = ""
    run_id: int = 0
    key: bytes = field(default=b"", repr=False)

    def specimen(self, kind: str) -> str:
        """Return the address of a specimen, for a preview.

        :param kind: one of ``KINDS``
        """
        return f"{self.url}{PATH}{PLACEHOLDER}.{kind}{ENDING}"

    def link(self, contact_id: int, expires_at: datetime, kind: str) -> str:
        """Return the address of the picture of the code that a contact holds; it ends when the code expires."""
        named = _FORM.pack(KINDS.index(kind), self.run_id, contact_id, int(expires_at.timestamp()))
        return f"{self.url}{PATH}{signing.make_token(_MEANING, named, self.key)}{ENDING}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictured:
    """What a link that was signed here shows.

    :ivar until: the second since 1970 at which the link ends
    """

    kind: str
    run_id: int
    contact_id: int
    until: int

    def seconds_left(self, now: datetime) -> int:
        """Return how long the link is still good for; below one it has ended."""
        return self.until - int(now.timestamp())


def specimen_kind(token: str) -> str:
    """Return the kind of picture that a preview's link shows a specimen of; empty for every other link."""
    placeholder, _, kind = token.rpartition(".")
    return kind if placeholder == PLACEHOLDER and kind in KINDS else ""


def read_token(token: str, key: bytes) -> Pictured | None:
    """Return what a link shows; None unless it was signed with the key. It may have ended.

    :param token: what stands between ``PATH`` and ``ENDING``
    """
    named = signing.read_token(_MEANING, token, key, longest=_LONGEST)
    if named is None:
        return None
    number, run_id, contact_id, until = _FORM.unpack(named)
    return Pictured(kind=KINDS[number], run_id=run_id, contact_id=contact_id, until=until)


def without_pictures(text: str) -> str:
    """Return a text in which no picture shows a code: what is drawn in it is blank, and links show a specimen."""
    if PATH in text:
        text = _SIGNED.sub(f"{PATH}{PLACEHOLDER}.{KINDS[0]}{ENDING}", text)
    return _DRAWN.sub(_BLANK, text) if "data:image" in text else text
