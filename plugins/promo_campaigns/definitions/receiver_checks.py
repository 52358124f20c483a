"""Whether a campaign's receivers can be called as it is written: one list of checks, for Start and for previews."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.definitions.definitions import connection_line, require_carried
from promo_campaigns.delivery.receivers import transport_connection
from promo_campaigns.model.errors import ConfigurationError, DefinitionError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from promo_campaigns.delivery.receivers import Receivers
    from promo_campaigns.model.run_spec import DataSource, RunSpec

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
