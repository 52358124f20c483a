"""Reading contact files: every kind of bad input has a clear end."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import openpyxl
import pytest

from promo_campaigns.contacts.file import LINE_LENGTH, ContactLayout, ContactRows
from promo_campaigns.model.contacts import Channel, Contact, Field, Rejected, Row
from promo_campaigns.model.errors import ContactFileError
from promo_campaigns.tables.any_table import AnyTable

FIELDS = [Field(7, "Promo code", "textfield"), Field(8, "Visits", "number")]


def read(content: str | bytes) -> list[Row | Rejected]:
    raw = content.encode() if isinstance(content, str) else content
    layout = ContactLayout("contacts.csv", FIELDS)
    return list(ContactRows(AnyTable(io.BytesIO(raw), layout), layout))


def test_all_columns_in_any_case_and_order() -> None:
    header = "MOBILEPUSH,sms,Email,LASTNAME,firstname,EXTERNALID,Language,promo CODE,visits\n"
    rows = read(header + "tok,+380501234567,a@example.com,Lee,Ann,ext-1,en,WELCOME,3\n")
    channels = (Channel("email", "a@example.com"), Channel("sms", "380501234567"), Channel("mobilepush", "tok"))
    assert rows == [Row(2, Contact(channels, {7: "WELCOME", 8: "3"}, "ext-1", "Ann", "Lee", "en"))]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_separators_byte_order_marks_and_line_ends(delimiter: str, mark: str, line_end: str) -> None:
    text = mark + line_end.join(["externalId,email", "1,a@example.com", "", "2,"]).replace(",", delimiter)
    assert [(row.number, row.contact.external_id) for row in read(text) if isinstance(row, Row)] == [(2, "1"), (4, "2")]


def test_an_empty_cell_is_not_sent() -> None:
    assert read("externalId,firstName,email,Promo code\n1,, ,\n") == [Row(2, Contact(external_id="1"))]


def test_a_row_is_numbered_by_the_line_it_begins_on() -> None:
    rows = read('externalId,Promo code\n1,"two\nlines"\n2,\n')
    assert [row.number for row in rows if isinstance(row, Row)] == [2, 4]


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("1,canary,,,", "email", "not an e-mail address"),
        ("1,,canary,,", "sms", "not a number of 7 to 15 digits with the country code"),
        ("1,,,canary" + "y" * 40 + ",", "firstName", "a name has at most 40 characters"),
        ("1,,,,canary", "Visits", "this field takes a whole number"),
        (",,,canary,", "", "neither a channel nor an external id"),
        ("canary,,,", "", "it has 4 fields, the header 5"),
        ("canary,,,,,x", "", "it has 6 fields, the header 5"),
    ],
)
def test_a_bad_row_is_refused_with_line_and_reason_and_without_its_value(row: str, column: str, reason: str) -> None:
    header = "externalId,email,sms,firstName,visits\n"
    assert read(header + "0,,,,\n" + row + "\n9,,,,\n")[1] == Rejected(3, column, reason)


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b"", 1, "the file is empty"),
        (b"externalId,colour\n", 1, "the column 'colour' is neither"),
        (b"email,EMAIL\n", 1, "the column email stands twice"),
        (b"firstName\nAnn\n", 1, "no column says whose row it is"),
        (b"externalId\n1\n2\x00\n", 3, "a NUL byte"),
        (b"externalId\n\xff\xfe\n", 2, "not UTF-8"),
        ("externalId\n1\n".encode("utf-16"), 1, "UTF-16"),
        (b'externalId\n1\n"2\n3\n', 3, "quoting is broken"),
        (b'externalId\n"1"2\n', 2, "quoting is broken"),
        (b"externalId\n" + b"x" * (LINE_LENGTH + 1), 2, "a line is longer than"),
        (b"externalId\n" + b"x" * 200_000, 2, "a field is longer than"),
    ],
)
def test_what_is_no_contact_file_is_refused_with_its_line(content: bytes, line: int | None, problem: str) -> None:
    with pytest.raises(ContactFileError, match=problem) as caught:
        read(content)
    assert caught.value.line == line
    assert caught.value.file == "contacts.csv"


def written(header: list[str], row: list[object], kind: str) -> bytes:
    if kind == "json":
        return json.dumps([dict(zip(header, row, strict=True))]).encode()
    if kind == "csv":
        file = io.StringIO(newline="")
        csv.writer(file).writerows([header, row])
        return file.getvalue().encode()
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(header)
    for place, value in enumerate(row, 1):
        cell = sheet.cell(2, place, value)
        cell.data_type = "s" if isinstance(value, str) else cell.data_type
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


KINDS = pytest.mark.parametrize("kind", ["csv", "json", "xlsx"])


@KINDS
def test_one_contact_is_read_alike_in_every_format(kind: str) -> None:
    header = ["External ID", "E-mail", "first_name", "PROMO CODE", "visits"]
    [row] = read(written(header, ["'007", "“a@example.com”", "Ann", "W 1", 3], kind))
    assert isinstance(row, Row)
    channels = (Channel("email", "a@example.com"),)
    assert row.contact == Contact(channels, {7: "W 1", 8: "3"}, "007", "Ann")


@KINDS
@pytest.mark.parametrize("damaged", ["1.23457E+17", "####", "#N/A", "#ИМЯ?", "NULL", "12.5", "=A1"])
def test_a_damaged_id_makes_no_contact(kind: str, damaged: str) -> None:
    [row] = read(written(["externalId", "email"], [damaged, "a@example.com"], kind))
    assert isinstance(row, Rejected)
    assert row.place == "externalId"


@KINDS
def test_an_error_of_a_spreadsheet_never_enters_a_profile(kind: str) -> None:
    [row] = read(written(["externalId", "Promo code"], ["1", "#ЗНАЧ!"], kind))
    assert isinstance(row, Rejected)
    assert row.place == "Promo code"


def test_a_misspelt_column_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ContactFileError, match=r"'extrenalId' is neither.*Did you mean externalId"):
        read("extrenalId,email\n1,\n")


def test_what_a_spreadsheet_puts_around_contacts_changes_nothing() -> None:
    rows = read('sep=;\r\nexternalId;email;;\r\n1; "a@example.com" ;;\r\n;;;\r\n\x1a')
    assert rows == [Row(3, Contact((Channel("email", "a@example.com"),), {}, "1"))]


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        *((word, None) for word in ("NULL", "nan", "N/A", "NA", "None", "(blank)", "\\N", "n.a.", "(null)")),
        *((word, word) for word in ("Null", "Nan", "Na", "Nil", "Anna")),
        ('"=""Anna"""', "Anna"),
    ],
)
def test_a_name_is_no_word_that_a_program_writes_for_nothing(cell: str, name: str | None) -> None:
    assert read(f"externalId,firstName\n1,{cell}\n") == [Row(2, Contact(external_id="1", first_name=name))]


@pytest.mark.parametrize("name", ["Jos\ufffd", "José"])
def test_a_name_whose_letters_were_lost_is_rejected_with_its_reason(name: str) -> None:
    [rejected] = read(f"externalId,firstName\n1,{name}\n".replace("José", "JosÃ©"))
    assert isinstance(rejected, Rejected)
    assert rejected.place == "firstName"
    assert rejected.reason.startswith("letters were lost or mangled")


@pytest.mark.parametrize("code", ['"=""000123"""', "000123\u00a0", "«\u00a0000123\u00a0»"])
def test_an_id_keeps_its_zeros_and_loses_what_stands_around_it(code: str) -> None:
    assert read(f"externalId|email\n{code}|a@example.com\n") == [
        Row(2, Contact((Channel("email", "a@example.com"),), external_id="000123"))
    ]
