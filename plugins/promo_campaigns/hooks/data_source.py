"""The way from an Airflow connection to the receiver of a data source."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

from promo_campaigns.core.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from promo_campaigns.adapters.http_line import Endpoint
    from promo_campaigns.adapters.http_sender import HttpSender

_EXTRAS = frozenset({"allow_insecure", "allow_private", "timeout_s", "concurrency"})


class DataSourceHook(BaseHook):
    """Opens the receiver that an Airflow connection of type ``http`` names.

    Login and password are sent as Basic auth. Extras: ``allow_insecure`` (plain http), ``allow_private`` (private
    addresses), ``timeout_s`` (seconds for a request), ``concurrency`` (requests at a time).

    :param data_source_conn_id: the connection
    """

    conn_name_attr = "data_source_conn_id"

    def __init__(self, data_source_conn_id: str) -> None:
        super().__init__()
        self.data_source_conn_id = data_source_conn_id

    @cached_property
    def endpoint(self) -> Endpoint:
        """Where to send, with credentials: never log it.

        :raises AirflowNotFoundException: there is no such connection
        :raises ConfigurationError: the connection has no host, an extra that is not allowed, or plain http unallowed
        """
        from promo_campaigns.adapters.http_line import Endpoint, basic_auth

        connection = self.get_connection(self.data_source_conn_id)
        extras = self._extras(connection)
        insecure = _flag(extras, "allow_insecure")
        base_url = self._base_url(connection, insecure=insecure)
        signed = {"Authorization": basic_auth(connection.login or "", connection.password or "")}
        return Endpoint(
            base_url=base_url,
            headers=signed if connection.login or connection.password else {},
            allow_private=_flag(extras, "allow_private"),
            timeout_s=self._number(extras, "timeout_s", 30.0, least=0.1, most=55.0),
            concurrency=int(self._number(extras, "concurrency", 32, least=1, most=1000)),
        )

    def sender(self) -> HttpSender:
        """Return the sender for this receiver."""
        from promo_campaigns.adapters.http_sender import HttpSender

        return HttpSender(self.endpoint, name=f"connection {self.data_source_conn_id}")

    def _base_url(self, connection: Connection, *, insecure: bool) -> str:
        if not connection.host:
            msg = f"connection {self.data_source_conn_id} has no host"
            raise ConfigurationError(msg)
        host = connection.host.rstrip("/")
        if "://" in host:
            scheme, _, host = host.partition("://")
        else:
            scheme = connection.schema or ("http" if insecure else "https")
        if scheme != "https" and not (scheme == "http" and insecure):
            msg = (
                f"connection {self.data_source_conn_id} uses {scheme}, which anyone on the way can read; "
                "use https, or set allow_insecure in its extra for a test"
            )
            raise ConfigurationError(msg)
        return f"{scheme}://{host}:{connection.port}" if connection.port else f"{scheme}://{host}"

    def _extras(self, connection: Connection) -> dict[str, object]:
        extras = connection.extra_dejson
        if refused := sorted(set(extras) - _EXTRAS):
            msg = (
                f"connection {self.data_source_conn_id} has the extra {', '.join(refused)}; "
                f"allowed are {', '.join(sorted(_EXTRAS))}"
            )
            raise ConfigurationError(msg)
        return dict(extras)

    def _number(self, extras: dict[str, object], name: str, default: float, *, least: float, most: float) -> float:
        given = extras.get(name, default)
        try:
            number = float(str(given))
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            msg = f"connection {self.data_source_conn_id}: extra {name} must be between {least:g} and {most:g}"
            raise ConfigurationError(msg)
        return number


def _flag(extras: dict[str, object], name: str) -> bool:
    return str(extras.get(name, False)).lower() == "true"
