"""What is erased once nobody needs it, and what is kept for as long as somebody may."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from integration.scenario import CODES, SPEC, add_codes, add_contacts, open_welcome, states
from promo_campaigns.contacts.event_store import add_event
from promo_campaigns.ledger.answered_ledger import AnsweredLedger
from promo_campaigns.ledger.invariants import check_invariants
from promo_campaigns.ledger.retention import erase_old
from promo_campaigns.ledger.runs import close_run
from promo_campaigns.ledger.unknown_sends import record_unknown, resend_unknown
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.events import Event, Identity
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.operators.upkeep.retention import EraseOldDataOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.postgres.connection import Connection

ASKING = replace(SPEC, data_sources=(replace(SPEC.data_sources[0], before=True),))
NOTHING = {"answers": 0, "audience_values": 0, "match_values": 0, "refused": 0, "erased": 0, "deleted": 0}


class Campaign:
    """A run over three contacts whose message reads an answer."""

    def __init__(self, store: Connection) -> None:
        self.store = store
        self.contacts = add_contacts(store, 3)
        add_codes(store, 3)
        self.run = open_welcome(store, spec=ASKING)
        self.run_id = self.run.run_id
        self.ledger = AnsweredLedger(store, ASKING)
        self.ledger.assign_codes(self.run_id, self.contacts, CODES)
        self.ask()

    def ask(self) -> int:
        lease = self.ledger.begin_answers(self.run_id, self.contacts, lease_s=60, source=0, shows_code=True)
        told = [
            DeliveryResult(contact_id=to.contact_id, outcome=Outcome.OK, answer='{"points": 7}')
            for to in lease.recipients
        ]
        self.ledger.record_answer_outcomes(lease, told)
        return len(told)

    def send(self, outcomes: Sequence[Outcome]) -> int:
        lease = self.ledger.begin_messages(self.run_id, self.contacts, lease_s=60, resend_within_s=86400)
        told = zip(lease.recipients, outcomes, strict=True)
        self.ledger.record_message_outcomes(
            lease, [DeliveryResult(contact_id=to.contact_id, outcome=one) for to, one in told]
        )
        return len(lease.recipients)

    def answered(self) -> list[int]:
        rows = self.store.execute("select contact_id from promo.answer order by contact_id").fetchall()
        return [row["contact_id"] for row in rows]


@pytest.fixture
def campaign(store: Connection) -> Campaign:
    return Campaign(store)


def test_answers_stay_while_their_run_is_open(store: Connection, campaign: Campaign) -> None:
    campaign.send([Outcome.OK] * 3)
    assert erase_old(store) == NOTHING
    assert campaign.answered() == campaign.contacts


def test_answers_go_once_their_run_is_closed_but_for_unknown_sends(store: Connection, campaign: Campaign) -> None:
    campaign.send([Outcome.OK, Outcome.UNKNOWN, Outcome.REFUSED])
    close_run(store, campaign.run_id)
    assert erase_old(store) == NOTHING | {"answers": 2}
    assert campaign.answered() == campaign.contacts[1:2]
    assert erase_old(store) == NOTHING
    assert campaign.send([Outcome.OK]) == 1, "the unknown send is sent again, with the answer it was sent with"
    close_run(store, campaign.run_id)
    assert erase_old(store) == NOTHING | {"answers": 1}
    assert check_invariants(store) == []


def test_a_send_of_recorded_outcome_needs_its_answer_no_more(store: Connection, campaign: Campaign) -> None:
    campaign.send([Outcome.UNKNOWN] * 3)
    close_run(store, campaign.run_id)
    record_unknown(store, campaign.run_id, campaign.contacts[:2], Outcome.OK)
    assert erase_old(store)["answers"] == 2


def test_after_so_many_days_an_answer_goes_whatever_became_of_it_and_is_asked_for_anew(
    store: Connection, campaign: Campaign
) -> None:
    campaign.send([Outcome.UNKNOWN] * 3)
    store.execute("update promo.answer set received_at = promo.clock() - interval '29 days'")
    assert erase_old(store, days=30) == NOTHING
    store.execute("update promo.answer set received_at = promo.clock() - interval '31 days'")
    assert erase_old(store, days=30) == NOTHING | {"answers": 3}
    assert campaign.send([]) == 0
    resend_unknown(store, campaign.run_id, campaign.contacts)
    assert campaign.ask() == 3
    assert campaign.send([Outcome.OK] * 3) == 3
    assert states(store, campaign.run) == {"accepted": 3}
    assert check_invariants(store) == []


def test_events_go_by_their_age(store: Connection, campaign: Campaign) -> None:
    for who in campaign.contacts:
        identity = Identity(contact_id=who)
        add_event(store, Event(type="Paid", key="k", params={"order": 1}, token=uuid4(), identity=identity))
    assert erase_old(store, days=1) == NOTHING
    store.execute("update promo.event set received_at = promo.clock() - interval '2 days' where event_id < 3")
    assert erase_old(store, days=1) == NOTHING | {"erased": 2, "deleted": 2}


def test_it_is_done_once_a_day(
    store: Connection, campaign: Campaign, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "dags"))
    import erase_old_data

    dag = erase_old_data.erase.dag
    assert (dag.dag_id, [task.task_id for task in dag.tasks], dag.catchup) == ("erase_old_data", ["erase"], False)
    campaign.send([Outcome.OK] * 3)
    close_run(store, campaign.run_id)
    context: Any = {"var": {"value": {}}}
    erase_old_data.erase.render_template_fields(context)
    assert (erase_old_data.erase.keep, erase_old_data.erase.archive) == ("", "")
    kept = {"runs": 0, "contacts": 0, "waiting": 0, "messages": 0, "entries": 0}
    assert erase_old_data.erase.execute(context) == NOTHING | kept | {"answers": 3}
    alone = EraseOldDataOperator(task_id="alone", promo_db_conn_id="promo_db")
    assert alone.execute(context) == NOTHING
    with pytest.raises(ConfigurationError, match="days must be a whole number from 1"):
        EraseOldDataOperator(task_id="erase", days="0").execute(context)
