"""Values as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from promo_campaigns.velocity.values.values import Rendered

if TYPE_CHECKING:
    from promo_campaigns.velocity.values.meter import Meter
    from promo_campaigns.velocity.values.values import Printer


class HtmlPrinter:
    """Writes values so that they are text wherever HTML takes text, attribute values included."""

    __slots__ = ("_printer",)

    def __init__(self, printer: Printer) -> None:
        self._printer = printer

    def show(self, value: object, missing: str, meter: Meter) -> str:
        """Return the escaped text of a value, or `missing`; a rendered block was escaped when it was rendered."""
        if value is None or type(value) is Rendered:
            return self._printer.show(value, missing, meter)
        return escape(self._printer.text(value, meter))
