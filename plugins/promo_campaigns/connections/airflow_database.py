"""What a command may ask Airflow itself, where Airflow is set up: its DAGs, and connections wherever it keeps them."""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promo_campaigns.connections.parsing import read_airflow_connection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.connections.settings import ConnectionSettings

_DATABASE = ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD")
_CAUSES = {
    "ProgrammingError": ": it has no tables, or old ones; run airflow db migrate",
    "OperationalError": ": look whether its server runs, and at the login in [database] sql_alchemy_conn",
}
"""What is behind an error of the driver, by its name."""
_TAG = "promo"
_PASSWORD = re.compile(r"(://[^:/@\s]*):\S*@")


class ConnectionsHiddenError(Exception):
    """Nobody can tell from here whether a connection exists."""


@dataclass(frozen=True, slots=True)
class SeenDags:
    """What Airflow has read of DAGs.

    :ivar paused: of each DAG with the tag ``promo``, whether it is paused
    :ivar import_errors: of each file that could not be read, the last line of its error
    """

    paused: dict[str, bool]
    import_errors: list[tuple[str, str]]


def is_set_up() -> bool:
    """Tell whether Airflow is set up for this process: importing it elsewhere would make a folder and a database."""
    home = Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser()
    return any(os.environ.get(name) for name in _DATABASE) or (home / "airflow.cfg").is_file()


def read_dags() -> SeenDags | str:
    """Return what Airflow has read, or why that cannot be known here."""
    if not is_set_up():
        return "no Airflow is set up here"
    try:
        return _read_dags()
    except Exception as error:  # noqa: BLE001  (whatever Airflow or its database has, it is none of ours)
        return why_not(error)


def why_not(error: Exception) -> str:
    """Return why Airflow's database could not be asked; its own words may hold an address."""
    kind = type(error).__name__
    return f"Airflow's database cannot be read ({kind}){_CAUSES.get(kind, '')}"


def stored_connection(conn_id: str) -> ConnectionSettings | None:
    """Return a connection from wherever the Airflow of this machine keeps it; None if it keeps none of this id.

    :raises ConnectionsHiddenError: there is no Airflow here that can be asked
    :raises ConfigurationError: its extra is no JSON object
    """
    if not is_set_up():
        raise ConnectionsHiddenError
    try:
        from airflow.configuration import ensure_secrets_loaded  # noqa: PLC0415  (only who asks Airflow imports it)

        be_quiet()
        answers: Iterator[Any] = (backend.get_connection(conn_id) for backend in ensure_secrets_loaded())
        found = next((answer for answer in answers if answer is not None), None)
    except Exception as error:  # whatever Airflow, a backend or its database has
        raise ConnectionsHiddenError from error
    return None if found is None else read_airflow_connection(conn_id, found)


def _read_dags() -> SeenDags:
    from airflow.models.dag import DagModel, DagTag  # noqa: PLC0415  (only who asks Airflow imports it)
    from airflow.models.errors import ParseImportError  # noqa: PLC0415  (likewise)
    from airflow.utils.session import create_session  # noqa: PLC0415  (likewise)

    be_quiet()
    with create_session() as session:
        ours = session.query(DagModel.dag_id, DagModel.is_paused).join(DagTag, DagTag.dag_id == DagModel.dag_id)
        rows = ours.filter(DagTag.name == _TAG, DagModel.is_stale.is_(False)).all()
        errors = session.query(ParseImportError.filename, ParseImportError.stacktrace).all()
    told = [(str(file), _last_line(str(text))) for file, text in errors]
    return SeenDags({str(dag_id): bool(paused) for dag_id, paused in rows}, told)


def _last_line(stacktrace: str) -> str:
    """Return what an error says, without the password of an address that it may name."""
    lines = stacktrace.strip().splitlines() or [""]
    return _PASSWORD.sub(r"\1:***@", lines[-1].strip())


def be_quiet() -> None:
    """Keep Airflow's own remarks out of a command's output."""
    logging.getLogger("airflow").setLevel(logging.ERROR)
