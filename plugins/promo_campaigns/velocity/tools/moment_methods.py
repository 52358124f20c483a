"""Methods of days and times, and those of the text that they are where nobody formats them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from promo_campaigns.model.typed.moment import Moment
from promo_campaigns.velocity.fault import fail
from promo_campaigns.velocity.tools.cldr import day_text
from promo_campaigns.velocity.values import pattern_methods, text_methods
from promo_campaigns.velocity.values.arguments import Method

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.velocity.values.meter import Meter
    from promo_campaigns.velocity.values.values import Encoded

MOST_DAYS = 400_000


def formatted(meter: Meter, moment: Moment, pattern: str, language: str | None = None) -> str:
    """`format(pattern)`, in the contact's language, and `format(pattern, language)`."""
    meter.read(len(pattern))
    return day_text(moment.at, pattern, language or moment.language, has_time=moment.has_time)


def _moved(_meter: Meter, moment: Moment, days: int) -> Moment:
    if abs(days) > MOST_DAYS:
        fail("a day is too far away")
    try:
        return Moment(moment.at + timedelta(days=days), moment.language, moment.has_time)
    except OverflowError:
        fail("a day is too far away")


def _compared(moment: Moment, other: object) -> int:
    if type(other) is not Moment:
        fail("only two days or times can be compared")
    return int(moment.at > other.at) - int(moment.at < other.at)


def _as_text(run: Callable[..., object]) -> Callable[..., object]:
    def of_text(meter: Meter, holder: Moment | Encoded, *arguments: object) -> object:
        return run(meter, holder.text, *arguments)

    return of_text


TEXT_METHODS: dict[str, tuple[Method, ...]] = {
    name: tuple(Method(form.signature, _as_text(form.run)) for form in forms)
    for name, forms in (text_methods.METHODS | pattern_methods.METHODS).items()
}
"""Methods of text, for what has a text."""
METHODS: dict[str, tuple[Method, ...]] = TEXT_METHODS | {
    "format": (Method("s", formatted), Method("ss", formatted)),
    "getYear": (Method("", lambda _meter, moment: moment.at.year),),
    "getMonthValue": (Method("", lambda _meter, moment: moment.at.month),),
    "getDayOfMonth": (Method("", lambda _meter, moment: moment.at.day),),
    "plusDays": (Method("i", _moved),),
    "minusDays": (Method("i", lambda meter, moment, days: _moved(meter, moment, -days)),),
    "before": (Method("o", lambda _meter, moment, other: _compared(moment, other) < 0),),
    "after": (Method("o", lambda _meter, moment, other: _compared(moment, other) > 0),),
    "compareTo": (Method("o", lambda _meter, moment, other: _compared(moment, other)),),
}
