"""Where requests go, how they are signed, and the way they take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from promo_campaigns.http.tls import TlsRules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yarl import URL

    from promo_campaigns.http.proxy import Proxy


class NotSignedError(Exception):
    """A request cannot be signed just now, so nothing of it has left; says why, and names no secret.

    :param why: what kept it from being signed, in words free of addresses
    :param look_at: what a person is to look at where no waiting helps; empty where it may
    """

    def __init__(self, why: str, look_at: str = "") -> None:
        self.look_at = look_at
        super().__init__(why)


class Signer(Protocol):
    """Signs each request on its own, with what is fetched or reckoned when it is made."""

    @property
    def names(self) -> tuple[str, ...]:
        """The headers that it adds."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What it has been given so far that is never shown."""

    async def sign(self, method: str, url: URL, body: bytes | None) -> Mapping[str, str]:
        """Return the headers that sign a request; they are secrets, never logged.

        :raises NotSignedError: there are none just now
        """

    def taken(self, signature: Mapping[str, str]) -> None:
        """Hear that the receiver took a request with this signature for ours, whatever it answered."""

    def refused(self, signature: Mapping[str, str]) -> bool:
        """Hear that the receiver answered 401. True if the next request will be signed with something new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where requests go and how they are signed.

    :ivar base_url: scheme, host and port, and a path that comes before every other, without a slash at its end
    :ivar headers: sent with every request unless it has its own, credentials among them; never logged
    :ivar query: name and value of a parameter that is added to every query, a credential; never logged
    :ivar signer: signs each request on its own, where headers and query do not
    :ivar allow_private: whether the host may have a private address
    :ivar timeout_s: seconds for one request from start to end
    :ivar concurrency: requests under way at a time
    :ivar tls: how the receiver proves who it is, and we
    :ivar proxy: through which requests go; it looks the host's name up itself, so that only addresses are vetted here
    :ivar secrets: texts of the connection that are never shown, in an answer neither
    """

    base_url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    query: tuple[str, str] | None = field(default=None, repr=False)
    signer: Signer | None = field(default=None, repr=False, compare=False)
    allow_private: bool = False
    timeout_s: float = 30.0
    concurrency: int = 32
    tls: TlsRules = field(default_factory=TlsRules)
    proxy: Proxy | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def hidden(self) -> tuple[str, ...]:
        """Every text that is never shown, with what the signer has been given meanwhile."""
        return (*self.secrets, *(self.signer.secrets if self.signer else ()))

    @property
    def secret_headers(self) -> tuple[str, ...]:
        """The names of the headers whose values are never shown."""
        return (*self.headers, *(self.signer.names if self.signer else ()))

    @property
    def is_tls(self) -> bool:
        """Whether TLS is spoken."""
        return self.base_url.startswith("https:")

    @property
    def fixed_headers(self) -> dict[str, str]:
        """What every request carries; to a proxy without a tunnel, which reads the request itself, its login too."""
        return self.headers if self.is_tls or self.proxy is None else {**self.headers, **self.proxy.headers}
