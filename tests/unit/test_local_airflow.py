"""What a local Airflow keeps and passes on, before anything is started."""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from promo_campaigns.local_airflow.__main__ import main
from promo_campaigns.local_airflow.credentials import keep_credentials
from promo_campaigns.local_airflow.layout import Layout
from promo_campaigns.local_airflow.ports import free_port
from promo_campaigns.local_airflow.preloaded import NEEDED
from promo_campaigns.local_airflow.services import Addresses, airflow_services, environment, keep_environment

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path)
    made.make()
    return made


def test_a_port_that_is_taken_is_not_returned() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        wanted = busy.getsockname()[1]
        assert free_port(wanted) > wanted


def test_credentials_are_made_once_and_readable_by_their_owner_only(layout: Layout) -> None:
    credentials = keep_credentials(layout)
    assert keep_credentials(layout) == credentials
    assert json.loads(layout.credentials.read_text()) == {"admin": credentials.password}
    for path in (layout.credentials, layout.secrets):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert credentials.password not in repr(credentials)


def test_no_process_gets_the_settings_of_the_caller_s_airflow(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a newcomer's other Airflow would be used, and changed."""
    monkeypatch.setenv("AIRFLOW__CORE__SQL_ALCHEMY_CONN", "mysql://production")
    monkeypatch.setenv("AIRFLOW_HOME", "/home/newcomer/airflow")
    monkeypatch.setenv("PGPASSWORD", "production")
    addresses = Addresses(8081, 8091, "postgresql://a/airflow", "postgresql://a/promo")
    variables = environment(layout, keep_credentials(layout), addresses)
    assert "production" not in " ".join(variables.values())
    assert variables["AIRFLOW_HOME"] == str(layout.airflow)
    assert variables["AIRFLOW__API__BASE_URL"] == "http://127.0.0.1:8081"
    assert variables["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8081/execution/"
    assert variables["AIRFLOW__API__PORT"] == "8081"
    assert variables["AIRFLOW_CONN_PROMO_DB"] == "postgres://a/promo"


def test_the_command_airflow_gets_the_running_demo_s_environment_and_nothing_of_the_caller_s(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = Addresses(8081, 8091, "postgresql://a/airflow", "postgresql://a/promo")
    variables = environment(layout, keep_credentials(layout), addresses)
    assert variables["AIRFLOW__PROMO_CAMPAIGNS__PREVIEW_FOLDER"] == str(layout.state / "previews")
    keep_environment(layout, variables)
    assert stat.S_IMODE(layout.environment.stat().st_mode) == 0o600
    ran: list[dict[str, str]] = []
    monkeypatch.setattr(os, "execve", lambda *given: ran.append({"words": " ".join(given[1][1:]), **given[2]}))
    monkeypatch.chdir(layout.checkout)
    monkeypatch.setattr(sys, "argv", ["bin/airflow", "dags", "list"])
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "NoSuchExecutor")
    main()
    assert ran[0]["words"] == "-m airflow dags list"
    settings = {name: text for name, text in variables.items() if name.startswith(("AIRFLOW", "PROMO"))}
    assert {name: ran[0].get(name) for name in settings} == settings
    assert ran[0]["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"


def test_the_command_airflow_says_when_no_demo_runs(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(layout.checkout)
    with pytest.raises(SystemExit, match="2"):
        main()
    assert capsys.readouterr().err == "bin/airflow: no demo runs in this folder; start it with bin/demo\n"


def test_what_forks_has_loaded_before_what_its_forks_need() -> None:
    preloaded = [each.name for each in airflow_services() if "promo_campaigns.local_airflow.preloaded" in each.command]
    assert preloaded == ["dag-processor", "scheduler"]
    assert [name for name in NEEDED if find_spec(name) is None] == []
