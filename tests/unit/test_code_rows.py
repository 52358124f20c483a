"""The rules of a row, and what makes a whole file unreadable."""

from __future__ import annotations

import gzip
import random
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promo_campaigns.code_files.row_rules import MAX_TYPES
from promo_campaigns.model.errors import CodeFileError
from promo_campaigns.model.load_report import KEPT_REJECTS, Rejects
from promo_campaigns.tables.byte_source import MAX_RATIO
from unit.code_files import EXPIRES, HEADER, ROW, read


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (f",{ROW}", "code", "empty"),
        ("'=1+1,2030-01-31,10,W,false\n", "code", "formula"),
        (f"   ,{ROW}", "code", "empty"),
        (f"=1+1,{ROW}", "code", "formula"),
        (f"+A,{ROW}", "code", "formula"),
        (f"-A,{ROW}", "code", "formula"),
        (f"@A,{ROW}", "code", "formula"),
        (f"\tA,{ROW}", "code", "formula"),
        (f'"\rA",{ROW}', "code", "formula"),
        (f"＝A,{ROW}", "code", "formula"),  # noqa: RUF001  (full width)
        (f"＠A,{ROW}", "code", "formula"),  # noqa: RUF001  (full width)
        (f"  =A,{ROW}", "code", "formula"),
        (f"A\x01B,{ROW}", "code", "cannot be seen"),
        (f"A\x7fB,{ROW}", "code", "cannot be seen"),
        (f"A\u200bB,{ROW}", "code", "cannot be seen"),
        (f"A\u202eB,{ROW}", "code", "cannot be seen"),
        (f"A\u00a0B,{ROW}", "code", "cannot be seen"),
        (f"{'A' * 256},{ROW}", "code", "longer than 255"),
        ("A,31.01.2030,10,W,false\n", "expirationDate", "not a date"),
        ("A,,10,W,false\n", "expirationDate", "not a date"),
        ("A,2030-01-31,100,W,false\n", "discount", "0 to 99"),
        ("A,2030-01-31,-1,W,false\n", "discount", "0 to 99"),
        ("A,2030-01-31,1.5,W,false\n", "discount", "0 to 99"),
        ("A,2030-01-31,,W,false\n", "discount", "0 to 99"),
        ("A,2030-01-31,10%%,W,false\n", "discount", "0 to 99"),
        ("A,2030-01-31,٣,W,false\n", "discount", "0 to 99"),
        ("A,2030-01-31,10,,false\n", "type", "empty"),
        ("A,2030-01-31,10,  ,false\n", "type", "empty"),
        (f"A,2030-01-31,10,{'W' * 101},false\n", "type", "longer than 100"),
        ("A,2030-01-31,10,W,maybe\n", "inUse", "true or false"),
        ("A,2030-01-31,10,W\n", "", "it has 4 fields, the header 5"),
        ("A,2030-01-31,10,W,false,x\n", "", "it has 6 fields, the header 5"),
    ],
)
def test_a_row_that_breaks_a_rule_is_rejected_with_its_line_and_reason(row: str, column: str, reason: str) -> None:
    accepted, rejected = read(f"{HEADER}GOOD-1,{ROW}{row}GOOD-2,{ROW}")
    [(line, at, why)] = rejected
    assert (line, at) == (3, column)
    assert reason in why
    assert [row[1] for row in accepted] == ["GOOD-1", "GOOD-2"]


def test_fields_are_trimmed_and_flags_read_in_any_case() -> None:
    accepted, rejected = read(HEADER + "  A b-1  , 2030-01-31 , 05 , Spring sale , TRUE \n")
    assert accepted == [(2, "A b-1", EXPIRES, "5", "Spring sale", "t")]
    assert rejected == []


def test_in_use_may_be_absent_or_empty_but_not_strictly() -> None:
    absent = "code,expirationDate,discount,type\nA,2030-01-31,10,W\n"
    empty = HEADER + "A,2030-01-31,10,W,\n"
    assert read(absent)[0] == read(empty)[0] == [(2, "A", EXPIRES, "10", "W", "f")]
    with pytest.raises(CodeFileError, match=r"codes\.csv:1: the column inUse is missing"):
        read(absent, strict=True)
    assert read(empty, strict=True)[1] == [(2, "inUse", "not true or false")]


def test_a_code_only_file_has_one_column_and_gets_the_rest() -> None:
    assert read("CODE\nA\n\nB\n", expiration="2030-01-31")[0] == [
        (2, "A", EXPIRES, "0", "General", "f"),
        (4, "B", EXPIRES, "0", "General", "f"),
    ]
    with pytest.raises(CodeFileError, match="a code-only file has one column"):
        read(f"{HEADER}A,{ROW}", expiration="2030-01-31")
    with pytest.raises(CodeFileError, match="must be loaded as code-only"):
        read("code\nA\n")
    with pytest.raises(CodeFileError, match=r"codes\.csv:3: a second header"):
        read("code\nA\nCode\nB\n", expiration="2030-01-31")


