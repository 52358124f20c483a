"""Percent-encoding of values (RFC 3986), for addresses and their parts."""

from __future__ import annotations

from urllib.parse import quote

from promo_campaigns.velocity.fault import fail

CUT_HINT = "Take care where substring() cuts"


def percent_encoded(text: str, safe: str = "") -> str:
    """Return a text with all but letters, digits, ``_.-~`` and the ``safe`` characters encoded.

    :raises Fault: it holds half of a UTF-16 pair
    """
    try:
        return quote(text, safe=safe)
    except UnicodeEncodeError:
        fail("a value holds half of a UTF-16 pair, which cannot be sent", CUT_HINT)
