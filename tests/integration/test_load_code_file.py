"""Code files into a real store."""

from __future__ import annotations

import gzip
import io
import threading
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from promo_campaigns.code_files.load import load_code_file, withdraw_code_file
from promo_campaigns.model.errors import (
    CodeFileError,
    CodeFileRejectedError,
    ConfigurationError,
    DatabaseUnavailableError,
    UnknownCodeFileError,
)
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promo_campaigns.model.load_report import LoadReport
    from promo_campaigns.postgres.connection import Connection

CASES = Path(__file__).parents[1] / "data" / "cases"
HEADER = "code,expirationDate,discount,type,inUse\n"
THREE = (
    HEADER
    + "AAAA-1,2030-01-31,10,Welcome,false\nBBBB-2,2030-01-31T23:59,10,Welcome,false\nCCCC-3,2030.02.01,0,Gift,true\n"
)
CODES = "select code, type, discount, expires_at, retired, line from promo.promo_code order by promo.code_key(code)"


@pytest.fixture
def store(dsn: str) -> Iterator[Connection]:
    with connect(dsn) as connection:
        yield connection


def load(
    store: Connection,
    text: str | bytes,
    name: str = "codes.csv",
    **options: Any,  # noqa: ANN401  (load_code_file's)
) -> LoadReport:
    return load_code_file(store, io.BytesIO(text if isinstance(text, bytes) else text.encode()), name=name, **options)


def codes(store: Connection) -> dict[str, dict[str, Any]]:
    return {row.pop("code"): row for row in store.execute(CODES).fetchall()}


def issue(store: Connection, code: str) -> None:
    store.execute("update promo.promo_code set issued_at = now() where code = %s", [code])


def counts(report: LoadReport) -> tuple[int, int, int, int, int]:
    return report.rows, report.inserted, report.updated, report.unchanged, report.rejected_count


def test_a_file_is_loaded_with_its_lines_and_dates(store: Connection) -> None:
    report = load(store, THREE, time_zone="Europe/Kyiv")
    assert counts(report) == (3, 3, 0, 0, 0)
    assert report.types == ("Gift", "Welcome")
    assert codes(store) == {
        "AAAA-1": {
            "type": "Welcome",
            "discount": 10,
            "expires_at": datetime(2030, 1, 31, 22, tzinfo=timezone.utc),
            "retired": False,
            "line": 2,
        },
        "BBBB-2": {
            "type": "Welcome",
            "discount": 10,
            "expires_at": datetime(2030, 1, 31, 21, 59, tzinfo=timezone.utc),
            "retired": False,
            "line": 3,
        },
        "CCCC-3": {
            "type": "Gift",
            "discount": 0,
            "expires_at": datetime(2030, 2, 1, 22, tzinfo=timezone.utc),
            "retired": True,
            "line": 4,
        },
    }


def test_rejected_rows_are_reported_by_line_and_the_rest_is_loaded(store: Connection) -> None:
    text = (
        HEADER + "GOOD-1,2030-01-31,10,W,false\nBAD-2,2030-01-31,100,W,false\n,2030-01-31,10,W,false\n"
        "=BAD-4,2030-01-31,10,W,false\nBAD-5,31/01/2030,10,W,false\nGOOD-1,2030-01-31,10,W,false\n"
        "good-1,2031-01-31,20,W,true\nBAD-8,2030-01-31,10,W\n"
    )
    report = load(store, text)
    assert counts(report) == (8, 1, 0, 0, 7)
    assert [(reject.line, reject.column) for reject in report.rejected] == [
        (3, "discount"),
        (4, "code"),
        (5, "code"),
        (6, "expirationDate"),
        (7, "code"),
        (8, "code"),
        (9, ""),
    ]
    assert report.rejected[4].reason == report.rejected[5].reason == "the code stands in line 2 already"
    assert list(codes(store)) == ["GOOD-1"]
    assert codes(store)["GOOD-1"]["discount"] == 10
    kept = store.execute('select line, "column", reason from promo.code_file_reject order by line').fetchall()
    assert [row["line"] for row in kept] == [3, 4, 5, 6, 7, 8, 9]
    assert "BAD" not in str(kept)


@pytest.mark.parametrize("bad_row", ["BAD-2,2030-01-31,100,W,false\n", "GOOD-1,2030-01-31,10,W,false\n"])
def test_strict_loads_nothing_for_one_rejected_row(store: Connection, bad_row: str) -> None:
    with pytest.raises(CodeFileRejectedError, match=r"codes.csv:3: 1 row is rejected.*nothing was loaded") as caught:
        load(store, HEADER + "GOOD-1,2030-01-31,10,W,false\n" + bad_row, strict=True)
    assert counts(caught.value.report) == (2, 0, 0, 0, 1)
    assert codes(store) == {}
    assert store.execute("select count(*) as files from promo.code_file").fetchone() == {"files": 0}


