"""Whether the receivers of a campaign can be called as it is written: for Start, previews, and the check of files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.definitions.definitions import connection_line, read_data_source, read_message, require_carried
from promo_campaigns.delivery.receivers import transport_connection
from promo_campaigns.delivery.transports.base import TransportSettings
from promo_campaigns.delivery.transports.registry import load_transport
from promo_campaigns.model.errors import ConfigurationError, DefinitionError, SettingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from promo_campaigns.connections.settings import ConnectionSettings
    from promo_campaigns.definitions.workflow import Workflow
    from promo_campaigns.delivery.receivers import Receivers
    from promo_campaigns.delivery.transports.base import BaseTransport
    from promo_campaigns.model.run_spec import DataSource, RunSpec

_WEBHOOK = "webhook"
_HINT = "Fix it in Airflow under Admin, Connections, or in its AIRFLOW_CONN_ variable"


def check_receivers(
    include: Path,
    spec: RunSpec,
    receivers: Receivers,
    *,
    knows: Callable[[str], bool] = lambda _: True,
    missing: tuple[type[Exception], ...] = (),
) -> list[str]:
    """Refuse a campaign whose connections are missing or wrong, or whose message its transport cannot carry.

    :param knows: tells whether a connection can be looked at here; one that cannot is named in what is returned
    :param missing: what is raised of a connection that is not there
    :raises ConfigurationError: the transport's connection is wrong
    :raises DefinitionError: naming the file and the line at fault
    """
    notes = []
    for source in spec.data_sources:
        if not knows(source.connection):
            notes.append(f"the data source {source.name} is not weighed: {_not_known(source.connection)}")
        elif problem := _connection_problem(source, receivers, missing):
            line = connection_line(include, source.name)
            raise DefinitionError(problem, file=f"data_sources/{source.name}.yaml", line=line, hint=_HINT)
    conn_id = transport_connection(spec)
    if conn_id and not knows(conn_id):
        return [*notes, f"the transport {spec.transport} is not weighed: {_not_known(conn_id)}"]
    try:
        require_carried(include, spec.message, receivers.transport(spec))
    except missing as error:
        msg = f"the transport {spec.transport!r} needs the connection {conn_id!r}, and there is none. {_HINT}"
        raise ConfigurationError(msg) from error
    return notes


def _not_known(conn_id: str) -> str:
    return f"its connection {conn_id} is not known here"


def _connection_problem(source: DataSource, receivers: Receivers, missing: tuple[type[Exception], ...]) -> str:
    try:
        receivers.endpoint(source)
    except missing:
        return f"there is no connection {source.connection!r}"
    except ConfigurationError as error:
        return str(error)
    return ""


def require_transport(include: Path, workflow: Workflow) -> None:
    """Check a workflow's transport as far as files say: that it can carry the message, and names a connection.

    A transport whose package is not installed here is left to Start.

    :raises DefinitionError: the transport cannot carry the message
    :raises SettingError: it needs a connection and the workflow names none
    """
    kind = _kind_of(workflow)
    if kind is None:
        return
    message = read_message(include, workflow.message)
    try:
        require_carried(include, message, kind.__new__(kind))
    except DefinitionError:
        raise
    except Exception:  # noqa: BLE001, S110  (a package's own check may need an open connection: it is Start's then)
        pass
    if kind.needs_connection and not find_transport_connection(include, workflow):
        problem = f"the transport {workflow.transport!r} needs a connection, and the workflow names none"
        hint = "Add transport_conn_id: and the id of a connection of Airflow"
        raise SettingError(problem, setting=("transport",), hint=hint)


def find_transport_connection(include: Path, workflow: Workflow) -> str:
    """Return the id of the connection that a workflow's messages leave by; empty for none."""
    if workflow.transport_conn_id or workflow.transport != _WEBHOOK:
        return workflow.transport_conn_id
    carrier = read_message(include, workflow.message).webhook
    return read_data_source(include, carrier).connection if carrier else ""


def require_settings(include: Path, workflow: Workflow, connection: ConnectionSettings) -> None:
    """Check the settings of the transport's connection; nothing is reached for it.

    :raises SettingError: the transport cannot be used with them
    """
    kind = _kind_of(workflow)
    if kind is None:
        return
    carrier = read_message(include, workflow.message).webhook if workflow.transport == _WEBHOOK else ""
    webhook = read_data_source(include, carrier) if carrier else None
    try:
        kind(TransportSettings(connection=connection, webhook=webhook))
    except ConfigurationError as error:
        raise SettingError(str(error), setting=("transport",)) from None


def _kind_of(workflow: Workflow) -> type[BaseTransport] | None:
    try:
        return load_transport(workflow.transport)
    except ConfigurationError:
        return None
