"""The operator that loads contact files, on a real store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from promo_campaigns.model.errors import ContactFileError
from promo_campaigns.operators.contacts import LoadContactsOperator
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Load = Callable[[object], dict[str, int]]


@pytest.fixture
def load(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Load:
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn.replace("postgresql://", "postgres://"))
    return lambda path: LoadContactsOperator(task_id="load", file=str(path)).execute({})


def test_a_file_is_loaded_once_and_its_counts_returned(load: Load, tmp_path: Path, dsn: str) -> None:
    path = tmp_path / "contacts.csv"
    path.write_text("externalId,email\n1,a@example.com\n2,canary\n3,c@example.com\n", encoding="utf-8")
    counts = {"rows": 3, "inserted": 2, "updated": 0, "unchanged": 0, "rejected_count": 1}
    assert load(path) == counts
    assert load(f"file://{path}") == counts | {"inserted": 0, "unchanged": 2}
    with connect(dsn) as connection:
        assert len(connection.execute("select from promo.contact").fetchall()) == 2


def test_rejected_rows_are_logged_by_line_and_reason_only(
    load: Load, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "contacts.csv"
    path.write_text("externalId,email\n1,canary\n2,\n", encoding="utf-8")
    load(path)
    log = "".join(capsys.readouterr())
    assert "contacts.csv: not loaded: line 2: email: not an e-mail address" in log
    assert "canary" not in log


def test_a_file_that_is_not_there_is_told_by_its_name(load: Load, tmp_path: Path) -> None:
    with pytest.raises(ContactFileError, match=r"none\.csv: cannot be read: No such file"):
        load(tmp_path / "none.csv")
