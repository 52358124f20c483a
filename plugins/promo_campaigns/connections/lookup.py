"""Where a connection is found by its id: through Airflow in a task, in the environment for the command."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from promo_campaigns.connections.airflow_database import ConnectionsHiddenError, is_set_up, stored_connection
from promo_campaigns.connections.parsing import parse_connection, read_airflow_connection
from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from promo_campaigns.connections.settings import ConnectionSettings


def airflow_connection(conn_id: str) -> ConnectionSettings:
    """Return a connection from wherever Airflow keeps it: a secrets backend, the environment, its database.

    :raises AirflowNotFoundException: there is no such connection
    :raises ConfigurationError: its extra is no JSON object, or Airflow cannot read what the environment holds
    """
    from airflow.sdk import BaseHook  # noqa: PLC0415  (only who asks Airflow imports it)
    from airflow.sdk.exceptions import AirflowNotFoundException  # noqa: PLC0415  (likewise)

    try:
        found = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        if is_in_environment(conn_id):  # Airflow passes over what it cannot read, and says that there is none
            parse_connection(conn_id, os.environ[variable_name(conn_id)])
        raise
    return read_airflow_connection(conn_id, found)


def command_connection(conn_id: str, given: str | None = None) -> ConnectionSettings:
    """Return a connection that the command was given, or else the one in the environment.

    :param given: the connection itself, as a URI or as JSON
    :raises ConfigurationError: there is none, or it is neither a URI nor JSON
    """
    variable = variable_name(conn_id)
    text = (given or os.environ.get(variable, "")).strip()
    if not text:
        msg = f"the connection {conn_id!r} is not known here: set {variable}, or give --connection URI"
        raise ConfigurationError(msg)
    return parse_connection(conn_id, text)


def known_connection(conn_id: str) -> ConnectionSettings | None:
    """Return a connection from the environment, or from where the Airflow of this machine keeps them; None for none.

    :raises ConnectionsHiddenError: it is not in the environment, and there is no Airflow here that can be asked
    :raises ConfigurationError: it is neither a URI nor JSON, or its extra is no JSON object
    """
    return command_connection(conn_id) if is_in_environment(conn_id) else stored_connection(conn_id)


def store_connection(conn_id: str) -> ConnectionSettings:
    """Return a connection for code that may run anywhere: in a notebook, a script or a task.

    :raises ConfigurationError: it is neither in the environment nor where the Airflow here keeps connections, or it
        cannot be read
    """
    try:
        found = known_connection(conn_id)
    except ConnectionsHiddenError:
        found = _task_connection(conn_id)
    if found is None:
        msg = f"there is no connection {conn_id!r} here: set {variable_name(conn_id)}, or add it in Airflow"
        raise ConfigurationError(msg)
    return found


def _task_connection(conn_id: str) -> ConnectionSettings | None:
    """Return a connection as a task is given it: a task may not ask Airflow's database itself."""
    if not is_set_up():
        return None
    from airflow.sdk.exceptions import AirflowNotFoundException  # noqa: PLC0415  (only who asks Airflow imports it)

    try:
        return airflow_connection(conn_id)
    except AirflowNotFoundException:
        return None


def is_in_environment(conn_id: str) -> bool:
    """Tell whether the environment holds a connection."""
    return bool(os.environ.get(variable_name(conn_id), "").strip())


def variable_name(conn_id: str) -> str:
    """Return the name of the environment variable that Airflow reads a connection from."""
    return f"AIRFLOW_CONN_{conn_id.upper()}"
