"""The transport of a run: what Start refuses, what Message holds to, and a campaign by mail from block to block."""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG

from contract.stages import SECRET, MailServer, running_mail_server
from integration.scenario import add_codes, add_contacts, states
from promo_campaigns.ledger.runs import read_run
from promo_campaigns.model.errors import ConfigurationError, DefinitionError
from promo_campaigns.operators.contact import GetContactOperator
from promo_campaigns.operators.message import SendMessageOperator
from promo_campaigns.operators.promo_code import GetPromoCodeOperator
from promo_campaigns.operators.start import StartOperator
from promo_campaigns.operators.upkeep.reconcile import ReconcileOperator
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from promo_campaigns.postgres.connection import Connection

CODES: dict[str, Any] = {"type": "Welcome", "discount": 10, "days": 7}
MAIL = """\
channel: email
title: "Your code, $first_name"
body: "Code: $promocode"
html: "<b>$promocode</b> for $first_name"
options:
  unsubscribe: "https://shop.example/u?c=$contact_id"
"""
SMS = """\
channel: sms
body: "Code: $promocode"
webhook: gateway
"""
GATEWAY = """\
connection: gateway
path: /send
body: '{"to": "$locator", "text": "$body"}'
"""


class TaskInstance:
    """Takes what Start pushes."""

    def xcom_push(self, **_: object) -> None:
        """Drop it."""


class DagRun:
    """A manual run."""

    run_type, logical_date, run_id = "manual", None, "manual_1"
    run_after = datetime.now(tz=timezone.utc)


CONTEXT: Any = {"ti": TaskInstance(), "dag_run": DagRun()}


