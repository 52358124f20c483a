"""Rehearsing a campaign against a real store."""

from __future__ import annotations

import csv
import stat
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pyarrow.parquet  # type: ignore[import-untyped]
import pytest
from psycopg import sql

from integration.scenario import CODES, EVERYBODY, PROFILE, PUSH, SPEC, add_codes, add_contacts, open_welcome
from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import read_batches
from promo_campaigns.model.errors import ConfigurationError, DefinitionError
from promo_campaigns.model.masking import PLACEHOLDER, mask
from promo_campaigns.model.run_spec import Audience, Message
from promo_campaigns.preview.dry_run import write_diff, write_preview
from promo_campaigns.preview.message_diff import DIFF_COLUMNS
from promo_campaigns.preview.rows import COLUMNS, PreviewReport
from promo_campaigns.tables.writers import open_tables

if TYPE_CHECKING:
    from pathlib import Path

    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.connection import Connection


def preview(
    store: Connection, folder: Path, spec: RunSpec = SPEC, at: datetime | None = None
) -> tuple[PreviewReport, list[dict[str, str]]]:
    with open_tables([folder / "preview.csv"], COLUMNS) as tables:
        report = write_preview(store, CompiledCampaign(spec), tables, at=at)
    with (folder / "preview.csv").open(encoding="utf-8", newline="") as file:
        return report, list(csv.DictReader(file))


def everything(store: Connection) -> dict[str, Any]:
    """Return what the tables and sequences of the schema hold."""
    tables = store.execute("select relname as name from pg_stat_user_tables where schemaname = 'promo'").fetchall()
    digest = "select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as rows from promo.{} t"
    held = {
        row["name"]: store.execute(sql.SQL(digest).format(sql.Identifier(row["name"]))).fetchone() for row in tables
    }
    sequences = "select sequencename as name, last_value from pg_sequences where schemaname = 'promo' order by 1"
    return held | {"sequences": store.execute(sequences).fetchall()}


def test_a_preview_says_for_each_contact_what_it_would_get(store: Connection, tmp_path: Path) -> None:
    one, two = add_contacts(store, 2)
    (nobody,) = add_contacts(store, 1, channel=None)
    (gone,) = add_contacts(store, 1)
    store.execute("update promo.contact_channel set unsubscribed_at = now() where contact_id = %s", [gone])
    codes = add_codes(store, 5, prefix="WELCOME")
    report, rows = preview(store, tmp_path)
    assert [int(row["contact_id"]) for row in rows] == [one, two, nobody, gone]
    assert [row["state"] for row in rows] == ["send", "send", "skipped", "skipped"]
    assert [row["reason"] for row in rows] == ["", "", "no channel", "unsubscribed"]
    assert [row["code"] for row in rows] == [mask(codes[0]), mask(codes[1]), "", ""]
    assert rows[0]["title"] == "Hi Name 1"
    assert rows[0]["body"] == f"Code: {PLACEHOLDER}"
    assert rows[0]["request_path"] == "/api/v1/contact"
    assert rows[0]["request_body"] == f'{{"contact": "token-{one}", "code": "{PLACEHOLDER}"}}'
    assert report.states == {"send": 2, "skipped": 2}
    assert report.reasons == {"no channel": 1, "unsubscribed": 1}
    assert report.forecast is not None
    assert report.forecast.as_dict() == {"demand": 2, "ahead": 0, "stock": 5, "expiring": 0, "shortfall": 0}


def test_a_preview_holds_no_code_of_the_pool(store: Connection, tmp_path: Path) -> None:
    add_contacts(store, 20)
    codes = add_codes(store, 20, prefix="CANARY")
    with open_tables([tmp_path / "p.csv", tmp_path / "p.parquet"], COLUMNS) as tables:
        report = write_preview(store, CompiledCampaign(SPEC), tables)
    written = (tmp_path / "p.csv").read_text() + str(pyarrow.parquet.read_table(tmp_path / "p.parquet").to_pydict())
    assert not [code for code in codes if code in written + str(report.as_dict())]


