"""The webhook transport: any API, as a data source whose request carries the message."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from promo_campaigns.delivery.http_sender import HttpSender, as_call
from promo_campaigns.delivery.rendering import first_failure, webhook_context
from promo_campaigns.delivery.success_rule import SuccessRule
from promo_campaigns.delivery.templates import compile_data_source
from promo_campaigns.delivery.transports.base import BaseTransport
from promo_campaigns.http.endpoint import parse_endpoint
from promo_campaigns.http.shown_call import show_call
from promo_campaigns.model.errors import CallRefusedError, CannotCarryError
from promo_campaigns.model.outcome import DeliveryResult, Outcome, OutgoingRequest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from typing_extensions import Self

    from promo_campaigns.delivery.transports.base import TransportSettings
    from promo_campaigns.http.shown_call import ShownCall
    from promo_campaigns.model.outcome import OutgoingMessage
    from promo_campaigns.model.run_spec import Message


class WebhookTransport(BaseTransport):
    """Makes the request of a data source for each message, which the request's templates read.

    They read ``title``, ``body``, ``html``, ``channel``, ``locator``, ``contact_id``, the message's ``options``, and
    ``key``, the idempotency key, which is sent as the header ``Idempotency-Key`` as well.
    """

    name = "webhook"
    options = None

    def __init__(self, settings: TransportSettings) -> None:
        super().__init__(settings)
        source = settings.webhook
        self._templates = compile_data_source(source) if source else None
        self.key_window_s = float(source.key_window_s) if source else 0.0
        success_rule = SuccessRule(source) if source and source.success else None
        self._leads_to = parse_endpoint(self.connection)
        self._sender = HttpSender(
            self._leads_to, name=self.receiver, limiter=settings.limiter, success_rule=success_rule
        )
        self._open = AsyncExitStack()

    def check(self, message: Message) -> None:
        """Refuse a message that names no data source to carry it."""
        super().check(message)
        if not message.webhook:
            problem = "the transport 'webhook' needs the data source that carries the message"
            raise CannotCarryError(
                problem, setting="webhook", hint="Write webhook: and the name of a file of data_sources"
            )

    async def __aenter__(self) -> Self:
        """Keep connections open from one batch to the next."""
        await self._open.enter_async_context(self._sender.connected())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close them."""
        await self._open.aclose()

    async def send(self, messages: Sequence[OutgoingMessage], *, deadline: float) -> Sequence[DeliveryResult]:
        """Render and make the requests; one that cannot be rendered is refused before anything leaves."""
        ready, refused = self._requests(messages)
        said = [*refused, *await self._sender.send(ready, deadline=deadline)]
        found = {result.contact_id: result for result in said}
        return [found[message.contact_id] for message in messages]

    def show(self, message: OutgoingMessage) -> ShownCall:
        """Return the request that carries the message.

        :raises CallRefusedError: it cannot be rendered
        """
        ready, refused = self._requests([message])
        if refused:
            raise CallRefusedError(refused[0].detail)
        return show_call(self._leads_to, as_call(ready[0]))

    def _requests(self, messages: Sequence[OutgoingMessage]) -> tuple[list[OutgoingRequest], list[DeliveryResult]]:
        templates = self._templates
        if templates is None:
            return [], [_refused(message, "the message names no webhook") for message in messages]
        ready: list[OutgoingRequest] = []
        refused: list[DeliveryResult] = []
        contexts = [webhook_context(message) for message in messages]
        paths, bodies = templates.path.render_many(contexts), templates.body.render_many(contexts)
        headers = {name: template.render_many(contexts) for name, template in templates.headers.items()}
        for row, message in enumerate(messages):
            signs = {name: column[row] for name, column in headers.items()}
            if failed := first_failure({**signs, "path": paths[row], "body": bodies[row]}):
                refused.append(_refused(message, failed))
                continue
            ready.append(
                OutgoingRequest(
                    contact_id=message.contact_id,
                    method=templates.method,
                    path=str(paths[row]),
                    headers={name: str(value) for name, value in signs.items()},
                    body=str(bodies[row]),
                    idempotency_key=message.idempotency_key,
                )
            )
        return ready, refused


def _refused(message: OutgoingMessage, detail: str) -> DeliveryResult:
    return DeliveryResult(contact_id=message.contact_id, outcome=Outcome.REFUSED, detail=detail, called=False)
