"""The proxy that requests go through: named by the connection, or by the environment where it is trusted."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from promo_campaigns.http.signing.headers import basic_auth

if TYPE_CHECKING:
    from promo_campaigns.connections.settings import ConnectionSettings

_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy of HTTP, which carries TLS through a tunnel.

    :ivar url: scheme, host and port
    :ivar login: for the proxy itself; empty for none
    """

    url: str
    login: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What the proxy is told of who we are. Never logged."""
        return {"Proxy-Authorization": basic_auth(self.login, self.password)} if self.login else {}


def find_proxy(settings: ConnectionSettings, base_url: str) -> Proxy | None:
    """Return the proxy that leads to an address; None where calls go there themselves.

    The connection's own comes first, then the environment's, if the extra ``trust_env`` says so.

    :raises ConfigurationError: what is named is no proxy that can be used
    """
    parts = urlsplit(base_url)
    told = _by_scheme(settings)
    for name in (f"{parts.scheme}://{parts.hostname}", parts.scheme, f"all://{parts.hostname}", "all"):
        if name in told:
            return _parse(settings, told[name], "an extra proxy") if told[name] else None
    if not settings.flag("trust_env") or proxy_bypass(parts.netloc):
        return None
    found = getproxies_environment()
    named = found.get(parts.scheme) or found.get("all") or ""
    return _parse(settings, named, "a proxy in the environment") if named else None


def trusted_ca_file(settings: ConnectionSettings) -> str:
    """Return the file of certificates that the environment names, if the extra ``trust_env`` says so; else empty."""
    if not settings.flag("trust_env"):
        return ""
    return next((os.environ[name] for name in _CA_VARIABLES if os.environ.get(name)), "")


def _by_scheme(settings: ConnectionSettings) -> dict[str, str]:
    """Return the connection's proxies: by scheme, by scheme and host, or one for all."""
    given = settings.extras.get("proxy")
    if isinstance(given, str) and given.lstrip().startswith("{"):
        try:
            given = json.loads(given)
        except ValueError:
            settings.fail("has an extra proxy that is neither an address nor a JSON object")
    if not isinstance(given, Mapping):
        text = settings.text("proxy")
        return {"all": text} if text else {}
    for name, value in given.items():
        scheme, _, host = str(name).partition("://")
        if scheme not in {"http", "https", "all"} or (not host and "://" in str(name)) or not isinstance(value, str):
            settings.fail(
                'has an extra proxy that is not like {"http": "http://proxy:3128", "https": "http://proxy:3128"}'
            )
    return {str(name).lower(): str(value).strip() for name, value in given.items()}


def _parse(settings: ConnectionSettings, text: str, what: str) -> Proxy:
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme != "http" or not host or parts.path not in {"", "/"} or parts.query or parts.fragment:
        settings.fail(
            f"has {what} that is none to be used: write http://proxy.example:3128; https and socks are not known"
        )
    shown = f"[{host}]" if ":" in host else host
    login, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not (login + password).isprintable():
        settings.fail(f"has {what} whose login holds a control character")
    return Proxy(url=f"http://{shown}:{port or 80}", login=login, password=password)
