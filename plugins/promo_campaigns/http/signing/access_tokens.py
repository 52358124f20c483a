"""Access tokens: fetched once for all calls that wait for one, and kept until shortly before they end."""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from collections import deque
from typing import TYPE_CHECKING

from promo_campaigns.http.client import Answer, Call, HttpClient
from promo_campaigns.http.signing.token_store import AccessToken
from promo_campaigns.http.target import NotSignedError
from promo_campaigns.model.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.http.signing.token_store import TokenStore
    from promo_campaigns.http.target import Endpoint

MAX_TOKEN_S = 10.0
_NONE = AccessToken("", -math.inf)
_SENDABLE = re.compile(r"[\x21-\x7e]+")
_REMEMBERED = 8
"""So many tokens of before are still known when late answers to them come in."""


class NoTokenError(NotSignedError):
    """There is no access token; says why, and names no secret.

    :param why: what asking for one came to
    :param for_good: asking again in the same way is of no use
    :param look_at: what a person is to look at then
    """

    def __init__(self, why: str, *, for_good: bool, look_at: str = "") -> None:
        self.for_good = for_good
        super().__init__(f"no access token ({why})", look_at if for_good else "")


class AccessTokens:
    """The token of one client and scope, fetched when it is first needed and renewed when it is about to end.

    :param endpoint: the token server's
    :param make_call: returns the call that asks for a token; it may take a while
    :param look_at: what a person is to look at if the token server refuses
    :param early_s: a token is renewed so long before it ends, so that none ends on its way
    :param default_s: how long a token is taken to be good whose server does not say
    :param store: where other tasks leave theirs; None for nowhere
    """

    def __init__(  # noqa: PLR0913  (what differs between token servers, one keyword each)
        self,
        endpoint: Endpoint,
        make_call: Callable[[], Call],
        *,
        look_at: str,
        early_s: float = 60.0,
        default_s: float = 300.0,
        store: TokenStore | None = None,
    ) -> None:
        self.client = HttpClient(endpoint)
        self._make_call, self._look_at, self._store = make_call, look_at, store
        self._early_s, self._default_s = early_s, default_s
        self._token = _NONE
        self._taken: deque[str] = deque(maxlen=_REMEMBERED)
        self._refused: deque[str] = deque(maxlen=_REMEMBERED)
        self._given: deque[str] = deque(maxlen=_REMEMBERED)
        self._renewing: asyncio.Task[None] | None = None

    @property
    def values(self) -> tuple[str, ...]:
        """The newest tokens. Never logged."""
        return tuple(self._given)

    async def current(self) -> str:
        """Return a token that is good for a while; all who wait share one question.

        :raises NoTokenError: none was given
        """
        if not self._token.is_good:
            if self._renewing is None or self._renewing.done():
                self._renewing = asyncio.create_task(self._renew())
                self._renewing.add_done_callback(_look_at_error)
            await asyncio.shield(self._renewing)
        return self._token.value

    def mark_taken(self, token: str) -> None:
        """Note that the receiver took a token, so that the receiver is known to know us."""
        if token not in self._taken:
            self._taken.append(token)

    def was_taken(self, token: str) -> bool:
        """Tell whether the receiver took this token before."""
        return token in self._taken

    def forget(self, token: str) -> None:
        """Use this token no more: the receiver did not take it."""
        if token not in self._refused:
            self._refused.append(token)
        if token == self._token.value:
            self._token = _NONE

    async def _renew(self) -> None:
        left = await asyncio.to_thread(self._store.read) if self._store else None
        if left is not None and left.value not in self._refused:
            self._token = left
            self._given.append(left.value)
            self.mark_taken(left.value)  # another task was given it: if it is refused, it has ended before its time
            return
        call = await asyncio.to_thread(self._make_call)
        begun = time.time()
        async with self.client.connected():
            (answer,) = await self.client.send_all([call], deadline=math.inf)
        value, seconds = self._parse(answer)
        self._given.append(value)
        self._token = AccessToken(value, begun + max(seconds - self._early_s, seconds / 2))
        if self._store:
            await asyncio.to_thread(self._store.write, self._token)

    def _parse(self, answer: Answer) -> tuple[str, float]:
        """Return a token and the seconds it is good for."""
        if answer.outcome is not Outcome.OK:
            for_good = answer.outcome is Outcome.REFUSED or answer.locked_out
            raise NoTokenError(
                answer.detail, for_good=for_good, look_at=self._look_at if answer.status else answer.look_at
            )
        try:
            said = json.loads(answer.body)
            lasts = said.get("expires_in")
            value, seconds = str(said["access_token"]), self._default_s if lasts is None else float(lasts)
            kind = str(said.get("token_type") or "bearer").lower()
        except (ValueError, KeyError, TypeError, AttributeError):
            value, seconds, kind = "", 0.0, ""
        if kind != "bearer" or not _SENDABLE.fullmatch(value) or not math.isfinite(seconds):
            why = "the answer holds no bearer token"
            raise NoTokenError(why, for_good=False)
        return value, max(seconds, 0.0)


def _look_at_error(task: asyncio.Task[None]) -> None:
    """Take note of an error whose last waiter has gone, so that nobody is warned of it."""
    if not task.cancelled():
        task.exception()
