"""A preview weighs what a run does: hours, caps, deadlines, answers, and the request that carries a message."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG

from integration.scenario import CODES, PROFILE, PUSH, SPEC, add_codes, add_contacts, open_welcome
from integration.test_frequency_caps import capped, claim, send, start
from integration.test_preview import preview
from integration.test_quiet_hours import QUIET, kyiv, set_clock
from promo_campaigns.definitions.definitions import read_run_spec
from promo_campaigns.definitions.sample_answers import read_sample_answers
from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
from promo_campaigns.delivery.opening.start import StartRequest
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.runs import open_run, read_batches
from promo_campaigns.model.errors import DefinitionError, QuietHoursError
from promo_campaigns.model.limits import Limits
from promo_campaigns.model.masking import PLACEHOLDER
from promo_campaigns.operators.preview import PreviewOperator
from promo_campaigns.preview.dry_run import write_diff, write_preview
from promo_campaigns.preview.message_diff import DIFF_COLUMNS
from promo_campaigns.preview.rows import COLUMNS, KEY
from promo_campaigns.tables.writers import open_tables

if TYPE_CHECKING:
    from pathlib import Path

    from promo_campaigns.model.run_spec import RunSpec
    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.preview.rows import PreviewReport


def weigh(store: Connection, folder: Path, spec: RunSpec, **when: Any) -> tuple[PreviewReport, dict[int, str]]:  # noqa: ANN401  (moments)
    """Return a preview's report, and why each contact is left out or what it is warned of."""
    with open_tables([folder / "weighed.csv"], COLUMNS) as tables:
        start = StartRequest(send_by=when.pop("send_by", None))
        report = write_preview(store, CompiledCampaign(spec), tables, start=start, **when)
    with (folder / "weighed.csv").open(encoding="utf-8", newline="") as file:
        return report, {int(row["contact_id"]): row["reason"] or row["warnings"] for row in csv.DictReader(file)}


def in_zones(store: Connection) -> dict[str, int]:
    """Add a contact at home in Kyiv, which is the campaign's own zone, and one each in two other zones."""
    contacts = {"Europe/Kyiv": add_contacts(store, 1)[0]}
    for zone in ("America/New_York", "Asia/Tokyo"):
        (contacts[zone],) = add_contacts(store, 1)
        store.execute("update promo.contact set time_zone = %s where contact_id = %s", [zone, contacts[zone]])
    add_codes(store, 3, days=1000)
    return contacts


def run_through(store: Connection, spec: RunSpec, **when: Any) -> dict[int, str]:  # noqa: ANN401  (moments)
    """Open the run and claim its codes, and return why who was skipped; who waits or holds a code has no reason."""
    run = open_run(store, spec, run_key="welcome/edition/weighed", **when)
    ledger = PostgresLedger(store)
    for batch in read_batches(store, run, 100):
        contact_ids = ledger.reachable_contacts(batch)
        ledger.assign_codes(run.run_id, contact_ids, CODES)
        try:
            ledger.require_open(run.run_id, contact_ids)
        except QuietHoursError:
            continue
    rows = store.execute("select contact_id, reason from promo.assignment where run_id = %s", [run.run_id]).fetchall()
    return {row["contact_id"]: row["reason"] or "" for row in rows}


def test_who_is_in_quiet_hours_waits_and_who_is_in_them_until_too_late_is_left_out(
    store: Connection, tmp_path: Path
) -> None:
    """At 22:00 in Kyiv it is 15:00 in New York and 05:00 in Tokyo; quiet hours end at nine."""
    contacts = in_zones(store)
    set_clock(store, kyiv(22))
    _, told = weigh(store, tmp_path, QUIET)
    assert told == {
        contacts["Europe/Kyiv"]: "waits for the end of quiet hours in Europe/Kyiv",
        contacts["America/New_York"]: "",
        contacts["Asia/Tokyo"]: "waits for the end of quiet hours in Asia/Tokyo",
    }
    send_by = kyiv(4, day=11)
    _, told = weigh(store, tmp_path, QUIET, send_by=send_by)
    assert told[contacts["Europe/Kyiv"]] == "quiet hours past the deadline"
    assert told[contacts["Asia/Tokyo"]] == "waits for the end of quiet hours in Asia/Tokyo"
    left_out = {who: reason for who, reason in told.items() if not reason.startswith("waits")}
    skipped = run_through(store, QUIET, send_by=send_by)
    assert {who: skipped[who] for who in left_out} == left_out