def test_a_preview_changes_nothing_and_could_not(store: Connection, tmp_path: Path) -> None:
    add_contacts(store, 30)
    add_codes(store, 30)
    before = everything(store)
    preview(store, tmp_path)
    assert everything(store) == before
    writing = Audience(name="writing", sql="select lo_create(0)::bigint as contact_id")
    with pytest.raises(DefinitionError, match="read-only transaction"):
        preview(store, tmp_path, replace(SPEC, audience=writing))


def test_a_preview_agrees_with_the_run_that_follows(store: Connection, tmp_path: Path) -> None:
    """Same contacts, same skips, same codes, same texts but for the placeholder."""
    add_contacts(store, 40)
    add_contacts(store, 5, channel=None)
    add_codes(store, 60)
    spec = replace(SPEC, hold_out=25.0)
    _, rows = preview(store, tmp_path, spec)
    run = open_welcome(store, spec=spec)
    ledger = PostgresLedger(store)
    held: dict[int, str] = {}
    for batch in read_batches(store, run, 10):
        held |= dict(ledger.assign_codes(run.run_id, ledger.reachable_contacts(batch), CODES))
    assert {int(row["contact_id"]): row["code"] for row in rows if row["state"] == "send"} == {
        who: mask(code) for who, code in held.items()
    }
    skipped = store.execute("select contact_id, reason from promo.assignment where state = 'skipped'").fetchall()
    assert {int(row["contact_id"]): row["reason"] for row in rows if row["state"] == "skipped"} == {
        row["contact_id"]: row["reason"] for row in skipped
    }


def test_a_pool_that_is_too_small_shows_who_goes_without_and_how_much_is_missing(
    store: Connection, tmp_path: Path
) -> None:
    add_contacts(store, 4)
    add_codes(store, 4)
    open_welcome(store, "welcome/edition/before")
    add_codes(store, 3, prefix="MORE")
    add_codes(store, 9, prefix="SOON", days=2)
    report, rows = preview(store, tmp_path)
    assert [row["reason"] for row in rows] == ["", "", "", "no code"]
    assert report.forecast is not None
    assert report.forecast.as_dict() == {"demand": 4, "ahead": 4, "stock": 7, "expiring": 9, "shortfall": 1}


def test_stock_is_that_of_the_time_of_delivery(store: Connection, tmp_path: Path) -> None:
    add_contacts(store, 1)
    add_codes(store, 5, days=30)
    report, rows = preview(store, tmp_path, at=datetime.now(tz=timezone.utc) + timedelta(days=24))
    assert (rows[0]["reason"], report.forecast and report.forecast.expiring) == ("no code", 5)


def test_what_is_missing_or_cannot_be_rendered_is_said(store: Connection, tmp_path: Path) -> None:
    add_contacts(store, 2)
    store.execute(
        "update promo.contact set first_name = null where contact_id = (select max(contact_id) from promo.contact)"
    )
    add_codes(store, 2)
    source = replace(PROFILE, body='{"name": "$first_name"}')
    _, rows = preview(store, tmp_path, replace(SPEC, data_sources=(source,)))
    assert rows[0]["warnings"] == ""
    assert rows[1]["warnings"].startswith("no first_name; request promo_to_profile: body: line 1, column 11")
    assert (rows[1]["state"], rows[1]["request_body"]) == ("send", "")
    endless = replace(PUSH, body="#foreach($i in [1..1000000])#foreach($j in [1..1000000])$j#end#end")
    report, rows = preview(store, tmp_path, replace(SPEC, message=endless))
    assert {row["state"] for row in rows} == {"rejected"}
    assert report.states == {"rejected": 2}
    assert next(iter(report.reasons)).startswith("body: line 1")


def test_the_name_of_a_bound_data_source_is_no_missing_value(store: Connection, tmp_path: Path) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    message = replace(PUSH, body="#set($url=$!data.get('promo_to_profile'))$!data.get('promocode')")
    report, _ = preview(store, tmp_path, replace(SPEC, message=message))
    assert report.warnings == {}


