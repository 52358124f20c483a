"""Leads from an Airflow connection to the receiver of a data source."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from promo_campaigns.connections.settings import ConnectionSettings
    from promo_campaigns.delivery.bulk_sender import HttpBulkSender
    from promo_campaigns.delivery.http_sender import HttpSender
    from promo_campaigns.http.client import Endpoint
    from promo_campaigns.http.rate_limit_port import RateLimiter
    from promo_campaigns.model.run_spec import DataSource


class DataSourceHook(BaseHook):
    """Opens the receiver that an Airflow connection of type ``promo_http`` (or ``http``) names.

    Extras: ``auth`` (``none``, ``basic``, ``bearer``, ``header``, ``query``; the secret is the password), ``key_name``
    (of the header or query parameter), ``allow_insecure`` (plain http), ``allow_private`` (private addresses),
    ``ca_file`` (a private authority), ``timeout_s`` (seconds for a request); ``requests_per_s`` and ``concurrency``
    (requests at a time) are limits of all tasks together. Without ``concurrency`` a task has up to 32 under way.

    :param data_source_conn_id: the connection
    """

    conn_name_attr = "data_source_conn_id"
    default_conn_name = "promo_profile_api"
    conn_type = "promo_http"
    hook_name = "Promo HTTP receiver"

    def __init__(self, data_source_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.data_source_conn_id = data_source_conn_id

    @property
    def settings(self) -> ConnectionSettings:
        """The connection as its owner wrote it.

        :raises AirflowNotFoundException: there is no such connection
        :raises ConfigurationError: its extra is no JSON object
        """
        from promo_campaigns.connections.lookup import airflow_connection

        return airflow_connection(self.data_source_conn_id)

    @cached_property
    def endpoint(self) -> Endpoint:
        """Where to send, with credentials: never log it.

        :raises AirflowNotFoundException: there is no such connection
        :raises ConfigurationError: the connection leads nowhere it may, or one of its extras is unknown or wrong
        """
        from promo_campaigns.http.endpoint import parse_endpoint

        return parse_endpoint(self.settings)

    def endpoint_for(self, source: DataSource) -> Endpoint:
        """Where to send the requests of a data source.

        :raises ConfigurationError: as ``endpoint``, or the source has a longer time-out than its connection allows
        """
        from dataclasses import replace

        from promo_campaigns.model.errors import ConfigurationError

        if source.timeout_s > self.endpoint.timeout_s:
            msg = (
                f"data source {source.name!r} has the timeout_s {source.timeout_s:g}, and connection "
                f"{self.data_source_conn_id} allows {self.endpoint.timeout_s:g}; raise it there or lower it here"
            )
            raise ConfigurationError(msg)
        return replace(self.endpoint, timeout_s=source.timeout_s or self.endpoint.timeout_s)

    @asynccontextmanager
    async def rate_limiter(self, dsn: str) -> AsyncIterator[RateLimiter]:
        """Keep the limits that the connection sets for all tasks together, until the block ends.

        :param dsn: the store, through which tasks share them
        :raises ConfigurationError: a limit is wrong
        """
        from promo_campaigns.delivery.rate_limit import parse_budget
        from promo_campaigns.delivery.rate_limit_store import open_rate_limiter

        budget, call_s = parse_budget(self.settings), self.endpoint.timeout_s
        async with open_rate_limiter(dsn, self.receiver, budget, call_s=call_s) as limiter:
            yield limiter

    def sender(self, source: DataSource, limiter: RateLimiter) -> HttpSender:
        """Return the sender of a data source's requests, one for each contact."""
        from promo_campaigns.delivery.http_sender import HttpSender
        from promo_campaigns.delivery.success_rule import SuccessRule

        success_rule = SuccessRule(source) if source.before or source.success else None
        return HttpSender(self.endpoint_for(source), name=self.receiver, limiter=limiter, success_rule=success_rule)

    def bulk_sender(self, source: DataSource, limiter: RateLimiter) -> HttpBulkSender:
        """Return the sender of a data source's requests, each for several contacts."""
        from promo_campaigns.delivery.bulk_sender import HttpBulkSender

        return HttpBulkSender(self.endpoint_for(source), source, name=self.receiver, limiter=limiter)

    @property
    def receiver(self) -> str:
        """The name that all workers know the receiver by."""
        return f"connection {self.data_source_conn_id}"
