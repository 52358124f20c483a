"""Start refuses what nothing can be called before the store is written, and so does the preview."""

from __future__ import annotations

from datetime import datetime, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from integration.scenario import add_codes, add_contacts
from promo_campaigns.cli import main
from promo_campaigns.cli.exit_status import ExitStatus
from promo_campaigns.contacts.store import create_field
from promo_campaigns.model.errors import DefinitionError
from promo_campaigns.operators.events import StartOnEventsOperator
from promo_campaigns.operators.start import StartOperator

if TYPE_CHECKING:
    from pathlib import Path

    from promo_campaigns.postgres.connection import Connection

CODES: dict[str, Any] = {"type": "Welcome", "discount": 10, "days": 7}


@pytest.fixture
def include(tmp_path: Path, dsn: str, store: Connection, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an include folder with an audience, whose store has contacts and codes."""
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)
    add_contacts(store, 4)
    add_codes(store, 10)
    for name, text in {
        "audiences/everybody.sql": "select contact_id from promo.contact",
        "fields.yaml": "fields:\n  city: textfield\nevents:\n  OrderPaid: [order]\n",
        "workflows/sale.yaml": "audience: everybody\nmessage: m\npromo_code: {type: Welcome, discount: 10, days: 7}\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def message(include: Path, body: str) -> None:
    (include / "messages").mkdir(exist_ok=True)
    (include / "messages" / "m.yaml").write_text(f'channel: mobilepush\nbody: "{body}"\n', encoding="utf-8")


def start(include: Path, kind: type[Any] = StartOperator, **more: Any) -> None:  # noqa: ANN401  (its parameters)
    block = kind(task_id="start", message="m", workflow="sale", include_folder=str(include), **CODES, **more)
    dag_run = SimpleNamespace(
        run_type="manual", logical_date=None, run_id="one", run_after=datetime.now(timezone.utc), conf={}
    )
    block.execute({"dag_run": dag_run, "ti": SimpleNamespace(xcom_push=lambda **_: None)})


def runs(store: Connection) -> int:
    return len(store.execute("select from promo.run").fetchall())


@pytest.mark.parametrize(
    "case",
    [
        ("Your code: $promo_code", r"m\.yaml:2: body: .* Did you mean promocode\?"),
        ("Dear {{first_name}}, $promocode", r"m\.yaml:2: body: .* merge tag .* Write \$first_name"),
        ("Hello", r"m\.yaml:2: the message never shows the promo code"),
        ("$promocode in $city", r"fields\.yaml:2: the store has no field 'city'"),
        ("$promocode for $order", r"a parameter of the event OrderPaid, which this campaign does not answer"),
    ],
)
def test_start_and_preview_refuse_what_nothing_is_called_and_write_nothing(
    store: Connection, dsn: str, include: Path, capsys: pytest.CaptureFixture[str], case: tuple[str, str]
) -> None:
    body, told = case
    message(include, body)
    with pytest.raises(DefinitionError, match=told):
        start(include, audience="everybody")
    assert runs(store) == 0
    assert main(["preview", "sale", "--include", str(include), "--dsn", dsn]) == ExitStatus.WRONG
    assert told.partition(":")[0].replace("\\", "") in capsys.readouterr().err


def test_start_opens_the_run_of_a_message_that_says_what_it_reads(store: Connection, include: Path) -> None:
    create_field(store, "city", "textfield")
    message(include, "$promocode in $city")
    start(include, audience="everybody")
    assert runs(store) == 1


def test_start_opens_the_run_of_a_message_without_the_code_if_that_is_meant(store: Connection, include: Path) -> None:
    message(include, "Hello $!first_name")
    start(include, audience="everybody", shows_code="False")
    assert runs(store) == 1


def test_a_workflow_reads_the_parameters_of_the_event_that_it_answers_and_of_no_other(include: Path) -> None:
    message(include, "$promocode for $order")
    with pytest.raises(DefinitionError, match="a parameter of the event OrderPaid"):
        start(include, StartOnEventsOperator, event="CartLeft")
    message(include, "$promocode for $oder")
    with pytest.raises(DefinitionError, match="Did you mean order"):
        start(include, StartOnEventsOperator, event="OrderPaid")
