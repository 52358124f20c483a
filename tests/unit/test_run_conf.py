"""What a run may be triggered with: the names that its DAG takes, and no other."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.workflows import PromoWorkflow
from unit.test_operator_standards import blocks, build

ROOT = Path(__file__).parents[2]
INCLUDE = str(ROOT / "include")
REFUSED = (ConfigurationError, AirflowFailException)
SETTINGS: dict[str, Any] = {
    "message": "promo_push",
    "promo_code": {"type": "Welcome", "discount": 10, "days": 7},
    "include": INCLUDE,
}


@pytest.fixture
def our_dags(monkeypatch: pytest.MonkeyPatch) -> list[DAG]:
    """Return every DAG that is shipped, and those that PromoWorkflow makes."""
    monkeypatch.setenv("AIRFLOW__PROMO_CAMPAIGNS__INCLUDE_FOLDER", INCLUDE)
    bag = DagBag(str(ROOT / "dags"))
    assert bag.import_errors == {}
    return [
        *bag.dags.values(),
        PromoWorkflow(workflow_id="in_python", audience="all_contacts", **SETTINGS).dag,
        PromoWorkflow(workflow_id="on_event", audience={"event": "OrderPaid"}, **SETTINGS).dag,
    ]


def triggered(task: Any, conf: dict[str, Any], dag: DAG) -> None:  # noqa: ANN401  (a task, mapped or not)
    context = {"dag_run": SimpleNamespace(conf=conf), "dag": dag, "task": task}
    task.pre_execute(context)


def test_the_first_task_of_every_dag_refuses_a_name_that_the_dag_does_not_take(our_dags: list[DAG]) -> None:
    assert len(our_dags) >= 8
    for dag in our_dags:
        misspelt = ["dryRun", "audiance", *(name + "x" for name in dag.params), *(name[:-1] for name in dag.params)]
        for task in (task for task in dag.tasks if not task.upstream_task_ids):
            triggered(task, {name: dag.params[name] for name in dag.params}, dag)
            for name in misspelt:
                with pytest.raises(REFUSED, match=f"'{name}'"):
                    triggered(task, {name: "x"}, dag)


@pytest.mark.parametrize("block", blocks(), ids=lambda block: block.__name__)
def test_every_block_refuses_it_too_for_a_dag_may_begin_with_any(block: type[BaseOperator]) -> None:
    with DAG("by_hand", schedule=None, params={"edition": None}) as dag:
        task = build(block)
    triggered(task, {"edition": "e1"}, dag)
    with pytest.raises(REFUSED, match=r"by_hand has no such parameters .*'editon': Did you mean 'edition'\?"):
        triggered(task, {"editon": "e1"}, dag)


def test_all_unknown_names_are_told_at_once_each_with_what_was_meant() -> None:
    dag = PromoWorkflow(workflow_id="spring", audience="all_contacts", **SETTINGS).dag
    conf = {"type": "Spring", "discount": 10, "audiance": "vip", "dryRun": True, "edition": "e1"}
    with pytest.raises(ConfigurationError) as caught:
        triggered(dag.get_task("start"), conf, dag)
    assert "'audiance': Did you mean 'audience'?; 'dryRun': Did you mean 'dry_run'?" in str(caught.value)


def test_a_dag_without_parameters_says_so() -> None:
    dag = PromoWorkflow(workflow_id="on_event", audience={"event": "OrderPaid"}, **SETTINGS).dag
    with pytest.raises(
        ConfigurationError, match="on_event takes no parameters, and this run was triggered with 'days'"
    ):
        triggered(dag.get_task("answer_events"), {"days": 1}, dag)


def test_values_that_airflow_is_set_to_pass_over_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__DAG_RUN_CONF_OVERRIDES_PARAMS", "False")
    dag = PromoWorkflow(workflow_id="spring", audience="all_contacts", **SETTINGS).dag
    triggered(dag.get_task("start"), {}, dag)
    with pytest.raises(
        ConfigurationError, match=r"pass over dry_run: its option .* dag_run_conf_overrides_params is off"
    ):
        triggered(dag.get_task("start"), {"dry_run": True}, dag)
