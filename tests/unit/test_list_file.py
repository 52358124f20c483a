"""Audience lists as spreadsheets write them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from promo_campaigns.definitions.list_file import read_list
from promo_campaigns.model.errors import DefinitionError

CASES = Path(__file__).parents[1] / "data" / "cases"


def workbook(*cells: object) -> bytes:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for number, value in enumerate(cells, 1):
        cell = sheet.cell(number, 1, value)
        cell.data_type = "s" if isinstance(value, str) else cell.data_type
    sheet["A2"].number_format = "0000"
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"externalId\n0007\nB-2\n",
        b'\xef\xbb\xbfsep=,\r\nExternal ID,,\r\n\'0007,,\r\n,,\r\n "B-2" ,,\r\n\x1a',
        b'[{"external_id": "0007"}, {"external_id": "B-2"}]',
        workbook("external-id", 7, "\u201cB-2\u201d"),
    ],
)
def test_a_list_is_read_alike_in_every_format(data: bytes) -> None:
    listed = read_list(data, file="vip.csv")
    assert (listed.by, listed.values) == ("externalId", ("0007", "B-2"))


@pytest.mark.parametrize("damaged", ["1.23457E+17", "####", "#N/A", "NULL", "7.0"])
def test_a_damaged_id_refuses_the_list_with_its_line(damaged: str) -> None:
    for data in (f"externalId\n1\n{damaged}\n".encode(), workbook("externalId", "1", damaged)):
        with pytest.raises(DefinitionError, match=r"vip\.csv:3: "):
            read_list(data, file="vip.csv")


def test_a_list_of_strangers_is_read_as_it_is() -> None:
    listed = read_list((CASES / "f23-list-of-strangers.csv").read_bytes(), file="vip.csv")
    assert listed.values == ("c-1", "000C-1", "NOBODY")


def test_all_wrong_rows_of_a_list_are_told_at_once() -> None:
    """Rows of one reason are one line with a count; none of them shows a value."""
    rows = "".join(f"secret{number}\n" for number in range(20))
    with pytest.raises(DefinitionError) as told:
        read_list(f"contactId\n7\n{rows}".encode(), file="audiences/vip.csv")
    assert str(told.value) == "audiences/vip.csv:3: 20 lines: not a contact id; line 3, 4, 5, …"
