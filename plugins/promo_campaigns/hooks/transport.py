"""Builds and opens the transport that a run names."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from promo_campaigns.hooks.data_source import DataSourceHook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from promo_campaigns.delivery.transports.base import BaseTransport
    from promo_campaigns.model.run_spec import RunSpec


def build_transport(spec: RunSpec, dsn: str) -> BaseTransport:
    """Build the transport of a run, which reaches nothing yet.

    A transport is opened with the connection that the workflow names, else with the one its webhook names.

    :param dsn: the store
    :raises AirflowNotFoundException: there is no such connection
    :raises ConfigurationError: there is no such transport, or its connection is wrong
    """
    from promo_campaigns.delivery.rate_limit import parse_budget
    from promo_campaigns.delivery.transports.base import TransportSettings
    from promo_campaigns.delivery.transports.registry import make_transport

    webhook = spec.webhook if spec.transport == "webhook" else None
    conn_id = spec.transport_conn_id or (webhook.connection if webhook else "")
    connection = DataSourceHook(conn_id).settings if conn_id else None
    if connection is not None:
        parse_budget(connection)
    return make_transport(spec.transport, TransportSettings(connection=connection, dsn=dsn, webhook=webhook))


@asynccontextmanager
async def open_transport(spec: RunSpec, dsn: str) -> AsyncIterator[BaseTransport]:
    """Open the transport of a run within the limits of its connection, which workers share through the store.

    :raises DatabaseUnavailableError: the store cannot be reached
    """
    from promo_campaigns.delivery.rate_limit import parse_budget
    from promo_campaigns.delivery.rate_limit_store import open_rate_limiter
    from promo_campaigns.delivery.transports.base import MAX_CALL_S

    transport = build_transport(spec, dsn)
    connection = transport.settings.connection
    named, budget = (connection.name, parse_budget(connection)) if connection else ("", None)
    async with open_rate_limiter(dsn, named, budget, call_s=MAX_CALL_S) as limiter:
        if limiter is not transport.settings.limiter:
            transport = type(transport)(replace(transport.settings, limiter=limiter))
        async with transport:
            yield transport
