"""Which transports there are."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from promo_campaigns.adapters.inbox import InboxTransport
from promo_campaigns.adapters.postgres import connect
from promo_campaigns.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.core.ports import Transport

TRANSPORTS = {InboxTransport.name: InboxTransport}


@contextmanager
def open_transport(name: str, dsn: str) -> Iterator[Transport]:
    """Open a transport by its name.

    :param dsn: the store, where the inbox keeps its messages
    :raises ConfigurationError: there is no such transport
    """
    if name not in TRANSPORTS:
        msg = f"there is no transport {name!r}; there are: {', '.join(sorted(TRANSPORTS))}"
        raise ConfigurationError(msg)
    with connect(dsn) as connection:
        yield TRANSPORTS[name](connection)
