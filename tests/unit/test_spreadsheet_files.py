"""Code files as spreadsheets, exports and people write them: one meaning in CSV, JSON and XLSX."""

# ruff: noqa: RUF001  (letters and marks of all languages are what it is about)
from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promo_campaigns.code_files.expiration_date import NEVER
from promo_campaigns.model.errors import CodeFileError
from promo_campaigns.tables.layout import COLUMNS
from promo_campaigns.tables.number_format import is_percent, parse_digits
from unit.code_files import EXPIRES, HEADER, ROW, read

CASES = Path(__file__).parents[1] / "data" / "cases"
LAST_DAY = "2031-01-01T00:00:00+00:00"


def case(name: str) -> tuple[list[Any], list[tuple[int, str, str]]]:
    [path] = CASES.glob(f"{name}-*")
    return read(path.read_bytes())


def as_csv(rows: list[list[Any]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([COLUMNS, *rows])
    return file.getvalue().encode()


def as_json(rows: list[list[Any]]) -> bytes:
    return json.dumps([dict(zip(COLUMNS, row, strict=True)) for row in rows]).encode()


def as_xlsx(rows: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for number, row in enumerate([list(COLUMNS), *rows], 1):
        for place, value in enumerate(row, 1):
            cell = sheet.cell(number, place, value)
            cell.data_type = "s" if isinstance(value, str) else cell.data_type  # also a text like #N/A or =1
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


WRITINGS = [as_csv, as_json, as_xlsx]

DAMAGED = [
    "1.23457E+17", "1,23457E+17", "1.00E+10", "1.e+10", "1E+17", "12E+15", "1.5e-07", "9٫9E+11", "1 234,5",
    "0.5", "123.0", "1,5", ".5", "1234567890123.0",
    "#", "####", "########",
    "#N/A", "#n/a", "#NAME?", "#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#GETTING_DATA",
    "#ИМЯ?", "#ЗНАЧ!", "#ДЕЛ/0!", "#ССЫЛКА!", "#Н/Д", "#ПУСТО!", "#ІМ'Я?",
    "#BEZUG!", "#WERT!", "#ZAHL!", "#NV", "#ÜBERLAUF!", "#¿NOMBRE?", "#¡VALOR!", "#¡DIV/0!", "#NOMBRE?", "#N/D",
    "#NOM?", "#VALEUR!", "#DÉBORDEMENT!", "#RIF!", "#NÚM!", "#VERW!", "#N/B", "#ADR!", "#DZIEL/0!", "#N/D!", "#SAKNAS!",
    "#BAŞV!", "#YOK", "#HIÁNYZIK", "#I/T", "#NIMI?", "#TYHJÄ!", "Err:502", "#ОШИБКА!", "Ошибка:508",
    "NULL", "null", "(null)", "<NULL>", "None", "nan", "NaN", "NaT", "<NA>", "N/A", "undefined", "\\N",
    "1.23457 E+17", "1.23457×10^17", "1.23457 × 10¹⁷", "#N/A N/A", "1.#QNAN", "Loading...", "n.a.", "k.A.", "н/д",
    "Not assigned", "Nicht zugeordnet", "(blank)", "(leer)", "(пусто)", "(en blanco)",
    "—", "…", "***", "????", "_", "CAF\ufffd1", "cafÃ©", "РџСЂРѕРјРѕ", "S&amp;P", "&#39;A",
]  # fmt: skip
KEPT = [
    "4E05", "AB1E10", "1E10", "12E5", "4E-05", "007", "123", "A.5", "1.2.3", "2024-10", "NOEL", "NULL-1", "NANA10",
    "Null7", "A#1", "#SALE1", "N7", "1E10X", "PROMO:500", "ERR-502", "UNDEFINED-9", "Иван:5", "10%", "E+5A", "0x1F",
    "S&P", "A*", "10×10", "NOT ASSIGNED 7", "KAFFEE", "Nicht-7", "🎁🎁", "Ã-7", "Р№", "(A)", "К.7",
]  # fmt: skip
UNDONE = {
    "'0123": "0123", "’0123": "0123", "“AA-1”": "AA-1", "„AA-1“": "AA-1", "”AA-1”": "AA-1", "«AA-1»": "AA-1",
    "‘AA-1’": "AA-1", '"AA-1"': "AA-1", "'AA-1'": "AA-1", ' "AA-1" ': "AA-1", "“ AA-1 ”": "AA-1", "‹AA›": "AA",
    '="000123"': "000123", "«\u00a0AA-1\u202f»": "AA-1", "AA-1\u00a0": "AA-1", "\u3000AA-1": "AA-1", "''AA-1''": "AA-1",
    "『AA-1』": "AA-1", "❝AA-1❞": "AA-1", "″AA-1″": "AA-1", "`AA-1`": "AA-1", "´AA-1´": "AA-1", '“"AA-1"”': "AA-1",
}  # fmt: skip


@pytest.mark.parametrize("write", WRITINGS)
def test_a_damaged_code_is_rejected_with_its_reason_in_every_format(write: Any) -> None:  # noqa: ANN401  (a writer)
    rows = [[code, "2030-01-31", 10, "W", False] for code in DAMAGED]
    accepted, rejected = read(write(rows))
    assert [row[1] for row in accepted] == []
    assert {(column, bool(reason)) for _, column, reason in rejected} == {("code", True)}
    assert len(rejected) == len(DAMAGED)


@pytest.mark.parametrize("write", WRITINGS)
def test_a_code_that_only_looks_like_a_number_is_kept_in_every_format(write: Any) -> None:  # noqa: ANN401
    accepted, rejected = read(write([[code, "2030-01-31", 10, "W", False] for code in KEPT]))
    assert rejected == []
    assert [row[1] for row in accepted] == KEPT


@pytest.mark.parametrize("write", WRITINGS)
def test_what_stands_around_a_text_is_taken_away_in_every_format(write: Any) -> None:  # noqa: ANN401
    rows = [[code, "“2030-01-31”", "'10", "«W»", "“false”"] for code in UNDONE]
    accepted, rejected = read(write(rows))
    assert rejected == []
    assert [row[1:] for row in accepted] == [(code, EXPIRES, "10", "W", "f") for code in UNDONE.values()]


@pytest.mark.parametrize("write", WRITINGS)
@pytest.mark.parametrize(("place", "column"), list(enumerate(COLUMNS)))
@pytest.mark.parametrize(("text", "reason"), [("#N/A", "an error"), ("####", "too narrow"), ("=A1", "formula")])
def test_an_error_in_any_column_is_named(write: Any, place: int, column: str, text: str, reason: str) -> None:  # noqa: ANN401
    row: list[Any] = ["AA-1", "2030-01-31", 10, "W", False]
    row[place] = text
    accepted, [(_, at, why)] = read(write([row]))
    assert (accepted, at) == ([], column)
    assert reason in why


CELLS = st.tuples(
    st.sampled_from([*DAMAGED[::5], *KEPT, *UNDONE, ""]),
    st.sampled_from(["2030-01-31", "2030.01.31", "2030-01-31T10:00", "31.01.2030", "9999-12-31", "#ЗНАЧ!", ""]),
    st.sampled_from([10, "10", "10.0", "10,0", "15 %", "15%", "99", "100", "1.5", "-1", "", "#N/A"]),
    st.sampled_from(["W", "“W”", " W ", "#N/A", "", "Весна"]),
    st.sampled_from([True, False, "TRUE", "ИСТИНА", "ЛОЖЬ", "WAHR", "FAUX", "VERDADERO", "0", 1, "no", "maybe", ""]),
)


@given(st.lists(CELLS.map(list), max_size=8))
@settings(max_examples=30)
def test_one_table_in_three_writings_is_one_result(rows: list[list[Any]]) -> None:
    results = []
    for write, first in ((as_csv, 2), (as_json, 1), (as_xlsx, 2)):
        accepted, rejected = read(write(rows))
        results.append(
            ([(row[0] - first, *row[1:]) for row in accepted], [(line - first, *rest) for line, *rest in rejected])
        )
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize(
    "header",
    [
        "Code,Expiration Date,Discount,Type,In Use",
        "code,expiration_date,discount,type,in_use",
        "CODE,EXPIRATION-DATE,DISCOUNT,TYPE,in-use",
        "“code”,expirationDate, discount ,type.,inUse",
    ],
)
def test_a_header_is_read_however_people_write_it(header: str) -> None:
    assert read(f"{header}\nA,{ROW}")[0] == [(2, "A", EXPIRES, "10", "Welcome", "f")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"sep=,\r\n{HEADER}A,{ROW}", 3),
        (f'"sep=,"\n{HEADER}A,{ROW}', 3),
        (f"\ufeffSEP=|\n{HEADER}A,{ROW}".replace(",", "|"), 3),
        (f"{HEADER}A,{ROW}\x1a", 2),
        (f"{HEADER}A,{ROW.rstrip()}\x1a", 2),
        (f"{HEADER}A,{ROW},,,,\n,\n , ,\n", 2),
        (HEADER.replace("\n", ",,\n") + "A," + ROW.replace("\n", ",,\n"), 2),
        (HEADER.replace("\n", ",,\n") + f"A,{ROW}", 2),
        (f",{HEADER},A,{ROW}", 2),
        (HEADER.replace("discount,", "discount,,") + 'A,2030-01-31,10,,"Welcome" ,false \n', 2),
        (f'{HEADER}"A" , "2030-01-31" ,10,"Welcome", "false" \n', 2),
        (f"{HEADER}A,{ROW.rstrip()},\n", 2),
    ],
)
def test_what_a_spreadsheet_puts_around_a_table_changes_nothing(text: str, line: int) -> None:
    assert read(text) == ([(line, "A", EXPIRES, "10", "Welcome", "f")], [])


def test_a_value_under_no_name_is_rejected_as_nobody_reads_it() -> None:
    for header in (f",{HEADER}", f"{HEADER.rstrip()},,\n"):
        row = f"7,A,{ROW}" if header.startswith(",") else f"A,{ROW.rstrip()},,7\n"
        accepted, [(line, column, _)] = read(header + row)
        assert (accepted, line, column) == ([], 2, "")


def test_quotes_inside_a_quoted_field_stay_where_blanks_are_taken_away() -> None:
    text = HEADER + 'A,2030-01-31,10,"a "" , b" ,false\nB,2030-01-31,10," c "" d",false\n'
    assert [row[4] for row in read(text)[0]] == ['a " , b', 'c " d']


@pytest.mark.parametrize(
    ("code", "number", "shown"),
    [
        ("000000", 123, "000123"),
        ("00000", 7, "00007"),
        ('"PRM-"0000', 12, "PRM-0012"),
        ("000-000", 123456, "123-456"),
        ("0000\\-0000", 1, "0000-0001"),
        ("[$-409]00000;-00000;@", 42, "00042"),
        ("###-####", 5551234, "555-1234"),
        ("000", 123456, "123456"),
        ("00_)", 5, "05"),
    ],
)
def test_digits_are_shown_as_their_format_says(code: str, number: int, shown: str) -> None:
    digits = parse_digits(code)
    assert digits is not None
    assert digits.show(number) == shown


@pytest.mark.parametrize("code", ["General", "0", "#", "#,##0", "0.00", "0.00E+00", "@", "[>9]00;0", '"text"', "# ?/?"])
def test_a_format_without_fixed_digits_leaves_the_number_as_it_is(code: str) -> None:
    assert parse_digits(code) is None


def test_a_share_of_a_hundred_is_told_by_its_sign() -> None:
    assert [is_percent(code) for code in ("0%", "0.00%", '0"%"', "0\\%", "0;0%")] == [True, True, False, False, False]


def formatted(place: int, value: float, number_format: str) -> bytes:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(list(COLUMNS))
    row: list[Any] = ["A", "2030-01-31", 10, "W", False]
    row[place] = value
    sheet.append(row)
    sheet.cell(2, place + 1).number_format = number_format
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_a_cell_is_read_as_it_is_shown() -> None:
    assert read(formatted(0, 123, "000000"))[0][0][1] == "000123"
    assert read(formatted(0, 123456789012345, "0.00E+00"))[0][0][1] == "123456789012345"
    assert read(formatted(2, 0.15, "0%"))[0][0][3] == "15"
    assert read(formatted(2, 10, '0" %"'))[0][0][3] == "10"
    assert read(formatted(2, 0.155, "0%"))[1] == [(2, "discount", "not a whole number from 0 to 99")]


@pytest.mark.parametrize(
    ("name", "codes", "rejected"),
    [
        ("f04a", ["AB1E10", "4E05"], [2, 3]),
        ("f04c", ["000123", "00007"], []),
        ("f04d", ["AA-3"], [2, 3]),
        ("f04e", [], [1]),
        ("f08", ["AA-1"], []),
        ("f10", [], [2, 3]),
        ("f21a", ["AA-1"], []),
        ("f21b", ["AA-1"], []),
        ("f22", ["AA-1", "AA-3", "AA-4", "AA-5", "AA-6", "AA-7"], [3]),
        ("f25a", ["AA-1"], []),
        ("f25b", [], [2, 3, 4, 5]),
        ("f25e", [f"AA-{number}" for number in range(14)], []),
        ("f25f", ["AA-1"], []),
    ],
)
def test_the_files_that_people_have_sent(name: str, codes: list[str], rejected: list[int]) -> None:
    accepted, kept_out = case(name)
    assert [row[1] for row in accepted] == codes
    assert [line for line, _, _ in kept_out] == rejected


def test_the_columns_of_a_file_with_blanks_before_quotes_are_clean() -> None:
    assert case("f08")[0] == [(2, "AA-1", LAST_DAY, "10", "Spring", "f")]


def test_booleans_of_every_language_mean_what_they_say() -> None:
    assert "".join(row[5] for row in case("f25e")[0]) == "tftftftffttfff"


def test_wrong_records_are_named_by_their_numbers() -> None:
    records = json.loads((CASES / "f11-one-line.json").read_text())
    wrong = [number for number, record in enumerate(records, 1) if "." in record["expirationDate"]]
    assert [line for line, _, _ in case("f11")[1]] == wrong


def test_a_date_means_the_same_day_whatever_its_format() -> None:
    assert {row[2] for row in case("f15a")[0]} == {LAST_DAY}
    expires = {row[1]: row[2] for row in case("f15b")[0]}
    assert {name for name, moment in expires.items() if moment == LAST_DAY} >= {"AA-1", "AA-2", "AA-3", "AA-7", "AA-9"}
    assert expires["AA-6"] == "2030-12-31T12:00:00+00:00"


def test_the_last_day_of_the_calendar_is_never() -> None:
    assert [row[2] for row in case("f22")[0] if row[1] in {"AA-3", "AA-4"}] == [NEVER.isoformat()] * 2


def test_a_formula_is_named_with_its_way_out() -> None:
    assert [column for _, column, _ in case("f25b")[1]] == [*COLUMNS[:3], "inUse"]
    assert all("paste it as values" in reason for _, _, reason in case("f25b")[1])


@pytest.mark.parametrize(("name", "problem"), [("f25c", "protected by a password"), ("f25d", "is a zip.*Unpack it")])
def test_what_is_no_table_is_named(name: str, problem: str) -> None:
    with pytest.raises(CodeFileError, match=problem):
        case(name)


def test_a_sheet_is_chosen_by_its_name() -> None:
    book = openpyxl.Workbook()
    for name in ("Notes", "Codes"):
        sheet: Any = book.create_sheet(name)
        sheet.append(list(COLUMNS))
        sheet.append([name, "2030-01-31", 1, "W", False])
    file = io.BytesIO()
    book.save(file)
    data = file.getvalue()
    assert [row[1] for row in read(data, sheet=" codes ")[0]] == ["Codes"]
    with pytest.raises(CodeFileError, match=r"has no sheet Code\. It has Sheet, Notes, Codes"):
        read(data, sheet="Code")
    with pytest.raises(CodeFileError, match=r"has 3 sheets\. Name the one to read \(--sheet\)"):
        read(data)


@pytest.mark.parametrize("text", ["%15", "15٪", "１５", "15\u00a0%", "15.00 %", '="15"', "% 15"])
def test_a_discount_is_read_as_a_share_is_written_in_any_language(text: str) -> None:
    accepted, rejected = read(as_csv([["A", "2030-01-31", text, "W", False]]))
    assert ([row[3] for row in accepted], rejected) == (["15"], [])


@pytest.mark.parametrize(
    ("text", "retired"),
    [
        ("✓", "t"),
        ("☐", "f"),
        ("1.0", "t"),
        ("0,0", "f"),
        ("off", "f"),
        ("ИСТИНА\u00a0", "t"),
        ("ósatt", "f"),
        ("ՃԻՇՏ", "t"),
    ],
)
def test_a_flag_is_read_as_programs_and_languages_write_it(text: str, retired: str) -> None:
    accepted, rejected = read(as_csv([["A", "2030-01-31", 10, "W", text]]))
    assert ([row[5] for row in accepted], rejected) == ([retired], [])


@pytest.mark.parametrize("write", WRITINGS)
@pytest.mark.parametrize("strict", [False, True])
def test_a_row_of_no_more_than_a_box_that_is_not_ticked_is_no_row(write: Any, strict: bool) -> None:  # noqa: ANN401, FBT001
    accepted, rejected = read(
        write([["A", "2030-01-31", 10, "W", False], *[["", "", "", "", False]] * 3]), strict=strict
    )
    assert ([row[1] for row in accepted], rejected) == (["A"], [])
    _, rejected = read(write([["A", "2030-01-31", 10, "W", False], ["", "", "", "", True]]), strict=strict)
    assert [reason for *_, reason in rejected] == ["empty"]


@pytest.mark.parametrize(
    "head",
    ["sep=;,,,,\n", '"sep=;",,,,\n', "sep = ,\n", "\nsep=,\n", ""],
    ids=["cell", "quoted", "blanks", "second", "none"],
)
def test_a_line_that_names_the_delimiter_is_no_header_however_it_was_saved_anew(head: str) -> None:
    assert [row[1] for row in read(head + HEADER + f"A,{ROW}")[0]] == ["A"]


def test_a_pipe_is_a_delimiter_and_a_line_between_quotes_is_told() -> None:
    assert [row[1] for row in read((HEADER + f"A,{ROW}").replace(",", "|"))[0]] == ["A"]
    with pytest.raises(CodeFileError, match=r"codes\.csv:1: each line stands between quotes as a whole"):
        read("".join(f'"{line}"\n' for line in (HEADER + f"A,{ROW}").splitlines()))


@pytest.mark.parametrize(
    ("start", "told"),
    [
        (b"%PDF-1.7\n", "a PDF document"),
        (b"Rar!\x1a\x07\x01\x00", "a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"{\\rtf1\\ansi", "an RTF document"),
        (b"PAR1\x15\x04", "a Parquet file"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"BZh91AY&SY\x00", "packed with bzip2"),
        (b"\xfd7zXZ\x00", "packed with xz"),
        (b"\x28\xb5\x2f\xfd\x04", "packed with zstd"),
        (b"codes.csv".ljust(257, b"\0") + b"ustar\0", "a tar archive"),
        (b"\xef\xbb\xbf\r\n<html><table>", "HTML or XML"),
        (b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>', "HTML or XML"),
    ],
)
def test_a_file_of_another_kind_is_named(start: bytes, told: str) -> None:
    with pytest.raises(CodeFileError, match=f"the file is {told}"):
        read(start)


def test_a_list_inside_of_an_answer_is_named() -> None:
    with pytest.raises(
        CodeFileError, match=r"the objects stand in a list inside of another object\. Write the list alone"
    ):
        read(json.dumps({"codes": [{"code": "A"}]}))


def test_a_date_before_the_first_is_what_a_spreadsheet_shows_of_it() -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(list(COLUMNS))
    sheet.append(["A", -5, 10, "W", False])
    sheet["B2"].number_format = "yyyy-mm-dd"
    file = io.BytesIO()
    book.save(file)
    assert [column for _, column, _ in read(file.getvalue())[1]] == ["expirationDate"]


@pytest.mark.parametrize("write", WRITINGS)
@pytest.mark.parametrize("end", ["\n", " \r\n", "\t"])
def test_a_line_break_behind_a_copied_cell_is_no_part_of_it(write: Any, end: str) -> None:  # noqa: ANN401
    accepted, rejected = read(write([[f"AA-1{end}", "2030-01-31", 10, "W", False]]))
    assert ([row[1] for row in accepted], rejected) == (["AA-1"], [])


def test_a_character_that_a_workbook_writes_by_its_number_is_itself() -> None:
    """Excel writes a carriage return so, and keeps what only looks like it by escaping its underscore."""
    accepted, rejected = read(
        as_xlsx([[code, "2030-01-31", 10, "W", False] for code in ("A_x000D_", "B_x0041_", "C_x005F_x0041_")])
    )
    assert ([row[1] for row in accepted], rejected) == (["A", "BA", "C_x0041_"], [])
