"""The keys that a server knows: the one it was started with, and those of clients, read anew every second.

They are held in memory, so that a stranger's guesses cost the store nothing.
"""

from __future__ import annotations

import hmac
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from promo_campaigns.model.errors import PromoError
from promo_campaigns.profile_api.keys.scopes import EVERYTHING
from promo_campaigns.profile_api.keys.store import digest_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from promo_campaigns.profile_api.keys.scopes import Client
    from promo_campaigns.profile_api.keys.store import StoredKey

_log = logging.getLogger(__name__)
READ_EVERY_S = 1.0


class Bucket:
    """Counts the requests of one key: so many a second, and as many at once.

    :param per_second: > 0
    """

    def __init__(self, per_second: int) -> None:
        self.per_second = per_second
        self._left = float(per_second)
        self._at = time.monotonic()

    def take(self) -> bool:
        """Take one request; return whether there was one left."""
        now = time.monotonic()
        self._left = min(float(self.per_second), self._left + (now - self._at) * self.per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


@dataclass(frozen=True, slots=True)
class Known:
    """A key that is worth something: whose it is, and how many requests it has left; None without a limit."""

    client: Client
    bucket: Bucket | None


class KeyRing:
    """The keys of one server.

    :param key: the key that the server was started with, which allows everything
    """

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self._known: Mapping[bytes, Known] = {}

    def find(self, password: bytes) -> Known | None:
        """Return what a key is worth, or None; the time tells nothing of the keys that there are."""
        known = self._known.get(digest_of(password))
        if hmac.compare_digest(password, self._key):
            return Known(EVERYTHING, None)
        return known

    def replace(self, keys: Sequence[StoredKey]) -> None:
        """Hold these keys of clients and no others; a key that stays keeps its count."""
        former = self._known
        self._known = {one.digest: _kept(former.get(one.digest), one) for one in keys}

    async def follow(self, read: Callable[[], Awaitable[Sequence[StoredKey]]]) -> None:
        """Read the keys again and again; while the store cannot be asked, those that were known last stay.

        :param read: returns the keys that are not revoked
        """
        told = False
        while True:
            try:
                self.replace(await read())
                told = False
            except PromoError as error:
                if not told:
                    _log.warning("keys of clients stay as they were: %s", error)
                told = True
            await anyio.sleep(READ_EVERY_S)


def _kept(former: Known | None, key: StoredKey) -> Known:
    if former is not None and former.bucket is not None and former.bucket.per_second == key.per_second:
        return Known(key.client, former.bucket)
    return Known(key.client, Bucket(key.per_second))
