"""Channels that are closed: by a mail server's answer, a link, a notice, the vendor and a person; and opened again."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trustme

from contract.stages import MailServer, mail_connection, running_mail_server
from integration.profile_server import serving
from integration.scenario import PUSH, SPEC, add_codes, add_contacts, free_codes, open_welcome
from promo_campaigns.cli import main
from promo_campaigns.contacts.bulk_store import put_contacts
from promo_campaigns.contacts.closing import close_channels, list_closed, reopen_channel, reopen_failed
from promo_campaigns.contacts.deletion import delete_contact, restore_contact
from promo_campaigns.contacts.store import put_contact, read_contacts
from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
from promo_campaigns.delivery.service import DeliveryService
from promo_campaigns.ledger.answered_ledger import make_ledger
from promo_campaigns.ledger.evidence import ALL_AT_ONCE, closings_of
from promo_campaigns.ledger.lookups.pictures import picture_key
from promo_campaigns.ledger.runs import read_batches
from promo_campaigns.model.contacts import Channel, ClosedFor, Closing, Contact, Matching, Row, status_of_dead
from promo_campaigns.model.links.unsubscribing import PATH, UnsubscribeLinks, read_unsubscribing
from promo_campaigns.model.masking import PLACEHOLDER
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.picture_link import read_token
from promo_campaigns.postgres.connection import connect
from promo_campaigns.preview.dry_run import write_diff, write_preview
from promo_campaigns.profile_api.closings.signature import HEADER

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

HOST = "https://codes.shop.example"
KEY = b"a key of the gateway, 32 letters"
DOCS = Path(__file__).parents[2] / "docs"
MAIL = replace(
    PUSH, name="mail", channel="email", body="Code: $promocode. No more of these: $unsubscribe_link", options={}
)
SIGNED = replace(SPEC, message=MAIL, data_sources=(), transport="smtp", transport_conn_id="mail", unsubscribe_url=HOST)


def told(reason: ClosedFor, **whose: Any) -> Closing:  # noqa: ANN401  (parts of a closing)
    return Closing(**{"type": "email", "by": "a test", "reason": reason, **whose})


def became(store: Connection, *closings: Closing) -> list[tuple[bool, bool]]:
    return [(one.known, one.closed) for one in close_channels(store, closings)]


def reason_of(store: Connection, contact_id: int, channel: str = "email") -> str | None:
    channels = read_contacts(store, [contact_id])[0]["channels"]
    (reason,) = [one.get("closed_for") for one in channels if one["type"] == channel]
    return None if reason is None else str(reason)


def mailed(store: Connection, *names: str) -> list[int]:
    return [put_contact(store, Contact(channels=(Channel("email", f"{name}@shop.example"),))) for name in names]


def test_a_channel_is_closed_once_for_the_reason_that_weighs_most(store: Connection) -> None:
    ann, ben = mailed(store, "ann", "ben")
    bounced = told(ClosedFor.BOUNCED, value="ANN@shop.example")
    nobody = told(ClosedFor.BOUNCED, value="nobody@shop.example")
    others = told(ClosedFor.BOUNCED, value="ben@shop.example", contact_id=ann)
    assert became(store, bounced, nobody, others) == [(True, True), (False, False), (False, False)]
    assert became(store, bounced) == [(True, False)]
    assert (reason_of(store, ann), reason_of(store, ben)) == ("bounced", None)
    wishes = told(ClosedFor.UNSUBSCRIBED, contact_id=ann)
    assert became(store, wishes, told(ClosedFor.COMPLAINED, contact_id=ann)) == [(True, True), (True, True)]
    assert became(store, bounced, told(ClosedFor.COMPLAINED, contact_id=ann)) == [(True, False), (True, False)]
    assert reason_of(store, ann) == "unsubscribed"
    at = datetime.now(timezone.utc)
    assert reopen_channel(store, ann, "email", "other@shop.example") == 0
    assert reopen_channel(store, ann, "email", "ANN@shop.example") == 1
    assert became(store, replace(wishes, at=at - timedelta(days=1))) == [(True, False)]
    assert became(store, replace(wishes, at=at + timedelta(days=1))) == [(True, True)]
    closed = list_closed(store, limit=5)
    assert [(one["contact_id"], one["closed_for"], one["closed_by"]) for one in closed] == [
        (ann, "unsubscribed", "a test")
    ]
    assert closed[0]["closed_at"] < at + timedelta(hours=1)
    store.execute("update promo.contact_channel set unsubscribed_at = now() where contact_id = %s", [ben])
    assert reason_of(store, ben) == "unsubscribed"  # by an author's own SQL, as before there were reasons


def test_another_address_opens_what_had_failed_and_nothing_that_its_owner_closed(store: Connection) -> None:
    ann, ben, eve = (
        put_contact(store, Contact(external_id=name, channels=(Channel("email", f"{name}@shop.example"),)))
        for name in ("ann", "ben", "eve")
    )
    became(store, told(ClosedFor.BOUNCED, contact_id=ann), told(ClosedFor.UNSUBSCRIBED, contact_id=ben))
    became(store, told(ClosedFor.BOUNCED, contact_id=eve))
    for name, address in (("ann", "new@shop.example"), ("ben", "else@shop.example"), ("eve", "EVE@shop.example")):
        put_contact(store, Contact(external_id=name, channels=(Channel("email", address),)))
    assert [reason_of(store, who) for who in (ann, ben, eve)] == [None, "unsubscribed", "bounced"]
    now, hour = datetime.now(timezone.utc), timedelta(hours=1)
    span: Any = {"since": now - hour, "until": now + hour}
    assert reopen_failed(store, "sms", **span) == 0
    assert reopen_failed(store, "email", **span, reason="the server was wrong") == 1
    assert [reason_of(store, who) for who in (ben, eve)] == ["unsubscribed", None]
    (entry,) = store.execute("select * from promo.audit where action = 'reopen channel' and row_count = 1").fetchall()
    assert entry["reason"] == "the server was wrong"


@pytest.mark.parametrize("reason", [ClosedFor.BOUNCED, ClosedFor.UNSUBSCRIBED])
def test_what_is_told_of_a_deleted_contact_still_holds_when_it_comes_back(store: Connection, reason: ClosedFor) -> None:
    told, other = add_contacts(store, 2)
    for contact_id in (told, other):
        delete_contact(store, contact_id)
    (done,) = close_channels(store, [Closing(contact_id=told, type="mobilepush", reason=reason, by="a gateway")])
    assert (done.known, done.closed) == (True, True)
    for contact_id in (told, other):
        assert restore_contact(store, contact_id)
    assert [(row["contact_id"], row["closed_for"]) for row in list_closed(store, limit=5)] == [(told, reason.value)]


def test_what_its_owner_closed_is_kept_where_a_file_lists_it_as_empty(store: Connection) -> None:
    whole = Contact(channels=(Channel("email", "ann@shop.example"), Channel("sms", "4915112345678")))
    ann = put_contact(store, whole)
    alone, matching = Row(1, Contact(channels=whole.channels[:1])), Matching(("email",), listed=("sms",))
    became(store, told(ClosedFor.UNSUBSCRIBED, type="sms", contact_id=ann))
    put_contacts(store, [alone], matching)
    put_contact(store, whole)
    assert reason_of(store, ann, "sms") == "unsubscribed"
    reopen_channel(store, ann, "sms")
    became(store, told(ClosedFor.BOUNCED, type="sms", contact_id=ann))
    put_contacts(store, [alone], matching)
    assert [one["type"] for one in read_contacts(store, [ann])[0]["channels"]] == ["email"]


def test_who_holds_leases_does_not_wait_for_a_load_of_contacts(store: Connection, dsn: str) -> None:
    ann, _ = mailed(store, "ann", "ben")
    both = [told(ClosedFor.BOUNCED, value=f"{name}@shop.example") for name in ("ann", "ben")]
    with connect(dsn) as loading, loading.transaction():
        loading.execute("update promo.contact_channel set updated_at = now() where contact_id = %s", [ann])
        done = close_channels(store, both, waits=False)
    assert [(one.known, one.closed) for one in done] == [(True, False), (True, True)]
    assert became(store, *both) == [(True, True), (True, False)]


def test_a_run_skips_closed_channels_and_says_why(store: Connection) -> None:
    ann, ben, eve, dan = add_contacts(store, 4)
    add_codes(store, 4)
    dead = told(ClosedFor.UNREGISTERED, type="mobilepush", value=f"token-{ann}")
    became(store, dead, told(ClosedFor.COMPLAINED, type="mobilepush", contact_id=ben))
    became(store, replace(dead, value=f"token-{eve}"))
    store.execute(
        "insert into promo.contact_channel (contact_id, type, value) values (%s, 'mobilepush', 'second device')", [eve]
    )
    run = open_welcome(store)
    (batch,) = read_batches(store, run, 100)
    assert make_ledger(store, run.spec).reachable_contacts(batch) == [eve, dan]
    rows = store.execute("select contact_id, reason from promo.assignment where state = 'skipped'").fetchall()
    assert {row["contact_id"]: row["reason"] for row in rows} == {ann: "unregistered", ben: "complained"}


def test_a_dead_address_is_closed_with_its_refusal_and_the_link_of_the_others_unsubscribes(
    store: Connection, dsn: str, tmp_path: Path
) -> None:
    ann, dead, soft = mailed(store, "ok-ann", "refuse-dead", "ok-soft")
    add_codes(store, 3)
    run = open_welcome(store, spec=SIGNED)
    (batch,) = read_batches(store, run, 100)
    server, authority = MailServer(), tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))
    with running_mail_server(server) as port:
        extras = {"security": "none", "allow_insecure": True}
        settings = replace(mail_connection(port, authority, **extras), login="", password="")
        with DeliveryService(dsn, lambda _: settings).open(run.run_id) as delivery:
            asyncio.run(delivery.deliver(batch))
    states = store.execute("select contact_id, state::text from promo.assignment order by 1").fetchall()
    assert [row["state"] for row in states] == ["accepted", "rejected", "accepted"]
    assert free_codes(store) == 1
    (closed,) = list_closed(store, limit=9)
    assert (closed["contact_id"], closed["closed_for"]) == (dead, "bounced")
    assert closed["closed_by"] == "smtp: SMTP 550 to the recipient (5.1.1)"
    mails = {recipients[0]: mail for recipients, mail in server.mails}
    mail = mails["ok-ann@shop.example"]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = mail["List-Unsubscribe"].strip("<>")
    assert link in mail.get_content()
    with serving(dsn) as client, httpx.Client(base_url=str(client.base_url.join("/")), trust_env=False) as reader:
        path = link.removeprefix(HOST)
        _asks_first_and_then_unsubscribes(reader, path, store, ann)
        _leads_nobody_else_anywhere(reader, path, store)
        shown = client.get(f"/contact/{ann}", params={"full": "true"}).json()["channels"][0]
        assert (shown["closedFor"], shown["closedBy"]) == ("unsubscribed", f"link of run {run.run_id}")
        assert "closedFor" not in client.get(f"/contact/{soft}", params={"full": "true"}).json()["channels"][0]
    states = store.execute("select state::text from promo.assignment where contact_id = %s", [ann]).fetchall()
    assert [row["state"] for row in states] == ["accepted"]
    assert free_codes(store) == 1


def _asks_first_and_then_unsubscribes(reader: httpx.Client, path: str, store: Connection, ann: int) -> None:
    for answer in (reader.get(path), reader.head(path), reader.get(path)):
        assert answer.status_code == 200
        assert "no-store" in answer.headers["cache-control"]
    assert '<form method="post">' in reader.get(path).text
    assert reason_of(store, ann) is None
    for _ in range(2):
        answer = reader.post(path, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
        assert "You are unsubscribed" in answer.text
        assert "ok-ann" not in answer.text
    assert reason_of(store, ann) == "unsubscribed"
    assert reader.post(path, content=b"x" * 5_000).status_code == 413


def _leads_nobody_else_anywhere(reader: httpx.Client, path: str, store: Connection) -> None:
    key, token = picture_key(store), path.removeprefix(PATH)
    meant = read_unsubscribing(token, key)
    assert meant
    assert read_token(token, key) is None  # no picture of a code
    links = UnsubscribeLinks(url="", channel="email", run_id=meant.run_id, key=b"another key")
    changed = [f"{token[:at]}{'A' if token[at] != 'A' else 'B'}{token[at + 1 :]}" for at in range(0, len(token) - 1, 5)]
    for wrong in (*changed, token[:-2], "x" * 300, "%00", links.link(meant.contact_id).removeprefix(PATH)):
        assert reader.get(f"{PATH}{wrong}").status_code == 404
        assert reader.post(f"{PATH}{wrong}").status_code == 404
    assert reader.get(f"{PATH}{PLACEHOLDER}").status_code == 200
    assert reader.post(f"{PATH}{PLACEHOLDER}").status_code == 200
    assert reader.put(path).status_code == 401
    gone = UnsubscribeLinks(url="", channel="email", run_id=1, key=key).link(10**9)
    assert reader.post(gone).status_code == 200  # an erased contact gets no more mails either
    assert len(list_closed(store, limit=9)) == 2


def test_a_preview_shows_a_link_that_changes_nothing(store: Connection) -> None:
    mailed(store, "ann")
    add_codes(store, 1)
    rows: list[Any] = []
    write_preview(store, CompiledCampaign(SIGNED), [rows.extend])
    assert f"{HOST}{PATH}{PLACEHOLDER}" in str(rows)
    report = write_diff(store, SIGNED, [], old=MAIL, new=replace(MAIL, body="$promocode, $unsubscribe_link"))
    assert f"{PATH}{PLACEHOLDER}" in str(report.samples)
    assert "unsubscribe_url" not in SPEC.as_dict()
    assert type(SIGNED).from_dict(SIGNED.as_dict()) == SIGNED


def signed(body: bytes, key: bytes = KEY, *, at: float | None = None) -> dict[str, str]:
    second = int(time.time() if at is None else at)
    digest = hmac.new(key, f"{second}.".encode() + body, hashlib.sha256).hexdigest()
    return {HEADER: f"t={second},v1={digest}", "Content-Type": "application/json"}


def test_a_signed_notice_closes_once_and_tells_strangers_nothing(store: Connection, dsn: str) -> None:
    ann, ben = mailed(store, "ann", "ben")
    closing = {"type": "email", "value": "ann@shop.example", "reason": "bounced", "detail": "550 a@b.c +49151123456"}
    soft = {"type": "email", "value": "ben@shop.example", "reason": "bounced", "permanent": False}
    unknown = {"type": "sms", "value": "4915112345678", "reason": "complained"}
    body = json.dumps({"gateway": "relay", "closings": [soft, closing, unknown]}).encode()
    with serving(dsn, notice_keys=[b"the next key of the gateway", KEY]) as client:
        stranger = httpx.Client(base_url=str(client.base_url.join("/")), trust_env=False)

        def post(content: bytes, headers: dict[str, str]) -> httpx.Response:
            return stranger.post("/webhooks/channels", content=content, headers=headers)

        headers = signed(body)
        wrong = [{}, {HEADER: "t=1,v1=x"}, signed(body, b"another key"), signed(body + b" ")]
        wrong += [signed(body, at=time.time() - 400), signed(body, at=time.time() + 400)]
        assert [post(body, one).status_code for one in wrong] == [401] * 6
        assert list_closed(store, limit=9) == []
        first = post(body, headers).json()
        assert first == {"closed": 1, "unchanged": 1, "unknown": [2], "repeated": False}
        reopen_channel(store, ann, "email")
        assert post(body, headers).json()["repeated"]
        assert (reason_of(store, ann), reason_of(store, ben)) == (None, None)
        assert post(body, signed(body, at=time.time() - 5)).json()["closed"] == 1
        (entry,) = list_closed(store, limit=9)
        assert entry["closed_by"] == "relay: 550"
        for told_wrong in ({"reason": "gone", "type": "email", "value": "a@b.example"}, {"type": "email"}, {}):
            text = json.dumps({"closings": [told_wrong]}).encode()
            answer = post(text, signed(text))
            assert (answer.status_code, answer.json()["message"]) == (400, "the request is not valid")
        assert post(b" " * 300_000, {}).status_code == 413
        vendor: list[dict[str, Any]] = [
            {"contactId": 1, "email": "ben@shop.example", "activityStatus": "READ"},
            {"email": "nobody@shop.example", "activityStatus": "SPAM", "activityDateTime": "2026-11-29T08:00:00"},
            {"email": None, "activityStatus": "UNSUBSCRIBED"},
            {"email": "ben@shop.example", "activityStatus": "UNDELIVERED", "statusDescription": "452 4.2.2 full"},
        ]
        assert client.get("/activities").status_code == 200
        assert client.post("/activities", json=vendor).json() == {"closed": 0, "unchanged": 0, "unknown": [0]}
        vendor[3]["statusDescription"] = "550 5.1.1 no such user"
        assert client.post("/activities", json=vendor[3:]).json()["closed"] == 1
        assert reason_of(store, ben) == "bounced"
        assert stranger.post("/api/v1/activities", json=vendor).status_code == 401
    with serving(dsn) as client:
        assert (
            httpx.post(str(client.base_url.join("/webhooks/channels")), content=body, headers=headers).status_code
            == 404
        )


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        ("5.1.1 <a@b.example> is unknown", "5.1.1"),
        ("5.1.10 null MX", "5.1.10"),
        ("550-5.1.2 no such domain", "5.1.2"),
        ("5.1.12 of another kind", ""),
        ("5.2.1 gets too much", ""),
        ("5.2.2 full", ""),
        ("5.7.1 spam", ""),
        ("4.1.1 not now", ""),
        ("User unknown, said 10.5.1.1", ""),
        ("User unknown", ""),
        ("Refused for a reason that is told at length, see 5.1.1", ""),
    ],
)
def test_only_some_codes_say_that_an_address_is_dead(reply: str, status: str) -> None:
    assert status_of_dead(reply) == status


def test_what_a_receiver_says_of_everybody_at_once_closes_nothing() -> None:
    dead = [
        DeliveryResult(
            contact_id=n, outcome=Outcome.REFUSED, closes=told(ClosedFor.BOUNCED, contact_id=n, value=f"{n}@x.example")
        )
        for n in range(ALL_AT_ONCE)
    ]
    assert closings_of(dead) == []
    assert len(closings_of(dead[1:])) == ALL_AT_ONCE - 1
    assert len(closings_of([*dead, DeliveryResult(contact_id=99, outcome=Outcome.OK)])) == ALL_AT_ONCE
    assert closings_of([replace(dead[0], outcome=Outcome.LATER)]) == []


def test_a_person_closes_and_opens_channels(store: Connection, dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    (ann,) = mailed(store, "ann")
    at = ["--dsn", dsn]
    assert main(["contacts", "close", str(ann), "email", "--for", "complained", "--reason", "phoned", *at]) == 0
    assert main(["contacts", "show", str(ann), *at]) == 0
    assert main(["contacts", "closed", *at]) == 0
    told_of = capsys.readouterr().out
    assert re.search(r"closed since \d{4}-\d\d-\d\dT\d\d:\d\d: complained \(a person\)", told_of)
    assert main(["contacts", "reopen-failed", "email", "--since", "2020-01-01", *at]) == 0
    assert main(["contacts", "reopen", str(ann), "email", *at]) == 0
    assert main(["contacts", "reopen", str(ann), "email", *at]) == 1
    assert main(["contacts", "close", str(ann), "sms", *at]) != 0
    said = "".join(capsys.readouterr())
    assert "email is open again" in said
    assert "0 channels email are open again" in said
    assert "has no channel sms" in said
    actions = [row["action"] for row in store.execute("select action from promo.audit order by audit_id").fetchall()]
    assert actions == ["close channel", "reopen channel", "reopen channel", "reopen channel", "close channel"]


def test_the_examples_of_the_page_run(
    store: Connection, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (DOCS / "closed-channels.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["init", "."]) == 0
    for name, text in re.findall(r"^```yaml (\S+)\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert main(["workflows", "check", "--include", "include"]) == 0, "".join(capsys.readouterr())
    workflow = tmp_path / "include" / "workflows" / "spring_mail.yaml"
    workflow.write_text(re.sub(r"unsubscribe_url: .*\n", "", workflow.read_text()), encoding="utf-8")
    assert main(["workflows", "check", "--include", "include"]) != 0
    assert "as in unsubscribe_url: https://" in "".join(capsys.readouterr())
    mailed(store, "ann", "ben")
    (notice,), (script,) = (
        re.findall(rf"^```{kind} notice\n(.*?)^```", page, re.MULTILINE | re.DOTALL) for kind in ("json", "python")
    )
    names: dict[str, Any] = {}
    exec(script, names)  # noqa: S102  (the example of our own page)
    with serving(dsn, notice_keys=[KEY]) as client:
        url = str(client.base_url.join("/webhooks/channels"))
        answer = json.loads(names["send_notice"](url, KEY.decode(), notice.encode()))
    assert answer == {"closed": 1, "unchanged": 1, "unknown": [1, 2], "repeated": False}
