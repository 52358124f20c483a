"""A webhook: a data source whose request carries the message."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from contract.stages import SECRET, webhook_stage
from promo_campaigns.delivery.transports.base import TransportSettings
from promo_campaigns.delivery.transports.webhook import WebhookTransport
from promo_campaigns.model.errors import CannotCarryError, ConfigurationError
from promo_campaigns.model.outcome import Outcome
from promo_campaigns.model.run_spec import Message

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contract.stages import Stage
    from promo_campaigns.model.outcome import DeliveryResult, OutgoingMessage


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Return an API that takes text messages."""
    with webhook_stage() as running:
        yield running


def send(stage: Stage, *messages: OutgoingMessage, **source: Any) -> Sequence[DeliveryResult]:  # noqa: ANN401  (parts of a source)
    assert stage.settings.webhook is not None
    settings = replace(stage.settings, webhook=replace(stage.settings.webhook, **source))

    async def opened() -> Sequence[DeliveryResult]:
        async with WebhookTransport(settings) as transport:
            return await transport.send(messages, deadline=math.inf)

    return asyncio.run(opened())


def test_the_request_is_the_data_source_s_with_the_message_in_it(stage: Stage) -> None:
    (result,) = send(stage, stage.message(1, body='"quoted" \\ and\nbroken'), path="/send?c=$contact_id&k=$key")
    assert result.outcome is Outcome.OK
    assert stage.receiver is not None
    (arrived,) = stage.receiver.received
    assert arrived.path == "/send?c=1&k=00000000-0000-4000-8000-000000000001"
    assert arrived.json == {"to": "ok-1-locator", "text": '"quoted" \\ and\nbroken', "kind": "promo"}
    assert arrived.headers["X-Title"] == "Title 1"
    assert arrived.headers["Idempotency-Key"] == "00000000-0000-4000-8000-000000000001"
    assert arrived.headers["Authorization"] == f"Bearer {SECRET}"


def test_a_name_that_is_missing_fails_the_message_before_it_leaves(stage: Stage) -> None:
    (result,) = send(stage, stage.message(1), body='{"to": "$promocode"}')
    assert (result.outcome, stage.taken()) == (Outcome.REFUSED, [])
    assert result.detail.startswith("body: ")


def test_the_window_of_the_receiver_is_the_data_source_s(stage: Stage) -> None:
    assert stage.settings.webhook is not None
    for seconds, within in ((3600, 1800.0), (0, 0.0)):
        settings = replace(stage.settings, webhook=replace(stage.settings.webhook, key_window_s=seconds))
        assert WebhookTransport(settings).resend_within_s == within


def test_a_message_must_name_its_webhook_and_a_webhook_its_connection(stage: Stage) -> None:
    message = Message(name="m", channel="sms", title="", body="x")
    with pytest.raises(CannotCarryError, match="needs the data source"):
        stage.transport().check(message)
    with pytest.raises(ConfigurationError, match="needs a connection"):
        WebhookTransport(TransportSettings())
