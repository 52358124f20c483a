"""The doctor says what is wrong and what to do, shows no password, and changes nothing."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from psycopg import sql
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from integration.scenario import SPEC, add_codes, add_contacts
from integration.test_before_the_send import WORKFLOW, include  # noqa: F401  (a fixture)
from integration.test_preview import everything
from promo_campaigns.cli import main
from promo_campaigns.connections.airflow_database import SeenDags, why_not
from promo_campaigns.doctor.dags import look_at_dags
from promo_campaigns.ledger.runs import open_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from promo_campaigns.postgres.connection import Connection

    Doctor = Callable[..., tuple[int, dict[str, list[dict[str, Any]]]]]


@pytest.fixture
def doctor(include: Path, dsn: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Doctor:  # noqa: F811
    """Return a function that runs the doctor, and returns its status and what it found by what it is about."""
    for name in ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW_VAR_PROMO_CODE_INBOX", "AIRFLOW__CORE__DAGS_FOLDER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AIRFLOW_HOME", str(include / "no_airflow"))
    (include / "workflows").mkdir()
    (include / "workflows" / "sale.yaml").write_text(WORKFLOW)
    (include / "inbox").mkdir()

    def run(*words: str, address: str = dsn) -> tuple[int, dict[str, list[dict[str, Any]]]]:
        where = ["--include", str(include), "--inbox", str(include / "inbox"), "--dsn", address]
        status = main(["doctor", *where, *words, "--json"])
        told = capsys.readouterr()
        assert told.err == ""
        found: dict[str, list[dict[str, Any]]] = {}
        for one in json.loads(told.out):
            found.setdefault(one["about"], []).append(one)
        return status, found

    return run


def test_where_all_is_there_nothing_is_wrong_and_nothing_is_changed(store: Connection, doctor: Doctor) -> None:
    before = everything(store)
    status, found = doctor()
    assert status == 0
    about = ("store", "schema", "rights", "runs", "code inbox")
    assert {name: found[name][0]["health"] for name in about} == dict.fromkeys(about, "right")
    assert found["workflow sale"][-1]["health"] == "right"
    assert found["dags"][0]["health"] == "not looked at"
    assert everything(store) == before


def test_a_store_that_cannot_be_reached_is_one_line_without_its_password(doctor: Doctor) -> None:
    status, found = doctor(address="postgresql://promo:CANARYPASSWORD@127.0.0.1:1/x")
    assert status == 1
    (one,) = found["store"]
    assert one["health"] == "wrong"
    assert "CANARYPASSWORD" not in str(found)
    assert "schema" not in found


def test_a_store_without_tables_says_what_makes_them(empty_database: str, doctor: Doctor) -> None:
    status, found = doctor(address=empty_database)
    assert (status, found["schema"][0]["found"]) == (1, "there are no tables yet")
    assert found["schema"][0]["advice"] == "Run: promo db migrate"


def test_a_schema_of_another_version_is_told(store: Connection, doctor: Doctor) -> None:
    store.execute("update promo.alembic_version set version_num = '0000_older'")
    status, found = doctor()
    assert status == 1
    assert "revision 0000_older; this version needs" in found["schema"][0]["found"]


def test_an_account_that_lacks_rights_is_told_which(store: Connection, dsn: str, doctor: Doctor) -> None:
    name, password = f"reader_{secrets.token_hex(4)}", secrets.token_hex(8)
    account = sql.Identifier(name)
    store.execute(sql.SQL("create role {} login password {}").format(account, sql.Literal(password)))
    store.execute(sql.SQL("grant usage on schema promo to {}").format(account))
    store.execute(sql.SQL("grant select on all tables in schema promo to {}").format(account))
    parts = urlsplit(dsn)
    reader = urlunsplit(parts._replace(netloc=f"{name}:{password}@{parts.netloc.rpartition('@')[2]}"))
    try:
        status, found = doctor(address=reader)
    finally:
        store.execute(sql.SQL("drop owned by {}").format(account))
        store.execute(sql.SQL("drop role {}").format(account))
    assert status == 1
    assert (
        "the account lacks delete on alert, insert on alert, update on alert, delete on answer"
        in found["rights"][0]["found"]
    )
    assert password not in str(found)


def test_a_type_that_runs_low_and_a_run_that_does_not_end_are_told(
    store: Connection,
    include: Path,  # noqa: F811
    doctor: Doctor,
) -> None:
    add_contacts(store, 1)
    add_codes(store, 3)
    (include / "stock_levels.yaml").write_text("Welcome:\n  warning: 5\n  alarm: 1\n")
    open_run(store, SPEC, run_key="welcome/edition/old", approval=True)
    store.execute("update promo.run set opened_at = now() - interval '50 hours'")
    status, found = doctor()
    assert status == 0, "what works is not wrong"
    assert [one["health"] for one in found["stock"]] == ["note", "right"]
    (run,) = found["runs"]
    assert run["found"] == "welcome/edition/old is open for 50 hours"
    assert run["advice"].startswith("It waits for approval")


def test_a_connection_that_a_workflow_names_is_looked_at_where_it_is_known(
    include: Path,  # noqa: F811
    doctor: Doctor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = include / "workflows" / "sale.yaml"
    (include / "messages" / "push.yaml").write_text('channel: email\ntitle: "Hi"\nbody: "Code: $promocode"\n')
    file.write_text(WORKFLOW + "transport: smtp\ntransport_conn_id: mail\n")
    status, found = doctor()
    assert status == 0
    assert [one["health"] for one in found["workflow sale"]] == ["not looked at"]
    monkeypatch.setenv("AIRFLOW_CONN_MAIL", "smtp://user:CANARYPASSWORD@127.0.0.1")
    status, found = doctor()
    assert status == 1
    assert "connection mail needs the extra from" in found["workflow sale"][0]["found"]
    assert "CANARYPASSWORD" not in str(found)
    monkeypatch.setenv("AIRFLOW_CONN_MAIL", "smtp://127.0.0.1?from=shop%40shop.example")
    status, found = doctor()
    assert status == 0
    assert found["workflow sale"][0]["found"] == "its files are right, and so is what is written of mail"


def test_a_wrong_workflow_a_missing_inbox_and_a_file_that_is_passed_over_are_told(
    include: Path,  # noqa: F811
    doctor: Doctor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (include / "workflows" / "sale.yaml").write_text(WORKFLOW + "tagz: [x]\n")
    (include / "dags").mkdir()
    (include / "dags" / "ours.py").write_text("from promo_campaigns import PromoWorkflow\n")
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(include / "dags"))
    status, found = doctor("--inbox", str(include / "nowhere"))
    assert status == 1
    assert found["workflow sale"][0]["found"].startswith("workflows/sale.yaml:8: there is no setting 'tagz'")
    assert found["dags"][0]["found"].startswith("dags/ours.py: Airflow's safe mode skips it")
    assert found["code inbox"][0]["health"] == "wrong"


def test_what_airflow_could_not_read_is_told() -> None:
    found = list(look_at_dags(SeenDags({"load_promo_codes": True, "sale": False}, [("dags/x.py", "NameError: x")])))
    assert [(one.health.value, one.found) for one in found] == [
        ("wrong", "dags/x.py: NameError: x"),
        ("right", "2 of ours, of which these are on: sale"),
        ("note", "load_promo_codes is paused"),
    ]
    assert next(look_at_dags(SeenDags({}, []))).found == "Airflow knows no DAG of ours"


def test_why_airflows_database_cannot_be_read_is_told_without_its_address(bare_dsn: str) -> None:
    assert "it has no tables, or old ones; run airflow db migrate" in refused(bare_dsn)
    wrong = urlsplit(bare_dsn)
    said = refused(bare_dsn.replace(f":{wrong.password}@", ":CANARYPASSWORD@"))
    assert "the login in [database] sql_alchemy_conn" in said
    assert "CANARYPASSWORD" not in said


def refused(dsn: str) -> str:
    """Ask a database for Airflow's DAGs as Airflow does, and return what is said of the refusal."""
    engine = create_engine(dsn.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    with pytest.raises(DBAPIError) as error, engine.connect() as connection:
        connection.exec_driver_sql("select dag_id from dag")
    return why_not(error.value)


def test_it_is_read_by_people_as_well(
    doctor: Doctor,
    dsn: str,
    include: Path,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    doctor()
    where = ["--include", str(include), "--inbox", str(include / "inbox"), "--dsn", dsn]
    assert main(["doctor", *where]) == 0
    said = capsys.readouterr().out
    assert "right          store: Postgres" in said
    assert said.endswith("\n0 wrong\n")
