"""Renders what is about to be sent; what cannot be rendered is refused before anything leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from promo_campaigns.delivery.pictures import contexts_of
from promo_campaigns.delivery.unsubscribing import add_unsubscribing
from promo_campaigns.model.errors import PromoError
from promo_campaigns.model.links.unsubscribing import NAME as UNSUBSCRIBE_LINK
from promo_campaigns.model.outcome import DeliveryResult, Outcome, OutgoingMessage, OutgoingRequest
from promo_campaigns.model.run import Purpose
from promo_campaigns.model.run_key import idempotency_key
from promo_campaigns.model.typed.languages import nearest_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promo_campaigns.delivery.ports import Template
    from promo_campaigns.model.errors import TemplateError
    from promo_campaigns.model.run import Recipient, Run

HTML = "html"
"""The name of the HTML part; no option may bear it."""
WEBHOOK_NAMES = ("title", "body", "html", "channel", "locator", "key", "contact_id", "options")
"""What the templates of a request can read that carries a message."""
NO_LOCATOR = "the contact has no open channel any more"
NO_COLUMNS = "what the audience told of the contact was erased: the run was opened too long ago"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageTemplates:
    """The compiled parts of a message for one channel; html only if it has one, options by name.

    :ivar variants: the same in other languages, by their tags
    """

    channel: str
    title: Template
    body: Template
    html: Template | None = None
    options: dict[str, Template] = field(default_factory=dict)
    variants: dict[str, MessageTemplates] = field(default_factory=dict)

    def extras(self) -> dict[str, Template]:
        """Return what most messages do not have, by name."""
        return {HTML: self.html, **self.options} if self.html else self.options


class MessageTexts(NamedTuple):
    """A message rendered for several contacts: a text, or why there is none, for each of them.

    :ivar extras: HTML and options, by name
    """

    titles: Sequence[str | TemplateError]
    bodies: Sequence[str | TemplateError]
    extras: dict[str, Sequence[str | TemplateError]]


def render_texts(
    templates: MessageTemplates, recipients: Sequence[Recipient], contexts: Sequence[Mapping[str, object]]
) -> MessageTexts:
    """Render a message for contacts, for each in the nearest of its languages to the contact's own."""
    if not templates.variants:
        return _texts(templates, contexts)
    groups: dict[int, tuple[MessageTemplates, list[int]]] = {}
    for row, recipient in enumerate(recipients):
        version = nearest_text(templates.variants, recipient.language, templates)
        groups.setdefault(id(version), (version, []))[1].append(row)
    count = len(contexts)
    texts = MessageTexts([""] * count, [""] * count, {name: [""] * count for name in templates.extras()})
    for version, rows in groups.values():
        told = _texts(version, [contexts[row] for row in rows])
        for place, row in enumerate(rows):
            texts.titles[row], texts.bodies[row] = told.titles[place], told.bodies[place]  # type: ignore[index]  # lists
            for name, column in told.extras.items():
                texts.extras[name][row] = column[place]  # type: ignore[index]  # a list
    return texts


def _texts(templates: MessageTemplates, contexts: Sequence[Mapping[str, object]]) -> MessageTexts:
    extras = {name: template.render_many(contexts) for name, template in templates.extras().items()}
    return MessageTexts(templates.title.render_many(contexts), templates.body.render_many(contexts), extras)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTemplates:
    """The compiled parts of a data source; headers by name.

    :ivar purpose: what the requests are for: the profile, or an answer for the message
    :ivar source: place of the data source in the run's definition
    :ivar shows_code: the code leaves with a request
    :ivar records_per_request: contacts in one request, 0 for a request of its own for each
    """

    method: str
    path: Template
    headers: dict[str, Template]
    body: Template
    purpose: Purpose = Purpose.PROFILE
    source: int = 0
    shows_code: bool = True
    records_per_request: int = 0


