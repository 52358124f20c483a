"""The ``promo`` command: its errors, its exit status, and how it finds the database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest

from promo_campaigns.cli import main
from promo_campaigns.cli.database import find_dsn
from promo_campaigns.model.errors import ConfigurationError, DatabaseNotFoundError
from promo_campaigns.postgres.embedded.server import EmbeddedPostgres

if TYPE_CHECKING:
    from pathlib import Path

AS_JSON = """{"conn_type": "postgres", "host": "db", "port": 5433, "login": "me", "password": "p@ss",
    "schema": "promo", "extra": {"sslmode": "require"}}"""


def test_an_error_of_ours_is_a_line_and_a_status_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["db", "url"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("promo: no database was named")
    assert all(way in told for way in ("--dsn", "AIRFLOW_CONN_PROMO_DB", "bin/demo"))
    assert "Traceback" not in told


def test_the_dsn_that_is_given_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", "postgres://other")
    assert find_dsn("postgresql://given/promo") == "postgresql://given/promo"


@pytest.mark.parametrize(
    ("connection", "dsn"),
    [
        ("postgres://me:p%40ss@db:5433/promo", "postgresql://me:p%40ss@db:5433/promo"),
        ("postgresql://me@db/promo?sslmode=require", "postgresql://me@db/promo?sslmode=require"),
        ("postgres://db/promo?channel_binding=require", "postgresql://db/promo?channel_binding=require"),
        (AS_JSON, "postgresql://me:p%40ss@db:5433/promo?sslmode=require"),
        ('{"conn_type": "postgres", "host": "db", "schema": "promo", "extra": ""}', "postgresql://db/promo"),
    ],
)
def test_an_airflow_connection_names_the_database(connection: str, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", connection)
    assert find_dsn() == dsn


@pytest.mark.parametrize("connection", ["mysql://db/promo", '{"conn_type": "mysql"}', "{conn_type: postgres}"])
def test_a_connection_that_is_no_postgres_is_refused(connection: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", connection)
    with pytest.raises(ConfigurationError, match="promo_db"):
        find_dsn()


def test_no_setting_of_the_connection_is_dropped_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", "postgres://db/promo?sslmodus=require")
    with pytest.raises(ConfigurationError, match="connection promo_db has the extra sslmodus; it is not one of libpq"):
        find_dsn()


def test_the_demo_of_a_parent_folder_is_found_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    below = tmp_path / "dags"
    below.mkdir()
    monkeypatch.chdir(below)
    server = EmbeddedPostgres(tmp_path / ".demo" / "postgres", durable=False, tied=True)
    try:
        server.start()
        assert find_dsn() == server.dsn()
        server.stop()
        with pytest.raises(DatabaseNotFoundError):
            find_dsn()
    finally:
        server.remove()


@pytest.mark.parametrize(
    ("dsn", "shown"),
    [
        ("postgresql://me:p%40ss@db:5433/promo", "postgresql://me:***@db:5433/promo"),
        ("postgresql://me@db/promo?sslmode=require", "postgresql://me@db/promo?sslmode=require"),
        ("postgresql://db/promo?password=x%26y&user=me", "postgresql://db/promo?password=***&user=me"),
        ("postgresql://db/promo?user=me&sslpassword=x", "postgresql://db/promo?user=me&sslpassword=***"),
        ("postgresql://me:a@b:c@db/promo", "postgresql://me:***@db/promo"),
        ("host=db password=secret", "***"),
    ],
)
def test_the_address_is_printed_without_its_password(dsn: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["db", "url", "--dsn", dsn]) == 0
    assert capsys.readouterr().out == f"{shown}\n"
    assert main(["db", "url", "--dsn", dsn, "--reveal", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"url": dsn}


def test_a_server_is_started_migrated_and_stopped_by_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "server")
    promo = [sys.executable, "-c", "import sys; from promo_campaigns.cli import main; sys.exit(main())", "db"]
    subprocess.run([*promo, "start", "--dir", folder], check=True, capture_output=True, env=dict(os.environ))
    try:
        assert main(["db", "url", "--dir", folder]) == 0
        hidden = capsys.readouterr().out.strip()
        assert main(["db", "url", "--dir", folder, "--reveal"]) == 0
        dsn = capsys.readouterr().out.strip()
        assert hidden == dsn.replace(str(urlsplit(dsn).password), "***")
        assert main(["db", "migrate", "--dsn", dsn]) == 0
        with psycopg.connect(dsn) as connection:
            assert connection.execute("SELECT count(*) FROM promo.promo_code").fetchone() == (0,)
    finally:
        assert main(["db", "stop", "--dir", folder]) == 0
        EmbeddedPostgres(tmp_path / "server").remove()
