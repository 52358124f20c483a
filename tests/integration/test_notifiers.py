"""Notifiers on a real store: what they tell, to whom, and when they tell nothing."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import BaseNotifier

from integration.scenario import add_codes, add_contacts, open_welcome
from promo_campaigns import RunReportNotifier, StockNotifier, StuckRunNotifier
from promo_campaigns.ledger.interventions import pause_run
from promo_campaigns.model.errors import SendError
from promo_campaigns.monitoring.alerts import find_stuck
from receiver import Answer

if TYPE_CHECKING:
    from airflow.sdk import Context

    from promo_campaigns.postgres.connection import Connection
    from receiver import Receiver

AT = datetime(2026, 11, 29, 8, tzinfo=timezone.utc)
KEY = "welcome/2026-11-29T08:00:00Z"
DOCS = Path(__file__).parents[2] / "docs"


def test_the_example_of_the_page_is_a_dag() -> None:
    page = (DOCS / "monitoring.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python notifiers\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102  (the example of our own page)
    assert names["dag"].task_ids == ["check_code_stock"]
    assert [type(one) for one in names["TOLD"]] == [RunReportNotifier]


class Heard(BaseNotifier):
    """Keeps what its template says."""

    template_fields = ("text",)
    told: list[str] = []  # noqa: RUF012  (of all copies)

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def notify(self, context: Context) -> None:  # noqa: ARG002  (Airflow's signature)
        """Keep it."""
        self.told.append(self.text)


@pytest.fixture
def context(dsn: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401  (Airflow's is a TypedDict)
    """Return the context of a scheduled DAG run of the workflow, with connections to the store and a chat."""
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    chat = {"conn_type": "http", "host": f"{receiver.url}/hooks/room"}
    chat |= {"extra": json.dumps({"allow_insecure": True, "allow_private": True})}
    monkeypatch.setenv("AIRFLOW_CONN_OPS_CHAT", json.dumps(chat))
    Heard.told.clear()
    run = SimpleNamespace(
        dag_id="welcome", run_id="scheduled__1", run_type="scheduled", logical_date=AT, conf=None, run_after=AT
    )
    return {"dag_run": run}


def test_the_report_of_a_run_goes_to_a_chat_and_to_other_notifiers(
    store: Connection,
    context: Any,  # noqa: ANN401  (see the fixture)
    receiver: Receiver,
) -> None:
    words = "{{ run_key }}: {{ report.audience if report else 'nobody' }}"
    notifier = RunReportNotifier(conn_id="ops_chat", field="content", notifiers=[Heard(words)])
    notifier(context)
    assert receiver.received[-1].path == "/hooks/room"
    assert receiver.received[-1].json == {"content": f"{KEY}: no run was opened"}
    add_contacts(store, 3)
    add_codes(store, 3)
    open_welcome(store, KEY)
    RunReportNotifier(conn_id="ops_chat", notifiers=[Heard(words)])(context)
    text = receiver.received[-1].json["text"]
    assert text.startswith(KEY)
    assert "audience" in text
    assert Heard.told == [f"{KEY}: nobody", f"{KEY}: 3"]
    receiver.answer = lambda _: Answer(status=404)
    with pytest.raises(SendError, match="connection ops_chat: nobody was told"):
        RunReportNotifier(conn_id="ops_chat")(context)
    asyncio.run(_awaited(RunReportNotifier(context=context, notifiers=[Heard("{{ report_markdown }}")])))
    assert Heard.told[-1].startswith(f"**{KEY}**")


async def _awaited(notifier: RunReportNotifier) -> None:
    await notifier


def test_an_alert_is_told_once_as_a_callback_and_always_where_a_block_found_it(
    store: Connection,
    context: Any,  # noqa: ANN401  (see the fixture)
    tmp_path: Path,
) -> None:
    (tmp_path / "stock_levels.yaml").write_text("Welcome:\n  alarm: 5\n", encoding="utf-8")
    add_contacts(store, 2)
    add_codes(store, 2)
    stock = StockNotifier(include_folder=str(tmp_path), notifiers=[Heard("{{ alert.facts.free }} left")])
    stock(context)
    stock(context)
    assert Heard.told == ["2 left"]
    pause_run(store, open_welcome(store, KEY).run_key, by="ann")
    store.execute("update promo.run set halted_by = 'abort_at', halt_reason = '30 of 100 were refused'")
    stuck = StuckRunNotifier(notifiers=[Heard("{{ alert.subject }}")])
    stuck(context)
    stuck(context)
    assert Heard.told == ["2 left", KEY]
    (alert,) = find_stuck(store, stuck_after_s=60.0)
    found = {**context, "alert": alert.as_dict()}
    for _ in range(2):
        stuck(found)
        stock(found)
    assert Heard.told == ["2 left", KEY, KEY, KEY]
