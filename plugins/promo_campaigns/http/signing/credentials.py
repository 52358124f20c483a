"""What signs the requests of a connection: login and password in one way or another, and headers that never change."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from promo_campaigns.http.signing.headers import OF_THE_CALL, basic_auth, is_free_header, is_header
from promo_campaigns.http.signing.oauth2 import OAUTH_EXTRAS, oauth_signer, token_host
from promo_campaigns.http.signing.signature import HMAC_EXTRAS, hmac_signer

if TYPE_CHECKING:
    from promo_campaigns.connections.settings import ConnectionSettings
    from promo_campaigns.http.target import Endpoint, Signer

AUTHS = ("none", "basic", "bearer", "header", "query", "oauth2", "hmac")
_READ_BY = {"oauth2": OAUTH_EXTRAS, "hmac": HMAC_EXTRAS}
"""Extras that one auth reads and no other."""
_AUTHORIZATION = "authorization"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.~-]*")
_SECRET = re.compile(r"[\x20-\x7e\x80-\U0010ffff]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\U0010ffff]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What signs the requests of a connection. Never logged.

    :ivar headers: the fixed ones, with that of the auth among them
    :ivar query: name and value of the parameter of the auth, where it is in the query
    :ivar signer: what signs each request on its own
    :ivar secrets: texts that are never shown
    """

    headers: dict[str, str] = field(repr=False)
    query: tuple[str, str] | None = field(repr=False)
    signer: Signer | None = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


def read_credentials(settings: ConnectionSettings, reach: Callable[[str], Endpoint]) -> Credentials:
    """Return what signs the requests of a connection.

    :param reach: returns the endpoint of a server that is reached in the way that the connection says
    :raises ConfigurationError: a secret is missing, or a name or value cannot be sent
    """
    fixed = _fixed_headers(settings)
    kind = _kind(settings, fixed)
    for auth, extras in _READ_BY.items():
        if auth != kind and (unread := next((name for name in extras if settings.text(name)), "")):
            settings.fail(f"has the extra {unread}, which only the auth {auth} reads")
    signing, query = _signing(settings, kind)
    signer = _signer(settings, kind, reach)
    taken = {name.lower() for name in (*signing, *(signer.names if signer else ()))}
    if twice := next((name for name in fixed if name.lower() in taken), ""):
        settings.fail(f"has a header {twice}, which the auth {kind} sends as well; leave one of them out")
    secrets = tuple(filter(None, (settings.password, *fixed.values())))
    return Credentials(headers={**fixed, **signing}, query=query, signer=signer, secrets=secrets)


def _signer(settings: ConnectionSettings, kind: str, reach: Callable[[str], Endpoint]) -> Signer | None:
    if kind == "oauth2":
        return oauth_signer(settings, reach(token_host(settings)))
    if kind == "hmac":
        return hmac_signer(settings, _key_name(settings, kind) if settings.text("key_name") else "")
    return None


def _kind(settings: ConnectionSettings, fixed: Mapping[str, str]) -> str:
    """Return the auth; where none is named, a login makes it basic, and so does a password that nothing else uses."""
    has_own = any(name.lower() == _AUTHORIZATION for name in fixed)
    implied = "basic" if settings.login or (settings.password and not has_own) else "none"
    kind = settings.text("auth") or implied
    if kind not in AUTHS:
        settings.fail(f"cannot have the auth {kind!r}; use {', '.join(AUTHS)}")
    if kind in {"bearer", "header", "query"} and not settings.password:
        settings.fail(f"needs its secret in the password for the auth {kind}")
    if kind != "none" and not _SECRET.fullmatch(settings.login + settings.password):
        settings.fail("has a login or password that is empty or holds a control character")
    return kind


def _signing(settings: ConnectionSettings, kind: str) -> tuple[dict[str, str], tuple[str, str] | None]:
    if kind == "basic":
        return {"Authorization": basic_auth(settings.login, settings.password)}, None
    if kind == "bearer":
        return {"Authorization": f"Bearer {settings.password}"}, None
    if kind == "header":
        return {_key_name(settings, kind): settings.password}, None
    return {}, (_key_name(settings, kind), settings.password) if kind == "query" else None


def _key_name(settings: ConnectionSettings, kind: str) -> str:
    name = settings.text("key_name")
    if not _NAME.fullmatch(name) or (kind != "query" and not is_free_header(name)):
        settings.fail(f"needs the extra key_name for the auth {kind}: the name of the {kind}'s key, such as X-API-Key")
    return name


def _fixed_headers(settings: ConnectionSettings) -> dict[str, str]:
    """Return the headers that every request carries unless it has its own of that name."""
    given = settings.extras.get("headers")
    if isinstance(given, str):
        try:
            given = json.loads(given or "{}")
        except ValueError:
            given = None
            _no_headers(settings)
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        _no_headers(settings)
    found = {str(name): _value(settings, str(name), value) for name, value in given.items()}
    if len({name.lower() for name in found}) < len(found):
        settings.fail("has a header twice, in capital and in small letters")
    return found


def _value(settings: ConnectionSettings, name: str, value: object) -> str:
    if not is_header(name):
        settings.fail(f"has an extra {ascii(name)[:40]} that is no name of a header")
    if name.lower() in OF_THE_CALL:
        settings.fail(f"has a header {name}, which each request has of its own or the HTTP client sets; leave it out")
    text = str(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float) or not _VALUE.fullmatch(text):
        settings.fail(f"has a header {name} whose value is no text that can be sent")
    return text.strip()


def _no_headers(settings: ConnectionSettings) -> NoReturn:
    settings.fail('has an extra headers that is no JSON object like {"X-Client": "promo"}')