def test_quiet_hours_are_those_of_the_time_of_delivery(store: Connection, tmp_path: Path) -> None:
    in_zones(store)
    set_clock(store, kyiv(22))
    _, told = weigh(store, tmp_path, QUIET, at=kyiv(15, day=11))
    waiting = [f"waits for the end of quiet hours in {zone}" for zone in ("America/New_York", "Asia/Tokyo")]
    assert sorted(told.values()) == ["", *waiting]


def test_after_the_deadline_nobody_is_sent_anything_and_no_code_is_wanted(store: Connection, tmp_path: Path) -> None:
    (who,) = add_contacts(store, 1)
    (nobody,) = add_contacts(store, 1, channel=None)
    add_codes(store, 1)
    past = datetime.now(tz=timezone.utc) - timedelta(minutes=1)
    report, told = weigh(store, tmp_path, SPEC, send_by=past)
    assert told == {who: "send-by passed", nobody: "no channel"}
    assert report.forecast is not None
    assert (report.forecast.demand, report.forecast.shortfall) == (0, 0)
    assert run_through(store, SPEC, send_by=past) == told


def test_who_has_had_as_many_messages_as_the_cap_allows_is_left_out(store: Connection, tmp_path: Path) -> None:
    """As Start does, the forecast still counts a code for them: the cap is weighed when codes are claimed."""
    one, two, three = add_contacts(store, 3)
    add_codes(store, 10)
    first = start(store, "first", replace(SPEC, data_sources=()))
    claim(store, first, [one, two])
    send(store, first, [one])
    store.execute("update promo.assignment set state = 'skipped', reason = 'no code' where state = 'pending'")
    report, told = weigh(store, tmp_path, capped("1/7d"))
    assert told == {one: "capped", two: "capped", three: ""}
    assert report.forecast is not None
    assert report.forecast.demand == 3
    _, later = weigh(store, tmp_path, capped("1/7d"), at=datetime.now(tz=timezone.utc) + timedelta(days=8))
    assert later == {one: "", two: "capped", three: ""}, "what two holds is about to be sent, whenever that is"
    assert run_through(store, capped("1/7d")) == told


def test_the_codes_of_the_run_itself_do_not_count_for_its_cap(store: Connection, tmp_path: Path) -> None:
    (who,) = add_contacts(store, 1)
    add_codes(store, 2)
    run = open_welcome(store, spec=capped("1/7d"))
    _, told = weigh(store, tmp_path, run.spec, run_id=run.run_id)
    assert told == {who: ""}


