"""The mail server of a connection: where it is, how it is spoken to, who we are to it and who mails come from.

The extras are ours and those of Airflow's smtp provider, in one reading; what both call differently is one setting.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from promo_campaigns.connections.settings import ConnectionSettings
from promo_campaigns.delivery.transports.mail import NotMailableError, parse_sender
from promo_campaigns.http.endpoint import parse_endpoint
from promo_campaigns.http.signing.access_tokens import AccessTokens
from promo_campaigns.http.signing.oauth2 import client_tokens, host_of
from promo_campaigns.http.tls import TlsRules, tls_context

if TYPE_CHECKING:
    import ssl
    from email.headerregistry import Address

PORTS = {"tls": 465, "starttls": 587, "none": 25}
_SAME = {"from": "from_email", "timeout_s": "timeout"}
"""What the provider calls by another name."""
_OF_THE_HOOK = ("html_content_template", "retry_limit", "subject_template")
"""What the provider's hook makes its own mails with, and how often it connects; a campaign has its own of both."""
_TOKEN = ("access_token", "client_id", "client_secret", "scope", "tenant_id", "token_url")
_WAY = ("allow_insecure", "allow_private", "proxy", "trust_env")
EXTRAS = (
    *(
        "auth_type",
        "ca_file",
        "concurrency",
        "disable_ssl",
        "disable_tls",
        "reply_to",
        "security",
        "ssl_context",
        "verify",
    ),
    *(*_SAME.keys(), *_SAME.values(), *_OF_THE_HOOK, *_TOKEN, *_WAY),
)
MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
MICROSOFT_SCOPE = "https://outlook.office.com/.default"
_TENANT = re.compile(r"[A-Za-z0-9.-]{1,100}")
_LOOK_AT = "look at client_id, client_secret, tenant_id or token_url, and scope of the connection"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """A mail server as a connection says it. It holds secrets: never logged.

    :ivar security: ``tls`` from the first byte, ``starttls`` after the greeting, or ``none``
    :ivar sender: who mails come from
    :ivar reply_to: who answers go to; None for the sender
    :ivar login: who we are; empty for nobody
    :ivar token: the access token of XOAUTH2, or where it is given; None where the password counts
    """

    host: str
    port: int
    security: str
    sender: Address
    reply_to: Address | None
    tls: ssl.SSLContext
    timeout_s: float
    concurrency: int
    login: str = ""
    password: str = field(default="", repr=False)
    token: str | AccessTokens | None = field(default=None, repr=False)


def read_mail_server(connection: ConnectionSettings) -> MailServer:
    """Read the mail server of a connection.

    :raises ConfigurationError: there is no host or sender, or an extra is unknown or wrong
    """
    connection.allow_extras(EXTRAS)
    for ours, theirs in _SAME.items():
        if connection.text(ours) and connection.text(theirs):
            connection.fail(f"has the extras {ours} and {theirs}, which are one; leave one of them out")
    if not connection.host:
        connection.fail("has no host; write the name of the mail server")
    sender = _address(
        connection, "from" if connection.text("from") or not connection.text("from_email") else "from_email"
    )
    security = _security(connection)
    if security == "none" and not connection.flag("allow_insecure"):
        connection.fail(
            "has the security none, so that anyone on the way can read the mail; "
            "use tls or starttls, or set allow_insecure for a test"
        )
    return MailServer(
        host=connection.host.removeprefix("[").removesuffix("]"),
        port=connection.port or PORTS[security],
        security=security,
        sender=sender,
        reply_to=_address(connection, "reply_to") if connection.text("reply_to") else None,
        tls=_tls(connection),
        timeout_s=connection.number(
            "timeout" if connection.text("timeout") else "timeout_s", 20.0, least=0.1, most=50.0
        ),
        concurrency=int(connection.number("concurrency", 4, least=1, most=100)),
        login=connection.login,
        password=connection.password,
        token=_token(connection),
    )


async def current_token(server: MailServer) -> str:
    """Return the access token for a login.

    :raises NoTokenError: none was given
    """
    if isinstance(server.token, AccessTokens):
        return await server.token.current()
    return server.token or ""


def refused_token(server: MailServer, token: str) -> bool:
    """Forget a token that the server did not take. True if it took it before, so that a new one may do."""
    if not isinstance(server.token, AccessTokens):
        return False
    server.token.forget(token)
    return server.token.was_taken(token)


def took_token(server: MailServer, token: str) -> None:
    """Note that the server took a token."""
    if isinstance(server.token, AccessTokens):
        server.token.mark_taken(token)


def _address(connection: ConnectionSettings, extra: str) -> Address:
    try:
        return parse_sender(connection.text(extra))
    except NotMailableError as error:
        connection.fail(f"needs the extra {extra}, such as Shop <news@shop.example>; {error}")


def _security(connection: ConnectionSettings) -> str:
    """Return how the server is spoken to: ours says it in a word, the provider's in two switches.

    Where both switches are on, as in the provider's form, the port tells TLS from STARTTLS.
    """
    port = connection.port
    if not connection.text("disable_ssl") and not connection.text("disable_tls"):
        return connection.choice("security", tuple(PORTS), "tls" if port == PORTS["tls"] else "starttls")
    if connection.text("security"):
        connection.fail("has the extra security and disable_ssl or disable_tls; leave security or both of them out")
    tls, starttls = not connection.flag("disable_ssl"), not connection.flag("disable_tls")
    if tls and starttls:
        return "starttls" if port in {PORTS["starttls"], PORTS["none"]} else "tls"
    return "tls" if tls else "starttls" if starttls else "none"


def _tls(connection: ConnectionSettings) -> ssl.SSLContext:
    verify = connection.choice("ssl_context", ("default", "none"), "default") == "default"
    if connection.text("verify"):
        verify = verify and connection.flag("verify")
    if not verify and not connection.flag("allow_insecure"):
        connection.fail("does not verify certificates; name the authority in ca_file, or set allow_insecure for a test")
    return tls_context(TlsRules(ca_file=connection.text("ca_file"), verify=verify))


def _token(connection: ConnectionSettings) -> str | AccessTokens | None:
    """Return the access token of XOAUTH2, or where it is given; None where the password counts."""
    if connection.choice("auth_type", ("basic", "oauth2"), "basic") == "basic":
        if told := next((name for name in _TOKEN if connection.text(name)), ""):
            connection.fail(f"has the extra {told}, which only the auth_type oauth2 reads")
        return None
    if not connection.login:
        connection.fail("needs the mailbox as login for the auth_type oauth2")
    client, secret = connection.text("client_id"), connection.text("client_secret")
    if fixed := connection.text("access_token") or ("" if client else connection.password):
        return fixed
    if not client or not secret:
        connection.fail("needs client_id and client_secret, or an access_token, for the auth_type oauth2")
    tenant = connection.text("tenant_id", "common")
    if not _TENANT.fullmatch(tenant):
        connection.fail("has an extra tenant_id that is none")
    where = connection.text("token_url", MICROSOFT.format(tenant=tenant))
    own = "" if connection.text("token_url") else MICROSOFT_SCOPE
    scope = connection.text("scope", own)
    way = {name: connection.extras[name] for name in _WAY if name in connection.extras}
    reached = ConnectionSettings(name=connection.name, host=host_of(connection, where), extras={**way, "timeout_s": 10})
    return client_tokens(
        parse_endpoint(reached),
        where,
        client=client,
        secret=secret,
        way="body",
        asked={"scope": scope} if scope else {},
        look_at=_LOOK_AT,
    )
