"""What a connection of the store says is what its sessions have: for tasks, pools, commands, the provider's hook."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from promo_campaigns.cli import main
from promo_campaigns.connections.parsing import parse_connection
from promo_campaigns.connections.store_dsn import store_dsn
from promo_campaigns.hooks.store import PromoStoreHook
from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.migrations import open_session
from promo_campaigns.postgres.pool import StorePool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.postgres.connection import Connection

PAGE = Path(__file__).parents[2] / "docs" / "connections.md"


def fields_of(dsn: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  (any field)
    """Return the fields of a connection that leads to a store, as Airflow has them."""
    parts = urlsplit(dsn)
    login = {"login": unquote(parts.username or ""), "password": unquote(parts.password or "")}
    place = {"host": parts.hostname, "port": parts.port, "schema": parts.path[1:]}
    return {"conn_type": "postgres", **place, **login, **more}


def pool_of(dsn: str) -> StorePool:
    return StorePool(dsn, size=1, lock_wait_ms=1000)


def test_the_connection_of_the_page_opens_sessions_of_its_own(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first example of docs/connections.md, but for its place, and TLS, which this server does not speak."""
    told = json.loads(re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0])
    extra = {**told["extra"], "sslmode": "prefer"}
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", json.dumps(fields_of(dsn, extra=extra)))
    hook = PromoStoreHook()
    assert hook.test_connection() == (True, "the store answers, and it has the tables of the product")
    with hook.connect() as connection:
        expect_session(connection)
    pool = pool_of(hook.dsn)
    pool.open()
    pool.run(expect_session)
    pool.close()
    with open_session(hook.dsn) as session:
        assert session.info.get_parameters()["application_name"] == "campaigns"
    assert hook.provider_hook.get_records("show work_mem") == [("16MB",)]


def expect_session(connection: Connection) -> None:
    shown = {
        name: connection.execute(f"show {name}").fetchall()[0].popitem()[1]
        for name in ("application_name", "work_mem", "search_path", "TimeZone")
    }
    assert shown == {"application_name": "campaigns", "work_mem": "16MB", "search_path": "public", "TimeZone": "UTC"}
    line = connection.info.get_parameters()
    assert (line["connect_timeout"], line["keepalives_idle"], line["keepalives_count"]) == ("5", "20", "3")


@pytest.fixture
def cloud(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """Stand for AWS: it gives tokens, and the database takes the newest of them alone."""
    role, state = "promo_by_token", SimpleNamespace(given=[], asked=[])
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(f"drop role if exists {role}")
        admin.execute(f"create role {role} login superuser")

        def token(host: str, port: int, login: str) -> str:
            state.asked.append((host, port, login))
            state.given.append(f"token-{len(state.given)}")
            state.revoke(state.given[-1])
            return str(state.given[-1])

        def take(password: str) -> None:
            admin.execute(f"alter role {role} password '{password}'")

        state.role, state.revoke = role, take
        aws = ModuleType("airflow.providers.amazon.aws.hooks.base_aws")
        client = SimpleNamespace(generate_db_auth_token=token)
        aws.AwsBaseHook = lambda **_: SimpleNamespace(conn=client)  # type: ignore[attr-defined]  # it is made here
        for name in ("", ".aws", ".aws.hooks", ".aws.hooks.base_aws"):
            module = aws if name.endswith("base_aws") else ModuleType(f"airflow.providers.amazon{name}")
            monkeypatch.setitem(sys.modules, f"airflow.providers.amazon{name}", module)
        yield state
        admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", [role])
        admin.execute(f"drop role {role}")


def test_a_token_of_a_cloud_opens_the_store_and_is_asked_for_anew_when_it_has_ended(
    dsn: str, cloud: SimpleNamespace
) -> None:
    extra = {"iam": True, "aws_conn_id": "my_aws"}
    told = fields_of(dsn, login=cloud.role, password="", extra=extra)
    address = store_dsn(parse_connection("promo_db", json.dumps(told)))
    assert conninfo_to_dict(address).get("password") is None
    for _ in range(2):
        with connect(address) as connection:
            assert connection.execute("select current_user as who").fetchall() == [{"who": cloud.role}]
    assert cloud.asked == [(told["host"], told["port"], cloud.role)], "a token is used for some minutes"
    cloud.revoke("another")
    with connect(address):
        assert len(cloud.given) == 2
    pool = pool_of(address)
    pool.open()
    pool.close()
    assert len(cloud.given) == 2


def test_a_command_finds_the_store_where_airflow_keeps_its_connection(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from airflow.secrets.local_filesystem import LocalFilesystemBackend

    kept = tmp_path / "connections.json"
    kept.write_text(json.dumps({"shop_store": fields_of(dsn), "shop_api": "https://api.example"}), encoding="utf-8")
    backends = [LocalFilesystemBackend(connections_file_path=str(kept))]
    monkeypatch.setattr("airflow.configuration.ensure_secrets_loaded", lambda: backends)
    assert main(["runs", "list", "--conn-id", "shop_store", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    for words, problem in (
        (["--conn-id", "shop_api"], "connection shop_api has the type 'https'; the store needs postgres"),
        (
            ["--conn-id", "nobody"],
            "there is no connection 'nobody' here: set AIRFLOW_CONN_NOBODY, or add it in Airflow",
        ),
        (["--conn-id", "shop_store", "--dsn", dsn], "give --dsn or --conn-id: each of them names the database"),
    ):
        assert main(["runs", "list", *words]) == 2
        assert problem in capsys.readouterr().err
