"""The server of our own: made, started, found again, survived and stopped, for real."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from promo_campaigns.model.errors import ServerError
from promo_campaigns.postgres.embedded.account import make_scratch_folder, scratch_folder
from promo_campaigns.postgres.embedded.processes import command_line
from promo_campaigns.postgres.embedded.server import EmbeddedPostgres, throwaway_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import LiteralString

ROOT = os.geteuid() == 0


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """Start one server for this file; its tests leave it running."""
    with throwaway_postgres() as running:
        yield running


def postmaster(server: EmbeddedPostgres) -> int:
    """Return the server's process number."""
    data = Path(json.loads((server.directory / "server.json").read_text())["data"])
    return int((data / "postmaster.pid").read_text().split()[0])


def ask(server: EmbeddedPostgres, query: LiteralString, database: str = "promo") -> object:
    """Return the first value a query answers."""
    with psycopg.connect(server.dsn(database)) as connection:
        row = connection.execute(sql.SQL(query)).fetchone()
    return row[0] if row else None


def wait_until_gone(process: int) -> None:
    """Wait until a process ended."""
    deadline = time.monotonic() + 30
    while command_line(process):
        assert time.monotonic() < deadline, f"process {process} is still there"
        time.sleep(0.02)


def test_it_has_both_databases_and_is_found_again_by_its_folder(server: EmbeddedPostgres) -> None:
    again = EmbeddedPostgres(server.directory)
    assert again.is_running()
    assert [ask(again, "SELECT current_database()", name) for name in ("airflow", "promo")] == ["airflow", "promo"]


def test_starting_it_twice_keeps_the_one_that_runs(server: EmbeddedPostgres) -> None:
    before = postmaster(server)
    EmbeddedPostgres(server.directory, durable=False).start()
    assert postmaster(server) == before


def test_text_that_is_not_english_folds_its_case(server: EmbeddedPostgres) -> None:
    assert ask(server, "SELECT lower('ПРОМО')") == "промо"


def test_only_the_password_opens_it_and_only_its_owner_can_read_it(server: EmbeddedPostgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.dsn(), password="guess")
    assert stat.S_IMODE((server.directory / "server.json").stat().st_mode) == 0o600
    assert ask(server, "SHOW listen_addresses") == "127.0.0.1"
    assert not ask(server, "SHOW unix_socket_directories")


def test_a_failed_statement_leaves_its_values_out_of_the_log(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE TABLE secret_code (code text PRIMARY KEY)")
        connection.execute("INSERT INTO secret_code VALUES ('WELCOME7Q')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO secret_code VALUES ('WELCOME7Q')")
    logged = server.log.read_text()
    assert "duplicate key" in logged
    assert "WELCOME7Q" not in logged


def test_what_was_committed_survives_a_kill_and_a_start_right_after_it(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "server", tied=True)
    try:
        server.start()
        with psycopg.connect(server.dsn()) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
        os.kill(postmaster(server), signal.SIGKILL)
        server.start()
        assert ask(server, "SELECT value FROM kept") == 7
    finally:
        server.remove()


def test_stopping_ends_the_process_and_a_second_stop_does_nothing() -> None:
    with throwaway_postgres() as server:
        process = postmaster(server)
        server.stop()
        assert not command_line(process)
        assert not server.is_running()
        server.stop()


def test_a_stale_process_file_does_not_make_another_process_a_target(tmp_path: Path) -> None:
    """After a crash the number in it may belong to anybody."""
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        data = tmp_path / "data-18"
        data.mkdir()
        (data / "postmaster.pid").write_text(f"{bystander.pid}\n")
        (tmp_path / "server.json").write_text(json.dumps({"port": 1, "password": "x", "data": str(data)}))
        server = EmbeddedPostgres(tmp_path)
        assert not server.is_running()
        server.stop()
        assert bystander.poll() is None
    finally:
        bystander.communicate()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can tie a child to its parent")
def test_a_tied_server_stops_when_its_starter_is_killed(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("tied")
    code = (
        "import sys; from pathlib import Path; from promo_campaigns.postgres.embedded.server import EmbeddedPostgres;"
        "EmbeddedPostgres(Path(sys.argv[1]), durable=False, tied=True).start(); print('up', flush=True); input()"
    )
    server = EmbeddedPostgres(folder / "server", durable=False)
    starter = subprocess.Popen([sys.executable, "-c", code, str(server.directory)], stdin=-1, stdout=subprocess.PIPE)
    try:
        assert starter.stdout
        assert starter.stdout.readline() == b"up\n"
        process = postmaster(server)
        starter.kill()
        starter.communicate()
        wait_until_gone(process)
    finally:
        starter.kill()
        server.remove()


@pytest.mark.skipif(not ROOT, reason="only root's server runs as another account")
def test_a_folder_only_root_can_enter_is_left_as_it_is(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "server", durable=False)
    try:
        server.start()
        assert ask(server, "SELECT 1") == 1
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert scratch_folder(server.directory).is_dir()
        server.stop()
        closed.chmod(0o755)
        server.start()
        assert ask(server, "SELECT 1") == 1, "its data stays where it was made"
    finally:
        server.remove()
    assert not scratch_folder(server.directory).exists()


@pytest.mark.skipif(not ROOT, reason="only root can give a folder away")
def test_a_scratch_folder_somebody_else_made_is_refused(tmp_path: Path) -> None:
    folder = scratch_folder(tmp_path)
    folder.mkdir()
    try:
        os.chown(folder, 65534, 65534)
        with pytest.raises(ServerError, match="made by somebody else"):
            make_scratch_folder(tmp_path)
    finally:
        folder.rmdir()


def test_programs_that_are_named_wrong_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMO_PG_BIN", str(tmp_path))
    with pytest.raises(ServerError, match="PROMO_PG_BIN="):
        EmbeddedPostgres(tmp_path / "server").start()


def test_data_that_a_deleted_folder_left_behind_is_set_aside(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres", durable=False)
    server.start()
    place = server.directory / "server.json"
    data, process = Path(json.loads(place.read_text())["data"]), postmaster(server)
    place.unlink()
    with pytest.raises(ServerError, match=rf"its Postgres ran on {data}\. Stop that first: kill -INT {process}$"):
        server.start()
    os.kill(process, signal.SIGINT)
    wait_until_gone(process)
    server.start()
    assert ask(server, "select 1") == 1
    assert len(list(data.parent.glob(f"{data.name}-left-*"))) == 1
    server.remove()


def test_data_of_another_place_is_never_replaced_by_an_empty_database(tmp_path: Path) -> None:
    older = tmp_path / "data-9"
    older.mkdir()
    (tmp_path / "server.json").write_text(json.dumps({"port": 1, "password": "x", "data": str(older)}))
    with pytest.raises(ServerError, match="Set PROMO_PG_BIN"):
        EmbeddedPostgres(tmp_path).start()


def test_a_server_that_was_never_started_has_no_address(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="promo db start --dir"):
        EmbeddedPostgres(tmp_path).dsn()
