"""LoadPromoCodesOperator on real files and a real store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.execution_time.context import OutletEventAccessors

from promo_campaigns.model.errors import DatabaseUnavailableError
from promo_campaigns.operators.assets import PROMO_CODES
from promo_campaigns.operators.promo_codes import LoadPromoCodesOperator
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "code,expirationDate,discount,type,inUse\n"
GOOD = (
    HEADER + "AAAA-1,2030-01-31,10,Welcome,false\nAAAA-2,2030-01-31,10,Été 1,false\nAAAA-3,2030-01-31,100,Bad,false\n"
)
BAD = HEADER + "BBBB-1,2030-01-31,10\0,Welcome,false\n"


@pytest.fixture(autouse=True)
def _promo_db(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", dsn)


@pytest.fixture
def context() -> dict[str, Any]:
    return {"run_id": "manual__1", "outlet_events": OutletEventAccessors()}


def load(context: dict[str, Any], *files: Path, **options: Any) -> dict[str, int]:  # noqa: ANN401  (the operator's)
    operator = LoadPromoCodesOperator(task_id="load", files=[str(file) for file in files], **options)
    return operator.execute(context)  # type: ignore[arg-type]  # the part of a context that the operator reads


def assets(context: dict[str, Any]) -> list[str]:
    events = context["outlet_events"][PROMO_CODES].asset_alias_events
    return [event.dest_asset_key.name for event in events]


def put(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text)
    return file


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_is_loaded_and_moved_with_its_report_and_its_types_are_announced(
    tmp_path: Path, context: dict[str, Any]
) -> None:
    counts = load(context, put(tmp_path, "codes.csv", GOOD))
    assert counts == {"files": 1, "rows": 3, "inserted": 2, "updated": 0, "unchanged": 0, "rejected_count": 1}
    assert names(tmp_path) == ["loaded/codes.csv", "loaded/codes.csv.report.json"]
    report = json.loads((tmp_path / "loaded" / "codes.csv.report.json").read_text())
    assert (report["file"], report["rows"], report["inserted"]) == ("codes.csv", 3, 2)
    reason = "not a whole number from 0 to 99"
    assert report["rejected"] == [{"line": 4, "column": "discount", "reason": reason, "value": "100"}]
    assert assets(context) == ["promo_codes/Welcome", "promo_codes/%C3%89t%C3%A9 1"]


def test_a_symbolic_link_is_left_in_place_and_fails_the_task(tmp_path: Path, context: dict[str, Any], dsn: str) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    outside, link = put(tmp_path, "outside.csv", GOOD), inbox / "link.csv"
    link.symlink_to(outside)
    with pytest.raises(AirflowFailException, match=r"1 left in place .*: link\.csv: it is a symbolic link"):
        load(context, link)
    assert (link.is_symlink(), [path.name for path in inbox.iterdir()]) == (True, ["link.csv"])
    with connect(dsn) as store:
        assert store.execute("select from promo.promo_code").fetchall() == []


def test_a_bad_file_does_not_stop_the_others_and_fails_the_task_at_the_end(
    tmp_path: Path, context: dict[str, Any], dsn: str
) -> None:
    bad, good = put(tmp_path, "a.csv", BAD), put(tmp_path, "b.csv", GOOD)
    with pytest.raises(AirflowFailException, match=r"1 file was refused and moved to rejected/.*a\.csv:2: .*a NUL"):
        load(context, bad, good)
    assert names(tmp_path) == [
        "loaded/b.csv",
        "loaded/b.csv.report.json",
        "rejected/a.csv",
        "rejected/a.csv.report.json",
    ]
    report = json.loads((tmp_path / "rejected" / "a.csv.report.json").read_text())
    assert (report["file"], report["line"]) == ("a.csv", 2)
    with connect(dsn) as connection:
        assert connection.execute("select count(*) as n from promo.promo_code").fetchone() == {"n": 2}


def test_a_strict_refusal_is_reported_in_full(tmp_path: Path, context: dict[str, Any]) -> None:
    with pytest.raises(AirflowFailException, match=r"codes\.csv:4: 1 row is rejected"):
        load(context, put(tmp_path, "codes.csv", GOOD), strict="True")
    report = json.loads((tmp_path / "rejected" / "codes.csv.report.json").read_text())
    assert (report["rows"], report["inserted"], report["rejected"][0]["line"]) == (3, 0, 4)


def test_a_repeated_try_takes_the_word_of_the_first(tmp_path: Path, context: dict[str, Any]) -> None:
    good = put(tmp_path, "good.csv", GOOD)
    first = load(context, good)
    again = {"run_id": "manual__1", "outlet_events": OutletEventAccessors()}
    assert load(again, good) == first
    assert assets(again) == assets(context)


def test_a_refusal_is_not_forgotten_by_a_repeated_try(tmp_path: Path, context: dict[str, Any]) -> None:
    bad = put(tmp_path, "bad.csv", BAD)
    for _ in range(2):
        with pytest.raises(AirflowFailException, match=r"bad\.csv:2: the file holds a NUL"):
            load(context, bad)


def test_a_try_killed_before_the_move_is_repeated_without_harm(tmp_path: Path, context: dict[str, Any]) -> None:
    load(context, put(tmp_path, "codes.csv", GOOD))
    (tmp_path / "loaded" / "codes.csv").rename(tmp_path / "codes.csv")
    counts = load(context, tmp_path / "codes.csv")
    assert (counts["files"], counts["inserted"], counts["unchanged"]) == (1, 0, 2)
    assert names(tmp_path) == ["loaded/codes.csv", "loaded/codes.csv.report.json"]


def test_a_file_that_is_gone_is_no_error(tmp_path: Path, context: dict[str, Any]) -> None:
    assert load(context, tmp_path / "gone.csv")["files"] == 0


def test_a_store_that_is_down_leaves_the_file_where_it_is(
    tmp_path: Path, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROMO_DB", "postgres://nobody@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailableError, match="cannot connect"):
        load(context, put(tmp_path, "codes.csv", GOOD))
    assert names(tmp_path) == ["codes.csv"]


def test_one_path_may_stand_alone_as_a_mapped_task_has_it(tmp_path: Path, context: dict[str, Any]) -> None:
    file = put(tmp_path, "codes.csv", "code\nAAAA-1\n")
    operator = LoadPromoCodesOperator(task_id="load", files=str(file), code_only_expiration="2030-01-31")
    assert operator.execute(context)["inserted"] == 1  # type: ignore[arg-type]  # the part of a context that is read
    assert assets(context) == ["promo_codes/General"]
