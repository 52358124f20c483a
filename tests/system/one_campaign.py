"""Run as a process of its own: one campaign by the way CAMPAIGN_WAY names, and what Airflow keeps of its fields."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from airflow.models.renderedtifields import RenderedTaskInstanceFields
from airflow.sdk import DAG
from airflow.utils.db import initdb
from airflow.utils.session import create_session

from promo_campaigns.operators.contact import GetContactOperator
from promo_campaigns.operators.end import EndOperator
from promo_campaigns.operators.message import SendMessageOperator
from promo_campaigns.operators.promo_code import GetPromoCodeOperator
from promo_campaigns.operators.start import StartOperator

CODES: dict[str, Any] = {"type": "Welcome", "discount": 10, "days": 7}
WAY: dict[str, str] = json.loads(os.environ["CAMPAIGN_WAY"])
INCLUDE = str(Path(__file__).parents[1] / "include")

with DAG("one_campaign", schedule=None) as dag:
    start = StartOperator(task_id="start", audience="all", include_folder=INCLUDE, edition="one", **WAY, **CODES)
    contact = GetContactOperator.partial(task_id="get_contact").expand(batch=start.output)
    code = GetPromoCodeOperator.partial(task_id="get_promo_code", **CODES).expand(contacts=contact.output)
    message = SendMessageOperator.partial(task_id="message", **WAY).expand(assignments=code.output)
    message >> EndOperator(task_id="end", run_id=start.run)


def rendered_fields() -> str:
    """Return what Airflow shows of the tasks' fields."""
    with create_session() as session:
        return "".join(str(row.rendered_fields) for row in session.query(RenderedTaskInstanceFields).all())


if __name__ == "__main__":
    initdb()
    state = dag.test(use_executor=False).state
    sys.stdout.write(f"\n{rendered_fields()}\nSTATE {state}")
