"""Signatures that a receiver can check: an HMAC over what a connection says of each request."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from promo_campaigns.http.signing.headers import is_free_header

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from yarl import URL

    from promo_campaigns.connections.settings import ConnectionSettings

HMAC_EXTRAS = (
    *("hmac_algorithm", "hmac_encoding", "hmac_header", "hmac_signs", "hmac_timestamp", "hmac_timestamp_header"),
    "hmac_value",
)
ALGORITHMS = ("sha256", "sha384", "sha512", "sha1")
ENCODINGS = ("hex", "base64")
TIMESTAMPS = ("s", "ms", "iso")
PARTS = ("method", "path", "query", "target", "url", "timestamp", "body", "body_sha256")
"""What may be signed: ``path`` without the query, ``target`` with it, ``url`` whole."""
_VALUES = ("signature", "timestamp", "key_id")
_NAMED = re.compile(rb"\{([a-z0-9_]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class HmacSigner:
    """Signs each request with a key that the receiver has as well.

    :ivar signs: what is signed, with the names of ``PARTS`` in braces
    :ivar value: the header's value, with ``{signature}`` and, if wanted, ``{timestamp}`` and ``{key_id}``
    :ivar timestamp: seconds or milliseconds since 1970, or a time of ISO 8601
    :ivar timestamp_header: which header says the timestamp; empty for none
    :ivar key_header: which header says whose key it is; empty for none
    """

    key: bytes = field(repr=False)
    algorithm: str = "sha256"
    encoding: str = "hex"
    header: str = "X-Signature"
    signs: str = "{timestamp}.{body}"
    value: str = "{signature}"
    timestamp: str = "s"
    timestamp_header: str = ""
    key_header: str = ""
    key_id: str = ""
    now: Callable[[], float] = time.time

    @property
    def names(self) -> tuple[str, ...]:
        """The headers that it adds."""
        return tuple(filter(None, (self.header, self.timestamp_header, self.key_header)))

    @property
    def secrets(self) -> tuple[str, ...]:
        """Nothing but the key, which is the connection's."""
        return ()

    async def sign(self, method: str, url: URL, body: bytes | None) -> Mapping[str, str]:
        """Return the headers that sign a request as it is sent."""
        moment = self._moment()
        sent = body or b""
        parts = {
            "method": method.encode(),
            "path": url.raw_path.encode(),
            "query": url.raw_query_string.encode(),
            "target": url.raw_path_qs.encode(),
            "url": str(url).encode(),
            "timestamp": moment.encode(),
            "body": sent,
            "body_sha256": hashlib.sha256(sent).hexdigest().encode(),
        }
        made = hmac.new(self.key, _filled(self.signs, parts), self.algorithm)
        signature = made.hexdigest() if self.encoding == "hex" else b64encode(made.digest()).decode()
        shown = {"signature": signature, "timestamp": moment, "key_id": self.key_id}
        value = _filled(self.value, {name: text.encode() for name, text in shown.items()}).decode()
        more = {self.timestamp_header: moment, self.key_header: self.key_id}
        return {self.header: value, **{name: text for name, text in more.items() if name}}

    def taken(self, signature: Mapping[str, str]) -> None:
        """Do nothing: the next request is signed in the same way."""

    def refused(self, signature: Mapping[str, str]) -> bool:  # noqa: ARG002  (the port's signature)
        """Return False: the next request would be signed in the same way."""
        return False

    def _moment(self) -> str:
        now = self.now()
        if self.timestamp == "iso":
            return datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return str(int(now if self.timestamp == "s" else now * 1000))


def hmac_signer(settings: ConnectionSettings, key_header: str) -> HmacSigner:
    """Return what signs the requests of a connection; the key is the password, and the login says whose it is.

    :param key_header: which header says so; empty for none
    :raises ConfigurationError: the key is missing, or an extra is wrong
    """
    if not settings.password:
        settings.fail("needs its key in the password for the auth hmac")
    signs = _pattern(settings, "hmac_signs", "{timestamp}.{body}", PARTS)
    value = _pattern(settings, "hmac_value", "{signature}", _VALUES)
    if "{signature}" not in value:
        settings.fail("has an extra hmac_value without {signature}")
    if "{key_id}" in value and not settings.login:
        settings.fail("has an extra hmac_value with {key_id}, and no login, which is the key's id")
    untold = "{timestamp}" in signs and "{timestamp}" not in value
    return HmacSigner(
        key=settings.password.encode(),
        algorithm=settings.choice("hmac_algorithm", ALGORITHMS, "sha256"),
        encoding=settings.choice("hmac_encoding", ENCODINGS, "hex"),
        header=_header(settings, "hmac_header", "X-Signature"),
        signs=signs,
        value=value,
        timestamp=settings.choice("hmac_timestamp", TIMESTAMPS, "s"),
        timestamp_header=_header(settings, "hmac_timestamp_header", "X-Timestamp" if untold else ""),
        key_header=key_header,
        key_id=settings.login,
    )


def _pattern(settings: ConnectionSettings, extra: str, default: str, known: tuple[str, ...]) -> str:
    text = settings.text(extra, default).replace("\\n", "\n")
    if unknown := [name.decode() for name in _NAMED.findall(text.encode()) if name.decode() not in known]:
        settings.fail(f"has an extra {extra} with {{{unknown[0]}}}; there are {', '.join(known)}")
    if extra == "hmac_value" and not text.isprintable():
        settings.fail(f"has an extra {extra} with a line break or another control character")
    return text


def _header(settings: ConnectionSettings, extra: str, default: str) -> str:
    name = settings.text(extra, default)
    if name and not is_free_header(name):
        settings.fail(f"has an extra {extra} that is no name of a header, or of one that each request has of its own")
    return name


def _filled(pattern: str, parts: Mapping[str, bytes]) -> bytes:
    """Return a pattern with its names replaced, all at once: what stands in a value is no name."""
    return _NAMED.sub(lambda found: parts[found[1].decode()], pattern.encode())
