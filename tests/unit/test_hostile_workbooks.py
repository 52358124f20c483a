"""Whatever stands in a part of a workbook, reading it takes bounded memory and time, or it is refused by its name."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MOST_KIB = 200 * 1024
MIB = 2**20

READER = """
import io, json, sys
from pathlib import Path
from promo_campaigns.tables import xlsx_archive
from promo_campaigns.tables.xlsx_rows import xlsx_rows
from promo_campaigns.model.load_report import Rejects
from promo_campaigns.tables.layout import Layout
from promo_campaigns.model.errors import CodeFileError

if len(sys.argv) > 2:
    xlsx_archive.MAX_MARKS = int(sys.argv[2])
rows, refused = 0, ""
try:
    with Path(sys.argv[1]).open("rb", buffering=0) as file:
        for _ in xlsx_rows(io.BufferedReader(file), Layout("codes.xlsx"), Rejects()):
            rows += 1
except CodeFileError as error:
    refused = str(error)
# The peak of this program: what getrusage says includes that of its parent.
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(json.dumps([rows, refused, int(peak.split()[1])]))
"""

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
TYPES, BOOK, LINKS = "[Content_Types].xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
STYLES, TEXTS, SHEET = "xl/styles.xml", "xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"

PARTS = {
    TYPES: f"""<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
        <Default Extension="xml" ContentType="application/xml"/>
        <Override PartName="/{BOOK}" ContentType="{KIND}.sheet.main+xml"/>
        <Override PartName="/{TEXTS}" ContentType="{KIND}.sharedStrings+xml"/>@</Types>""",
    BOOK: f"""<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">
        <sheets><sheet name="codes" sheetId="1" r:id="rId1"/></sheets>@</workbook>""",
    LINKS: f"""<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
        <Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>@</Relationships>""",
    STYLES: f"""<styleSheet xmlns="{MAIN}"><cellXfs>@</cellXfs></styleSheet>""",
    TEXTS: f"""<sst xmlns="{MAIN}"><si><t>code</t></si>@</sst>""",
    SHEET: f"""<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c t="s"><v>0</v></c>
        <c t="inlineStr"><is><t>type</t></is></c><c t="inlineStr"><is><t>expirationDate</t></is></c>
        <c t="inlineStr"><is><t>discount</t></is></c></row>@</sheetData></worksheet>""",
}
"""The parts; the @ of each is where a test puts something."""


def repeated(unit: str, size: int) -> Iterator[bytes]:
    """Return the unit, its number in place of a #, until it fills the size."""
    written = number = 0
    while written < size:
        count = max(1, 2**16 // len(unit))
        block = "".join(unit.replace("#", str(number + it)) for it in range(count)).encode()
        number += count
        written += len(block)
        yield block


def write(path: Path, insides: Mapping[str, tuple[str, int]], others: Mapping[str, bytes] | None = None) -> Path:
    """Write a workbook; a part has, in the middle, a unit that is repeated to a size."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for name, text in PARTS.items():
            head, _, tail = text.partition("@")
            unit, size = insides.get(name, ("", 0))
            # Stored, so that nothing but what is in the part is why it is refused.
            part = zipfile.ZipInfo(name)
            with file.open(part, "w", force_zip64=True) as out:
                out.write(head.encode())
                for block in repeated(unit, size) if unit else ():
                    out.write(block)
                out.write(tail.encode())
        for name, content in (others or {}).items():
            file.writestr(name, content)
    return path


def read(path: Path, *limits: str) -> tuple[int, str, int]:
    """Read a workbook in a process of its own; return its rows, why it was refused, and the most memory in KiB."""
    done = subprocess.run(
        [sys.executable, "-c", READER, str(path), *limits], capture_output=True, text=True, check=True
    )
    rows, refused, peak = json.loads(done.stdout)
    return rows, refused, peak


CELL = '<row><c t="inlineStr"><is><t>A-#</t></is></c></row>'
HOSTILE = {
    "styles: records": (STYLES, '<xf numFmtId="#"/>', 24, ""),
    "styles: fonts": (STYLES, '<fonts><font><b/><sz val="11"/></font></fonts>', 8, ""),
    "styles: many formats": (
        STYLES,
        '<numFmts><numFmt numFmtId="#" formatCode="yyyy"/></numFmts>',
        20,
        "number formats",
    ),
    "styles: a slow format": (STYLES, f'<numFmts><numFmt numFmtId="1" formatCode="{"[" * 999}"/></numFmts>', 4, "255"),
    "styles: too large": (STYLES, "<font/>", 65, "more than is allowed"),
    "texts: short ones": (TEXTS, "<si><t>#</t></si>", 30, ""),
    "texts: a long one": (TEXTS, "x" * 1_000, 20, ""),
    "texts: a long one in an item": (TEXTS, f"<si><t>{'x' * 40_000}</t></si>", 1, "32,767 characters"),
    "texts: empty ones": (TEXTS, "<si/>", 8, ""),
    "workbook: names": (BOOK, '<definedName name="n#">codes!$A$1</definedName>', 8, ""),
    "workbook: sheets": (BOOK, '<sheet name="n#" sheetId="#" r:id="rId1"/>', 1, "names more than 1,000 sheets"),
    "links": (LINKS, '<Relationship Id="x#" Type="t" Target="t"/>', 1, "names more than 1,000 other parts"),
    "content types": (TYPES, '<Override PartName="/x#" ContentType="t"/>', 8, ""),
    "sheet: rows": (SHEET, '<row r="9#"/>', 8, "Excel knows"),
    "sheet: rows out of order": (SHEET, '<row r="7"/>', 1, "out of order"),
    "sheet: attributes": (SHEET, '<row a#="" b#="" c#=""/>', 4, "different names"),
    "sheet: names": (SHEET, "<n#/>", 4, "different names"),
    "sheet: depth": (SHEET, "<a>", 1, "inside each other"),
    "sheet: depth of cells": (SHEET, "<c><v>", 1, "inside each other"),
    "sheet: a tag": (SHEET, f"<row r='{'1' * (3 * MIB)}'/>", 1, "a tag of more than"),
    "sheet: a comment": (SHEET, f"<!--{'x' * (3 * MIB)}-->", 1, "a tag of more than"),
    "sheet: entities": (SHEET, "&amp;&lt;", 8, ""),
    "sheet: merged cells": (SHEET, '<mergeCells><mergeCell ref="A#:B#"/></mergeCells>', 8, ""),
    "sheet: rules": (SHEET, '<conditionalFormatting sqref="A#"><cfRule type="x"/></conditionalFormatting>', 8, ""),
    "sheet: row attributes": (SHEET, '<row ht="1" hidden="1" s="#"/>', 8, ""),
    "sheet: formulas": (SHEET, '<row><c><f t="shared" si="#" ref="A1:A9">A1</f></c></row>', 8, ""),
    "sheet: a cell's text": (SHEET, f'<row><c t="str"><v>{"x" * 40_000}</v></c></row>', 1, "32,767 characters"),
    "sheet: a digit too many": (SHEET, f"<row><c><v>{'1' * 5_000}</v></c></row>", 1, "cannot be read"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_any_part_is_read_within_bounds_or_refused_by_its_name(case: str, tmp_path: Path) -> None:
    part, unit, mib, problem = HOSTILE[case]
    _, refused, peak = read(write(tmp_path / "hostile.xlsx", {part: (unit, mib * MIB)}))
    assert problem in refused
    assert (problem == "") == (refused == "")
    if refused and "cannot be read" not in refused:
        assert f"the part {part} of the workbook" in refused
    assert peak < MOST_KIB


def test_a_part_of_more_elements_than_a_full_sheet_has_is_refused(tmp_path: Path) -> None:
    _, refused, _ = read(write(tmp_path / "hostile.xlsx", {SHEET: ("<a/>", MIB)}), "200000")
    assert f"the part {SHEET} of the workbook holds more than 100,000 elements" in refused


@pytest.mark.parametrize("name", ["xl/calcChain.xml", "xl/theme/theme1.xml", "xl/comments1.xml", "docProps/core.xml"])
def test_a_part_that_nobody_needs_is_not_even_unpacked(name: str, tmp_path: Path) -> None:
    _, refused, peak = read(write(tmp_path / "x.xlsx", {SHEET: (CELL, 1_000)}, {name: b"<broken" + b" " * (80 * MIB)}))
    assert refused == ""
    assert peak < MOST_KIB


def test_a_list_of_parts_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    many = {f"{number:08}": b"" for number in range(25_000)}
    _, refused, peak = read(write(tmp_path / "x.xlsx", {}, many))
    assert "the workbook is damaged" in refused
    assert peak < MOST_KIB
    _, refused, _ = read(write(tmp_path / "y.xlsx", {}, {f"{number:08}": b"" for number in range(2_000)}))
    assert "more than 1,000 parts" in refused


def test_a_part_packed_by_a_method_that_excel_does_not_use_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as file:
        for name, text in PARTS.items():
            file.writestr(name, text.replace("@", ""))
    assert "is packed in a way that Excel does not use" in read(path)[1]


def test_a_workbook_with_as_many_formats_as_excel_can_hold_is_read_whole(tmp_path: Path) -> None:
    row = (
        '<row><c t="inlineStr"><is><t>A-#</t></is></c><c t="inlineStr"><is><t>W</t></is></c>'
        '<c s="63999"><v>47515</v></c><c><v>10</v></c></row>'
    )
    formats = '<xf numFmtId="0"/>' + '<xf numFmtId="14"/>' * 63_999
    rows, refused, peak = read(write(tmp_path / "x.xlsx", {SHEET: (row, MIB), STYLES: (formats, 1)}))
    assert (refused, rows > MIB // (len(row) + 10)) == ("", True)
    assert peak < MOST_KIB
