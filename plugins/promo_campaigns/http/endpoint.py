"""From the settings of a connection to the endpoint that calls go to: what may be set, and what each setting means."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from promo_campaigns.connections.settings import LIMITS, ConnectionSettings
from promo_campaigns.http.provider_extras import as_own_type
from promo_campaigns.http.proxy import find_proxy, trusted_ca_file
from promo_campaigns.http.signing.access_tokens import MAX_TOKEN_S
from promo_campaigns.http.signing.credentials import read_credentials
from promo_campaigns.http.signing.oauth2 import OAUTH_EXTRAS
from promo_campaigns.http.signing.signature import HMAC_EXTRAS
from promo_campaigns.http.ssrf import is_legacy_number
from promo_campaigns.http.target import Endpoint
from promo_campaigns.http.tls import TlsRules, tls_context
from promo_campaigns.velocity.positions.url_text import leads_elsewhere

if TYPE_CHECKING:
    from collections.abc import Collection

WAY = (
    *("allow_insecure", "allow_private", "ca_file", "cert_file", "concurrency", "key_file", "key_password"),
    *("proxy", "timeout_s", "trust_env", "verify"),
)
"""Extras that say how the receiver is reached, and nothing of our login."""
EXTRAS = (*WAY, "auth", "headers", "key_name", *OAUTH_EXTRAS, *HMAC_EXTRAS)
MAX_TIMEOUT_S = 55.0
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_BASE_PATH = re.compile(r"/(?:[A-Za-z0-9!$&'()*+,;=:@/._~-]|%[0-9A-Fa-f]{2})*")
_SCHEMES = ("http", "https")
_OTHER_SCHEMES = frozenset({"ftp", "ftps", "file", "grpc", "sftp", "smtp", "ssl", "tcp", "tls", "ws", "wss"})
_PORT = range(1, 65536)


def parse_endpoint(settings: ConnectionSettings, *, more_extras: Collection[str] = ()) -> Endpoint:
    """Return where a connection leads, with credentials: never log it.

    :param more_extras: names of extras that the caller reads itself
    :raises ConfigurationError: there is no host or it is none, an extra is unknown or wrong, a secret is missing, or
        plain http is used and not allowed
    """
    return _Reading(settings, more_extras).endpoint()


class _Reading:
    """Reads the settings of one connection."""

    def __init__(self, settings: ConnectionSettings, more_extras: Collection[str]) -> None:
        own = {*EXTRAS, *more_extras}
        self._settings = settings = as_own_type(settings, {*own, *LIMITS})
        settings.allow_extras(own)

    def endpoint(self) -> Endpoint:
        settings, tls = self._settings, self._tls()
        insecure = settings.flag("allow_insecure")
        base_url = self._base_url(insecure=insecure, says_tls=tls != TlsRules())
        proxy = find_proxy(settings, base_url)
        signed = read_credentials(settings, self._reach)
        return Endpoint(
            base_url=base_url,
            headers=signed.headers,
            query=signed.query,
            signer=signed.signer,
            allow_private=settings.flag("allow_private"),
            timeout_s=settings.number("timeout_s", 30.0, least=0.1, most=MAX_TIMEOUT_S),
            concurrency=int(settings.number("concurrency", 32, least=1, most=1000)),
            tls=tls,
            proxy=proxy,
            secrets=(*signed.secrets, *filter(None, (tls.key_password, proxy.password if proxy else ""))),
        )

    def _reach(self, host: str) -> Endpoint:
        """Return the endpoint of a token server, which is reached as the receiver is and says who we are by itself."""
        settings = self._settings
        way = {name: settings.extras[name] for name in WAY if name in settings.extras}
        found = _Reading(ConnectionSettings(name=settings.name, host=host, extras=way), ()).endpoint()
        return replace(found, timeout_s=min(found.timeout_s / 2, MAX_TOKEN_S))

    def _tls(self) -> TlsRules:
        settings = self._settings
        rules = TlsRules(
            ca_file=settings.text("ca_file") or trusted_ca_file(settings),
            verify=not settings.text("verify") or settings.flag("verify"),
            cert_file=settings.text("cert_file"),
            key_file=settings.text("key_file"),
            key_password=settings.text("key_password"),
        )
        if not rules.verify and not settings.flag("allow_insecure"):
            settings.fail(
                "does not verify certificates, so that anyone on the way can read the requests; "
                "name the authority in the extra ca_file, or set allow_insecure for a test"
            )
        if (rules.key_file or rules.key_password) and not rules.cert_file:
            settings.fail("has a key_file or key_password without a cert_file")
        if rules != TlsRules():
            tls_context(rules)  # a wrong file is told before anything is opened
        return rules

    def _base_url(self, *, insecure: bool, says_tls: bool) -> str:
        settings = self._settings
        host = settings.host.removesuffix("/")
        if not host:
            self._settings.fail("has no host")
        scheme, path = self._scheme_and_path()
        if "://" in host:
            scheme, _, host = host.partition("://")
        scheme = (scheme or ("http" if insecure and not says_tls else "https")).lower()
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
