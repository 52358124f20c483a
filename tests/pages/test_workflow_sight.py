"""A user sees and acts on the runs of those workflows alone whose DAG runs Airflow lets them read or create.

Airflow's teams are what its simple auth manager tells DAGs apart by: one team has the workflow ``welcome``, another
has ``secret``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from integration.scenario import SPEC
from pages.campaign import half_sent
from pages.pages_site import Browser
from promo_campaigns.ledger.runs import open_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pages.pages_site import Site
    from promo_campaigns.postgres.connection import Connection

TEAMS = {"welcome": "shop", "secret": "board"}
HIDDEN = 2
"""The run of the other team."""


@pytest.fixture(scope="module")
def two_teams(empty_airflow_database: None) -> Iterator[None]:  # noqa: ARG001  (it is written to)
    """Give each workflow a DAG, and each DAG a team."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.team import Team
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    with create_session() as session:
        for dag_id, name in TEAMS.items():
            team, bundle = Team(name=name), DagBundleModel(name=f"bundle-{name}")
            bundle.teams.append(team)
            session.add_all([team, bundle])
            session.flush()
            session.add(DagModel(dag_id=dag_id, bundle_name=bundle.name))  # type: ignore[no-untyped-call]  # Airflow's
    yield
    with create_session() as session:
        session.execute(delete(DagModel).where(DagModel.dag_id.in_(TEAMS)))
        for name in TEAMS.values():
            session.delete(session.get(DagBundleModel, f"bundle-{name}"))
            session.delete(session.get(Team, name))


@pytest.fixture
def shop(two_teams: None, site: Site, store: Connection, monkeypatch: pytest.MonkeyPatch) -> Browser:  # noqa: ARG001
    """Return somebody of the team that has ``welcome``; a run of each workflow is there, and one of none."""
    half_sent(store)
    open_run(store, replace(SPEC, workflow="secret"), run_key="secret/edition/one")
    open_run(store, replace(SPEC, workflow="forgotten"), run_key="forgotten/edition/one")
    monkeypatch.setenv("AIRFLOW__CORE__MULTI_TEAM", "True")
    return Browser(site.client, "op", teams=["shop"])


def test_lists_hold_what_a_user_may_see(shop: Browser) -> None:
    assert {line["workflow"] for line in shop.get("runs")["items"]} == {"welcome"}
    assert shop.get("runs", state="open")["items"][0]["workflow"] == "welcome"
    assert shop.get("runs", workflow="secret")["items"] == []
    assert {line["workflow"] for line in shop.get("strip")["under_way"]} == {"welcome"}
    assert shop.get("me")["workflows"] == ["welcome"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/people"),
        ("GET", "/people/1"),
        ("GET", "/unknown"),
        ("GET", "/cancel/effect"),
        ("POST", "/cancel"),
        ("POST", "/pause"),
        ("POST", "/resume"),
        ("POST", "/export"),
        ("POST", "/people/1/reveal"),
    ],
)
def test_what_a_user_may_not_see_is_not_there(shop: Browser, store: Connection, method: str, path: str) -> None:
    answer = shop.ask(method, f"runs/{HIDDEN}{path}")
    assert (answer.status_code, answer.json()) == (404, {"detail": f"there is no run {HIDDEN}"})
    assert store.execute("select count(*) as n from promo.audit").fetchone() == {"n": 0}


def test_a_contact_s_runs_are_those_that_one_may_see(shop: Browser) -> None:
    assert {row["workflow"] for row in shop.get("people/1/codes")["items"]} == {"welcome"}


def test_what_concerns_every_workflow_needs_the_right_on_each(shop: Browser) -> None:
    answer = shop.ask("POST", "sending/stop")
    assert answer.status_code == 403
    assert "concerns all runs" in answer.json()["detail"]
