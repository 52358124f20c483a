"""What the doctor reads of a real Airflow's database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from promo_campaigns.connections.airflow_database import is_set_up, read_dags, stored_connection

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def known(airflow_database: None) -> Iterator[None]:  # noqa: ARG001  (made before it is written)
    """Put two DAGs, an import error and a connection into Airflow's database."""
    from airflow.models.connection import Connection
    from airflow.models.dag import DagModel, DagTag
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.errors import ParseImportError
    from airflow.utils.session import create_session

    with create_session() as session:
        if session.get(DagBundleModel, "doctored") is None:
            session.add(DagBundleModel(name="doctored"))
            session.flush()
        dag_model: Any = DagModel  # Airflow's class has no types here
        rows = [dag_model(dag_id=name, bundle_name="doctored", is_paused=paused) for name, paused in DAGS.items()]
        for row in rows:
            row.is_stale = False
        session.add_all(rows)
        session.flush()
        session.add(DagTag(name="promo", dag_id="doctored_sale"))
        text = "Traceback\nValueError: postgresql://promo:CANARYPASSWORD@db/x is wrong\n"
        error = ParseImportError(filename="doctored.py", bundle_name="doctored", stacktrace=text)
        secret = Connection(conn_id="doctored_mail", conn_type="smtp", host="mail.example.com", password="CANARY")
        session.add_all([error, secret])
    yield
    with create_session() as session:
        for column in (ParseImportError.filename, Connection.conn_id, DagTag.dag_id, DagModel.dag_id):
            session.query(column.class_).filter(column.startswith("doctored")).delete()


DAGS = {"doctored_sale": True, "doctored_other": False}


def test_the_doctor_reads_our_dags_import_errors_and_connections(known: None) -> None:  # noqa: ARG001  (the rows)
    assert is_set_up()
    seen = read_dags()
    assert not isinstance(seen, str)
    assert seen.paused["doctored_sale"] is True
    assert "doctored_other" not in seen.paused, "it has not our tag"
    assert ("doctored.py", "ValueError: postgresql://promo:***@db/x is wrong") in seen.import_errors
    found = stored_connection("doctored_mail")
    assert found is not None
    assert (found.conn_type, found.host) == ("smtp", "mail.example.com")
    assert stored_connection("doctored_nobody") is None