PACKED = gzip.compress(f"{HEADER}A,{ROW}".encode() * 100)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", r"codes\.csv:1: the file is empty"),
        (b"\n\n  \n", r"codes\.csv:1: the file holds no header"),
        (b"code,expirationDate,discount\nA,2030-01-31,10\n", r"codes\.csv:1: the column type is missing"),
        (b"\ncode;type\n", r"codes\.csv:2: the column expirationDate, discount is missing"),
        (b"code,expirationDate,discount,type,inUs\n", r"not known, in place 5\. Did you mean inUse"),
        (b"code,expirationDat,discount,type,inUse\n", r"not known, in place 2\. Did you mean expirationDate"),
        (b"code,expirationDate,discount,type,colour\n", r"not known, in place 5\. Keep the columns"),
        (b"code,expirationDate,discount,type,CODE\n", r"the column code stands twice"),
        (f"{HEADER}A,{ROW}{HEADER}".encode(), r"codes\.csv:3: a second header"),
        (f"{HEADER}A,{ROW}B\0,{ROW}".encode(), r"codes\.csv:3: the file holds a NUL byte"),
        (f"{HEADER}A,{ROW}".encode("utf-16"), r"the file is UTF-16"),
        (f"{HEADER}A,{ROW}".encode() + b"\xff," + ROW.encode(), r"codes\.csv:3: the file is not UTF-8"),
        (b"\xffcode\n", r"codes\.csv:1: the file is not UTF-8"),
        (PACKED[: len(PACKED) // 2], r"the gzip file ends too early"),
        (PACKED[:-1], r"the gzip file ends too early"),
        (PACKED[:-8] + b"\1\2\3\4" + PACKED[-4:], r"the gzip file is damaged"),
        (PACKED + b"x", r"the gzip file is damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"an Excel workbook of the old kind"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", r"the file is a picture"),
        (b"PK\3\4 not a workbook", r"the workbook is damaged"),
        (f'{HEADER}"A,{ROW}B,{ROW}'.encode(), r"codes\.csv:2: the quoting is broken"),
        (f'{HEADER}A,{ROW}"B"x,{ROW}'.encode(), r"codes\.csv:3: the quoting is broken"),
        (b"<html><body>Not found</body></html>", r"codes\.csv:1: the file is HTML or XML"),
        (b"[", r"codes\.csv:1: an object"),
        (b'[\n{"code": "A"}\n', r"codes\.csv:2: the column expirationDate, discount, type is missing"),
        (b'[\n{"code": ', r"codes\.csv:2: the object that begins here is not JSON"),
        (b'{"code": NaN}', r"not JSON"),
        (b"[1]", r"an object"),
        (b"[" * 100_000, r"an object"),
        (f"{HEADER}A,{ROW}".encode() + b"," * 10_000_000, r"codes\.csv:3: a line is longer than"),
        (b"," * 10_000_000, r"the file holds no header"),
        (f"{HEADER}A,{ROW}".encode() + b'"\n",' * 1_000_000, r"codes\.csv:3: the row .* more than 100 lines"),
        (HEADER.encode() + b'"' * 1_000_000, r"codes\.csv:2: a line is longer than"),
        (b'[{"code": ' + b"[" * 60_000, r"nested too deeply|not JSON"),
        (b'[{"code": "' + b"A" * 200_000 + b'"}]', r"too long"),
    ],
    ids=lambda one: one if isinstance(one, str) else "file",
)
def test_a_file_that_cannot_be_read_is_refused_whole_with_a_reason(data: bytes, problem: str) -> None:
    with pytest.raises(CodeFileError, match=problem):
        read(data)


@pytest.mark.parametrize("block", [4_000, 300_000])
def test_a_fault_far_down_is_told_with_its_line(block: int) -> None:
    lines = "".join(f"CODE-{number:06},{ROW}" for number in range(block // 10))
    for fault, problem in ((b"B\0", "a NUL"), (b"B\xff", "not UTF-8")):
        data = (HEADER + lines).encode() + fault + b"," + ROW.encode() + lines.encode()
        with pytest.raises(CodeFileError, match=problem) as caught:
            read(data)
        assert caught.value.line == block // 10 + 2


def test_a_bomb_is_refused_before_it_grows() -> None:
    with pytest.raises(CodeFileError, match=f"more than {MAX_RATIO} times its size"):
        read(gzip.compress(HEADER.encode() + f"A,{ROW}".encode() * 700_000))


def test_more_types_than_a_campaign_has_mean_mixed_up_columns() -> None:
    rows = "".join(f"W,2030-01-31,10,CODE-{number},false\n" for number in range(MAX_TYPES + 1))
    with pytest.raises(CodeFileError, match=r"codes\.csv:1002: the file has more than 1,000 types"):
        read(HEADER + rows)


def test_the_first_rejects_are_kept_and_all_are_counted() -> None:
    rejects = Rejects()
    lines = list(range(2 * KEPT_REJECTS))
    random.Random(7).shuffle(lines)  # noqa: S311  (an order, not a secret)
    for line in lines:
        rejects.add(line, "code", "empty")
    assert rejects.count == 2 * KEPT_REJECTS
    assert [reject.line for reject in rejects.kept] == list(range(KEPT_REJECTS))


@given(st.lists(st.text(max_size=8), min_size=5, max_size=5))
def test_no_reason_holds_what_stood_in_the_row(fields: list[str]) -> None:
    """A column may be mixed up with that of the codes, so no field is ever repeated."""
    canary = [f"QZX{field}QZX" for field in fields]
    quoted = ",".join('"{}"'.format(field.replace('"', '""').replace("\0", "")) for field in canary)
    _, rejected = read((HEADER + quoted + "\n").encode(errors="replace"))
    assert "QZX" not in str(rejected)


@given(st.binary(max_size=300), st.sampled_from([b"", HEADER.encode(), b"[{", b"PK\3\4", b"\x1f\x8b\x08\0", b"code\n"]))
def test_whatever_bytes_come_the_answer_is_rows_or_a_code_file_error(data: bytes, start: bytes) -> None:
    with suppress(CodeFileError):
        read(start + data)
