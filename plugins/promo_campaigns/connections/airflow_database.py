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
    from promo_campaigns.connections.settings import ConnectionSettings

_DATABASE = ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD")
_TAG = "promo"
_PASSWORD = re.compile(r"(://[^:/@\s]*):\S*@")


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
        return f"Airflow's database cannot be read ({type(error).__name__})"


def stored_connection(conn_id: str) -> ConnectionSettings | None:
    """Return a connection from Airflow's environment, secrets backend or database; None if it is not there."""
    if not is_set_up():
        return None
    try:
        from airflow.models.connection import Connection  # noqa: PLC0415  (slow, and only where Airflow is set up)

        _be_quiet()
        found: Any = Connection.get_connection_from_secrets(conn_id)
    except Exception:  # noqa: BLE001  (not there, or not to be reached: either way it is not known here)
        return None
    return read_airflow_connection(conn_id, found)


def _read_dags() -> SeenDags:
    from airflow.models.dag import DagModel, DagTag  # noqa: PLC0415  (as above)
    from airflow.models.errors import ParseImportError  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415

    _be_quiet()
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


def _be_quiet() -> None:
    """Keep Airflow's own remarks out of a command's output."""
    logging.getLogger("airflow").setLevel(logging.ERROR)
