"""The rows of a preview: what each contact of the audience would get."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from promo_campaigns.delivery.bulk import BATCH
from promo_campaigns.delivery.pictures import contexts_of
from promo_campaigns.delivery.rendering import HTML, first_failures, render_texts, webhook_context
from promo_campaigns.delivery.unsubscribing import add_unsubscribing
from promo_campaigns.model.masking import mask
from promo_campaigns.model.outcome import OutgoingMessage
from promo_campaigns.model.template_context import TOOL_NAMES
from promo_campaigns.model.typed.languages import nearest_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
    from promo_campaigns.delivery.ports import Template
    from promo_campaigns.delivery.rendering import MessageTemplates, RequestTemplates
    from promo_campaigns.model.errors import TemplateError
    from promo_campaigns.model.forecast import Forecast
    from promo_campaigns.model.run import Recipient

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
    "code_type": "text",
    "discount": "number",
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
    """A contact of the preview audience.

    :ivar recipient: the contact as a template sees it, with the placeholder for a code
    :ivar reason: why nothing would be sent; empty if a message would be sent
    :ivar code: the code it would be given, as stored; only its mask is shown
    :ivar warning: a further remark, or empty
    """

    recipient: Recipient
    reason: str
    code: str = field(default="", repr=False)
    warning: str = ""


class Example(NamedTuple):
    """A message as one contact would get it, with the placeholder for its code and without its address."""

    contact_id: int
    title: str
    body: str


@dataclass(slots=True, kw_only=True)
class PreviewReport:
    """The report of a preview. As plain values it is counts only, safe for XCom and logs.

    :ivar sha256: digest of the definition, in hexadecimal
    :ivar contacts: the audience
    :ivar strangers: ids that the audience lists and that are nobody's
    :ivar states: contacts that would be sent to, skipped, or rejected since their message cannot be rendered
    :ivar reasons: the skipped and the rejected by reason
    :ivar warnings: contacts by warning
    :ivar languages: contacts by the file whose texts they get; empty for a message in one language
    :ivar forecast: codes needed and codes in stock
    :ivar files: files that were written
    :ivar notes: where the texts differ from what will be sent, and what else is to be known of the campaign
    :ivar refusals: what Start will refuse to open a run for; empty if it will open one
    :ivar examples: two messages as they would be sent, or one in each language. They hold values of profiles: never
        in XCom or logs
    """

    workflow: str
    message: str
    sha256: str
    contacts: int = 0
    strangers: int = 0
    states: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    warnings: dict[str, int] = field(default_factory=dict)
    languages: dict[str, int] = field(default_factory=dict)
    forecast: Forecast | None = None
    files: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)

    def count(self, rows: Sequence[Row]) -> None:
        """Count the contacts of a part of the preview."""
        self.contacts += len(rows)
        for (state, reason, warnings), contacts in Counter([(row[1], row[2], row[-1]) for row in rows]).items():
            self.states[state] = self.states.get(state, 0) + contacts
            if reason:
                _add(self.reasons, reason, contacts)
            for warning in warnings.split("; ") if warnings else ():
                _add(self.warnings, warning, contacts)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values, without the examples."""
        told = asdict(self)
        del told["examples"]
        return {**told, "forecast": self.forecast.as_dict() if self.forecast else None}


class Row(NamedTuple):
    """What one contact would get, in the order of ``COLUMNS``."""

    contact_id: int
    state: str
    reason: str
    channel: str
    code: str = ""
    code_type: str = ""
    discount: int | None = None
    expires_at: datetime | None = None
    title: str = ""
    body: str = ""
    html: str = ""
    request_path: str = ""
    request_body: str = ""
    warnings: str = ""


class _Requests(NamedTuple):
    """A request rendered for each contact, and the errors by position where that failed."""

    paths: Sequence[str | TemplateError]
    bodies: Sequence[str | TemplateError]
    failures: Mapping[int, str]


