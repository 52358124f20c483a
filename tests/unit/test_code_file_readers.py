"""What is written in any of the formats is read back exactly, with its lines."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from datetime import datetime
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promo_campaigns.model.errors import CodeFileError
from promo_campaigns.tables.layout import COLUMNS
from promo_campaigns.tables.sheet_text import find_damage, undo_harmless
from unit.code_files import EXPIRES, HEADER, ROW, read

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"))
LETTERS = st.text(TEXT | st.sampled_from(",;\"'\\|{}[]"), min_size=1, max_size=12).filter(
    lambda text: undo_harmless(text) == text and not find_damage(text)  # what becomes of those: test_spreadsheet_files
)
CODES = st.builds("{}{}".format, st.sampled_from('AZ9",;\\'), LETTERS).filter(
    lambda text: undo_harmless(text) == text and not find_damage(text)
)
DATES = st.sampled_from(
    [
        ("2030-01-31", EXPIRES),
        ("2030.01.31", EXPIRES),
        ("2030-01-31T23:59", "2030-01-31T23:59:00+00:00"),
        ("2030-01-31T23:59:59", "2030-01-31T23:59:59+00:00"),
    ]
)
FLAGS = st.sampled_from([("true", "t"), ("FALSE", "f"), ("False", "f"), ("TRUE", "t")])
GOOD = st.tuples(CODES, DATES, st.integers(0, 99), LETTERS, FLAGS)
TABLES = st.lists(GOOD | st.none(), max_size=12)
"""Rows; none stands for one with a line break in its type, which is rejected and two lines high."""


def written(row: Any) -> list[str]:  # noqa: ANN401  (a drawn row)
    if row is None:
        return ["A", "2030-01-31", "1", "a\r\nb", "false"]
    code, (date, _), discount, name, (flag, _) = row
    return [code, date, str(discount), name, flag]


def expected(rows: list[Any], newline_height: int, first: int = 2) -> tuple[list[Any], list[int]]:
    accepted, rejected, line = [], [], first
    for row in rows:
        if row is None:
            rejected.append(line)
            line += newline_height
        else:
            code, (_, expires), discount, name, (_, retired) = row
            accepted.append((line, code, expires, str(discount), name, retired))
            line += 1
    return accepted, rejected


DIALECTS = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from([",", ";", "\t"]),
        "lineterminator": st.sampled_from(["\n", "\r\n", "\r"]),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    }
)
NAMINGS = st.permutations([str.lower(name) for name in COLUMNS]) | st.permutations(COLUMNS)


@given(TABLES, DIALECTS, NAMINGS, st.sampled_from(["utf-8", "utf-8-sig"]), st.sampled_from([bytes, gzip.compress]))
@settings(max_examples=200)
def test_any_table_in_csv_is_read_back_with_its_lines(
    rows: list[Any], dialect: dict[str, Any], names: list[str], encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    order = [[name.lower() for name in COLUMNS].index(name.lower()) for name in names]
    file = io.StringIO(newline="")
    writer = csv.writer(file, **dialect)
    writer.writerow(names)
    for row in rows:
        fields = written(row)
        writer.writerow([fields[place] for place in order])
    accepted, rejected = read(pack(file.getvalue().encode(encoding)))
    assert (accepted, [line for line, _, _ in rejected]) == expected(rows, newline_height=2)


@given(TABLES, st.booleans(), st.booleans(), st.booleans())
def test_any_table_in_json_is_read_back_with_the_numbers_of_its_records(
    rows: list[Any],
    as_array: bool,  # noqa: FBT001  (drawn)
    ascii_only: bool,  # noqa: FBT001  (drawn)
    typed: bool,  # noqa: FBT001  (drawn)
) -> None:
    objects = []
    for row in rows:
        record: dict[str, object] = dict(zip(COLUMNS, written(row), strict=True))
        if typed:
            record |= {"discount": int(str(record["discount"])), "inUse": str(record["inUse"]).lower() == "true"}
        objects.append(json.dumps(record, ensure_ascii=ascii_only))
    text = "[\n" + ",\n".join(objects) + "\n]" if as_array else "\n" + "\n".join(objects)
    if not rows and not as_array:
        return
    accepted, rejected = read(text)
    assert (accepted, [line for line, _, _ in rejected]) == expected(rows, newline_height=1, first=1)


@given(st.integers(1, 7), TABLES)
def test_a_file_object_that_dribbles_is_read_like_any_other(size: int, rows: list[Any]) -> None:
    class Dribble(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            return super().read(size)

    file = io.StringIO(newline="")
    csv.writer(file).writerows([COLUMNS, *map(written, rows)])
    accepted, rejected = read(Dribble(file.getvalue().encode()))
    assert (accepted, [line for line, _, _ in rejected]) == expected(rows, newline_height=2)


def test_objects_longer_than_a_block_of_reading_are_put_together() -> None:
    rows = [
        {"code": f"C-{number}", "expirationDate": "2030-01-31", "discount": 1, "type": "T"} for number in range(9_000)
    ]
    for text in (json.dumps(rows), json.dumps(rows, indent=3), "\n".join(map(json.dumps, rows))):
        accepted, rejected = read(text)
        assert [row[1] for row in accepted] == [row["code"] for row in rows]
        assert rejected == []


@pytest.mark.parametrize(
    ("record", "column", "reason"),
    [
        ('{"code": true, "expirationDate": "2030-01-31", "discount": 1, "type": "T"}', "code", "not a text"),
        ('{"code": ["A"], "expirationDate": "2030-01-31", "discount": 1, "type": "T"}', "code", "not a text"),
        ('{"code": null, "expirationDate": "2030-01-31", "discount": 1, "type": "T"}', "code", "empty"),
        ('{"code": "\\ud800", "expirationDate": "2030-01-31", "discount": 1, "type": "T"}', "code", "cannot be seen"),
        ('{"code": "A", "expirationDate": "2030-01-31", "discount": 1.5, "type": "T"}', "discount", "0 to 99"),
        ('{"code": "A", "expirationDate": "2030-01-31", "discount": false, "type": "T"}', "discount", "not a text"),
        ('{"code": "A", "expirationDate": "2030-01-31", "discount": 1, "type": {"a": 1}}', "type", "not a text"),
        ('{"code": "A", "discount": 1, "type": "T"}', "", "the column expirationDate is missing"),
        ('{"code": "A", "expirationDate": "2030-01-31", "discount": 1, "type": "T", "x": 1}', "", "not known"),
        ('{"code": "A", "code": "B", "expirationDate": "2030-01-31", "discount": 1, "type": "T"}', "", "stands twice"),
    ],
)
def test_an_object_with_wrong_keys_or_values_is_rejected(record: str, column: str, reason: str) -> None:
    good = '{"TYPE": "T", "code": 12345678901234567890, "expirationDate": "2030-01-31", "discount": "1", "inUse": true}'
    accepted, rejected = read(f"[{good},\n{record},\n{good}]")
    assert [row[1:] for row in accepted] == [("12345678901234567890", EXPIRES, "1", "T", "t")] * 2
    [(line, at, why)] = rejected
    assert (line, at) == (2, column)
    assert reason in why


def test_a_json_that_ends_too_early_or_goes_on_is_refused() -> None:
    good = '{"code": "A", "expirationDate": "2030-01-31", "discount": 1, "type": "T"}'
    for text, problem in (
        (f"[{good}", "the array is not closed"),
        (f"[{good},", "an object"),
        (f"[{good},]", "an object"),
        (f"[{good} {good}]", "a comma is missing"),
        (f"[{good}] {good}", "there is text after the end"),
        (f"{good},\n{good}", "an object"),
    ):
        with pytest.raises(CodeFileError, match=problem):
            read(text)
    assert read("[]") == ([], [])


def workbook(*rows: list[Any], sheets: int = 1) -> bytes:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in rows:
        sheet.append(row)
    for _ in range(sheets - 1):
        book.create_sheet()
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_a_workbook_is_read_with_typed_cells_and_row_numbers() -> None:
    data = workbook(
        [name.upper() for name in COLUMNS],
        ["A-1", "2030-01-31", 10, "W", False],
        [],
        [123456789012345, datetime(2030, 1, 31), 10.0, " W ", 1],  # noqa: DTZ001  (a cell has no zone)
        ["A-3", datetime(2030, 1, 31, 23, 59), "10", "W", True],  # noqa: DTZ001
    )
    for packed in (data, gzip.compress(data)):
        assert read(packed) == (
            [
                (2, "A-1", EXPIRES, "10", "W", "f"),
                (4, "123456789012345", EXPIRES, "10", "W", "t"),
                (5, "A-3", "2030-01-31T23:59:00+00:00", "10", "W", "t"),
            ],
            [],
        )


def test_a_cell_that_shows_a_date_alone_means_the_end_of_that_day() -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(list(COLUMNS))
    sheet.append(["A-1", datetime(2030, 1, 31), 10, "W", False])  # noqa: DTZ001  (a cell has no zone)
    sheet["B2"].number_format = "yyyy-mm-dd"
    file = io.BytesIO()
    book.save(file)
    assert read(file.getvalue())[0] == [(2, "A-1", EXPIRES, "10", "W", "f")]


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (["=1+1", "2030-01-31", 1, "W", False], "code", "formula"),
        ([datetime(2030, 1, 31), "2030-01-31", 1, "W", False], "code", "wrong kind"),  # noqa: DTZ001  (a cell)
        ([1234567890123456, "2030-01-31", 1, "W", False], "code", "wrong kind"),
        ([True, "2030-01-31", 1, "W", False], "code", "wrong kind"),
        ([None, "2030-01-31", 1, "W", False], "code", "empty"),
        (["A", 45000, 1, "W", False], "expirationDate", "wrong kind"),
        (["A", "=TODAY()", 1, "W", False], "expirationDate", "formula: copy the column and paste it as values"),
        (["A", "2030-01-31", 0.15, "W", False], "discount", "0 to 99"),
        (["A", "2030-01-31", 100, "W", False], "discount", "0 to 99"),
        (["A", "2030-01-31", 1, "W", 2], "inUse", "not true or false"),
        (["A", "2030-01-31", 1, "W", False, "more"], "", "it has 6 fields, the header 5"),
    ],
)
def test_a_cell_of_the_wrong_kind_is_rejected(row: list[Any], column: str, reason: str) -> None:
    accepted, rejected = read(workbook(list(COLUMNS), ["GOOD", "2030-01-31", 1, "W", False], row))
    [(line, at, why)] = rejected
    assert (len(accepted), line, at) == (1, 3, column)
    assert reason in why


def with_part(data: bytes, name: str, content: bytes) -> bytes:
    """Return the workbook with one part exchanged."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, content if part == name else old.read(part))
    return file.getvalue()


