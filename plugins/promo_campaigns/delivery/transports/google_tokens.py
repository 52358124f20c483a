"""Access tokens of a Google service account: signed by google-auth, fetched by us, kept until they expire."""

from __future__ import annotations

import asyncio
import json
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from google.auth import crypt, jwt

from promo_campaigns.http.client import Call, HttpClient
from promo_campaigns.model.outcome import Outcome

if TYPE_CHECKING:
    from promo_campaigns.http.client import Answer
    from promo_campaigns.http.target import Endpoint

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"  # RFC 7523
ASSERTION_S = 3600
EARLY_S = 300.0
"""A token is renewed so long before it ends, so that none ends on its way."""
_PARTS = ("client_email", "private_key", "token_uri", "project_id")


class NoTokenError(Exception):
    """There is no access token; says why, and names no secret.

    :param why: what asking for one came to
    :param for_good: asking again with the same key file is of no use
    :param look_at: what a person is to look at then
    """

    def __init__(self, why: str, *, for_good: bool, look_at: str = "") -> None:
        self.for_good = for_good
        self.look_at = look_at
        super().__init__(f"no access token ({why})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccount:
    """The parts of a service account's key file. It holds a secret: never logged.

    :ivar signer: signs with the private key
    :ivar token_uri: where tokens are asked for
    """

    client_email: str = field(repr=False)
    project_id: str
    token_uri: str
    signer: Any = field(repr=False)


def read_service_account(text: str) -> ServiceAccount:
    """Read a key file.

    :raises ValueError: it is none; says why, and names no value
    """
    try:
        key = json.loads(text)
        missing = [part for part in _PARTS if not isinstance(key.get(part), str)]
    except (ValueError, AttributeError):
        msg = "it is no JSON object"
        raise ValueError(msg) from None
    if missing:
        msg = f"it has no {', '.join(missing)}"
        raise ValueError(msg)
    try:
        signer = crypt.RSASigner.from_service_account_info(key)  # type: ignore[no-untyped-call]  # Google's has no types
    except Exception:  # noqa: BLE001  (whatever it is, its text may hold the key)
        msg = "its private_key is none"
        raise ValueError(msg) from None
    return ServiceAccount(
        client_email=key["client_email"], project_id=key["project_id"], token_uri=key["token_uri"], signer=signer
    )


class AccessTokens:
    """The token of one account and scope, fetched once and renewed when it is about to end.

    :param account: whose
    :param scope: what for
    :param endpoint: the host of the account's ``token_uri``
    """

    def __init__(self, account: ServiceAccount, scope: str, endpoint: Endpoint) -> None:
        self._account, self._scope = account, scope
        self.client = HttpClient(endpoint)
        self._token, self._good_until = "", -math.inf
        self._taken = ""
        self._asking = asyncio.Lock()

    async def current(self) -> str:
        """Return a token that is good for some minutes.

        :raises NoTokenError: none was given
        """
        async with self._asking:
            if time.monotonic() >= self._good_until:
                await self._fetch()
            return self._token

    def mark_taken(self, token: str) -> None:
        """Note that the receiver took a token, so that the key file is right."""
        self._taken = token

    def was_taken(self, token: str) -> bool:
        """Tell whether the receiver took this token before."""
        return token == self._taken

    def forget(self, token: str) -> None:
        """Use this token no more: the receiver did not take it."""
        if token == self._token:
            self._good_until = -math.inf

    async def _fetch(self) -> None:
        assertion = await asyncio.to_thread(self._signed)
        parts = urlsplit(self._account.token_uri)
        call = Call(
            method="POST",
            path=parts.path or "/",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode({"grant_type": GRANT, "assertion": assertion}),
        )
        begun = time.monotonic()
        (answer,) = await self.client.send_all([call], deadline=math.inf)
        self._token, seconds = _parse_token(answer)
        self._good_until = begun + max(seconds - EARLY_S, seconds / 2)

    def _signed(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self._account.client_email,
            "scope": self._scope,
            "aud": self._account.token_uri,
            "iat": now,
            "exp": now + ASSERTION_S,
        }
        signed: bytes = jwt.encode(self._account.signer, claims)  # type: ignore[no-untyped-call]  # Google's has no types
        return signed.decode()


def _parse_token(answer: Answer) -> tuple[str, float]:
    """Return a token and the seconds it is good for."""
    if answer.outcome is not Outcome.OK:
        for_good = answer.outcome is Outcome.REFUSED or answer.locked_out
        look_at = "look at the key file in the connection's password" if answer.status else answer.look_at
        raise NoTokenError(answer.detail, for_good=for_good, look_at=look_at if for_good else "")
    try:
        said = json.loads(answer.body)
        return str(said["access_token"]), float(said.get("expires_in", ASSERTION_S))
    except (ValueError, KeyError, TypeError, AttributeError):
        why = "the answer holds none"
        raise NoTokenError(why, for_good=False) from None
