"""The receivers of a campaign: the one place that decides on transport, sender, rate limiter and circuit breaker."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from promo_campaigns.delivery.bulk_sender import HttpBulkSender
from promo_campaigns.delivery.http_sender import HttpSender
from promo_campaigns.delivery.throttle.breaker_store import PostgresBreaker
from promo_campaigns.delivery.throttle.rate_limit import parse_budget
from promo_campaigns.delivery.throttle.rate_limit_store import open_rate_limiter
from promo_campaigns.delivery.transports.base import MAX_CALL_S, TransportSettings
from promo_campaigns.delivery.transports.registry import make_transport
from promo_campaigns.http.endpoint import parse_endpoint
from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from promo_campaigns.connections.settings import ConnectionSettings
    from promo_campaigns.delivery.compiled_campaign import CompiledSource
    from promo_campaigns.delivery.transports.base import BaseTransport
    from promo_campaigns.http.rate_limit_port import RateLimiter
    from promo_campaigns.http.target import Endpoint
    from promo_campaigns.model.run_spec import DataSource, RunSpec
    from promo_campaigns.postgres.reconnecting import Store

    ReadConnection = Callable[[str], ConnectionSettings]
    """Returns the settings of a connection by its id, wherever the caller keeps connections."""


class Receivers:
    """Opens receivers of messages and of data sources' requests, each within the limits of its connection.

    :param dsn: the store, through which workers share limiters and breakers
    :param read_connection: returns the settings of a connection by its id
    """

    def __init__(self, dsn: str, read_connection: ReadConnection) -> None:
        self._dsn = dsn
        self._read_connection = read_connection

    def transport(self, spec: RunSpec) -> BaseTransport:
        """Build the transport of a run, to find what is wrong with it; it reaches nothing and has no limiter.

        :raises ConfigurationError: there is no such transport, or its connection is wrong
        """
        return make_transport(spec.transport, self._transport_settings(spec))

    @asynccontextmanager
    async def open_transport(self, spec: RunSpec) -> AsyncIterator[BaseTransport]:
        """Open the transport of a run until the block ends.

        :raises ConfigurationError: there is no such transport, or its connection is wrong
        :raises DatabaseUnavailableError: the store cannot be reached
        """
        settings = self._transport_settings(spec)
        async with (
            self._limiter(settings.connection, call_s=MAX_CALL_S) as limiter,
            make_transport(spec.transport, replace(settings, limiter=limiter)) as transport,
        ):
            yield transport

    def endpoint(self, source: DataSource) -> Endpoint:
        """Return where requests of a data source go, with credentials: never log it.

        :raises ConfigurationError: the connection is wrong, or the source has a longer time-out than it allows
        """
        return _endpoint(self._read_connection(source.connection), source)

    @asynccontextmanager
    async def open_sender(self, compiled: CompiledSource) -> AsyncIterator[HttpSender]:
        """Open the sender of a data source's requests, one for each contact, until the block ends.

        :raises ConfigurationError: as ``endpoint``
        :raises DatabaseUnavailableError: the store cannot be reached
        """
        connection = self._read_connection(compiled.definition.connection)
        endpoint = _endpoint(connection, compiled.definition)
        async with self._limiter(connection, call_s=parse_endpoint(connection).timeout_s) as limiter:
            sender = HttpSender(endpoint, name=connection.name, limiter=limiter, success_rule=compiled.success_rule)
            async with sender.connected():
                yield sender

    @asynccontextmanager
    async def open_bulk_sender(self, compiled: CompiledSource) -> AsyncIterator[HttpBulkSender]:
        """Open the sender of a data source's requests, each for several contacts, until the block ends.

        :raises ConfigurationError: as ``endpoint``
        :raises DatabaseUnavailableError: the store cannot be reached
        """
        connection = self._read_connection(compiled.definition.connection)
        endpoint = _endpoint(connection, compiled.definition)
        async with self._limiter(connection, call_s=parse_endpoint(connection).timeout_s) as limiter:
            sender = HttpBulkSender(endpoint, compiled.definition, name=connection.name, limiter=limiter)
            async with sender.connected():
                yield sender

    def breaker(self, connection: Store, receiver: str) -> PostgresBreaker:
        """Return the circuit breaker of a receiver, which all workers share.

        :param receiver: the name of an open sender, or the ``receiver`` of an open transport
        """
        return PostgresBreaker(connection, receiver)

    def _transport_settings(self, spec: RunSpec) -> TransportSettings:
        conn_id = transport_connection(spec)
        connection = self._read_connection(conn_id) if conn_id else None
        if connection is not None:
            parse_budget(connection)  # a wrong limit is told before anything is opened
        return TransportSettings(connection=connection, dsn=self._dsn, webhook=_webhook(spec))

    def _limiter(
        self, connection: ConnectionSettings | None, *, call_s: float
    ) -> AbstractAsyncContextManager[RateLimiter]:
        named, budget = (connection.name, parse_budget(connection)) if connection else ("", None)
        return open_rate_limiter(self._dsn, named, budget, call_s=call_s)


def transport_connection(spec: RunSpec) -> str:
    """Return the id of the connection that messages leave by: the workflow's, else its webhook's; empty for none."""
    webhook = _webhook(spec)
    return spec.transport_conn_id or (webhook.connection if webhook else "")


def _webhook(spec: RunSpec) -> DataSource | None:
    return spec.webhook if spec.transport == "webhook" else None


def _endpoint(connection: ConnectionSettings, source: DataSource) -> Endpoint:
    endpoint = parse_endpoint(connection)
    if source.timeout_s > endpoint.timeout_s:
        msg = (
            f"data source {source.name!r} has the timeout_s {source.timeout_s:g}, and {connection.name} allows "
            f"{endpoint.timeout_s:g}; raise it there or lower it here"
        )
        raise ConfigurationError(msg)
    return replace(endpoint, timeout_s=source.timeout_s or endpoint.timeout_s)