def test_strict_loads_a_clean_file(store: Connection) -> None:
    assert counts(load(store, THREE, strict=True)) == (3, 3, 0, 0, 0)


def test_the_same_bytes_twice_change_nothing(store: Connection) -> None:
    text = THREE + "DDDD-4,2030-02-30,0,Gift,true\n"
    first = load(store, text)
    store.execute("update promo.promo_code set retired = true where code = 'AAAA-1'")
    second = load(store, text, name="other name.csv")
    assert second.already_loaded
    assert counts(second) == (4, 0, 0, 3, 1)
    assert (second.code_file_id, second.rejected, second.types) == (first.code_file_id, first.rejected, first.types)
    assert codes(store)["AAAA-1"]["retired"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"code_only_expiration": "2026-12-31"}, {"code_only_expiration": "2031-12-31"}),
        (
            {"code_only_expiration": "2031-12-31", "time_zone": "UTC"},
            {"code_only_expiration": "2031-12-31", "time_zone": "Europe/Kyiv"},
        ),
    ],
)
def test_the_same_bytes_with_other_options_are_an_update(
    store: Connection, first: dict[str, Any], second: dict[str, Any]
) -> None:
    text = "code\nAA-1\nAA-2\n"
    load(store, text, **first)
    before = codes(store)["AA-1"]["expires_at"]
    again, same = load(store, text, **second), load(store, text, **second)
    assert (counts(again), again.already_loaded) == ((2, 0, 2, 0, 0), False)
    assert codes(store)["AA-1"]["expires_at"] != before
    assert same.already_loaded
    assert again.sha256 == same.sha256


def test_a_file_of_rejected_rows_alone_is_a_failure(store: Connection) -> None:
    text = (CASES / "f10-all-rejected.csv").read_bytes()
    with pytest.raises(
        CodeFileRejectedError, match=r"all 2 rows are rejected.*nothing was loaded. Correct them$"
    ) as told:
        load(store, text)
    [group] = told.value.report.rejected_by_reason
    assert group.count == 2
    assert group.in_words("line").startswith("2 lines: expirationDate: not a date")
    assert group.in_words("line").endswith("; line 2 (12/31/2030), 3 (12/31/2030)")
    assert store.execute("select * from promo.code_file").fetchall() == []


def test_many_rejects_for_one_reason_are_one_group_with_masked_examples(store: Connection) -> None:
    rows = "".join(f"BAD-{number},31/01/2030,10,W,false\n" for number in range(1_500))
    twins = "".join("GOOD-1,2030-01-31,10,W,false\n" for _ in range(1_200))
    report = load(store, HEADER + "GOOD-1,2030-01-31,10,W,false\n" + rows + twins)
    dates, repeated = report.rejected_by_reason[0], report.rejected_by_reason[-1]
    assert (dates.count, dates.column, len(dates.first)) == (1_500, "expirationDate", 3)
    assert sum(group.count for group in report.rejected_by_reason) <= report.rejected_count == 2_700
    assert "BAD" not in repeated.in_words("line")


def test_codes_that_are_over_get_a_word(store: Connection) -> None:
    report = load(store, (CASES / "f22-forever.csv").read_bytes())
    assert (report.expired, report.rejected_count) == (2, 1)
    assert report.warnings() == ["2 codes are over already: nobody can be given them"]
    assert codes(store)["AA-3"]["expires_at"].year == 9999


def test_a_code_that_stands_twice_in_json_is_named_by_its_record(store: Connection) -> None:
    record = '{"code": "A-1", "expirationDate": "2030-01-31", "discount": 1, "type": "T"}'
    report = load(store, f"[{record}, {record}]")
    assert report.row_noun == "record"
    assert [(it.line, it.reason) for it in report.rejected] == [(2, "the code stands in record 1 already")]


def test_a_known_code_takes_what_the_newest_file_says(store: Connection) -> None:
    load(store, THREE)
    newer = (
        HEADER
        + "aaaa-1,2031-01-31,15,Spring,true\nBBBB-2,2030-01-31T23:59,10,Welcome,false\nNEW-1,2030-01-01,0,N,false\n"
    )
    report = load(store, newer)
    assert counts(report) == (3, 1, 1, 1, 0)
    assert codes(store)["aaaa-1"] == {
        "type": "Spring",
        "discount": 15,
        "expires_at": datetime(2031, 2, 1, tzinfo=timezone.utc),
        "retired": True,
        "line": 2,
    }


