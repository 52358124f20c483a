"""The link from a block's task to the page of its run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from promo_campaigns.operators.approval import ApproveRunOperator
from promo_campaigns.operators.base.run_page import RUN_TAB, RunPageLink
from promo_campaigns.operators.contact import GetContactOperator
from promo_campaigns.operators.data_source import HttpDataSourceOperator
from promo_campaigns.operators.end import EndOperator
from promo_campaigns.operators.message import SendMessageOperator
from promo_campaigns.operators.promo_code import GetPromoCodeOperator
from promo_campaigns.operators.start import StartOperator
from promo_campaigns.ui.registration import react_apps

BLOCKS = (
    StartOperator,
    ApproveRunOperator,
    GetContactOperator,
    GetPromoCodeOperator,
    SendMessageOperator,
    HttpDataSourceOperator,
    EndOperator,
)


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_leads_to_the_page_of_its_run(block: Any) -> None:  # noqa: ANN401  (classes with parameters of many types)
    assert [link.name for link in block.operator_extra_links] == ["Promo run"]


def test_the_link_leads_to_the_tab_of_the_dag_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/air/")
    task: Any = SimpleNamespace(dag_id="welcome", run_id="manual__2026-11-28T10:00:00+00:00/a b")
    link = RunPageLink().get_link(task, ti_key=task)
    assert link == (
        "https://airflow.example/air/dags/welcome/runs/manual__2026-11-28T10%3A00%3A00%2B00%3A00%2Fa%20b/plugin/promo-run"
    )


def test_the_tab_is_the_one_that_the_package_adds_to_a_dag_run() -> None:
    assert [app["url_route"] for app in react_apps() if app["destination"] == "dag_run"] == [RUN_TAB]
