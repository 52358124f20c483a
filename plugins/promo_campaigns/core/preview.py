"""What a campaign would do to each contact of its audience, as rows of a table."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from promo_campaigns.core.bulk import BATCH
from promo_campaigns.core.codes import mask
from promo_campaigns.core.message_context import message_context
from promo_campaigns.core.models import OutgoingMessage
from promo_campaigns.core.rendering import HTML, first_failure, webhook_context

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from promo_campaigns.core.errors import TemplateError
    from promo_campaigns.core.forecast import Forecast
    from promo_campaigns.core.models import Recipient
    from promo_campaigns.core.ports import Template
    from promo_campaigns.core.rendering import MessageTemplates, RequestTemplates

SEND = "send"
SKIPPED = "skipped"
REJECTED = "rejected"
NO_CODE = "no code"
KEY = "TEST-KEY"
"""Stands for an idempotency key in the request that carries a message."""
MAX_KINDS = 200
"""Reasons and warnings that a report tells apart; the others count as ``other``."""

COLUMNS: dict[str, Literal["text", "number", "time"]] = {
    "contact_id": "number",
    "state": "text",
    "reason": "text",
    "channel": "text",
    "code": "text",
    "expires_at": "time",
    "title": "text",
    "body": "text",
    "html": "text",
    "request_path": "text",
    "request_body": "text",
    "warnings": "text",
}
"""The columns of a preview, in order, with what they hold; of several requests each is a line."""


@dataclass(slots=True)
class Candidate:
    """Somebody of the audience.

    :ivar recipient: as a template would see it, with the placeholder in place of a code
    :ivar reason: why nothing would be sent; empty if something would
    :ivar code: the code it would be given, as stored; only its mask is shown
    :ivar warning: what is to be known of it beside that
    """

    recipient: Recipient
    reason: str
    code: str = field(default="", repr=False)
    warning: str = ""


@dataclass(slots=True, kw_only=True)
class PreviewReport:
    """What a whole preview came to: counts only, safe for XCom and logs.

    :ivar sha256: digest of the definition, in hexadecimal
    :ivar contacts: the audience
    :ivar states: contacts that would be sent to, skipped, or rejected since their message cannot be rendered
    :ivar reasons: the skipped and the rejected by reason
    :ivar warnings: contacts by warning
    :ivar forecast: codes wanted and codes in stock
    :ivar files: what was written
    :ivar notes: what the texts do not show as it will be
    """

    workflow: str
    message: str
    sha256: str
    contacts: int = 0
    states: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    warnings: dict[str, int] = field(default_factory=dict)
    forecast: Forecast | None = None
    files: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def count(self, rows: Sequence[Row]) -> None:
        """Count the contacts of a part of the preview."""
        self.contacts += len(rows)
        for row in rows:
            state, reason, warnings = row[1], row[2], row[-1]
            self.states[state] = self.states.get(state, 0) + 1
            if reason:
                _add(self.reasons, reason)
            for warning in warnings.split("; ") if warnings else ():
                _add(self.warnings, warning)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return {**asdict(self), "forecast": self.forecast.as_dict() if self.forecast else None}


class Row(NamedTuple):
    """What one contact would get, in the order of ``COLUMNS``."""

    contact_id: int
    state: str
    reason: str
    channel: str
    code: str = ""
    expires_at: datetime | None = None
    title: str = ""
    body: str = ""
    html: str = ""
    request_path: str = ""
    request_body: str = ""
    warnings: str = ""


class Previewer:
    """Renders what would be sent, without a code and without sending.

    :param message: the compiled message
    :param requests: the compiled data sources by name
    :param webhook: the compiled request that carries the message, if one does; it stands first among the requests
    """

    def __init__(
        self,
        message: MessageTemplates,
        requests: Mapping[str, RequestTemplates],
        webhook: RequestTemplates | None = None,
    ) -> None:
        self._options = [*message.options]
        self._webhook = webhook
        self._channel = message.channel
        self._message = {"title": message.title, "body": message.body, **message.options}
        if message.html:
            self._message[HTML] = message.html
        self._requests = requests
        templates = [*self._message.values()]
        for request in requests.values():
            templates += [request.path, request.body, *request.headers.values()]
        self._read = sorted(_names_read(templates) - {*requests, BATCH})

    def rows(self, candidates: Sequence[Candidate]) -> list[Row]:
        """Return a part of the preview."""
        sent = [one for one in candidates if not one.reason]
        contexts = [message_context(one.recipient) for one in sent]
        texts = {name: template.render_many(contexts) for name, template in self._message.items()}
        messages = [{name: column[at] for name, column in texts.items()} for at in range(len(sent))]
        failures = [first_failure(message) for message in messages]
        requests = [_rendered(f"request {name}", templates, contexts) for name, templates in self._requests.items()]
        if self._webhook:
            requests.insert(0, self._carried(self._webhook, sent, messages, failures))
        missing = self._missing(contexts)
        places = count()
        rows = []
        for one in candidates:
            if one.reason:
                rows.append(Row(one.recipient.contact_id, SKIPPED, one.reason, self._channel))
                continue
            at = next(places)
            warnings = [warning for warning in (one.warning, missing[at]) if warning]
            if failures[at]:
                who = one.recipient.contact_id
                rows.append(Row(who, REJECTED, failures[at], self._channel, warnings="; ".join(warnings)))
                continue
            rows.append(self._row(one, messages[at], [column[at] for column in requests], warnings))
        return rows

    def _row(
        self,
        one: Candidate,
        message: Mapping[str, str | TemplateError],
        requests: Sequence[tuple[str, str] | str],
        warnings: list[str],
    ) -> Row:
        made = [request for request in requests if not isinstance(request, str)]
        if len(made) < len(requests):
            refused = [request.replace("; ", ", ") for request in requests if isinstance(request, str)]
            warnings = [*warnings, *refused]
        return Row(
            one.recipient.contact_id,
            SEND,
            "",
            self._channel,
            mask(one.code),
            one.recipient.expires_at,
            str(message["title"]),
            str(message["body"]),
            str(message.get(HTML, "")),
            "\n".join([path for path, _ in made]),
            "\n".join([body for _, body in made]),
            "; ".join(warnings),
        )

    def _carried(
        self,
        webhook: RequestTemplates,
        sent: Sequence[Candidate],
        messages: Sequence[Mapping[str, str | TemplateError]],
        failures: list[str],
    ) -> list[tuple[str, str] | str]:
        """Render the request that carries each message; where it cannot be, nothing would be sent: it is a failure."""
        contexts = [
            webhook_context(
                OutgoingMessage(
                    contact_id=one.recipient.contact_id,
                    channel=self._channel,
                    locator=one.recipient.locator or "",
                    title=str(message["title"]),
                    body=str(message["body"]),
                    idempotency_key=KEY,
                    html=str(message.get(HTML, "")),
                    options={name: str(message[name]) for name in self._options},
                )
            )
            for one, message in zip(sent, messages, strict=True)
        ]
        found = _rendered("webhook", webhook, contexts)
        for at, request in enumerate(found):
            if isinstance(request, str):
                failures[at] = failures[at] or request
        return found

    def _missing(self, contexts: Sequence[Mapping[str, Any]]) -> list[str]:
        known: dict[tuple[str, ...], str] = {}
        told = []
        for context in contexts:
            values = context["data"]
            names = tuple([name for name in self._read if name not in values])
            if names not in known:
                known[names] = "; ".join(f"no {name}" for name in names)
            told.append(known[names])
        return told


def _rendered(
    label: str, templates: RequestTemplates, contexts: Sequence[dict[str, object]]
) -> list[tuple[str, str] | str]:
    """Render a request's path and body for each; where it cannot be rendered, say why."""
    if templates.records_per_request:
        contexts = [{**context, BATCH: [context]} for context in contexts]
    parts = {"path": templates.path, "body": templates.body, **templates.headers}
    columns = {part: template.render_many(contexts) for part, template in parts.items()}
    found: list[tuple[str, str] | str] = []
    for at in range(len(contexts)):
        texts = {part: column[at] for part, column in columns.items()}
        failed = first_failure(texts)
        found.append(f"{label}: {failed}" if failed else (str(texts["path"]), str(texts["body"])))
    return found


def _names_read(templates: Sequence[Template]) -> set[str]:
    names: set[str] = set()
    for template in templates:
        for root, inner in template.references.items():
            names |= inner if root == "data" else {root}
    return names


def _add(counts: dict[str, int], kind: str) -> None:
    kind = kind if kind in counts or len(counts) < MAX_KINDS else "other"
    counts[kind] = counts.get(kind, 0) + 1