def test_an_upload_can_free_a_retired_code_that_nobody_holds(store: Connection) -> None:
    load(store, HEADER + "AAAA-1,2030-01-31,10,W,true\n")
    assert counts(load(store, HEADER + "AAAA-1,2030-01-31,10,W,false\n")) == (1, 0, 1, 0, 0)
    assert not codes(store)["AAAA-1"]["retired"]


def test_an_issued_code_keeps_what_its_owner_was_told_and_can_only_be_retired(store: Connection) -> None:
    load(store, THREE)
    for code in ("AAAA-1", "BBBB-2", "CCCC-3"):
        issue(store, code)
    before = codes(store)
    newer = HEADER + (
        "AAAA-1,2031-01-31,15,Spring,false\nBBBB-2,2031-01-31,15,Spring,true\n"
        "CCCC-3,2030.02.01,0,Gift,false\nBBBB-2,2031-01-31,15,Spring,false\n"
    )
    assert counts(load(store, newer)) == (4, 0, 1, 2, 1)
    assert codes(store) == before | {"BBBB-2": before["BBBB-2"] | {"retired": True}}


def test_a_row_that_repeats_a_code_does_not_retire_it(store: Connection) -> None:
    load(store, THREE)
    issue(store, "AAAA-1")
    load(store, HEADER + "AAAA-1,2030-01-31,10,Welcome,false\nAAAA-1,2030-01-31,10,Welcome,true\n")
    assert not codes(store)["AAAA-1"]["retired"]


def test_backslashes_quotes_and_letters_of_all_kinds_arrive_as_they_are(store: Connection) -> None:
    odd = ["\\N-1", "\\.A", "a\\tb", "ß/Ω/日本", "a,b;c", 'say "hi"', "100%", "{x}", "😀"]
    rows = "".join('"{}",2030-01-31,10,"T\\1",false\n'.format(code.replace('"', '""')) for code in odd)
    assert counts(load(store, HEADER + rows)) == (len(odd), len(odd), 0, 0, 0)
    assert set(codes(store)) == set(odd)
    assert {row["type"] for row in codes(store).values()} == {"T\\1"}


def test_a_code_only_file_goes_to_general(store: Connection) -> None:
    report = load(store, "code\nAAAA-1\n BBBB-2 \n", code_only_expiration="2030-01-31")
    assert (counts(report), report.types) == ((2, 2, 0, 0, 0), ("General",))
    assert codes(store)["BBBB-2"] == {
        "type": "General",
        "discount": 0,
        "expires_at": datetime(2030, 2, 1, tzinfo=timezone.utc),
        "retired": False,
        "line": 3,
    }


def test_a_code_only_file_may_be_loaded_strictly_and_may_be_empty(store: Connection) -> None:
    assert counts(load(store, "code\nAAAA-1\n", code_only_expiration="2030-01-31", strict=True))[:2] == (1, 1)
    empty = load(store, "code\n", code_only_expiration="2030-01-31")
    assert (counts(empty), empty.types) == ((0, 0, 0, 0, 0), ())


def test_a_wrong_option_is_refused_before_anything_is_read(store: Connection) -> None:
    with pytest.raises(ConfigurationError, match="expiration of the codes is not a date"):
        load(store, "code\nA-1\n", code_only_expiration="soon")
    with pytest.raises(ConfigurationError, match="there is no time zone 'Mars/Base'"):
        load(store, THREE, time_zone="Mars/Base")