@pytest.fixture
def include(tmp_path: Path) -> Path:
    """Return an include folder with a message that reads the answer of a data source."""
    files = {
        "messages/points.yaml": 'channel: mobilepush\nbody: \'You have $!data.get("loyalty").get("points") points\'\n',
        "data_sources/loyalty.yaml": "connection: shop\nmethod: GET\npath: /points/$contact_id\n",
        "audiences/all.sql": "select contact_id from promo.contact",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def reading_an_answer(include: Path) -> RunSpec:
    return read_run_spec(include, workflow="welcome", audience="all", message="points", codes=CODES)


def test_an_answer_that_is_not_known_yet_is_said_and_an_example_stands_for_it(
    store: Connection, include: Path, tmp_path: Path
) -> None:
    add_contacts(store, 1)
    add_codes(store, 1)
    spec = reading_an_answer(include)
    report = write_preview(store, CompiledCampaign(spec), [], answers=read_sample_answers(include, spec))
    note, _ = report.notes
    assert note.startswith("the answer of loyalty is not known before it is asked: texts are rendered without it")
    (include / "data_sources" / "loyalty.answer.json").write_text('{"points": 70}', encoding="utf-8")
    assert reading_an_answer(include).sha256 == spec.sha256, "an example is no part of the definition"
    answers = read_sample_answers(include, spec)
    with open_tables([tmp_path / "p.csv"], COLUMNS) as tables:
        report = write_preview(store, CompiledCampaign(spec), tables, answers=answers)
    assert report.notes[0] == "the answer of loyalty is the example in data_sources/loyalty.answer.json"
    assert '"You have 70 points"' in (tmp_path / "p.csv").read_text(encoding="utf-8")
    new = replace(spec.message, body='$!data.get("loyalty").get("points")!')
    with open_tables([tmp_path / "d.csv"], DIFF_COLUMNS) as tables:
        write_diff(store, spec, tables, old=spec.message, new=new, answers=answers)
    assert '"70!"' in (tmp_path / "d.csv").read_text(encoding="utf-8")


def test_an_example_that_is_no_json_is_told_by_line(include: Path) -> None:
    spec = reading_an_answer(include)
    (include / "data_sources" / "loyalty.answer.json").write_text('{\n"points": }', encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"^data_sources/loyalty\.answer\.json:2: it is no JSON in UTF-8"):
        read_sample_answers(include, spec)


def test_the_request_that_carries_a_message_is_shown_first_and_rejects_who_it_cannot_be_made_for(
    store: Connection, tmp_path: Path
) -> None:
    one, two = add_contacts(store, 2)
    store.execute("update promo.contact set first_name = null where contact_id = %s", [two])
    add_codes(store, 2)
    message = replace(PUSH, title="$!first_name", webhook="gateway", options={"kind": "promo"})
    body = '{"to": "$locator", "text": "$body", "key": "$key", "kind": "$options.kind", "n": $title.length()}'
    webhook = replace(PROFILE, name="gateway", path="/m/$title", body=body)
    spec = replace(SPEC, message=message, transport="webhook", webhook=webhook)
    report, rows = preview(store, tmp_path, spec)
    carried, recorded = rows[0]["request_body"].splitlines()
    assert json.loads(carried) == {
        "to": f"token-{one}",
        "text": f"Code: {PLACEHOLDER}",
        "key": KEY,
        "kind": "promo",
        "n": 6,
    }
    assert rows[0]["request_path"].splitlines() == ["/m/Name%201", "/api/v1/contact"]
    assert PLACEHOLDER in recorded
    assert report.states["send"] >= 1
    _, rows = preview(store, tmp_path, replace(spec, webhook=replace(webhook, body='{"t": "$missing"}')))
    assert {row["state"] for row in rows} == {"rejected"}
    assert rows[0]["reason"].startswith("webhook: body: line 1")
    _, rows = preview(store, tmp_path, replace(spec, transport="inbox"))
    assert rows[0]["request_path"] == "/api/v1/contact"


class DagRun:
    """A manual run."""

    run_type, logical_date, run_id = "manual", None, "manual_1"
    run_after = datetime.now(tz=timezone.utc)


CONTEXT: Any = {"dag_run": DagRun()}


def previewing(include: Path, **settings: Any) -> PreviewOperator:  # noqa: ANN401  (what an operator takes)
    with DAG("welcome", schedule=None):
        return PreviewOperator(
            task_id="preview",
            message="push",
            audience="all",
            type="Welcome",
            discount=10,
            days=7,
            include_folder=str(include),
            preview_folder=str(include / "previews"),
            **settings,
        )


def test_the_block_writes_the_preview_of_the_run_that_start_would_open_and_opens_none(
    store: Connection, include: Path, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    (include / "messages" / "push.yaml").write_text("channel: mobilepush\nbody: 'Code: $promocode'\n")
    contacts = add_contacts(store, 3)
    add_contacts(store, 1, channel=None)
    add_codes(store, 2)
    block = previewing(include, edition="spring", frequency_cap="3/7d", stock="partial")
    report = block.execute(CONTEXT)
    assert (report["contacts"], report["states"]) == (4, {"send": 2, "skipped": 2})
    assert report["reasons"] == {"no code": 1, "no channel": 1}
    csv_file = next(file for file in report["files"] if file.endswith(".csv"))
    with open(csv_file, encoding="utf-8", newline="") as file:  # noqa: PTH123  (a path as text, as XCom carries it)
        assert [int(row["contact_id"]) for row in csv.DictReader(file) if row["state"] == "send"] == contacts[:2]
    assert store.execute("select count(*) as n from promo.run").fetchone() == {"n": 0}
    add_codes(store, 1, prefix="MORE")
    opened = open_run(
        store,
        replace(
            read_run_spec(include, workflow="welcome", audience="all", message="push", codes=CODES),
            limits=Limits(frequency_cap="3/7d"),
        ),
        run_key="welcome/edition/spring",
    )
    assert opened.spec.sha256.hex() == report["sha256"]


def test_the_block_weighs_the_deadline_and_refuses_what_start_refuses(
    store: Connection, include: Path, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    (include / "messages" / "push.yaml").write_text("channel: mobilepush\nbody: 'Code: $promocode'\n")
    add_contacts(store, 1)
    add_codes(store, 1)
    report = previewing(include, send_by="2020-01-01T00:00Z").execute(CONTEXT)
    assert report["reasons"] == {"send-by passed": 1}
    mail = {"conn_type": "smtp", "host": "127.0.0.1", "extra": {"from": "shop@shop.example"}}
    monkeypatch.setenv("AIRFLOW_CONN_MAIL", json.dumps(mail))
    with pytest.raises(DefinitionError, match=r"messages/push\.yaml:1: the transport 'smtp' cannot do the channel"):
        previewing(include, transport="smtp", transport_conn_id="mail").execute(CONTEXT)
