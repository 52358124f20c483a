"""Audiences that are lists: whom they name, in each of the ways they can."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from integration.scenario import CODES, add_codes, add_contacts
from promo_campaigns.definitions.definitions import read_audience, read_run_spec
from promo_campaigns.ledger.runs import open_run, read_run
from promo_campaigns.model.errors import DefinitionError, RunSpecChangedError
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from promo_campaigns.model.run import Run
    from promo_campaigns.postgres.connection import Connection


@pytest.fixture
def store(dsn: str) -> Iterator[Connection]:
    with connect(dsn) as connection:
        yield connection


def open_list(store: Connection, include: Path, text: str, key: str = "welcome/edition/one") -> Run:
    for folder in ("audiences", "messages"):
        (include / folder).mkdir(exist_ok=True)
    (include / "audiences" / "vip.csv").write_text(text, encoding="utf-8")
    (include / "messages" / "hello.yaml").write_text("channel: mobilepush\nbody: $!promocode\n", encoding="utf-8")
    spec = read_run_spec(include, workflow="welcome", audience="vip", message="hello", codes=CODES)
    return open_run(store, spec, run_key=key)


def audience(store: Connection, run: Run) -> list[int]:
    rows = store.execute(
        "select contact_id from promo.assignment where run_id = %s order by 1", [run.run_id]
    ).fetchall()
    return [row["contact_id"] for row in rows]


def test_a_list_names_contacts_by_id_by_external_id_or_by_a_channel(store: Connection, tmp_path: Path) -> None:
    one, two, three = add_contacts(store, 3)
    store.execute("update promo.contact set external_id = 'crm-' || contact_id")
    store.execute(
        "insert into promo.contact_channel (contact_id, type, value) values (%s, 'email', 'One@example.com')", [one]
    )
    add_codes(store, 10)
    lists = {
        f"contactId\n{three}\n{one}\n{three}\n\n999999\n": [one, three],
        f"\ufeffexternalid\ncrm-{two}\ncrm-0\n": [two],
        f"mobilepush\ntoken-{two}\n token-{three} \n": [two, three],
        "email\none@EXAMPLE.com\n": [one],
    }
    for number, (text, named) in enumerate(lists.items()):
        run = open_list(store, tmp_path, text, f"welcome/edition/{number}")
        assert audience(store, run) == named


def test_the_ledger_keeps_the_list_s_digest_and_none_of_its_values(store: Connection, tmp_path: Path) -> None:
    (one,) = add_contacts(store, 1)
    add_codes(store, 1)
    run = open_list(store, tmp_path, f"mobilepush\ntoken-{one}\n")
    row = store.execute("select spec::text as spec from promo.run").fetchone()
    assert row is not None
    assert "token-" not in row["spec"]
    assert read_run(store, run.run_id).spec.sha256 == run.spec.sha256


def test_the_same_list_finds_its_run_and_another_is_refused(store: Connection, tmp_path: Path) -> None:
    one, two = add_contacts(store, 2)
    add_codes(store, 2)
    run = open_list(store, tmp_path, f"contactId\n{one}\n")
    assert open_list(store, tmp_path, f"contactId\n{one}\n").run_id == run.run_id
    with pytest.raises(RunSpecChangedError):
        open_list(store, tmp_path, f"contactId\n{two}\n")


def test_a_list_of_strangers_opens_nothing(store: Connection, tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"audiences/vip\.csv: none of the 2 contacts it names is known"):
        open_list(store, tmp_path, "externalId\nx\ny\n")
    assert store.execute("select * from promo.run").fetchall() == []


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("contactId\n1\nCANARY\n", "vip.csv:3: not a contact id"),
        ("contactId\n0\n", "vip.csv:2: not a contact id"),
        ("contactId\n" + "9" * 5000 + "\n", "vip.csv:2: not a contact id"),
        ("email\nCANARY\n", "vip.csv:2: not an e-mail address"),
        ("contactId,email\n", "vip.csv:1: the header must name one column, not 2. It is contactId"),
        ("Contact Number\n1\n", "vip.csv:1: there is no such column as 'Contact Number'"),
        ("contactId\n1,2\n", "vip.csv:2: it has 2 fields, the header 1"),
        ("contactId\n", "vip.csv: the list names nobody"),
        ('contactId\n"1\n', "vip.csv:2: the quoting is broken"),
        (" ", "vip.csv: the file is empty"),
    ],
)
def test_a_wrong_list_is_told_by_line_and_never_by_value(tmp_path: Path, text: str, error: str) -> None:
    (tmp_path / "audiences").mkdir()
    (tmp_path / "audiences" / "vip.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError) as told:
        read_audience(tmp_path, "vip")
    assert error in str(told.value)
    assert "CANARY" not in str(told.value)


def test_a_list_and_a_select_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "audiences").mkdir()
    (tmp_path / "audiences" / "vip.csv").write_text("contactId\n1\n")
    (tmp_path / "audiences" / "vip.sql").write_text("select 1 as contact_id")
    with pytest.raises(DefinitionError, match=r"audiences/vip\.sql: there is vip\.csv as well"):
        read_audience(tmp_path, "vip")
