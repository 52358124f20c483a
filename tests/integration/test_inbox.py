"""The inbox transport and the command that reads it."""

from __future__ import annotations

import asyncio
import math
import uuid
from typing import TYPE_CHECKING

from promo_campaigns.cli import main
from promo_campaigns.delivery.transports.inbox import InboxTransport, read_inbox
from promo_campaigns.model.outcome import OutgoingMessage

if TYPE_CHECKING:
    import pytest

    from promo_campaigns.postgres.connection import Connection


def push(contact_id: int, body: str, key: str | None = None) -> OutgoingMessage:
    return OutgoingMessage(
        contact_id=contact_id,
        channel="mobilepush",
        locator=f"token-of-contact-{contact_id}",
        title="Hello",
        body=body,
        idempotency_key=key or str(uuid.uuid4()),
    )


def send(store: Connection, *messages: OutgoingMessage) -> None:
    asyncio.run(InboxTransport.over(store).send(messages, deadline=math.inf))


def test_a_key_that_is_known_changes_nothing(store: Connection) -> None:
    key = str(uuid.uuid4())
    send(store, push(1, "first", key))
    send(store, push(1, "second", key), push(2, "other"))
    assert sorted(row["body"] for row in read_inbox(store)) == ["first", "other"]


def test_the_list_shows_no_code_and_no_token(store: Connection, dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    send(store, push(1, "Code: WELC-1234"))
    assert main(["inbox", "--dsn", dsn]) == 0
    shown = capsys.readouterr().out
    assert [line.split()[-3:-1] for line in shown.splitlines()[1:]] == [["1", "mobilepush"]]
    assert "WELC-1234" not in shown
    assert "token-of-contact-1" not in shown


def test_a_contact_asked_for_is_shown_whole(store: Connection, dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    send(store, push(1, "Code: WELC-1234"), push(2, "Code: WELC-5678"))
    assert main(["inbox", "--contact", "2", "--dsn", dsn]) == 0
    shown = capsys.readouterr().out
    assert "  Hello\n  Code: WELC-5678" in shown
    assert "WELC-1234" not in shown
