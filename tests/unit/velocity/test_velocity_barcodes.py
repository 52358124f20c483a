"""Pictures of codes: a reader of another maker reads in them what was drawn, or the text is refused with what to do."""

from __future__ import annotations

import io
import os
import random
import re
from base64 import b64decode
from typing import TYPE_CHECKING

import pytest
import zxingcpp
from PIL import Image

from promo_campaigns.code_files.code_pattern import ALPHABET
from promo_campaigns.model.picture_link import KINDS as LINKED_KINDS
from promo_campaigns.velocity import TemplateError, compile_template
from promo_campaigns.velocity.tools.barcode_tool import SPECIMENS, BarcodeTool
from promo_campaigns.velocity.tools.barcodes import CODE128, EAN13, KINDS, QR, draw

if TYPE_CHECKING:
    from collections.abc import Iterator

CODES = int(os.environ.get("BARCODES", "300"))
"""How many codes of each kind are drawn and read; 10,000 take some minutes."""
FORMATS = {
    QR: zxingcpp.BarcodeFormat.QRCode,
    EAN13: zxingcpp.BarcodeFormat.EAN13,
    CODE128: zxingcpp.BarcodeFormat.Code128,
}
SIGNS = "".join(map(chr, range(0x20, 0x7F)))


def scanned(picture: bytes, kind: str = "") -> list[tuple[object, str]]:
    """Return what the reader finds, of any kind, or, which is quicker, of one; of bars a strip is enough for it."""
    image: Image.Image = Image.open(io.BytesIO(picture))
    if kind in {EAN13, CODE128}:
        image = image.crop((0, 0, image.width, 24))
    found = (
        zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormats(FORMATS[kind]))
        if kind
        else zxingcpp.read_barcodes(image)
    )
    return [(one.format, one.text) for one in found]


def ean(drawn: random.Random) -> str:
    digits = f"{drawn.randrange(10**12):012}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, (1, 3) * 6, strict=True))
    return digits + str((10 - total % 10) % 10)


def codes(kind: str) -> Iterator[str]:
    """Yield codes as people have them: drawn by a pattern, of digits, with signs, in other letters, short and long."""
    drawn = random.Random(17)  # noqa: S311  (the same codes in each run)
    for number in range(CODES):
        shape = number % 4
        if kind == EAN13:
            yield ean(drawn)
        elif shape == 0:
            yield "SPRING-" + "".join(drawn.choices(ALPHABET, k=4)) + "-" + "".join(drawn.choices(ALPHABET, k=4))
        elif shape == 1:
            yield "".join(drawn.choices("0123456789", k=drawn.randint(1, 24)))
        elif shape == 2 or kind == CODE128:
            text = "".join(drawn.choices(SIGNS, k=drawn.randint(1, 40))).strip()
            yield text or "A"
        else:
            yield "ЗНИЖКА-" + "".join(drawn.choices("АБВГҐДЇЄ日本é€", k=6))


@pytest.mark.parametrize("kind", KINDS)
def test_an_outside_reader_reads_each_code_that_was_drawn(kind: str) -> None:
    wrong = [code for code in codes(kind) if scanned(draw(kind, code), kind) != [(FORMATS[kind], code)]]
    assert wrong == []


def test_a_picture_is_read_when_it_is_shown_small_and_blurred() -> None:
    for kind, code in ((QR, "SPRING-BCDF-7792"), (EAN13, "5901234123457"), (CODE128, "SPRING-BCDF-7792")):
        whole = Image.open(io.BytesIO(draw(kind, code))).convert("L")
        small = whole.resize((whole.width * 2 // 3, whole.height * 2 // 3), Image.Resampling.BILINEAR)
        kept = io.BytesIO()
        small.save(kept, "JPEG", quality=40)
        assert scanned(kept.getvalue()) == [(FORMATS[kind], code)]


def test_a_text_of_html_holds_the_picture_and_one_without_a_code_holds_none() -> None:
    template = compile_template('<img src="$!barcode.qr($!promocode)" alt="$!promocode">', mode="html")
    made = re.fullmatch(r'<img src="data:image/png;base64,(.+)" alt="A&amp;B">', template.render({"promocode": "A&B"}))
    assert made
    assert scanned(b64decode(made[1])) == [(FORMATS[QR], "A&B")]
    assert template.render({}) == '<img src="" alt="">'
    link = compile_template('<img src="$barcode.qr("https://shop.example/?c=$promocode")">', mode="html")
    drawn = link.render({"promocode": "A B"}).split(",")[1].rstrip('">')
    assert scanned(b64decode(drawn)) == [(FORMATS[QR], "https://shop.example/?c=A%20B")]
    assert compile_template("$barcode", mode="message").render({"barcode": "0042"}) == "0042"  # a field of that name


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("$barcode.ean13('SPRING-1')", "an EAN-13 holds 13 digits"),
        ("$barcode.ean13('590123412345')", "an EAN-13 holds 13 digits"),
        ("$barcode.ean13('\u0665901234123457')", "an EAN-13 holds 13 digits"),
        ("$barcode.ean13('5901234123458')", "check digit, and this value ends in another"),
        ("$barcode.code128('ЗНИЖКА')", "ASCII only"),
        ("$barcode.code128('')", "holds 1 to 80 characters here, not 0"),
        ("#set($long = 'x')#foreach($i in [1..9])#set($long = $long + $long)#end$barcode.qr($long)", "1 to 300"),
        ("$barcode.link('qr')", "pictures_url"),
        ("$barcode.code12('A')", "Did you mean code128"),
        ("$!barcode", ""),
        ("#foreach($i in [1..50])$barcode.qr('A')#end", "steps of a render"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_what_to_do(template: str, said: str) -> None:
    if not said:
        assert compile_template(template).render({}) == ""
        return
    with pytest.raises(TemplateError, match=re.escape(said)) as refused:
        compile_template(template).render({})
    assert "SPRING-1" not in str(refused.value).replace(template, "")


def test_a_specimen_stands_for_the_code_and_is_refused_with_it() -> None:
    def shown(kind: str, code: str) -> str:
        tool = BarcodeTool(specimen="TEST", stands_for=code)
        return compile_template(f"$barcode.{kind}($promocode)").render({"promocode": "TEST", "barcode": tool})

    assert scanned(b64decode(shown(EAN13, "5901234123457").split(",")[1])) == [(FORMATS[EAN13], SPECIMENS[EAN13])]
    assert scanned(b64decode(shown(QR, "SPRING-1").split(",")[1])) == [(FORMATS[QR], "TEST")]
    with pytest.raises(TemplateError, match="13 digits"):
        shown(EAN13, "SPRING-1")


def test_links_know_the_kinds_that_there_are() -> None:
    """A link holds the place of its kind: the order is kept for ever."""
    assert LINKED_KINDS == KINDS == ("qr", "ean13", "code128")
