"""Mails that come back: read, traced to what was sent, and no danger to who reads them."""

from __future__ import annotations

import io
import json
import tracemalloc
from base64 import encodebytes
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from doc_pages import read_blocks
from integration.scenario import PUSH, SPEC, add_codes, open_welcome
from promo_campaigns.cli import main
from promo_campaigns.contacts.closing import reopen_channel
from promo_campaigns.contacts.store import put_contact, read_contacts
from promo_campaigns.delivery.bounces.mail_files import MOST_BYTES, split_mails
from promo_campaigns.delivery.bounces.reports import MOST_RECIPIENTS, read_mail
from promo_campaigns.model.contacts import DEAD_ADDRESS, Channel, ClosedFor, Contact
from promo_campaigns.model.run import Purpose
from promo_campaigns.model.run_key import idempotency_key, message_id, read_message_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection

    Hear = Callable[..., dict[str, int]]

SAMPLE = Path(__file__).parents[1] / "data" / "bounce.eml"
MAIL = replace(PUSH, name="mail", channel="email", body="Code: $promocode", options={})
MAILED = replace(SPEC, message=MAIL, data_sources=(), transport="smtp", transport_conn_id="mail")
ANN = "ann@mail.example"
FOREIGN = message_id("6f1f4a52-0c1f-5a0b-9d0e-2f4c8f1a7b11", 17, "shop.example")
SENT_PART = "Message-ID: {id}\nTo: ann@mail.example\nSubject: Your code\n"


def report(kind: str, fields: str, *, original: str = FOREIGN, as_type: str = "text/rfc822-headers") -> bytes:
    """Return a report as a mail; without an id of the original mail nothing of it comes back."""
    returned = f"--b\nContent-Type: {as_type}\n\n{SENT_PART.format(id=original)}\n" if original else ""
    text = (
        f"From: MAILER-DAEMON@mail.example\nDate: Sun, 29 Nov 2026 10:15:00 +0000\nMIME-Version: 1.0\n"
        f'Content-Type: multipart/report; report-type={kind}; boundary="b"\n\n'
        f"--b\n\nA report.\n--b\nContent-Type: message/{kind}\n\n{fields}\n{returned}--b--\n"
    )
    return text.encode()


def bounce(status: str, *, action: str = "failed", more: str = "", address: str = ANN, **parts: Any) -> bytes:  # noqa: ANN401
    fields = f"Final-Recipient: rfc822; {address}\nAction: {action}\nStatus: {status}\n{more}"
    return report("delivery-status", f"Reporting-MTA: dns; mail.example\n\n{fields}", **parts)


def complaint(kind: str = "abuse", more: str = "", **parts: Any) -> bytes:  # noqa: ANN401
    return report("feedback-report", f"Feedback-Type: {kind}\nUser-Agent: isp/1\nVersion: 1\n{more}", **parts)


@pytest.fixture
def ann(store: Connection) -> int:
    return put_contact(store, Contact(channels=(Channel("email", ANN), Channel("mobilepush", "token-1"))))


@pytest.fixture
def opened(store: Connection, ann: int) -> Run:
    assert ann
    add_codes(store, 1)
    return open_welcome(store, spec=MAILED)


def sent_id(opened: Run, contact_id: int, resend_counter: int = 0) -> str:
    key = idempotency_key(opened.run_key, contact_id, Purpose.MESSAGE, resend_counter)
    return message_id(key, contact_id, "shop.example")


@pytest.fixture
def hear(tmp_path: Path, dsn: str, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, int]]:
    """Give mails to the command, and return what it says that is not 0."""

    def hear(*mails: bytes, by_address: bool = False) -> dict[str, int]:
        path = tmp_path / "bounces.mbox"
        path.write_bytes(b"".join(b"From x@y Sun Nov 29 10:15:00 2026\n" + mail + b"\n" for mail in mails))
        capsys.readouterr()
        more = ["--by-address"] if by_address else []
        assert main(["contacts", "bounces", str(path), "--json", "--dsn", dsn, *more]) == 0
        shown = capsys.readouterr().out
        assert "ann@" not in shown
        counts = json.loads(shown)
        assert counts.pop("mails") == len(mails)
        return {name: count for name, count in counts.items() if count}

    return hear


def closing_of(store: Connection, contact_id: int) -> tuple[str | None, str | None]:
    (channel,) = [one for one in read_contacts(store, [contact_id])[0]["channels"] if one["type"] == "email"]
    return channel.get("closed_for"), channel.get("closed_by")