def test_a_file_that_breaks_off_leaves_nothing(store: Connection) -> None:
    rows = "".join(f"CODE-{number:06},2030-01-31,10,W,false\n" for number in range(20_000))
    packed = gzip.compress((HEADER + rows).encode())
    with pytest.raises(CodeFileError, match="gzip file ends too early"):
        load(store, packed[: len(packed) // 2], name="codes.csv.gz")
    assert codes(store) == {}
    assert counts(load(store, packed, name="codes.csv.gz"))[:2] == (20_000, 20_000)


def test_a_load_that_is_killed_in_the_middle_leaves_nothing(store: Connection, dsn: str) -> None:
    rows = b"".join(b"CODE-%06d,2030-01-31,10,W,false\n" % number for number in range(50_000))

    class KilledMidway(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > len(rows) // 2:
                store.execute("select pg_terminate_backend(%s)", [loading.info.backend_pid])
            return super().read(size)

    with pytest.raises(DatabaseUnavailableError, match="was lost"), connect(dsn) as loading:
        load_code_file(loading, KilledMidway(HEADER.encode() + rows), name="codes.csv")
    assert codes(store) == {}
    assert store.execute("select count(*) as files from promo.code_file").fetchone() == {"files": 0}


def test_two_loads_of_one_file_at_once_load_it_once(store: Connection, dsn: str) -> None:
    text = (HEADER + "".join(f"CODE-{number:06},2030-01-31,10,W,false\n" for number in range(5_000))).encode()
    together = threading.Barrier(2)
    reports: list[LoadReport] = []

    class InStep(io.BytesIO):
        """Lets no load finish reading before both have begun."""

        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() == 0:
                together.wait(timeout=30)
            return super().read(size)

    def load_once() -> None:
        with connect(dsn) as connection:
            reports.append(load_code_file(connection, InStep(text), name="codes.csv"))

    threads = [threading.Thread(target=load_once) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(report.already_loaded for report in reports) == [False, True]
    assert {report.code_file_id for report in reports} == {reports[0].code_file_id}
    assert store.execute("select count(*) as codes from promo.promo_code").fetchone() == {"codes": 5_000}


def test_two_files_with_the_same_codes_at_once_leave_each_code_once(store: Connection, dsn: str) -> None:
    rows = [f"CODE-{number:06},2030-01-31,10,W,false\n" for number in range(5_000)]
    together = threading.Barrier(2)
    reports: list[LoadReport] = []

    def load_in_step(text: str) -> None:
        with connect(dsn) as connection:
            together.wait(timeout=30)
            reports.append(load(connection, text))

    threads = [threading.Thread(target=load_in_step, args=[HEADER + "".join(part)]) for part in (rows, rows[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sum(report.inserted for report in reports) == 5_000
    assert sum(report.unchanged for report in reports) == 5_000
    assert store.execute("select count(*) as codes from promo.promo_code").fetchone() == {"codes": 5_000}


def test_a_load_does_not_wait_for_a_claimed_code_that_it_leaves_as_it_is(store: Connection, dsn: str) -> None:
    load(store, THREE)
    with connect(dsn) as claiming, claiming.transaction():
        claiming.execute("select from promo.promo_code where code = 'AAAA-1' for update")
        store.execute("set statement_timeout = '5s'")
        assert counts(load(store, THREE + "DDDD-4,2030-01-01,0,Gift,false\n")) == (4, 1, 0, 3, 0)


def test_a_withdrawn_file_leaves_the_pool_and_its_issued_codes_are_listed_masked(store: Connection) -> None:
    first = load(store, THREE)
    assert first.code_file_id is not None
    load(store, HEADER + "BBBB-2,2035-01-31,10,Welcome,false\n")
    issue(store, "AAAA-1")
    report = withdraw_code_file(store, first.code_file_id)
    assert (report.file, report.withdrawn, report.issued_count) == ("codes.csv", 0, 1)
    assert [(code.code, code.line) for code in report.issued] == [("AA…1", 2)]
    assert {code: row["retired"] for code, row in codes(store).items()} == {
        "AAAA-1": True,
        "BBBB-2": False,
        "CCCC-3": True,
    }
    assert withdraw_code_file(store, first.code_file_id) == report


def test_a_withdrawn_file_can_be_loaded_again(store: Connection) -> None:
    first = load(store, THREE)
    assert first.code_file_id is not None
    assert withdraw_code_file(store, first.code_file_id).withdrawn == 2
    again = load(store, THREE)
    assert (again.already_loaded, counts(again)) == (False, (3, 0, 2, 1, 0))
    assert not codes(store)["AAAA-1"]["retired"]
    said = "the file was withdrawn before: what nobody holds of it can be given out again"
    assert (first.warnings(), again.warnings()) == ([], [said])
    assert load(store, THREE + "DDDD-4,2030-01-01,0,Gift,false\n").warnings() == [], "it is another file"


def test_withdrawing_a_file_that_is_not_there_is_an_error(store: Connection) -> None:
    with pytest.raises(UnknownCodeFileError, match="no code file 7"):
        withdraw_code_file(store, 7)


@pytest.mark.parametrize(
    "text", [THREE, '[{"code": "A-1", "expirationDate": "2030-01-31", "discount": 1, "type": "W"}]']
)
def test_a_sheet_of_a_file_that_is_no_workbook_is_refused(store: Connection, text: str) -> None:
    with pytest.raises(
        CodeFileError, match=r"it is no workbook but (CSV|JSON), and has no sheets\. Leave out the sheet"
    ):
        load(store, text, sheet="Codes")
    assert codes(store) == {}
