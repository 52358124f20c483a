"""Values as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from promo_campaigns.velocity.values.values import Encoded, Rendered

if TYPE_CHECKING:
    from promo_campaigns.velocity.values.meter import Meter
    from promo_campaigns.velocity.values.values import Printer


class HtmlPrinter:
    """Writes values so that they are text wherever HTML takes text, attribute values included."""

    __slots__ = ("_printer",)

    def __init__(self, printer: Printer) -> None:
        self._printer = printer

    def show(self, value: object, missing: str, meter: Meter) -> str:
        """Return the escaped text of a value, or `missing`; what was rendered or encoded before stays as it is."""
        if value is None or type(value) is Rendered:
            return self._printer.show(value, missing, meter)
        if type(value) is Encoded:
            return value.text if value.form else escape(value.text)
        return escape(self._printer.text(value, meter))
