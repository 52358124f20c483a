"""A call as a person is shown it before it is made: without what signs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from promo_campaigns.model.redaction import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promo_campaigns.http.client import Call
    from promo_campaigns.http.target import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCall:
    """A call that is about to be made. It holds what a contact is sent: never logged.

    :ivar method: of HTTP, or the protocol where it is another
    :ivar url: where it goes; the server alone where that is no HTTP server
    :ivar headers: those that hold a secret say ``***``
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: str = field(default="", repr=False)


def show_call(endpoint: Endpoint, call: Call) -> ShownCall:
    """Return a call as its receiver would see it, but for the credentials of the endpoint."""
    url = endpoint.base_url + call.path
    if endpoint.query:
        url += f"{'&' if '?' in call.path else '?'}{quote(endpoint.query[0])}={HIDDEN}"
    own = {name.lower() for name in call.headers}
    headers = {
        **call.headers,
        **dict.fromkeys((name for name in endpoint.secret_headers if name.lower() not in own), HIDDEN),
    }
    return ShownCall(method=call.method, url=url, headers=headers, body=call.body)
