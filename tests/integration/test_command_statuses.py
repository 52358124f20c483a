"""How ``promo`` ends: each status of its table, with one line that says why and never a traceback."""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import subprocess
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest

from command_line import PROMO, environment
from integration.scenario import add_codes, add_contacts, open_welcome
from promo_campaigns.cli import main
from promo_campaigns.cli.exit_status import ExitStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.postgres.connection import Connection

SECRET = "canary-in-an-error"


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what was told, which is one line on standard error and nothing else."""
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("promo: ")
    assert told.err.count("\n") == 1
    return told.err


def test_done_is_0_and_no_is_1(dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["codes", "stock", "--dsn", dsn]) == ExitStatus.OK
    assert capsys.readouterr() == ("There are no codes yet.\n", "")
    file = tmp_path / "codes.csv"
    file.write_text("code,type\n", encoding="utf-8")
    assert main(["codes", "load", str(file), "--dsn", dsn]) == ExitStatus.NO
    assert capsys.readouterr().out.startswith("Nothing was loaded. codes.csv:1: ")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["codes", "load", "{tmp}/none.csv"], "there is no file"),
        (["codes", "load", "{tmp}"], "there is no file"),
        (["contacts", "load", "{tmp}/none.csv"], "none.csv: cannot be read: No such file"),
        (["contacts", "show", "999"], "there is no contact 999"),
        (["codes", "withdraw", "999"], "there is no code file 999"),
        (["runs", "report", "no/such/run"], "no run no/such/run"),
        (["check", "--run", "no/such/run"], "no run no/such/run"),
        (["unknown", "list", "--run", "no/such/run"], "no run no/such/run"),
        (["events", "stop", "nobody"], "'nobody' does not listen"),
        (["runs", "export", "--workflow", "w", "--output", "{tmp}/no/folder.csv"], "cannot be written: No such file"),
        (["codes", "stock", "--levels", "{tmp}/none.yaml"], "none.yaml"),
        (["workflows", "check", "--include", "{tmp}/none"], "there is no folder"),
        (["codes", "files", "--fields", "nme"], ""),
    ],
    ids=" ".join,
)
def test_what_was_given_wrongly_is_2(
    words: list[str], told: str, dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = [] if words[0] == "workflows" else ["--dsn", dsn]
    status = main([word.format(tmp=tmp_path) for word in words] + store)
    if not told:  # a table without rows has no fields that could be wrong
        assert (status, capsys.readouterr().out) == (ExitStatus.OK, "No code file was loaded yet.\n")
        return
    assert status == ExitStatus.WRONG
    assert told in one_line(capsys)


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        (lambda dsn: dsn.replace("promo:", "promo:not-the-password-"), ExitStatus.WRONG, "correct the login"),
        (lambda dsn: dsn.rpartition("/")[0] + "/no_such_store", ExitStatus.WRONG, "does not exist"),
        (lambda _: "http://nowhere", ExitStatus.WRONG, "is no URI that Postgres understands"),
        (lambda _: "postgresql://127.0.0.1:1/promo", ExitStatus.AGAIN, "Connection refused"),
    ],
    ids=["password", "database", "no URI", "no server"],
)
def test_a_store_that_cannot_be_used_is_one_line_without_its_password(
    change: Callable[[str], str], status: ExitStatus, told: str, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = change(dsn)
    for words in (["check"], ["codes", "stock", "--json"], ["db", "migrate"]):
        assert main([*words, "--dsn", wrong]) == status
        line = one_line(capsys)
        assert told in line
        assert str(urlsplit(dsn).password) not in line


def test_a_store_without_tables_says_what_makes_them(empty_database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--dsn", empty_database]) == ExitStatus.WRONG
    assert "promo db migrate" in one_line(capsys)


def test_a_fault_of_promo_itself_is_70_and_shows_nothing_that_it_holds(
    dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> None:
        raise KeyError(SECRET)

    monkeypatch.setattr("promo_campaigns.postgres.audit.list_audit", fails)
    assert main(["audit", "--dsn", dsn]) == ExitStatus.FAULT
    line = one_line(capsys)
    assert "KeyError in cli/commands/audit.py line " in line
    assert "PROMO_TRACEBACK=1" in line
    assert SECRET not in line
    monkeypatch.setenv("PROMO_TRACEBACK", "1")
    with pytest.raises(KeyError, match=SECRET):
        main(["audit", "--dsn", dsn])


def test_a_reader_that_stops_reading_is_no_error() -> None:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)  # less than is printed, so that the writer waits for the reader
    process = subprocess.Popen([*PROMO, "help", "reference"], env=environment(), stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert os.read(reader, 4096).startswith(b"# The `promo` command")
    os.close(reader)
    _, told = process.communicate()
    assert (process.returncode, told) == (ExitStatus.CLOSED_PIPE, b"")


def test_a_reader_that_never_read_is_no_error() -> None:
    for words in (["--help"], ["help", "exit-status"], ["workflows", "schema"]):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([*PROMO, *words], env=environment(), stdout=writer, stderr=subprocess.PIPE, check=False)
        os.close(writer)
        assert (done.returncode, done.stderr) == (ExitStatus.CLOSED_PIPE, b""), words


@pytest.mark.parametrize("words", [["--help"], ["workflows", "schema"]], ids=" ".join)
def test_an_output_without_room_is_one_line(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROMO, *words], env=environment(), stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == ExitStatus.WRONG
    assert done.stderr == "promo: the output cannot be written: No space left on device\n"


@pytest.mark.parametrize("words", [["--help"], ["help", "exit-status"]], ids=" ".join)
def test_a_closed_output_is_no_error(words: list[str]) -> None:
    line = f"{shlex.join([*PROMO, *words])} >&-"
    done = subprocess.run(["/bin/sh", "-c", line], env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "words",
    [
        ["runs", "list", "--json"],
        ["runs", "show"],
        ["runs", "report"],
        ["runs", "export", "welcome/edition/one"],
        ["codes", "stock"],
        ["check"],
    ],
    ids=" ".join,
)
def test_a_reader_of_what_the_store_holds_may_stop_reading(dsn: str, store: Connection, words: list[str]) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    open_welcome(store)
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb", 0):
        done = subprocess.run(
            [*PROMO, *words, "--dsn", dsn], env=environment(), stdout=writer, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (ExitStatus.CLOSED_PIPE, b"")


@pytest.mark.parametrize("target", ["a_file/new", "/proc/promo/new"])
def test_a_folder_that_cannot_be_written_is_one_line(
    dsn: str, store: Connection, tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    open_welcome(store)
    (tmp_path / "a_file").write_text("")
    place = str(tmp_path / target)
    include = str(Path(__file__).parents[2] / "include")
    preview = ["preview", "welcome_push", "--include", include, "--out", f"{place}.csv", "--dsn", dsn]
    for words in (
        ["init", place],
        ["runs", "export", "welcome/edition/one", "--output", f"{place}.csv", "--dsn", dsn],
        preview,
    ):
        assert main(words) == ExitStatus.WRONG
        line = one_line(capsys)
        assert target.partition("/new")[0] in line, words


def test_ctrl_c_is_130_and_no_traceback(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=False) as holder, psycopg.connect(dsn, autocommit=True) as onlooker:
        holder.execute("lock table promo.audit in access exclusive mode")
        process = subprocess.Popen(
            [*PROMO, "audit", "--dsn", dsn],
            env=environment(),
            stderr=subprocess.PIPE,
            # A background job of a shell ignores the signal, and hands that down.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  (no threads here)
        )
        waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        while onlooker.execute(waits).fetchone() != (1,):
            onlooker.execute("select pg_sleep(0.02)")
        process.send_signal(signal.SIGINT)
        _, told = process.communicate()
    assert (process.returncode, told) == (ExitStatus.INTERRUPTED, b"")


@pytest.mark.parametrize(
    "wrong",
    [
        "postgresql+psycopg2://promo:S3CRET@127.0.0.1/x",
        "promo:S3CRET@127.0.0.1/x",
        "mysql://promo:S3CRET@127.0.0.1/x",
        "postgresql://promo:S3CRET%zz@127.0.0.1/x",
        "postgresql://promo:S3CRET@127.0.0.1:99999/x",
        "postgresql://promo:S3CRET@127.0.0.1:0/x",
        "postgresql://promo:S3CRET@127.0.0.1:port/x",
        "postgresql://promo:word@S3CRET@127.0.0.1/x",
        "postgresql://promo:S3CRET/word@127.0.0.1/x",
        "postgresql://promo:1@127.0.0.1/x?sslmode=S3CRET",
        "postgresql://promo:S3CRET@[::1/x",
        "password=S3CRET and more",
        "S3CRET",
        "",
        "  ",
    ],
)
@pytest.mark.parametrize("words", [["codes", "stock"], ["db", "migrate"], ["check"]])
def test_a_wrong_address_is_one_line_without_the_password_and_2(
    words: list[str], wrong: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", "postgresql://other:other@127.0.0.1:1/other")
    assert main([*words, "--dsn", wrong]) == ExitStatus.WRONG
    captured = capsys.readouterr()
    [line] = captured.err.splitlines()
    assert captured.out == ""
    assert "S3CRET" not in line
    assert "Traceback" not in line


@pytest.mark.parametrize(
    "wrong",
    [
        "postgresql://promo:S3CRET@127.0.0.1:99999/x",
        "postgresql://promo:S3CRET/word@127.0.0.1/x",
        "mysql://promo:S3CRET@127.0.0.1/x",
        '{"conn_type": "postgres", "port": "S3CRET"}',
        '{"password": "S3CRET"',
        "S3CRET",
    ],
)
def test_a_wrong_connection_is_one_line_without_the_password_and_2(
    wrong: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", wrong)
    assert main(["codes", "stock"]) == ExitStatus.WRONG
    [line] = capsys.readouterr().err.splitlines()
    assert "S3CRET" not in line
