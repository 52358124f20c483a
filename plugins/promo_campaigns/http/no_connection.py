"""Why a connection could not be made (host name, port, TLS, network), and whether waiting may help."""

from __future__ import annotations

import asyncio
import errno
import re
import socket
import ssl
from dataclasses import dataclass

_AGAIN = {socket.EAI_AGAIN, socket.EAI_FAIL}
_UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL}
_PASSING: dict[type[BaseException], str] = {
    ConnectionRefusedError: "no connection: refused, nothing listens at this host and port",
    TimeoutError: "no connection: the host does not answer",
    asyncio.TimeoutError: "no connection: the host does not answer",
    ConnectionError: "no connection: the other side closed it at once",
}
_LOOK_AT_PROXY = {
    401: "look at login and password of the proxy",
    403: "look at which hosts the proxy lets calls through to",
    405: "look at the proxy of the connection: it makes no tunnels",
    407: "look at login and password of the proxy",
}
_CERTIFICATE_ALERT = re.compile(
    r"(?:TLSV\d+|SSLV3)_ALERT_(?:CERTIFICATE_\w+|BAD_CERTIFICATE\w*|NO_CERTIFICATE|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA"
    r"|ACCESS_DENIED)"
)
_PLAIN_REASON = re.compile(r"[A-Z0-9_]{1,60}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoConnection:
    """What kept a connection from coming about. Not a byte of a request has left.

    :ivar detail: what failed, in words free of addresses
    :ivar look_at: what a person is to look at, where no waiting helps; empty where it may
    """

    detail: str
    look_at: str = ""

    @property
    def is_final(self) -> bool:
        """Whether no waiting helps."""
        return bool(self.look_at)


def explain(error: BaseException, *, proxy: bool = False) -> NoConnection:
    """Say what an error of opening a connection means: the one that it came of, where it came of another.

    :param proxy: it was a connection to a proxy
    """
    cause = _cause(error)
    if proxy:
        why = explain(cause)
        look_at = "look at the proxy of the connection: its host and port" if why.look_at else ""
        return NoConnection(
            detail=why.detail.replace("no connection", "no connection to the proxy", 1), look_at=look_at
        )
    if isinstance(cause, socket.gaierror):
        return _of_name(cause)
    if isinstance(cause, ssl.SSLError):
        return _of_tls(cause)
    if isinstance(cause, OSError) and cause.errno in _UNREACHABLE:
        return NoConnection(detail="no connection: there is no way to the host")
    passing = next((detail for kind, detail in _PASSING.items() if isinstance(cause, kind)), "")
    return NoConnection(detail=passing or f"no connection ({type(cause).__name__})")


def explain_proxy(status: int) -> NoConnection:
    """Say what a proxy means that answers a request for a tunnel with a status: it has made none."""
    look_at = _LOOK_AT_PROXY.get(status, "")
    return NoConnection(detail=f"no connection: the proxy makes no tunnel (HTTP {status})", look_at=look_at)


def wants_certificate(error: BaseException) -> NoConnection | None:
    """Return what a receiver means that ended the handshake over our certificate; None if it did not.

    In TLS 1.3 it says so only after the request has left; but it has read none of it.
    """
    inner: BaseException | None = error
    while inner is not None and not isinstance(inner, ssl.SSLError):
        inner = inner.__cause__
    reason = str(inner.reason or "") if isinstance(inner, ssl.SSLError) else ""
    if not _CERTIFICATE_ALERT.fullmatch(reason):
        return None
    return NoConnection(
        detail=f"no connection: the receiver does not take our certificate ({reason})",
        look_at="look at the extras cert_file and key_file of the connection",
    )


def _cause(error: BaseException) -> BaseException:
    """Return the innermost error of the system that another one is made of, else that one.

    A library's error may be a kind of the system's and say less than the one it wraps.
    """
    found, inner = error, error
    for _ in range(8):
        wrapped = getattr(inner, "certificate_error", None) or getattr(inner, "os_error", None) or inner.__cause__
        if not isinstance(wrapped, BaseException) or wrapped is inner:
            break
        inner = wrapped
        if isinstance(inner, OSError):
            found = inner
    return found


def _of_name(error: socket.gaierror) -> NoConnection:
    if error.errno in _AGAIN:
        return NoConnection(detail="no connection: the host's name could not be looked up (no name server answers)")
    return NoConnection(
        detail="no connection: the host's name was not found", look_at="look at the host of the connection"
    )


def _of_tls(error: ssl.SSLError) -> NoConnection:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = f" ({error.verify_message})" if error.verify_message and error.verify_message.isprintable() else ""
        return NoConnection(
            detail=f"no connection: the receiver's certificate is refused{why}"[:200],
            look_at="look at the host of the connection, and at the extra ca_file if the authority is a private one",
        )
    if refused := wants_certificate(error):
        return refused
    reason = str(error.reason or "")
    why = f" ({reason})" if _PLAIN_REASON.fullmatch(reason) else ""
    return NoConnection(
        detail=f"no connection: TLS failed{why}",
        look_at="look at host and port of the connection: whether TLS is spoken there, in version 1.2 or newer; and at "
        "the extra cert_file, if the receiver wants a client's certificate",
    )
