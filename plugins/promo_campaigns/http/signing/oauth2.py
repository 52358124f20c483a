"""OAuth 2 with client credentials (RFC 6749, section 4.4): a receiver's token server, and who we are to it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote_plus, urlencode, urlsplit

from promo_campaigns.http.client import Call
from promo_campaigns.http.signing.access_tokens import AccessTokens
from promo_campaigns.http.signing.headers import basic_auth
from promo_campaigns.http.signing.token_store import TokenStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yarl import URL

    from promo_campaigns.connections.settings import ConnectionSettings
    from promo_campaigns.http.target import Endpoint

OAUTH_EXTRAS = ("audience", "client_auth", "scope", "token_url")
CLIENT_AUTHS = ("basic", "body", "tls")
_AUTHORIZATION = "Authorization"
_LOOK_AT = "look at login (client id), password (client secret), token_url, scope and client_auth of the connection"


class OAuthSigner:
    """Signs requests with an access token that the connection's client is given.

    :param tokens: the client's
    """

    names = (_AUTHORIZATION,)

    def __init__(self, tokens: AccessTokens) -> None:
        self._tokens = tokens

    @property
    def secrets(self) -> tuple[str, ...]:
        """The tokens so far."""
        return self._tokens.values

    async def sign(self, method: str, url: URL, body: bytes | None) -> Mapping[str, str]:
        """Return the header with a token that is good.

        :raises NoTokenError: none was given
        """
        del method, url, body  # a token is the same for every request
        return {_AUTHORIZATION: f"Bearer {await self._tokens.current()}"}

    def taken(self, signature: Mapping[str, str]) -> None:
        """Note that the receiver takes the token."""
        self._tokens.mark_taken(_token(signature))

    def refused(self, signature: Mapping[str, str]) -> bool:
        """Forget the token. True if it was taken before, so that it ended before its time and a new one may do."""
        token = _token(signature)
        self._tokens.forget(token)
        return self._tokens.was_taken(token)


def token_host(settings: ConnectionSettings) -> str:
    """Return scheme and host of the token server that the extra ``token_url`` names.

    :raises ConfigurationError: it is missing, or no address
    """
    return host_of(settings, settings.text("token_url"))


def host_of(settings: ConnectionSettings, where: str) -> str:
    """Return scheme and host of the address where tokens are given.

    :raises ConfigurationError: it is none
    """
    parts = urlsplit(where)
    if not parts.scheme or not parts.netloc or parts.fragment:
        settings.fail("needs the extra token_url for the auth oauth2: where tokens are given, https://host/path")
    return f"{parts.scheme}://{parts.netloc}"


def oauth_signer(settings: ConnectionSettings, server: Endpoint) -> OAuthSigner:
    """Return what signs the requests of a connection with access tokens.

    :param server: the token server's
    :raises ConfigurationError: the client's id or secret is missing
    """
    way = settings.choice("client_auth", CLIENT_AUTHS, "basic")
    if not settings.login or (not settings.password and way != "tls"):
        settings.fail("needs the client's id as login and its secret as password for the auth oauth2")
    if way == "tls" and not server.tls.cert_file:
        settings.fail("has the client_auth tls, which needs a cert_file")
    asked = {name: settings.text(name) for name in ("scope", "audience") if settings.text(name)}
    where, secret = settings.text("token_url"), settings.password
    tokens = client_tokens(server, where, client=settings.login, secret=secret, way=way, asked=asked, look_at=_LOOK_AT)
    return OAuthSigner(tokens)


def client_tokens(  # noqa: PLR0913  (what a question for a token is made of, one keyword each)
    server: Endpoint, where: str, *, client: str, secret: str, way: str, asked: Mapping[str, str], look_at: str
) -> AccessTokens:
    """Return the tokens that a client is given; tasks of one account and machine share them.

    :param server: the token server's
    :param where: its whole address
    :param way: how the client says who it is: one of ``CLIENT_AUTHS``
    :param asked: what else stands in the question, such as the scope
    :param look_at: what a person is to look at if the server refuses
    """
    facts = (where, client, way, *(f"{name}={value}" for name, value in asked.items()))
    store = TokenStore(secret, *facts) if secret and way != "tls" else None
    call = _question(where, client, secret, way, asked)
    return AccessTokens(server, lambda: call, look_at=look_at, store=store)


def _question(where: str, client: str, secret: str, way: str, asked: Mapping[str, str]) -> Call:
    form = {"grant_type": "client_credentials", **asked}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if way == "basic":  # both are encoded before they are joined (section 2.3.1)
        headers[_AUTHORIZATION] = basic_auth(quote_plus(client), quote_plus(secret))
    else:
        form |= {"client_id": client, **({"client_secret": secret} if way == "body" else {})}
    parts = urlsplit(where)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Call(method="POST", path=path, headers=headers, body=urlencode(form))


def _token(signature: Mapping[str, str]) -> str:
    return signature[_AUTHORIZATION].removeprefix("Bearer ")