def render_messages(
    templates: MessageTemplates, run: Run, recipients: Sequence[Recipient]
) -> tuple[list[OutgoingMessage], list[DeliveryResult]]:
    """Return the messages that can be sent and the refusals of the others."""
    ready: list[OutgoingMessage] = []
    results: list[DeliveryResult] = []
    contexts, links = contexts_of(recipients, run.pictures), run.unsubscribing
    add_unsubscribing(contexts, recipients, links)
    titles, bodies, extras = render_texts(templates, recipients, contexts)
    for row, (recipient, title, body) in enumerate(zip(recipients, titles, bodies, strict=True)):
        extra = {name: column[row] for name, column in extras.items()} if extras else {}
        if recipient.locator is None:
            results.append(_refused(recipient, NO_LOCATOR))
        elif recipient.audience is None and run.spec.audience.columns:
            results.append(_refused(recipient, NO_COLUMNS))
        elif isinstance(title, PromoError):
            results.append(_refused(recipient, f"title: {title}"))
        elif isinstance(body, PromoError):
            results.append(_refused(recipient, f"body: {body}"))
        elif failed := first_failure(extra):
            results.append(_refused(recipient, failed))
        else:
            ready.append(
                OutgoingMessage(
                    contact_id=recipient.contact_id,
                    channel=templates.channel,
                    locator=recipient.locator,
                    title=title,
                    body=body,
                    idempotency_key=idempotency_key(
                        run.run_key, recipient.contact_id, Purpose.MESSAGE, recipient.resend_counter
                    ),
                    html=str(extra.get(HTML, "")),
                    options={name: str(extra[name]) for name in templates.options},
                    unsubscribe_link=str(contexts[row][UNSUBSCRIBE_LINK]) if links else "",
                )
            )
    return ready, results


def first_failure(parts: Mapping[str, str | TemplateError]) -> str:
    """Name the first part that could not be rendered, and why; empty when all could."""
    for part, text in parts.items():
        if isinstance(text, PromoError):
            return f"{part}: {text}"
    return ""


def render_requests(
    templates: RequestTemplates, run: Run, recipients: Sequence[Recipient]
) -> tuple[list[OutgoingRequest], list[DeliveryResult]]:
    """Return the requests that can be sent and the refusals of the others."""
    ready: list[OutgoingRequest] = []
    results: list[DeliveryResult] = []
    contexts = contexts_of(recipients, run.pictures)
    paths, bodies = templates.path.render_many(contexts), templates.body.render_many(contexts)
    headers = {name: template.render_many(contexts) for name, template in templates.headers.items()}
    failures = first_failures({"path": paths, "body": bodies, **headers})
    for row, recipient in enumerate(recipients):
        if row in failures:
            results.append(_refused(recipient, failures[row]))
            continue
        ready.append(
            OutgoingRequest(
                contact_id=recipient.contact_id,
                method=templates.method,
                path=str(paths[row]),
                headers={name: str(column[row]) for name, column in headers.items()},
                body=str(bodies[row]),
                idempotency_key=idempotency_key(
                    run.run_key,
                    recipient.contact_id,
                    templates.purpose,
                    recipient.resend_counter,
                    source=templates.source,
                ),
            )
        )
    return ready, results


def first_failures(columns: Mapping[str, Sequence[str | TemplateError]]) -> dict[int, str]:
    """Say of each row that could not be rendered which part it was, and why; the first part of several."""
    failures: dict[int, str] = {}
    for part, column in columns.items():
        for row, text in enumerate(column):
            if isinstance(text, PromoError):
                failures.setdefault(row, f"{part}: {text}")
    return failures


def webhook_context(message: OutgoingMessage) -> dict[str, object]:
    """Build what the templates of a request read that carries a message."""
    values: dict[str, object] = {
        "title": message.title,
        "body": message.body,
        "html": message.html,
        "channel": message.channel,
        "locator": message.locator,
        "key": message.idempotency_key,
        "contact_id": message.contact_id,
        "options": message.options,
    }
    return {**values, "data": values}


def _refused(recipient: Recipient, detail: str) -> DeliveryResult:
    return DeliveryResult(contact_id=recipient.contact_id, outcome=Outcome.REFUSED, detail=detail, called=False)