BOOK = workbook(list(COLUMNS), ["A", "2030-01-31", 1, "W", False])
SHEET = "xl/worksheets/sheet1.xml"
LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><worksheet>&b;</worksheet>'
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><worksheet>&a;</worksheet>'


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (workbook(list(COLUMNS), sheets=2), "the workbook has 2 sheets"),
        (workbook(["code", "type"]), "the column expirationDate, discount is missing"),
        (workbook(), "is missing"),
        (BOOK[: len(BOOK) // 2], "the workbook is damaged"),
        (with_part(BOOK, SHEET, b"<worksheet><broken"), "cannot be read"),
        (with_part(BOOK, SHEET, LAUGHS), "sheet1.xml of the workbook declares a document type"),
        (with_part(BOOK, SHEET, OUTSIDE), "sheet1.xml of the workbook declares a document type"),
        (with_part(BOOK, SHEET, b" " * 50_000_000), "unpacks to more than is allowed"),
        (with_part(BOOK, "xl/workbook.xml", b"<nothing/>"), "sheets|cannot be read"),
    ],
)
def test_a_workbook_that_is_unsound_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(CodeFileError, match=problem):
        read(data)


def test_a_row_number_beyond_what_excel_knows_ends_the_reading() -> None:
    far = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    far += b'<row r="99999999999"><c t="inlineStr"><is><t>code</t></is></c></row></sheetData></worksheet>'
    with pytest.raises(CodeFileError, match="more rows than Excel knows"):
        read(with_part(BOOK, SHEET, far))


@pytest.mark.parametrize("text", [HEADER, HEADER.rstrip("\n"), "\ufeff" + HEADER, "\r\n" + HEADER])
def test_a_file_with_a_header_alone_has_no_rows(text: str) -> None:
    assert read(text) == ([], [])


def test_empty_lines_are_left_out_and_counted_as_lines() -> None:
    accepted, rejected = read(f"\n{HEADER}\n\nA,{ROW}\n")
    assert ([row[0] for row in accepted], rejected) == ([5], [])
