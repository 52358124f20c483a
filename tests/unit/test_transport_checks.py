"""What ``promo workflows check`` finds wrong with a workflow's transport: its message, and its connection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from promo_campaigns.cli.running import main

if TYPE_CHECKING:
    from pathlib import Path

WORKFLOW = """\
name: B7
audience: all_contacts
promo_code: {{type: Spring, discount: 10, days: 7}}
message: mail
transport: {transport}
schedule: none
{more}
"""
OVER_LINES = """\
channel: email
title: |
  #if($first_name)
  Hi $first_name
  #else
  Hi
  #end
  your code
body: "Code $promocode"
"""
PLAIN = 'channel: email\ntitle: Hi\nbody: "Code $promocode"\n'
MAIL = {"conn_type": "smtp", "host": "mail.example", "extra": {"from": "Shop <news@shop.example>"}}


@pytest.fixture
def include(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an include folder with one workflow, where no Airflow can be asked."""
    for folder in ("workflows", "messages", "audiences", "data_sources"):
        (tmp_path / folder).mkdir()
    (tmp_path / "audiences" / "all_contacts.sql").write_text("select contact_id from promo.contact\n")
    monkeypatch.delenv("AIRFLOW_HOME", raising=False)
    monkeypatch.delenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def write(include: Path, message: str = PLAIN, *, transport: str = "smtp", more: str = "") -> None:
    (include / "messages" / "mail.yaml").write_text(message)
    (include / "workflows" / "b7.yaml").write_text(WORKFLOW.format(transport=transport, more=more))


def check(include: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    status = main(["workflows", "check", "--include", str(include)])
    return status, capsys.readouterr().out


def test_a_transport_without_the_connection_it_needs_is_wrong(
    include: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(include)
    status, told = check(include, capsys)
    assert status == 1
    assert "workflows/b7.yaml:5: the transport 'smtp' needs a connection" in told
    assert "transport_conn_id" in told


def test_a_title_over_several_lines_is_wrong_for_mail_alone(include: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(include, OVER_LINES)
    status, told = check(include, capsys)
    assert status == 1
    assert "messages/mail.yaml:2: the title prints more than one line" in told
    assert "#if($first_name) Hi $first_name #else Hi #end your code" in told
    write(include, OVER_LINES.replace("title: |", "title: >-"), transport="inbox")
    assert check(include, capsys)[0] == 0
    write(include, OVER_LINES, transport="inbox")
    assert check(include, capsys)[0] == 0


def test_a_title_that_yaml_joins_is_on_one_line(include: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(include, OVER_LINES.replace("title: |", "title: >-"))
    assert "more than one line" not in check(include, capsys)[1]


def test_a_connection_that_cannot_be_looked_for_is_said_and_is_not_wrong(
    include: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(include, more="transport_conn_id: mail_out")
    status, told = check(include, capsys)
    assert status == 0
    assert "the connection 'mail_out' of its transport was not looked for: AIRFLOW_CONN_MAIL_OUT is not set" in told


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        ({"from": "Shop, Inc. <news@shop.example>"}, ""),
        ({"from": "новости@shop.example"}, "letters beyond ASCII"),
        ({"from": ""}, "needs the extra from"),
        ({"from": "news@shop.example", "security": "none"}, "anyone on the way can read the mail"),
    ],
)
def test_the_connection_of_a_transport_is_read_where_it_is_known(
    include: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    extra: dict[str, str],
    problem: str,
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_MAIL_OUT", json.dumps({**MAIL, "extra": extra}))
    write(include, more="transport_conn_id: mail_out")
    status, told = check(include, capsys)
    assert (status, problem in told) == (1 if problem else 0, True)


def test_a_connection_that_the_airflow_here_does_not_have_is_wrong(
    include: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Backend:
        def get_connection(self, conn_id: str) -> None:
            """Have none."""

    monkeypatch.setenv("AIRFLOW_HOME", str(include))
    (include / "airflow.cfg").touch()
    monkeypatch.setattr("airflow.configuration.ensure_secrets_loaded", lambda: [Backend()])
    write(include, more="transport_conn_id: mail_out")
    status, told = check(include, capsys)
    assert status == 1
    assert "workflows/b7.yaml:7: there is no connection 'mail_out'" in told
    assert "AIRFLOW_CONN_MAIL_OUT" in told