class Previewer:
    """Renders what would be sent, without a code and without sending.

    The request of a webhook that carries the message stands first among the requests.

    :param campaign: the campaign, whose templates are those of the send
    :ivar languages: contacts by the file whose texts they get; empty for a message in one language
    """

    def __init__(self, campaign: CompiledCampaign) -> None:
        message = campaign.message
        requests = {source.definition.name: source.templates for source in campaign.sources}
        self._options = [*message.options]
        self._webhook = campaign.webhook
        self._channel = message.channel
        self._message = message
        self._pictures = campaign.pictures
        self._unsubscribing = campaign.unsubscribing
        self._files = {id(message): campaign.spec.message.name}
        self._files |= {id(version): f"{campaign.spec.message.name}.{tag}" for tag, version in message.variants.items()}
        self.languages: Counter[str] = Counter()
        self._requests = requests
        templates = [part for version in (message, *message.variants.values()) for part in parts_of(version)]
        for request in requests.values():
            templates += [request.path, request.body, *request.headers.values()]
        self._read = sorted(_names_read(templates) - {*requests, BATCH, *TOOL_NAMES})

    def rows(self, candidates: Sequence[Candidate]) -> list[Row]:
        """Return a part of the preview."""
        sent = [one for one in candidates if not one.reason]
        whom = [one.recipient for one in sent]
        contexts = contexts_of(whom, self._pictures, [one.code for one in sent])
        add_unsubscribing(contexts, whom, self._unsubscribing)
        told = render_texts(self._message, whom, contexts)
        texts = {"title": told.titles, "body": told.bodies, **told.extras}
        failures = first_failures(texts)
        if self._message.variants:
            self.languages.update(self.file_of(one) for one in sent)
        requests = [_rendered(f"request {name}", templates, contexts) for name, templates in self._requests.items()]
        if self._webhook:
            carriers = self._carried(self._webhook, sent, texts)
            failures = {**carriers.failures, **failures}
            requests.insert(0, carriers)
        missing = self._missing(contexts)
        places = count()
        rows = []
        for one in candidates:
            if one.reason:
                rows.append(Row(one.recipient.contact_id, SKIPPED, one.reason, self._channel))
                continue
            at = next(places)
            warnings = f"{one.warning}; {missing[at]}" if one.warning and missing[at] else one.warning or missing[at]
            if at in failures:
                rows.append(Row(one.recipient.contact_id, REJECTED, failures[at], self._channel, warnings=warnings))
                continue
            rows.append(self._row(one, at, texts, requests, warnings))
        return rows

    @property
    def has_variants(self) -> bool:
        """Whether contacts get texts in several languages."""
        return bool(self._message.variants)

    def file_of(self, one: Candidate) -> str:
        """Return the name of the file whose texts a contact gets."""
        return self._files[id(nearest_text(self._message.variants, one.recipient.language, self._message))]

    def _row(
        self,
        one: Candidate,
        at: int,
        texts: Mapping[str, Sequence[str | TemplateError]],
        requests: Sequence[_Requests],
        warnings: str,
    ) -> Row:
        made = [each for each in requests if at not in each.failures]
        if len(made) < len(requests):
            refused = [each.failures[at].replace("; ", ", ") for each in requests if at in each.failures]
            warnings = "; ".join([warnings, *refused] if warnings else refused)
        return Row(
            one.recipient.contact_id,
            SEND,
            "",
            self._channel,
            mask(one.code),
            one.recipient.code_type,
            one.recipient.discount,
            one.recipient.expires_at,
            str(texts["title"][at]),
            str(texts["body"][at]),
            str(texts[HTML][at]) if HTML in texts else "",
            "\n".join([str(each.paths[at]) for each in made]),
            "\n".join([str(each.bodies[at]) for each in made]),
            warnings,
        )

    def _carried(
        self,
        webhook: RequestTemplates,
        sent: Sequence[Candidate],
        texts: Mapping[str, Sequence[str | TemplateError]],
    ) -> _Requests:
        """Render the request that carries each message; if that fails, nothing would be sent to the contact."""
        contexts = [
            webhook_context(
                OutgoingMessage(
                    contact_id=one.recipient.contact_id,
                    channel=self._channel,
                    locator=one.recipient.locator or "",
                    title=str(texts["title"][at]),
                    body=str(texts["body"][at]),
                    idempotency_key=KEY,
                    html=str(texts[HTML][at]) if HTML in texts else "",
                    options={name: str(texts[name][at]) for name in self._options},
                )
            )
            for at, one in enumerate(sent)
        ]
        return _rendered("webhook", webhook, contexts)

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


def _rendered(label: str, templates: RequestTemplates, contexts: Sequence[dict[str, object]]) -> _Requests:
    """Render a request's path and body for each contact; keep the error where that fails."""
    if templates.records_per_request:
        contexts = [{**context, BATCH: [context]} for context in contexts]
    parts = {"path": templates.path, "body": templates.body, **templates.headers}
    columns = {part: template.render_many(contexts) for part, template in parts.items()}
    failures = {at: f"{label}: {failed}" for at, failed in first_failures(columns).items()}
    return _Requests(columns["path"], columns["body"], failures)


def parts_of(message: MessageTemplates) -> list[Template]:
    """Return the compiled parts of a message."""
    return [message.title, message.body, *message.extras().values()]


def _names_read(templates: Sequence[Template]) -> set[str]:
    names: set[str] = set()
    for template in templates:
        for root, inner in template.references.items():
            names |= inner if root == "data" else {root}
    return names


def _add(counts: dict[str, int], kind: str, contacts: int) -> None:
    kind = kind if kind in counts or len(counts) < MAX_KINDS else "other"
    counts[kind] = counts.get(kind, 0) + contacts