def test_no_cell_is_a_formula_and_parquet_holds_the_text_as_it_is(store: Connection, tmp_path: Path) -> None:
    (who,) = add_contacts(store, 1)
    attack = '=HYPERLINK("http://x";"y")'
    store.execute("update promo.contact set first_name = %s where contact_id = %s", [attack, who])
    add_codes(store, 1)
    spec = replace(SPEC, message=replace(PUSH, title="$first_name", body="a;=1+1"))
    with open_tables([tmp_path / "p.csv", tmp_path / "p.parquet"], COLUMNS) as tables:
        write_preview(store, CompiledCampaign(spec), tables)
    line = (tmp_path / "p.csv").read_text(encoding="utf-8").splitlines()[1]
    assert "\"'=HYPERLINK(" in line
    assert '"a;=1+1"' in line
    assert pyarrow.parquet.read_table(tmp_path / "p.parquet")["title"].to_pylist() == [attack]


def test_files_are_their_owner_s_and_appear_whole_or_not_at_all(store: Connection, tmp_path: Path) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    preview(store, tmp_path)
    assert stat.S_IMODE((tmp_path / "preview.csv").stat().st_mode) == 0o600
    broken = Audience(name="broken", sql="select contact_id / 0 as contact_id from promo.contact")
    paths = [tmp_path / "broken.csv", tmp_path / "broken.parquet"]
    with pytest.raises(DefinitionError, match="division by zero"), open_tables(paths, COLUMNS) as tables:
        write_preview(store, CompiledCampaign(replace(SPEC, audience=broken)), tables)
    assert [file.name for file in tmp_path.iterdir()] == ["preview.csv"]


def test_an_ending_that_names_no_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"\.csv or \.parquet"), open_tables([tmp_path / "p.xls"], COLUMNS):
        pytest.fail("opened")


def test_an_empty_audience_makes_an_empty_table(store: Connection, tmp_path: Path) -> None:
    with open_tables([tmp_path / "p.csv", tmp_path / "p.parquet"], COLUMNS) as tables:
        report = write_preview(store, CompiledCampaign(SPEC), tables)
    assert report.contacts == 0
    assert pyarrow.parquet.read_table(tmp_path / "p.parquet").num_rows == 0


def test_more_contacts_than_one_part_are_all_there_in_order(store: Connection, tmp_path: Path) -> None:
    contacts = add_contacts(store, 4_500)
    add_codes(store, 4_500)
    report, rows = preview(store, tmp_path)
    assert [int(row["contact_id"]) for row in rows] == contacts
    assert len({row["code"] for row in rows}) > 1
    assert report.states == {"send": 4_500}


def test_a_difference_names_whose_texts_change(store: Connection, tmp_path: Path) -> None:
    contacts = add_contacts(store, 4)
    store.execute("update promo.contact set language = 'de' where contact_id = any(%s)", [contacts[:2]])
    add_contacts(store, 3, channel=None)
    old = Message(name="old", channel="mobilepush", title="Hi", body="Code: $promocode")
    new = replace(old, name="new", body="#if($language == 'de')Gutschein#{else}Code#end: $promocode")
    with open_tables([tmp_path / "diff.csv"], DIFF_COLUMNS) as tables:
        report = write_diff(store, SPEC, tables, old=old, new=new, samples=1)
    with (tmp_path / "diff.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["contact_id"]) for row in rows] == contacts[:2]
    assert rows[0] == {
        "contact_id": str(contacts[0]),
        "part": "body",
        "old": f"Code: {PLACEHOLDER}",
        "new": f"Gutschein: {PLACEHOLDER}",
    }
    assert (report.contacts, report.changed, report.parts) == (4, 2, {"title": 0, "body": 2})
    sample = (
        f"--- old contact {contacts[0]} body\n+++ new contact {contacts[0]} body\n@@ -1 +1 @@\n"
        f"-Code: {PLACEHOLDER}\n+Gutschein: {PLACEHOLDER}"
    )
    assert report.samples == [sample]


def test_contact_ids_are_an_audience_as_well(store: Connection, tmp_path: Path) -> None:
    first, second, _ = add_contacts(store, 3)
    add_codes(store, 2)
    _, rows = preview(
        store, tmp_path, replace(SPEC, audience=Audience(name="ids", contact_ids=(second, first, 10**12)))
    )
    assert [int(row["contact_id"]) for row in rows] == [first, second]
    assert EVERYBODY.sql