@pytest.fixture
def include(tmp_path: Path, dsn: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an include folder, and lead Airflow's connections to the store and to receivers."""
    files = {
        "messages/mail.yaml": MAIL,
        "messages/sms.yaml": SMS,
        "data_sources/gateway.yaml": GATEWAY,
        "audiences/all.sql": "select contact_id from promo.contact",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    return tmp_path


@pytest.fixture
def mail_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    """Return a mail server to which the connection ``mail`` leads."""
    server = MailServer()
    with running_mail_server(server) as port:
        extra = {"from": "news@shop.example", "security": "none", "allow_insecure": True}
        connection = {"conn_type": "smtp", "host": "localhost", "port": port, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_MAIL", json.dumps(connection))
        yield server


@pytest.fixture
def lead_to(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that sets the connection ``mail``."""

    def lead(**connection: Any) -> None:  # noqa: ANN401  (parts of a connection)
        parts = {"conn_type": "generic", "password": SECRET, **connection}
        monkeypatch.setenv("AIRFLOW_CONN_MAIL", json.dumps(parts))

    return lead


def start(include: Path, message: str, **way: Any) -> list[dict[str, Any]]:  # noqa: ANN401  (parameters of the block)
    with DAG("channels", schedule=None):
        block = StartOperator(
            task_id="start", message=message, audience="all", include_folder=str(include), **CODES, **way
        )
    return block.execute(CONTEXT)


def send(batch: dict[str, Any], message: str, **way: Any) -> dict[str, Any]:  # noqa: ANN401  (parameters of the block)
    contacts = GetContactOperator(task_id="contact", batch=batch).execute(CONTEXT)
    codes = GetPromoCodeOperator(task_id="code", contacts=contacts, **CODES).execute(CONTEXT)
    block = SendMessageOperator(task_id="message", assignments=codes, message=message, **way)
    sent: dict[str, Any] = block.execute(CONTEXT)  # type: ignore[no-untyped-call]  # Airflow's method has no types
    return sent


def runs() -> int:
    with connect(os.environ["AIRFLOW_CONN_PROMO_DB"]) as store:
        return len(store.execute("select 1 from promo.run").fetchall())


def test_a_campaign_goes_by_mail(include: Path, store: Connection, mail_server: MailServer) -> None:
    contacts = add_contacts(store, 3, channel="email")
    store.execute("update promo.contact_channel set value = 'ok-' || contact_id || '@mail.example'")
    store.execute("update promo.contact set first_name = '<b>'")
    codes = add_codes(store, 3)
    (batch,) = start(include, "mail", transport="smtp", transport_conn_id="mail")
    sent = send(batch, "mail", transport="smtp", transport_conn_id="mail")
    assert sent["contact_ids"] == contacts
    run = read_run(store, batch["run_id"])
    assert (run.spec.transport, run.spec.transport_conn_id) == ("smtp", "mail")
    assert states(store, run) == {"accepted": 3}
    arrived = {recipients[0]: mail for recipients, mail in mail_server.mails}
    for contact, code in zip(sent["contact_ids"], sent["codes"], strict=True):
        mail = arrived[f"ok-{contact}@mail.example"]
        assert mail["Subject"] == "Your code, <b>"
        assert mail.get_body(("plain",)).get_content().strip() == f"Code: {code}"
        assert mail.get_body(("html",)).get_content().strip() == f"<b>{code}</b> for &lt;b&gt;"
        assert mail["List-Unsubscribe"] == f"<https://shop.example/u?c={contact}>"
    assert sorted(sent["codes"]) == codes


def test_what_a_mail_server_refuses_gives_its_code_back(
    include: Path, store: Connection, mail_server: MailServer
) -> None:
    add_contacts(store, 3, channel="email")
    store.execute("update promo.contact_channel set value = 'refuse-' || contact_id || '@mail.example'")
    add_codes(store, 3)
    (batch,) = start(include, "mail", transport="smtp", transport_conn_id="mail")
    assert send(batch, "mail", transport="smtp", transport_conn_id="mail")["contact_ids"] == []
    assert states(store, read_run(store, batch["run_id"])) == {"rejected": 3}
    reasons = store.execute("select distinct reason from promo.assignment").fetchall()
    assert reasons == [{"reason": "SMTP 550 to the recipient (5.1.1)"}]
    assert mail_server.mails == []


def test_unknown_sends_of_a_transport_that_cannot_ask_stay_unknown(
    include: Path, store: Connection, mail_server: MailServer
) -> None:
    add_contacts(store, 2, channel="email")
    store.execute("update promo.contact_channel set value = 'unknown-' || contact_id || '@mail.example'")
    add_codes(store, 2)
    (batch,) = start(include, "mail", transport="smtp", transport_conn_id="mail")
    send(batch, "mail", transport="smtp", transport_conn_id="mail")
    asked = ReconcileOperator(task_id="reconcile", run_id=batch["run_id"]).execute(CONTEXT)  # type: ignore[no-untyped-call]  # Airflow's method has no types
    assert asked == {"accepted": 0, "unknown": 2}
    assert len(mail_server.mails) == 2


MAIL_WAY = {"transport": "smtp", "transport_conn_id": "mail"}


@pytest.mark.parametrize(
    ("message", "transport", "error"),
    [
        ("sms", "smtp", r"messages/sms\.yaml:1: the transport 'smtp' cannot do the channel 'sms'\. It does email"),
        ("mail", "webhook", r"messages/mail\.yaml: the transport 'webhook' needs the data source"),
        ("mail", "reteno", r"messages/mail\.yaml:5: the transport 'reteno' needs the id"),
    ],
)
def test_start_refuses_a_message_that_its_transport_cannot_carry(
    include: Path, lead_to: Callable[..., None], message: str, transport: str, error: str
) -> None:
    lead_to(host="receiver.example", extra={"from": "news@shop.example"} if transport == "smtp" else {})
    with pytest.raises(DefinitionError, match=error):
        start(include, message, transport=transport, transport_conn_id="mail")
    assert runs() == 0


@pytest.mark.parametrize(
    ("connection", "way", "error"),
    [
        ({}, {"transport": "pigeon"}, "there is no transport 'pigeon'; installed are: fcm, inbox"),
        ({}, {"transport": "smtp"}, "the transport 'smtp' needs a connection; name one with transport_conn_id"),
        ({"host": ""}, MAIL_WAY, "connection mail has no host"),
        (
            {"host": "h", "extra": {"pool_size": 4, "sender": "a@b.example"}},
            MAIL_WAY,
            "connection mail has the extra pool_size, sender; allowed are",
        ),
        (
            {"host": "http://h.example"},
            {**MAIL_WAY, "transport": "reteno"},
            "connection mail uses http, which anyone on the way can read",
        ),
    ],
)
def test_start_refuses_wrong_settings_before_anything_is_opened(
    include: Path, lead_to: Callable[..., None], connection: dict[str, Any], way: dict[str, str], error: str
) -> None:
    lead_to(**connection)
    with pytest.raises(ConfigurationError, match=error) as caught:
        start(include, "mail", **way)
    assert SECRET not in str(caught.value)
    assert runs() == 0


def test_a_run_is_sent_by_the_way_it_was_opened_for(include: Path, store: Connection, mail_server: MailServer) -> None:
    """An unknown send of one transport would be a second message by another."""
    add_contacts(store, 1, channel="email")
    add_codes(store, 1)
    (batch,) = start(include, "mail", transport="smtp", transport_conn_id="mail")
    for way in ({}, {"transport": "smtp"}, {"transport": "smtp", "transport_conn_id": "other"}):
        with pytest.raises(ConfigurationError, match="was opened with the transport"):
            send(batch, "mail", **way)
    assert mail_server.mails == []


def test_a_webhook_is_opened_with_the_connection_of_its_data_source(
    include: Path, store: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_contacts(store, 1, channel="sms")
    add_codes(store, 1)
    monkeypatch.setenv("AIRFLOW_CONN_GATEWAY", json.dumps({"conn_type": "http", "host": "gateway.example"}))
    (batch,) = start(include, "sms", transport="webhook")
    webhook = read_run(store, batch["run_id"]).spec.webhook
    assert webhook is not None
    assert (webhook.name, webhook.connection) == ("gateway", "gateway")
    monkeypatch.delenv("AIRFLOW_CONN_GATEWAY")
    with pytest.raises(Exception, match="gateway"):
        start(include, "sms", transport="webhook", edition="two")
