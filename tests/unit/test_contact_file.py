"""Reading contact files: every kind of bad input has a clear end."""

from __future__ import annotations

import io

import pytest

from promo_campaigns.contacts.file import LINE_LENGTH, read_contacts
from promo_campaigns.model.contacts import Channel, Contact, Field, Rejected, Row
from promo_campaigns.model.errors import ContactFileError

FIELDS = [Field(7, "Promo code", "textfield"), Field(8, "Visits", "number")]


def read(content: str | bytes) -> list[Row | Rejected]:
    raw = content.encode() if isinstance(content, str) else content
    return list(read_contacts(io.BytesIO(raw), file="contacts.csv", fields=FIELDS))


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
        ("canary,,,", "", "4 cells under 5 columns"),
        ("canary,,,,,", "", "6 cells under 5 columns"),
    ],
)
def test_a_bad_row_is_refused_with_line_and_reason_and_without_its_value(row: str, column: str, reason: str) -> None:
    header = "externalId,email,sms,firstName,visits\n"
    assert read(header + "0,,,,\n" + row + "\n9,,,,\n")[1] == Rejected(3, column, reason)


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b"", None, "the file is empty"),
        (b"externalId,colour\n", 1, "the column 'colour' is neither"),
        (b"email,EMAIL\n", 1, "the column email stands twice"),
        (b"firstName\nAnn\n", 1, "no column identifies the contact"),
        (b"externalId\n1\n2\x00\n", 3, "a NUL byte"),
        (b"externalId\n\xff\xfe\n", 1, "not UTF-8"),
        ("externalId\n1\n".encode("utf-16"), 1, "not UTF-8"),
        (b'externalId\n1\n"2\n3\n', 3, "not CSV"),
        (b'externalId\n"1"2\n', 2, "not CSV"),
        (b"externalId\n" + b"x" * (LINE_LENGTH + 1), 2, "a line of more than"),
        (b"externalId\n" + b"x" * 200_000, 2, "not CSV: field larger"),
    ],
)
def test_what_is_no_contact_file_is_refused_with_its_line(content: bytes, line: int | None, problem: str) -> None:
    with pytest.raises(ContactFileError, match=problem) as caught:
        read(content)
    assert caught.value.line == line
    assert caught.value.file == "contacts.csv"
