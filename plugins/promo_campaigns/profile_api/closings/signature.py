"""The signature of a notice: HMAC-SHA256 over the time and the body, as ``t=<seconds>,v1=<hex>``.

A connection of the type ``promo_http`` with its auth ``hmac`` signs so by default; so do several services.
"""

from __future__ import annotations

import hmac
import re
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PATH = "/webhooks/channels"
HEADER = "X-Promo-Signature"
TOLERANCE_S = 300
"""Seconds by which a notice may be older or newer than this server's clock."""
KEEP_S = 3 * TOLERANCE_S
"""A notice is remembered for longer than it can be taken, whatever the clocks of the store and of this server say."""
LEAST_KEY = 16
_FORM = re.compile(r"t=(?P<time>[0-9]{1,12}),v1=(?P<digest>[0-9a-f]{64})")


class BadSignatureError(Exception):
    """A notice is not signed as it must be; says why, and tells nothing of the key."""


def check_signature(header: str, body: bytes, keys: Sequence[bytes], *, now: float) -> bytes:
    """Return the signature of a notice.

    :param header: the value of ``X-Promo-Signature``
    :param keys: those that a notice may be signed with: two while one is exchanged for the other
    :param now: seconds since 1970
    :raises BadSignatureError: it is missing, wrong or too old
    """
    form = _FORM.fullmatch(header.strip())
    if form is None:
        msg = f"send the header {HEADER} as t=<seconds since 1970>,v1=<HMAC-SHA256 in hex>"
        raise BadSignatureError(msg)
    signed = form["time"].encode("ascii") + b"." + body
    given = bytes.fromhex(form["digest"])
    if not sum(hmac.compare_digest(hmac.digest(key, signed, sha256), given) for key in keys):
        msg = "the signature is wrong: sign the time, a full stop and the body, byte by byte as it is sent"
        raise BadSignatureError(msg)
    if abs(now - int(form["time"])) > TOLERANCE_S:
        msg = f"the signature is more than {TOLERANCE_S} s old or ahead of time: sign anew, and set the clock"
        raise BadSignatureError(msg)
    return given
