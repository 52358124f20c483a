"""A message as an e-mail: its headers, its parts, and the addresses it travels between."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from hashlib import sha256
from typing import TYPE_CHECKING, cast
from urllib.parse import quote, urlsplit, urlunsplit

from promo_campaigns.http.shown_call import ShownCall
from promo_campaigns.model.errors import CallRefusedError, CannotCarryError
from promo_campaigns.model.run_key import message_id
from promo_campaigns.velocity import compile_template

if TYPE_CHECKING:
    from promo_campaigns.model.outcome import OutgoingMessage

UNSUBSCRIBE = "unsubscribe"
ONE_CLICK = "one_click"
MOST_SHOWN = 200
DRAWN = "data:image/png;base64,"
MAX_ADDRESS = 254  # RFC 5321, section 4.5.3.1.3
_OF_THE_ENCODING = frozenset({"Content-Type", "Content-Transfer-Encoding", "MIME-Version"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Unicode's line breaks among them: Python's mail writer takes them for the end of a line."""
_LOCAL = re.compile(r"[^\s\x00-\x1f\x7f@<>()\[\]\\,;:\"]{1,64}")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_ASCII = "".join(map(chr, range(0x21, 0x7F)))
_QUOTES = frozenset({"''", "\u201c\u201d", "\u201e\u201c", "\u2018\u2019", "\u00ab\u00bb"})
"""Quotation marks that a name may be written in, as word processors make them."""
_NAMED = re.compile(r"([^<>]*)<([^<>]+)>")
_PICTURE = re.compile(rf"(?P<quote>[\"']){DRAWN}(?P<data>[A-Za-z0-9+/=]+)(?P=quote)")
_LINK = re.compile(r"(?:https://|mailto:)[\x21-\x3b\x3d\x3f-\x7e]+")


