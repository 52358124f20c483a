"""`$barcode`: a code as a picture, in the text itself or behind a link."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from promo_campaigns.velocity.fault import fail
from promo_campaigns.velocity.tools.barcodes import CODE128, EAN13, KINDS, QR, NoBarcodeError, draw, require_text
from promo_campaigns.velocity.values.arguments import Method

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.velocity.values.meter import Meter

DATA_URI = "data:image/png;base64,"
_STEPS = 1_000
"""Of a render's budget for one picture, which is a body's for each contact in it: a text is not made of dozens."""
SPECIMENS = {EAN13: "2000000000008"}
"""What is drawn for a specimen that a kind cannot hold: a number that shops use inside the house only."""


class BarcodeTool:
    """The tool.

    :param link: returns the address of the contact's own code as a picture of a kind; None where there is none
    :param specimen: a text that stands for a code; empty for none. It is drawn as a specimen of the kind
    :param stands_for: the code that it stands for, if that is known: a kind that cannot hold it refuses the specimen
    """

    __slots__ = ("_link", "_specimen", "_stands_for")

    def __init__(self, link: Callable[[str], str] | None = None, *, specimen: str = "", stands_for: str = "") -> None:
        self._link = link
        self._specimen = specimen
        self._stands_for = stands_for

    def picture(self, kind: str, text: str) -> str:
        """Return a picture as a ``data:`` URI.

        :raises Fault: the kind cannot hold the text
        """
        try:
            if text and text == self._specimen:
                if self._stands_for:
                    require_text(kind, self._stands_for)
                text = SPECIMENS.get(kind, text)
            return DATA_URI + b64encode(draw(kind, text)).decode("ascii")
        except NoBarcodeError as error:
            fail(str(error), error.hint)

    def link(self, kind: str) -> str:
        """Return the address of the picture of the contact's own code.

        :raises Fault: there is no such kind, or no address
        """
        if kind not in KINDS:
            fail("there is no such kind of barcode", f"The kinds are {', '.join(KINDS)}")
        if self._link is None:
            fail("nobody serves pictures of codes here", "Say in the workflow where the profile API is: pictures_url")
        return self._link(kind)


def _drawing(kind: str) -> tuple[Method, ...]:
    def run(meter: Meter, tool: BarcodeTool, value: object) -> str | None:
        if value is None:
            return None
        meter.spend(_STEPS)
        return meter.fits(tool.picture(kind, meter.text(value)))

    return (Method("o", run),)


METHODS: dict[str, tuple[Method, ...]] = {
    **{kind: _drawing(kind) for kind in (QR, EAN13, CODE128)},
    "link": (Method("s", lambda _meter, tool, kind: tool.link(kind)),),
}
