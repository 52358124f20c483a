"""From an empty warehouse to a sent campaign and a report of used codes: the page's DAG, task by task."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk.execution_time.context import OutletEventAccessors

from integration.test_audience_columns import ask  # noqa: F401  (a fixture)
from integration.test_dry_run_block import context
from integration.test_load_from_databases import DuckDbHook

if TYPE_CHECKING:
    import pytest

    from promo_campaigns.postgres.connection import Connection

    Ask = Any

PAGE = (Path(__file__).parents[2] / "docs" / "warehouse-campaign.md").read_text(encoding="utf-8")
(TABLES, AUDIENCE), [MESSAGE], [CODE] = (
    re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) for kind in ("sql", "yaml", "python")
)


def said(store: Connection) -> list[str]:
    rows = store.execute(
        "select title || ' | ' || body as text from promo.inbox_message order by contact_id"
    ).fetchall()
    return [re.sub(r"\d+ \w+\.$", "DAY.", row["text"]) for row in rows]


def test_the_dag_of_the_page_leads_from_an_empty_warehouse_to_a_report(
    ask: Ask,  # noqa: F811
    store: Connection,
    dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    monkeypatch.setattr(DuckDbHook, "placeholder", "?")
    monkeypatch.setenv("AIRFLOW__PROMO_CAMPAIGNS__INCLUDE_FOLDER", str(tmp_path))
    for name, text in (("audiences/recent_buyers.sql", AUDIENCE), ("messages/spring_offer.yaml", MESSAGE)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    for table in TABLES.strip().split(";\n"):
        ask(table)
    now = datetime.now(timezone.utc).replace(tzinfo=None, microsecond=0)
    for who in ("a", "b", "c"):
        ask(f"insert into customers values ('{who}', 'Name {who}', 'push-token-{who}', true, '{now}')")  # noqa: S608  (tables of the test)
        ask(f"insert into orders values ('{who}-1', '{who}', 'Hat {who}', 20, null, '{now - timedelta(days=3)}')")  # noqa: S608  (tables of the test)
        ask(f"insert into coupons values ('SPRING-{who}', '{now.date() + timedelta(days=40)}')")  # noqa: S608  (tables of the test)
    ask("delete from orders where customer_id = 'c'")

    names: dict[str, Any] = {}
    exec(compile(CODE, "page", "exec"), names)  # noqa: S102  (our own document)
    task = names["dag"].task_dict
    loading: Any = {"run_id": "scheduled__1", "outlet_events": OutletEventAccessors()}
    assert task["contacts"].execute({})["inserted"] == 3
    assert task["codes"].execute(loading)["inserted"] == 3
    [batch] = task["start"].execute(context(paused=False))
    task["batch.get_contact"].batch = batch
    task["batch.get_promo_code"].contacts = task["batch.get_contact"].execute({})
    task["batch.message"].assignments = task["batch.get_promo_code"].execute({})
    asyncio.run(task["batch.message"].aexecute({}))
    assert said(store) == [
        f"15 % for you, Name {who} | Did you like the Hat {who}? Use SPRING-{who} until DAY." for who in ("a", "b")
    ]
    task["end"].run_id = batch["run_id"]
    closed = task["end"].execute({**context(paused=False), "outlet_events": OutletEventAccessors()})
    task["who_got_which"].run_key = closed["run_key"]
    for _ in range(2):  # a cleared task doubles nothing
        assert task["who_got_which"].execute({}) == {"runs": 1, "rows": 2}
    ask(f"insert into orders values ('b-2', 'b', 'Scarf', 59.9, 'SPRING-b', '{now + timedelta(hours=1)}')")  # noqa: S608  (likewise)
    ask("delete from coupons where code not in (select code from spring_codes)")
    assert task["used"].execute({})["added"] == 1
    assert task["report"].python_callable() == {"given": 2, "used": 1, "EUR": 59.9}
    assert task["codes"].execute(loading)["unchanged"] == 2  # those that the export names
