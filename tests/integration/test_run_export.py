"""``promo runs export`` and ``report``, and the audit of exports, on a real store."""

from __future__ import annotations

import csv
import io
import json
import sys
import tracemalloc
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from pyarrow import parquet  # type: ignore[import-untyped]  # it has no types

from command_line import on_terminal
from integration.scenario import CODES, add_codes, add_contacts, open_welcome
from promo_campaigns.cli import main
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.lookups.export import export_codes
from promo_campaigns.model.masking import mask
from promo_campaigns.postgres.audit import audited, list_audit

if TYPE_CHECKING:
    from pathlib import Path

    from promo_campaigns.postgres.connection import Connection

KEY = "welcome/edition/one"


@pytest.fixture
def codes(store: Connection) -> dict[int, str]:
    """Give five contacts their codes, one more has no channel; return who holds which."""
    contacts = add_contacts(store, 5)
    add_contacts(store, 1, channel=None)
    add_codes(store, 6)
    store.execute("update promo.contact set external_id = '=cmd|' || contact_id")
    run = open_welcome(store)
    ledger = PostgresLedger(store)
    return dict(ledger.assign_codes(run.run_id, contacts, CODES))


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_an_export_lists_the_holders_of_codes_masked_unless_they_are_to_be_revealed(
    dsn: str, codes: dict[int, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", "export", KEY, "--dsn", dsn]) == 0
    masked = capsys.readouterr().out
    assert {int(row["contact_id"]): row["code"] for row in table(masked)} == {
        contact: mask(code) for contact, code in codes.items()
    }
    assert not any(code in masked for code in codes.values())
    assert main(["runs", "export", "--workflow", "welcome", "--since", "2026-01-01", "--reveal", "--dsn", dsn]) == 0
    rows = table(capsys.readouterr().out)
    assert {int(row["contact_id"]): row["code"] for row in rows} == codes
    assert {row["external_id"] for row in rows} == {f"'=cmd|{contact}" for contact in codes}
    assert {(row["run_key"], row["type"], row["discount"], row["state"]) for row in rows} == {
        (KEY, "Welcome", "10", "assigned")
    }


def test_parquet_holds_the_same_rows_as_they_are(dsn: str, codes: dict[int, str], tmp_path: Path) -> None:
    file = tmp_path / "codes.parquet"
    assert main(["runs", "export", KEY, "--format", "parquet", "--output", str(file), "--reveal", "--dsn", dsn]) == 0
    rows = parquet.read_table(file).to_pylist()
    assert {row["contact_id"]: row["code"] for row in rows} == codes
    assert {row["external_id"] for row in rows} == {f"=cmd|{contact}" for contact in codes}
    assert rows[0]["expires_at"].tzinfo is not None
    assert rows[0]["accepted_at"] is None
    assert file.stat().st_mode & 0o077 == 0
    assert [one.name for one in tmp_path.iterdir()] == ["codes.parquet"]


def test_each_export_is_in_the_audit_and_cannot_be_taken_out(
    dsn: str, store: Connection, codes: dict[int, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["runs", "export", KEY, "--reveal", "--output", str(tmp_path / "a.csv"), "--dsn", dsn])
    capsys.readouterr()
    assert main(["audit", "--json", "--dsn", dsn]) == 0
    told = capsys.readouterr().out
    [entry] = json.loads(told)
    assert (entry["action"], entry["subject"], entry["rows"], entry["revealed"]) == ("export", f"run {KEY}", 5, True)
    assert "@" in entry["actor"]
    assert not any(code in told for code in codes.values())
    for statement in (
        "delete from promo.audit",
        "truncate promo.audit",
        "update promo.audit set actor = 'nobody'",
        "update promo.audit set row_count = 0",
    ):
        with pytest.raises(psycopg.errors.CheckViolation):
            store.execute(statement)


def test_an_export_that_breaks_off_is_in_the_audit_and_leaves_no_file(
    store: Connection, codes: dict[int, str], tmp_path: Path
) -> None:
    def full_disk(_: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        export_codes(store, [1], full_disk, subject="run")
    [entry] = list_audit(store)
    assert (entry["rows"], entry["finished"]) == (0, True)
    assert list(tmp_path.iterdir()) == []
    assert codes


def test_an_action_under_way_is_seen_before_it_is_done(store: Connection) -> None:
    with audited(store, "export", "run x"):
        assert [entry["finished"] for entry in list_audit(store)] == [False]


def test_memory_does_not_grow_with_the_export(store: Connection) -> None:
    contacts = add_contacts(store, 60_000)
    add_codes(store, 60_000)
    run = open_welcome(store)
    PostgresLedger(store).assign_codes(run.run_id, contacts, CODES)
    seen = 0

    def count(rows: Any) -> None:  # noqa: ANN401  (rows of any shape)
        nonlocal seen
        seen += len(rows)

    tracemalloc.start()
    try:
        assert export_codes(store, [run.run_id], count, subject="run") == seen == 60_000
        assert tracemalloc.get_traced_memory()[1] < 24 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_without_pyarrow_parquet_says_how_to_get_it(
    dsn: str, codes: dict[int, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    file = str(tmp_path / "codes.parquet")
    assert main(["runs", "export", KEY, "--format", "parquet", "--output", file, "--dsn", dsn]) == 2
    assert "pip install 'airflow-provider-promo-campaigns[parquet]', or choose csv" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert codes


@pytest.mark.parametrize(
    "arguments",
    [[], [KEY, "--workflow", "welcome"], [KEY, "--since", "2026-01-01"], [KEY, "--format", "parquet"]],
)
def test_what_is_to_be_exported_must_be_clear(
    dsn: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", "export", *arguments, "--dsn", dsn]) == 2
    assert capsys.readouterr().err.startswith("promo: ")


def test_a_run_is_reported_while_it_is_open(
    dsn: str, codes: dict[int, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", "report", KEY, "--json", "--dsn", dsn]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["audience"], report["waiting"], report["pool_left"]) == (6, 6, 1)
    assert main(["runs", "report", KEY, "--dsn", dsn]) == 0
    assert "| waiting | 6 |" in capsys.readouterr().out
    with on_terminal("runs", "report", KEY, "--dsn", dsn) as terminal:
        assert terminal.end() == 0
    assert "\naudience                    6" in terminal.shown.replace("\r", "")
    assert len(codes) == 5
