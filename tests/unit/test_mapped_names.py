"""What a mapped task is called in Airflow's grid: its file or its contacts, in place of a number."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG

from promo_campaigns.model.run import clock_time, until
from promo_campaigns.operators.contact import GetContactOperator
from promo_campaigns.operators.contacts import LoadContactsOperator
from promo_campaigns.operators.data_source import HttpDataSourceOperator
from promo_campaigns.operators.message import SendMessageOperator
from promo_campaigns.operators.promo_code import GetPromoCodeOperator
from promo_campaigns.operators.promo_codes import LoadPromoCodesOperator

HANDED = {"run_id": 7, "contact_ids": [12, 15, 90], "codes": []}
CODE = {"days": 7, "type": "Welcome", "discount": 10}


@pytest.mark.parametrize(
    ("block", "settings", "name"),
    [
        (GetContactOperator, {"batch": {"run_id": 7, "first": 1, "last": 1000, "zone": None}}, "contacts 1 to 1000"),
        (
            GetContactOperator,
            {"batch": {"run_id": 7, "first": 1, "last": 9, "zone": "Europe/Kyiv"}},
            "contacts 1 to 9, Europe/Kyiv",
        ),
        (GetPromoCodeOperator, {"contacts": HANDED, **CODE}, "contacts 12 to 90"),
        (SendMessageOperator, {"assignments": HANDED, "message": "m"}, "contacts 12 to 90"),
        (HttpDataSourceOperator, {"assignments": HANDED, "data_source": "s"}, "contacts 12 to 90"),
        (SendMessageOperator, {"assignments": {**HANDED, "contact_ids": []}, "message": "m"}, "no contacts"),
        (LoadPromoCodesOperator, {"files": "s3://shop/inbox/spring.csv"}, "spring.csv"),
        (LoadContactsOperator, {"file": "/in/people.xlsx"}, "people.xlsx"),
        (LoadPromoCodesOperator, {"files": ["a.csv", "b.csv"]}, "2 files"),
    ],
)
def test_a_mapped_task_is_called_by_what_it_works_on(block: Any, settings: dict[str, Any], name: str) -> None:  # noqa: ANN401  (a block)
    with DAG(dag_id="names", schedule=None) as dag:
        task = block(task_id="one", **settings)
    environment = dag.get_template_env()
    assert environment.from_string("{{ task.mapped_name }}").render(task=task) in {name, ""}
    task.render_template_fields({"task": task}, environment)
    template = getattr(task, "map_index_template", None) or "{{ task.mapped_name }}"
    assert environment.from_string(template).render(task=task) == name


def test_a_block_whose_batch_is_not_known_yet_has_no_name() -> None:
    with DAG(dag_id="names", schedule=None):
        found = GetContactOperator(task_id="one", batch=None)
        sent = SendMessageOperator(task_id="two", assignments=found.output, message="m")
    assert (found.mapped_name, sent.mapped_name) == ("", "")


def test_a_wait_is_told_as_a_time_on_the_clock() -> None:
    from datetime import datetime, timedelta, timezone

    now = datetime(2026, 11, 28, 16, 5, 10, tzinfo=timezone(timedelta(hours=2)))
    assert clock_time(60, now=now) == "14:06:10 UTC"
    assert clock_time(2 * 86_400, now=now) == "2026-11-30 14:05:10 UTC"
    assert until(1e300).startswith("until ")
