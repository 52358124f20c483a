"""Values inside a link: each stays within the part that the template gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.velocity.values.percent import percent_encoded
from promo_campaigns.velocity.values.values import Encoded, Rendered

if TYPE_CHECKING:
    from promo_campaigns.velocity.values.meter import Meter
    from promo_campaigns.velocity.values.values import Printer

_PATH = "/:@+,;"
"""What a value in a path keeps: it may be several parts of one, an address or a number."""


class LinkPrinter:
    """Writes values as parts of a link, which need no further escaping in HTML."""

    __slots__ = ("_printer",)

    def __init__(self, printer: Printer) -> None:
        self._printer = printer

    def in_path(self, value: object, missing: str, meter: Meter) -> str:
        """Return a value for the path of a link, or `missing`."""
        return self._shown(value, missing, meter, _PATH)

    def in_query(self, value: object, missing: str, meter: Meter) -> str:
        """Return a value for the query of a link, or `missing`."""
        return self._shown(value, missing, meter, "")

    def _shown(self, value: object, missing: str, meter: Meter, safe: str) -> str:
        if value is None or type(value) is Rendered:
            return self._printer.show(value, missing, meter)
        if type(value) is Encoded and value.form == "url":
            return value.text
        return percent_encoded(self._printer.text(value, meter), safe)
