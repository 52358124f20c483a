"""Leads from an Airflow connection to the receiver of a data source."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

if TYPE_CHECKING:
    from promo_campaigns.connections.settings import ConnectionSettings
    from promo_campaigns.http.target import Endpoint


class DataSourceHook(BaseHook):
    """Opens the receiver that an Airflow connection of type ``promo_http`` names; one of type ``http`` works as well.

    ``docs/connections.md`` lists the extras of both types. ``requests_per_s`` and ``concurrency`` (requests at a time)
    are limits of all tasks together. Without ``concurrency`` a task has up to 32 under way.

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

    def test_connection(self) -> tuple[bool, str]:
        """Ask the receiver for its base path, as Airflow's button Test does. It is a GET, which changes nothing there.

        Any answer means that the host was found and let us in, but for 401, 403, 407 and redirects.
        """
        from airflow.sdk.exceptions import AirflowNotFoundException

        from promo_campaigns.http.probe import probe
        from promo_campaigns.model.errors import PromoError

        try:
            return probe(self.endpoint)
        except (PromoError, AirflowNotFoundException) as error:
            return False, str(error)

    @property
    def receiver(self) -> str:
        """The name that all workers know the receiver by."""
        return f"connection {self.data_source_conn_id}"
