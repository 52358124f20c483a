"""From the settings of a connection to the endpoint that calls go to: what may be set, and what each setting means."""

from __future__ import annotations

import ipaddress
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from promo_campaigns.http.client import Endpoint, basic_auth
from promo_campaigns.http.ssrf import is_legacy_number
from promo_campaigns.http.tls import tls_context
from promo_campaigns.velocity.positions.url_text import leads_elsewhere

if TYPE_CHECKING:
    from collections.abc import Collection

    from promo_campaigns.connections.settings import ConnectionSettings

EXTRAS = ("allow_insecure", "allow_private", "auth", "ca_file", "concurrency", "key_name", "timeout_s")
AUTHS = ("none", "basic", "bearer", "header", "query")
MAX_TIMEOUT_S = 55.0
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_BASE_PATH = re.compile(r"/(?:[A-Za-z0-9!$&'()*+,;=:@/._~-]|%[0-9A-Fa-f]{2})*")
_SCHEMES = ("http", "https")
_OTHER_SCHEMES = frozenset({"ftp", "ftps", "file", "grpc", "sftp", "smtp", "ssl", "tcp", "tls", "ws", "wss"})
_PORT = range(1, 65536)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.~-]*")
_OURS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection", "idempotency-key"})
_SECRET = re.compile(r"[\x20-\x7e\x80-\U0010ffff]+")


def parse_endpoint(settings: ConnectionSettings, *, more_extras: Collection[str] = ()) -> Endpoint:
    """Return where a connection leads, with credentials: never log it.

    :param more_extras: names of extras that the caller reads itself
    :raises ConfigurationError: there is no host or it is none, an extra is unknown or wrong, a secret is missing, or
        plain http is used and not allowed
    """
    return _Reading(settings, {*EXTRAS, *more_extras}).endpoint()


class _Reading:
    """Reads the settings of one connection."""

    def __init__(self, settings: ConnectionSettings, allowed: Collection[str]) -> None:
        self._settings = settings
        settings.allow_extras(allowed)

    def endpoint(self) -> Endpoint:
        headers, query = self._credentials()
        ca_file = self._settings.text("ca_file")
        if ca_file:
            tls_context(ca_file)
        return Endpoint(
            base_url=self._base_url(insecure=self._settings.flag("allow_insecure")),
            headers=headers,
            query=query,
            allow_private=self._settings.flag("allow_private"),
            timeout_s=self._settings.number("timeout_s", 30.0, least=0.1, most=MAX_TIMEOUT_S),
            concurrency=int(self._settings.number("concurrency", 32, least=1, most=1000)),
            ca_file=ca_file,
        )

    def _base_url(self, *, insecure: bool) -> str:
        settings = self._settings
        host = settings.host.removesuffix("/")
        if not host:
            self._settings.fail("has no host")
        scheme, path = self._scheme_and_path()
        if "://" in host:
            scheme, _, host = host.partition("://")
        scheme = (scheme or ("http" if insecure else "https")).lower()
        if scheme != "https" and not (scheme == "http" and insecure):
            self._settings.fail(
                f"uses {scheme if scheme.isalnum() else 'another scheme'}, which anyone on the way can read; "
                "use https, or set allow_insecure in its extra for a test"
            )
        host, slash, of_host = host.partition("/")
        if slash and path:
            self._settings.fail("has a base path in its host and another one in its schema; leave one of them out")
        name, port = self._host_and_port(host)
        base = f"{scheme}://{name}:{port}" if port else f"{scheme}://{name}"
        return base + self._base_path(path or slash + of_host)

    def _scheme_and_path(self) -> tuple[str, str]:
        """Return what the field Schema holds: a scheme, or the path of a connection that was written as a URI."""
        text = self._settings.scheme.strip()
        is_path = "/" in text or self._settings.conn_type == "https" or not _looks_like_scheme(text)
        return ("", f"/{text.strip('/')}") if text and text.lower() not in _SCHEMES and is_path else (text, "")

    def _base_path(self, path: str) -> str:
        path = path.rstrip("/")
        if path and (not _BASE_PATH.fullmatch(path) or "//" in path or leads_elsewhere(path)):
            self._settings.fail("has a base path that is none: write it as in https://api.shop.example/base/v1")
        return path

    def _host_and_port(self, host: str) -> tuple[str, int | None]:
        found = re.fullmatch(r"(.*?)(?::([0-9]{1,5}))?", host, re.DOTALL)
        name, digits = (f"[{host}]", None) if _is_v6(host) else found.groups() if found else (host, None)
        if not name.isascii():
            name = self._in_ascii(name)
        if not _HOST.fullmatch(name) or ".." in name or is_legacy_number(name):
            self._settings.fail("has a host that is no plain host name or address: no user, query or old number form")
        port = self._settings.port or (int(digits) if digits else None)
        if port is not None and port not in _PORT:
            self._settings.fail("has a port that is none")
        return name, port

    def _in_ascii(self, name: str) -> str:
        try:
            return name.encode("idna").decode()
        except UnicodeError:
            self._settings.fail("has a host that is no host name")

    def _credentials(self) -> tuple[dict[str, str], tuple[str, str] | None]:
        """Return the headers and the query parameter that sign a request."""
        settings = self._settings
        kind = self._settings.text("auth") or ("basic" if settings.login or settings.password else "none")
        if kind not in AUTHS:
            self._settings.fail(f"cannot have the auth {kind!r}; use {', '.join(AUTHS)}")
        if kind in {"bearer", "header", "query"} and not settings.password:
            self._settings.fail(f"needs its secret in the password for the auth {kind}")
        if kind != "none" and not _SECRET.fullmatch(settings.login + settings.password):
            self._settings.fail("has a login or password that is empty or holds a control character")
        if kind == "basic":
            return {"Authorization": basic_auth(settings.login, settings.password)}, None
        if kind == "bearer":
            return {"Authorization": f"Bearer {settings.password}"}, None
        if kind == "header":
            return {self._key_name(kind): settings.password}, None
        return {}, (self._key_name(kind), settings.password) if kind == "query" else None

    def _key_name(self, kind: str) -> str:
        name = self._settings.text("key_name")
        if not _NAME.fullmatch(name) or (kind == "header" and name.lower() in _OURS):
            self._settings.fail(
                f"needs the extra key_name for the auth {kind}: the name of the {kind}'s key, such as X-API-Key"
            )
        return name


def _is_v6(host: str) -> bool:
    """Whether a host is an IPv6 address without its brackets, as it is left of a URI."""
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return "%" not in host


def _looks_like_scheme(text: str) -> bool:
    word = text.lower().rstrip(":")
    return word in _OTHER_SCHEMES or bool(get_close_matches(word, _SCHEMES, 1))