class NotMailableError(ValueError):
    """A message cannot be an e-mail; says why, and names no value."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """An e-mail ready to be sent. Never logged.

    :ivar needs_utf8: the recipient's address is for servers with SMTPUTF8 only
    """

    recipient: str = field(repr=False)
    content: bytes = field(repr=False)
    needs_utf8: bool


def parse_address(text: str) -> Address:
    """Read one bare address; a domain beyond ASCII becomes its IDNA form.

    :raises NotMailableError: it is none, or several
    """
    local, at, domain = text.strip().rpartition("@")
    try:
        domain = domain.encode("idna").decode()
    except UnicodeError:
        domain = ""
    dots = local.startswith(".") or local.endswith(".") or ".." in local
    if not at or dots or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain) or len(text) > MAX_ADDRESS:
        msg = "the address is not one that mail can be sent to"
        raise NotMailableError(msg)
    return Address(username=local, domain=domain)


def parse_sender(text: str) -> Address:
    """Read a sender, such as ``news@shop.example`` or ``Shop, Inc. <news@shop.example>``.

    :raises NotMailableError: it is none, or one that only some servers take, and nobody can answer by the others
    """
    if _CONTROL.search(text):
        msg = "it holds a control character"
        raise NotMailableError(msg)
    named = _NAMED.fullmatch(text.strip())
    if not named and text.count("@") > 1 and re.search("[,;]", text):
        msg = "it names several addresses, and a sender has one"
        raise NotMailableError(msg)
    shown, bare = (_unquoted(named[1].strip()), named[2]) if named else parseaddr(text)
    address = parse_address(bare)
    if not address.username.isascii():
        msg = "the part before the @ has letters beyond ASCII, which few mail servers take of a sender"
        raise NotMailableError(msg)
    return Address(display_name=shown, username=address.username, domain=address.domain)


def _unquoted(name: str) -> str:
    r"""Return a name without the quotation marks that it may be written in, as in ``"Shop \"Inc\""``."""
    if len(name) > 1 and name.startswith('"') and name.endswith('"'):
        return re.sub(r"\\(.)", r"\1", name[1:-1])
    return name[1:-1].strip() if len(name) > 1 and f"{name[0]}{name[-1]}" in _QUOTES else name


def make_envelope(message: OutgoingMessage, sender: Address, reply_to: Address | None = None) -> Envelope:
    """Make the e-mail of a message: text, HTML if it has some, one recipient, and an id from its idempotency key.

    :param reply_to: who answers go to; None for the sender
    :raises NotMailableError: its address, title or link to unsubscribe would break the header, or its text holds a NUL
    """
    recipient = parse_address(message.locator)
    needs_utf8 = not recipient.username.isascii()
    mail = EmailMessage(policy=(SMTPUTF8 if needs_utf8 else SMTP).clone(cte_type="7bit"))
    mail["From"] = sender
    mail["To"] = recipient
    if reply_to is not None:
        mail["Reply-To"] = reply_to
    mail["Subject"] = _header(message.title, "title")
    mail["Date"] = format_datetime(datetime.now(timezone.utc))
    mail["Message-ID"] = message_id(message.idempotency_key, message.contact_id, sender.domain)
    _add_unsubscribing(mail, message)
    if "\0" in message.body or "\0" in message.html:
        msg = "the body holds a NUL"
        raise NotMailableError(msg)
    mail.set_content(message.body)
    if message.html:
        _add_html(mail, message.html, sender.domain)
    return Envelope(recipient=recipient.addr_spec, content=mail.as_bytes(), needs_utf8=needs_utf8)


def _add_html(mail: EmailMessage, html: str, domain: str) -> None:
    """Add the HTML, with the pictures that are drawn in it as parts of the mail: few programs show a ``data:`` URI."""
    if DRAWN not in html:
        mail.add_alternative(html, subtype="html")
        return
    pictures: dict[str, bytes] = {}

    def take_out(found: re.Match[str]) -> str:
        try:
            picture = b64decode(found["data"], validate=True)
        except ValueError:
            return found.group()
        name = f"{sha256(picture).hexdigest()[:32]}@{domain}"
        pictures[name] = picture
        return f"{found['quote']}cid:{name}{found['quote']}"

    mail.add_alternative(_PICTURE.sub(take_out, html), subtype="html")
    part = cast("EmailMessage", list(mail.iter_parts())[-1])
    for number, (name, picture) in enumerate(pictures.items(), start=1):
        named = f"code-{number}.png"
        part.add_related(picture, "image", "png", cid=f"<{name}>", disposition="inline", filename=named)


def show_mail(message: OutgoingMessage, sender: Address, server: str, *, reply_to: Address | None = None) -> ShownCall:
    """Return the e-mail of a message as a person is shown it: headers, and the text without its encoding.

    :param server: its host and port
    :raises CallRefusedError: no mail can be made of the message
    """
    try:
        mail = message_from_bytes(make_envelope(message, sender, reply_to).content, policy=SMTPUTF8)
    except NotMailableError as error:
        raise CallRefusedError(str(error)) from None
    headers = {name: str(value) for name, value in mail.items() if name not in _OF_THE_ENCODING}
    return ShownCall(method="SMTP", url=server, headers=headers, body=message.body)


def require_one_line(text: str, part: str, setting: str) -> None:
    """Refuse the template of a header that prints more than one line.

    :param part: what the header is called in errors
    :param setting: the setting of the message that it stands in
    :raises CannotCarryError: it does; a line break that a contact's own value holds is found only when it is rendered
    """
    if compile_template(text).prints_several_lines:
        problem = f"the {part} prints more than one line, which no header of a mail may"
        joined = " ".join(text.split())
        shown = f": {joined}" if len(joined) <= MOST_SHOWN else ""
        hint = f"Write it on one line{shown}. In YAML >- in place of | joins lines"
        raise CannotCarryError(problem, setting=setting, hint=hint)


def _add_unsubscribing(mail: EmailMessage, message: OutgoingMessage) -> None:
    """Add the headers of RFC 2369 and RFC 8058: the message's own link, else the one that the workflow has for it."""
    said = message.options.get(UNSUBSCRIBE, "").strip()
    link = _ascii_link(said or message.unsubscribe_link)
    if not link:
        return
    if not _LINK.fullmatch(link):
        msg = f"the option {UNSUBSCRIBE} is no https or mailto link"
        raise NotMailableError(msg)
    mail["List-Unsubscribe"] = f"<{link}>"
    if message.options.get(ONE_CLICK, "").strip().lower() == "true" or not said:
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"


def _ascii_link(link: str) -> str:
    """Return a link as a header may hold it: the host in its ASCII form, and other letters percent-encoded."""
    if link.isascii():
        return link
    try:
        parts = urlsplit(link)
        host = parts.netloc.encode("idna").decode("ascii")
        rest = (quote(part, safe=_ASCII) for part in (parts.path, parts.query, parts.fragment))
        return urlunsplit((parts.scheme, host, *rest))
    except ValueError:  # among them every error of an encoding
        return link


def _header(text: str, part: str) -> str:
    stripped = text.strip()
    if _CONTROL.search(stripped):
        msg = f"the {part} holds a line break or another control character"
        raise NotMailableError(msg)
    return stripped
