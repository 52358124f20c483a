"""Access tokens of a Google service account: signed by google-auth, fetched and kept by us."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from google.auth import crypt, jwt

from promo_campaigns.http.client import Call
from promo_campaigns.http.signing.access_tokens import AccessTokens

if TYPE_CHECKING:
    from promo_campaigns.http.target import Endpoint

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"  # RFC 7523
ASSERTION_S = 3600
EARLY_S = 300.0
"""A token is renewed so long before it ends, so that none ends on its way."""
_PARTS = ("client_email", "private_key", "token_uri", "project_id")


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


def account_tokens(account: ServiceAccount, scope: str, endpoint: Endpoint) -> AccessTokens:
    """Return the tokens of one account and scope.

    :param account: whose
    :param scope: what for
    :param endpoint: the host of the account's ``token_uri``
    """
    look_at = "look at the key file in the connection's password"
    return AccessTokens(
        endpoint, lambda: _question(account, scope), look_at=look_at, early_s=EARLY_S, default_s=ASSERTION_S
    )


def _question(account: ServiceAccount, scope: str) -> Call:
    now = int(time.time())
    claims = {
        "iss": account.client_email,
        "scope": scope,
        "aud": account.token_uri,
        "iat": now,
        "exp": now + ASSERTION_S,
    }
    signed: bytes = jwt.encode(account.signer, claims)  # type: ignore[no-untyped-call]  # Google's has no types
    parts = urlsplit(account.token_uri)
    return Call(
        method="POST",
        path=parts.path or "/",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode({"grant_type": GRANT, "assertion": signed.decode()}),
    )
