"""`$number`: numbers, money and plurals in the contact's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.velocity.fault import fail
from promo_campaigns.velocity.tools.cldr import money_text, number_text, plural_of
from promo_campaigns.velocity.tools.math_tool import decimal_of
from promo_campaigns.velocity.values.arguments import Method

if TYPE_CHECKING:
    from promo_campaigns.velocity.values.meter import Meter

FORMS = "zero, one, two, few, many and other"


class NumberTool:
    """The tool.

    :ivar language: in which numbers are told
    """

    __slots__ = ("language",)

    def __init__(self, language: str) -> None:
        self.language = language


def _format(_meter: Meter, tool: NumberTool, pattern: str, value: object, language: str | None = None) -> str | None:
    if pattern == "currency":
        fail("a currency has no name", "Write $number.currency($x, 'EUR')")
    number = decimal_of(value)
    return None if number is None else number_text(number, pattern, language or tool.language)


def _currency(_meter: Meter, tool: NumberTool, value: object, currency: str, language: str | None = None) -> str | None:
    number = decimal_of(value)
    return None if number is None else money_text(number, currency, language or tool.language)


def _plural(_meter: Meter, tool: NumberTool, value: object, texts: object = None) -> object:
    """`plural(n)` is the name of the form; `plural(n, {'one': …, 'other': …})` is the text of that form."""
    number = decimal_of(value)
    if number is None:
        return None
    form = plural_of(number, tool.language)
    if texts is None:
        return form
    if type(texts) is not dict:
        fail("plural() takes a map of texts", f"Its keys are some of {FORMS}")
    text: object = texts.get(form, texts.get("other"))
    if text is None:
        fail(f"plural() has no text for the form {form!r}", f"Give it, or one for 'other'; forms are {FORMS}")
    return text


METHODS: dict[str, tuple[Method, ...]] = {
    "format": (Method("so", _format), Method("sos", _format)),
    "number": (Method("o", lambda meter, tool, value: _format(meter, tool, "number", value)),),
    "integer": (Method("o", lambda meter, tool, value: _format(meter, tool, "integer", value)),),
    "percent": (Method("o", lambda meter, tool, value: _format(meter, tool, "percent", value)),),
    "currency": (Method("os", _currency), Method("oss", _currency)),
    "toNumber": (Method("o", lambda _meter, _tool, value: decimal_of(value)),),
    "plural": (Method("o", _plural), Method("oo", _plural)),
}