def test_the_pages_example_does_what_the_page_says(
    opened: Run, ann: int, dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = {block.name: block.text for block in read_blocks("closed-channels.md") if block.name}
    assert FOREIGN in blocks["bounce.eml"] == SAMPLE.read_text(encoding="utf-8")
    (tmp_path / "bounce.eml").write_text(blocks["bounce.eml"].replace(FOREIGN, sent_id(opened, ann)))
    assert main(["contacts", "bounces", str(tmp_path / "bounce.eml"), "--dsn", dsn]) == 0
    assert capsys.readouterr().out.rstrip() == blocks["bounces"].rstrip()
    assert main(["contacts", "show", str(ann), "--dsn", dsn]) == 0
    assert f"bounced (bounce mail: 5.1.1 run {opened.run_id})" in capsys.readouterr().out


def test_told_twice_a_report_changes_nothing_and_what_is_older_than_an_opening_closes_nothing(
    store: Connection, opened: Run, ann: int, hear: Hear
) -> None:
    mail = bounce("5.1.1", original=sent_id(opened, ann))
    assert hear(mail, mail) == {"closed": 2}
    assert hear(mail) == {"unchanged": 1}
    store.execute(
        "update promo.contact_channel set unsubscribed_at = null, closed_for = null, closed_by = null,"
        " reopened_at = '2026-11-29T11:00Z'"
    )
    assert hear(mail) == {"unchanged": 1}
    assert reopen_channel(store, ann, "email") == 0


@pytest.mark.parametrize("as_type", ["text/rfc822-headers", "message/rfc822", "message/global"])
def test_a_mail_that_was_sent_anew_is_traced_however_it_comes_back(
    store: Connection, opened: Run, ann: int, as_type: str, hear: Hear
) -> None:
    store.execute("update promo.assignment set resend_counter = 2")
    mail = bounce("5.1.1", original=sent_id(opened, ann, 1), as_type=as_type)
    assert hear(mail) == {"closed": 1}


@pytest.mark.parametrize("status", DEAD_ADDRESS)
def test_every_status_of_a_dead_address_closes(status: str) -> None:
    (found,) = read_mail(bounce(f"{status} (no such mailbox)")).reports
    assert (found.status, found.reason) == (status, ClosedFor.BOUNCED)


@pytest.mark.parametrize(
    ("mail", "status"),
    [
        (bounce("5.0.0", more="Diagnostic-Code: smtp; 550 5.1.1 no such user\n"), "5.1.1"),
        (bounce("5.0.0", more="Diagnostic-Code: smtp;550-5.1.1 The account\n 550-5.1.1 does not exist\n"), "5.1.1"),
        (bounce("5.0.0", more="Diagnostic-Code: X-Unix; 550 5.1.1 no such user\n"), ""),
        (bounce("5.0.0", more="Diagnostic-Code: smtp; 550 no such user\n"), ""),
        (bounce("5.2.2", more="Diagnostic-Code: smtp; 552 5.1.1 over quota\n"), ""),
        (bounce("5.7.1"), ""),
        (bounce("4.1.1"), ""),
        (bounce("5.1.1", action="delayed"), ""),
        (bounce("5.1.1", action="relayed"), ""),
        (bounce("2.0.0", action="delivered"), ""),
        (complaint("not-spam"), ""),
        (complaint("fraud"), ""),
    ],
)
def test_what_may_pass_closes_nothing(mail: bytes, status: str) -> None:
    read = read_mail(mail)
    assert read.is_report
    assert [one.status for one in read.reports] == ([status] if status else [])
    assert read.passing == (not status)


def test_a_complaint_closes_whatever_address_its_contact_has(
    store: Connection, opened: Run, ann: int, hear: Hear
) -> None:
    mail = complaint(more="Original-Rcpt-To: <redacted@isp.example>\n", original=sent_id(opened, ann))
    assert hear(bounce("5.1.1", original=sent_id(opened, ann)), mail) == {"closed": 2}
    assert closing_of(store, ann) == ("complained", f"complaint mail: run {opened.run_id}")
    channels = {one["type"]: one for one in read_contacts(store, [ann])[0]["channels"]}
    assert "closed_at" not in channels["mobilepush"]


def test_nobody_closes_a_channel_by_a_report_that_is_made_up(
    store: Connection, opened: Run, ann: int, hear: Hear
) -> None:
    ben = put_contact(store, Contact(channels=(Channel("email", "ben@mail.example"),)))
    own = sent_id(opened, ann)
    key, _ = read_message_id(own) or ("", 0)
    forged = [
        bounce("5.1.1"),
        bounce("5.1.1", original=""),
        bounce("5.1.1", original=message_id(key, ben, "shop.example"), address="ben@mail.example"),
        bounce("5.1.1", original=own, address="ben@mail.example"),
        complaint(),
        complaint(more=f"Original-Rcpt-To: {ANN}\n", original=""),
    ]
    assert hear(*forged) == {"unknown": len(forged)}
    assert closing_of(store, ann) == closing_of(store, ben) == (None, None)
    believed = [bounce("5.1.1", original=""), complaint(more="Original-Rcpt-To: ben@mail.example\n", original="")]
    assert hear(*believed, complaint(), by_address=True) == {"closed": 2, "unknown": 1}


def test_mails_that_are_no_reports_are_counted_and_passed_over(opened: Run, ann: int, hear: Hear) -> None:
    real = bounce("5.1.1", original=sent_id(opened, ann))
    forwarded = b"From: a@b\nContent-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: message/rfc822\n\n" + real
    answer = b"From: ann@mail.example\nSubject: Out of office\n\nBack on Monday.\n"
    assert hear(forwarded, answer, b"", real) == {"others": 3, "closed": 1}


def test_encoded_parts_line_ends_and_letters_of_all_kinds_are_read(opened: Run, ann: int) -> None:
    mail = bounce("5.1.1", original=sent_id(opened, ann))
    (plain,) = read_mail(mail).reports
    assert plain.recipient == ANN
    assert read_mail(mail.replace(b"\n", b"\r\n")).reports == [plain]
    fields = mail.partition(b"message/delivery-status\n\n")[2].partition(b"\n--b\n")[0]
    packed = b"message/delivery-status\nContent-Transfer-Encoding: base64\n\n" + encodebytes(fields)
    assert read_mail(mail.replace(b"message/delivery-status\n\n" + fields, packed)).reports == [plain]
    (global_,) = read_mail(bounce("5.1.1").replace(b"rfc822; ann", "utf-8; ännchen".encode())).reports
    assert global_.recipient.endswith("@mail.example")


HOSTILE = {
    "nothing": b"",
    "one long line": b"x" * 3_000_000,
    "no body": b"Content-Type: multipart/report; boundary=b",
    "long header": b"Content-Type: multipart/report; boundary=" + b"b" * 500_000 + b"\n\n--b\n",
    "quotes": b'Content-Type: multipart/report; a="' + b'";"' * 200_000 + b"\n\n--b\n",
    "parameters": b"Content-Type: multipart/report;" + b" boundary*0*=utf-8''b;" * 50_000 + b"\n\n--b\n",
    "bad charset": b"Content-Type: multipart/report; boundary*=no-such''b\n\n--b\n",
    "boundaries": b"Content-Type: multipart/report; boundary=b\n\n" + b"--b\n" * 250_000,
    "nested": b"".join(b"Content-Type: multipart/report; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(20_000)),
    "mails in mails": b"Content-Type: message/rfc822\n\n" * 30_000,
    "blank lines": bounce("5.1.1").replace(b"Reporting", b"\n \n" * 200_000 + b"Reporting"),
    "blanks": bounce("5.1.1").replace(b"Action", b" " * 900_000 + b"\nAction"),
    "headers": b"A: b\n" * 150_000 + b"\n",
    "bad base64": bounce("5.1.1").replace(b"status\n\n", b"status\nContent-Transfer-Encoding: base64\n\n=A=\n"),
    "NULs": bounce("5.1.1").replace(b"5.1.1", b"\0" * 500_000),
    "not ASCII": bounce("5.1.1").replace(b"failed", b"\xff\xfe" * 1_000),
    "dates": bounce("5.1.1", more="Last-Attempt-Date: Mon, 99 Foo 99999999999999 99:99:99 +9999\n"),
    "colons": b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n"
    + b":\n" * 9,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_mail_takes_the_reader_down(name: str) -> None:
    for mail in split_mails(io.BytesIO(HOSTILE[name])):
        assert len(mail) <= MOST_BYTES + 64 * 1024
        assert len(read_mail(mail).reports) <= MOST_RECIPIENTS


def test_a_report_names_no_more_recipients_than_are_read() -> None:
    block = "Final-Recipient: rfc822; ann@mail.example\nAction: failed\nStatus: 5.1.1\n\n"
    read = read_mail(report("delivery-status", "Reporting-MTA: dns; x\n\n" + block * 5_000))
    assert len(read.reports) == MOST_RECIPIENTS


class _Endless(io.RawIOBase):
    """A mailbox of 200 MB in two mails, of which nothing is kept."""

    def __init__(self) -> None:
        super().__init__()
        self._lines = [
            b"From a\n",
            *[b"x" * 50_000 + b"\n"] * 2_000,
            b"\n",
            b"From b\n",
            *[b"y" * 50_000 + b"\n"] * 2_000,
        ]
        self._lines.reverse()

    def readline(self, size: int | None = -1, /) -> bytes:  # noqa: ARG002  (lines are short)
        return self._lines.pop() if self._lines else b""


def test_a_long_mailbox_is_read_with_bounded_memory() -> None:
    box = _Endless()
    tracemalloc.start()
    lengths = [len(mail) for mail in split_mails(box)]  # type: ignore[arg-type]  # all that is asked of a stream
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(lengths) == 2
    assert peak < 8 * MOST_BYTES


def test_a_file_that_is_not_there_is_named(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contacts", "bounces", "nowhere.eml", "--dsn", dsn]) != 0
    assert "nowhere.eml: cannot be read" in capsys.readouterr().err
