"""The way to the store: a slow or missing database is told of, and never waited for without end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pages.campaign import half_sent
from pages.pages_site import running_site
from promo_campaigns.ui import page_store

if TYPE_CHECKING:
    from pages.pages_site import Site
    from promo_campaigns.postgres.connection import Connection


def test_a_read_that_is_too_slow_is_cancelled_and_told(
    site: Site, store: Connection, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    half_sent(store)
    monkeypatch.setattr(page_store, "STATEMENT_MS", 50)
    with running_site(dsn) as slow, store.transaction():
        store.execute("lock table promo.run_count in access exclusive mode")
        answer = slow.viewer.ask("GET", "runs")
    assert answer.status_code == 503
    assert "try again" in answer.json()["detail"]
    assert site.viewer.get("runs")["items"]


@pytest.mark.usefixtures("airflow_database")
def test_a_database_that_is_not_there_is_named_without_its_password() -> None:
    with running_site("postgresql://promo:secret@127.0.0.1:9/promo") as site:
        answer = site.admin.ask("GET", "me")
    assert answer.status_code == 503
    assert "cannot connect to the promo database" in answer.json()["detail"]
    assert "secret" not in answer.text


@pytest.mark.usefixtures("airflow_database")
def test_a_database_without_a_schema_says_what_to_do(empty_database: str) -> None:
    with running_site(empty_database) as site:
        assert "promo db migrate" in site.admin.ask("GET", "me").json()["detail"]


@pytest.mark.usefixtures("airflow_database")
def test_a_missing_connection_says_where_to_add_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    from promo_campaigns.model.errors import ConfigurationError

    with pytest.raises(ConfigurationError, match="add it under Admin"):
        page_store.airflow_dsn()


@pytest.mark.usefixtures("airflow_database")
def test_the_connection_is_airflow_s_own(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    assert page_store.airflow_dsn() == dsn


def test_a_server_that_was_restarted_is_found_again(site: Site, store: Connection) -> None:
    assert site.viewer.get("runs")["items"] == []
    store.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    assert site.viewer.get("codes/files")["items"] == []


def test_what_is_done_once_only_finds_a_restarted_server_at_the_first_try(site: Site, store: Connection) -> None:
    half_sent(store)
    find = {"json": {"code": "NO-SUCH-CODE"}}
    assert site.op.ask("POST", "codes/find", **find).status_code == 200
    store.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    assert site.op.ask("POST", "codes/find", **find).status_code == 200
