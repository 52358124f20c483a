"""Signed links by which a contact unsubscribes from a channel.

A link names the contact, the channel and the run whose message it stands in. It does not end: a contact may
still unsubscribe from an old mail.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from promo_campaigns.model.links.signing import make_token, read_token
from promo_campaigns.model.masking import PLACEHOLDER

PATH = "/unsubscribe/"
NAME = "unsubscribe_link"
"""By which the texts of a message read it."""
_MEANING = b"promo_campaigns unsubscribe 1\0"
_FORM = struct.Struct(">QQ")
_LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsubscribeLinks:
    """Makes links for the contacts of a run.

    :ivar url: where the profile API answers
    :ivar channel: of the run's message
    :ivar key: of the signatures; empty for previews and test sends, whose link is a specimen
    """

    url: str
    channel: str
    run_id: int = 0
    key: bytes = field(default=b"", repr=False)

    def link(self, contact_id: int) -> str:
        """Return the address by which a contact unsubscribes; a specimen that changes nothing where there is no key."""
        if not self.key:
            return f"{self.url}{PATH}{PLACEHOLDER}"
        named = _FORM.pack(self.run_id, contact_id) + self.channel.encode("ascii")
        return f"{self.url}{PATH}{make_token(_MEANING, named, self.key)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribing:
    """Who a link unsubscribes, and from what."""

    run_id: int
    contact_id: int
    channel: str


def read_unsubscribing(token: str, key: bytes) -> Unsubscribing | None:
    """Return whom a link unsubscribes; None unless it was signed with the key.

    :param token: what stands behind ``PATH``
    """
    named = read_token(_MEANING, token, key, longest=_LONGEST)
    if named is None:
        return None
    run_id, contact_id = _FORM.unpack(named[: _FORM.size])
    return Unsubscribing(run_id=run_id, contact_id=contact_id, channel=named[_FORM.size :].decode("ascii"))


def is_specimen(token: str) -> bool:
    """Tell whether a token is that of a preview or a test send."""
    return token == PLACEHOLDER
