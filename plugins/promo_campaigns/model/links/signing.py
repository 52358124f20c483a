"""What signed links hold: what they name, in bytes, and a signature that nobody makes without the key."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

SIGNATURE_BYTES = 16


def make_token(meaning: bytes, named: bytes, key: bytes) -> str:
    """Return a token for a link, of letters, digits, ``-`` and ``_``.

    :param meaning: what the link is for; signed as well, so that a token of one kind of link is none of another
    """
    return urlsafe_b64encode(named + _sign(meaning, named, key)).decode("ascii").rstrip("=")


def read_token(meaning: bytes, token: str, key: bytes, *, longest: int) -> bytes | None:
    """Return what a token names; None unless it was made with this key and for this.

    :param longest: a longer token is none
    """
    try:
        if len(token) > longest:
            return None
        data = urlsafe_b64decode((token + "=" * (-len(token) % 4)).encode("ascii"))
    except ValueError:  # among them UnicodeEncodeError and binascii.Error
        return None
    named, signature = data[:-SIGNATURE_BYTES], data[-SIGNATURE_BYTES:]
    return named if hmac.compare_digest(signature, _sign(meaning, named, key)) else None


def _sign(meaning: bytes, named: bytes, key: bytes) -> bytes:
    return hmac.digest(key, meaning + named, sha256)[:SIGNATURE_BYTES]
