"""Reads reports that come as mails: of delivery that failed (RFC 3464), and of complaints (RFC 5965).

Anybody can send such a mail, and any mail can be broken. A report is read where the standards put it, in the parts of
the mail itself: never in a mail within the mail. Headers, parts and recipients are limited in number and length, and
nothing is read twice, so that no mail takes long.
"""

from __future__ import annotations

import binascii
import quopri
import re
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from promo_campaigns.model.contacts import ClosedFor, status_of_dead
from promo_campaigns.model.run_key import read_message_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from email.message import Message

MOST_PARTS = 10
MOST_RECIPIENTS = 100
_HEAD = 64 * 1024
_BLOCK = 16 * 1024
_VALUE = 2_000
_STATUS, _FEEDBACK = "delivery-status", "feedback-report"
_RETURNED = {
    "message/rfc822": True,
    "message/global": True,
    "text/rfc822-headers": False,
    "message/global-headers": False,
}
"""Types of the part that the mail comes back in, and whether it holds more than its headers."""
_NO_DETAIL = re.compile(r"\s*5\.0\.0(?![.\d])")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailReport:
    """What a mail says of one recipient of ours. Never logged.

    :ivar recipient: whom it names; empty if nobody
    :ivar sent: key and contact of the mail that it is about, by its ``Message-ID``; None if it is not one of ours
    :ivar status: the status of a bounce by which the address is dead
    :ivar at: when it happened, if it says so
    """

    reason: ClosedFor
    recipient: str = field(repr=False)
    sent: tuple[str, int] | None
    status: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MailRead:
    """What was read of one mail.

    :ivar is_report: whether it is a report at all
    :ivar reports: of recipients whose channel is to be closed
    :ivar passing: how many recipients it names besides: what may pass, what was delivered, what closes nothing
    """

    is_report: bool
    reports: list[MailReport] = field(default_factory=list)
    passing: int = 0


def read_mail(mail: bytes) -> MailRead:
    """Read a mail."""
    head, body = _head(mail.replace(b"\r\n", b"\n"))
    parts = dict(_parts(head, body))
    returned = next((_headers_of(parts[kind], whole=whole) for kind, whole in _RETURNED.items() if kind in parts), None)
    sent = _sent(returned, head)
    for kind, read in ((_STATUS, _bounces), (_FEEDBACK, _complaints)):
        for name in (f"message/{kind}", f"message/global-{kind}"):
            if name in parts:
                return read(parts[name], sent, _moment(head["Date"]))
    return MailRead(is_report=False)


def _bounces(body: bytes, sent: tuple[str, int] | None, at: datetime | None) -> MailRead:
    """Read the fields of each recipient, which stand below those of the mail, apart by empty lines."""
    _, *blocks = re.split(rb"\n[ \t]*\n\s*", body.strip(), maxsplit=MOST_RECIPIENTS + 1)[: MOST_RECIPIENTS + 1]
    found = [_bounce(_fields(block), sent, at) for block in blocks]
    reports = [one for one in found if one is not None]
    return MailRead(is_report=True, reports=reports, passing=len(found) - len(reports))


def _bounce(fields: Message, sent: tuple[str, int] | None, at: datetime | None) -> MailReport | None:
    status = _status(fields)
    if not status:
        return None
    recipient = _address(_text(fields, "Original-Recipient")) or _address(_text(fields, "Final-Recipient"))
    when = _moment(fields["Last-Attempt-Date"]) or at
    return MailReport(reason=ClosedFor.BOUNCED, recipient=recipient, sent=sent, status=status, at=when)


def _status(fields: Message) -> str:
    """Return the status by which the address of a recipient is dead; empty if it is not.

    Some servers have no more to say than 5.0.0 in the field for it, and quote the reply with the status elsewhere.
    """
    if _text(fields, "Action").strip().lower() != "failed":
        return ""
    status = _text(fields, "Status")
    kind, _, reply = _text(fields, "Diagnostic-Code").partition(";")
    if _NO_DETAIL.match(status) and kind.strip().lower() == "smtp":
        return status_of_dead(reply.strip())
    return status_of_dead(status)


def _complaints(body: bytes, sent: tuple[str, int] | None, at: datetime | None) -> MailRead:
    """Read a complaint. Its own dates are those of the mail it is about, which came before."""
    fields = _fields(body.strip())
    if _text(fields, "Feedback-Type").strip().lower() != "abuse":
        return MailRead(is_report=True, passing=1)
    recipient = _text(fields, "Original-Rcpt-To").strip().strip("<>")
    report = MailReport(reason=ClosedFor.COMPLAINED, recipient=recipient, sent=sent, at=at)
    return MailRead(is_report=True, reports=[report])


def _sent(returned: Message | None, report: Message) -> tuple[str, int] | None:
    """Return what the mail that came back was; where it did not come back, what the report answers."""
    if returned is not None:
        return read_message_id(_text(returned, "Message-ID"))
    return read_message_id(_text(report, "In-Reply-To"))


def _parts(head: Message, body: bytes) -> Iterator[tuple[str, bytes]]:
    """Return the parts of a report by their types; of each type the first one that is there."""
    boundary = head.get_boundary() if _is_report(head) else None
    if not boundary or not boundary.isascii():
        return
    found: set[str] = set()
    _, *pieces = (b"\n" + body).split(b"\n--" + boundary.encode(), MOST_PARTS)
    for piece in pieces:
        rest_of_line, _, part = piece.partition(b"\n")
        if rest_of_line.strip():  # the end of the parts, or another boundary that only begins like this one
            continue
        own, content = _head(part)
        kind = own.get_content_type() if len(_text(own, "Content-Type")) < _VALUE else ""
        if kind not in found:
            found.add(kind)
            yield kind, _decoded(content, _text(own, "Content-Transfer-Encoding"))


def _is_report(head: Message) -> bool:
    return len(str(head["Content-Type"] or "")) < _VALUE and head.get_content_type() == "multipart/report"


def _decoded(content: bytes, encoding: str) -> bytes:
    """Return a part without its encoding, which the standards forbid here and some servers use."""
    try:
        if encoding.strip().lower() == "base64":
            return binascii.a2b_base64(content).replace(b"\r\n", b"\n")
    except binascii.Error:
        return b""
    return quopri.decodestring(content) if encoding.strip().lower() == "quoted-printable" else content


def _headers_of(returned: bytes, *, whole: bool) -> Message:
    return _head(returned.lstrip())[0] if whole else _parsed(returned.strip()[:_HEAD])


def _head(mail: bytes) -> tuple[Message, bytes]:
    """Return headers and body; what is beyond the longest head belongs to neither."""
    if mail.startswith(b"\n"):
        return _parsed(b""), mail[1:]
    head, _, body = mail.partition(b"\n\n")
    return _parsed(head[:_HEAD]), body


def _fields(block: bytes) -> Message:
    return _parsed(block[:_BLOCK])


def _parsed(head: bytes) -> Message:
    # Headers as they stand: the newer policies read each value by a grammar, and some values take them long.
    return BytesParser(policy=policy.compat32).parsebytes(head.replace(b"\0", b"") + b"\n\n", headersonly=True)


def _text(fields: Message, name: str) -> str:
    return str(fields[name] or "")[:_VALUE]


def _address(field_text: str) -> str:
    """Return the address of a field such as ``rfc822; ann@shop.example``."""
    kind, _, address = field_text.partition(";")
    return address.strip().strip("<>") if kind.strip().lower() in {"rfc822", "utf-8"} else ""


def _moment(text: object) -> datetime | None:
    try:
        moment = parsedate_to_datetime(str(text or "")[:100])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else None
