"""`$date`: the present moment, and days in the contact's language and time zone."""

from __future__ import annotations

from datetime import datetime, timezone, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from promo_campaigns.model.typed.moment import Moment
from promo_campaigns.velocity.fault import fail
from promo_campaigns.velocity.tools.cldr import day_text
from promo_campaigns.velocity.values.arguments import Method

if TYPE_CHECKING:
    from promo_campaigns.velocity.values.meter import Meter

LONGEST = 40


class DateTool:
    """The tool.

    :ivar language: in which days are told
    :ivar zone: in which times are told
    """

    __slots__ = ("language", "zone")

    def __init__(self, language: str, zone: str) -> None:
        self.language = language
        try:
            self.zone: tzinfo = ZoneInfo(zone) if zone else timezone.utc
        except (KeyError, ValueError, OSError):  # an event may name any zone
            self.zone = timezone.utc

    def now(self) -> Moment:
        """Return the present moment."""
        return Moment(datetime.now(self.zone), self.language)

    def moment(self, value: object) -> Moment | None:
        """Return a day or time, or the one that a text such as ``2030-12-31`` or ``2030-12-31T18:00Z`` spells.

        :raises Fault: it is none
        """
        if value is None or type(value) is Moment:
            return value
        if type(value) is DateTool:
            return self.now()
        if type(value) is not str or len(value) > LONGEST:
            fail("only a day or a time can be written as a date")
        text = value.strip()
        try:
            at = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
        except ValueError:
            fail("a text is no date", "Give it as 2030-12-31 or 2030-12-31T18:00")
        at = at.astimezone(self.zone) if at.tzinfo else at.replace(tzinfo=self.zone)
        return Moment(at, self.language, "T" in text or " " in text)


def _format(_meter: Meter, tool: DateTool, pattern: str, value: object, language: str | None = None) -> str | None:
    moment = tool.moment(value)
    if moment is None:
        return None
    return day_text(moment.at, pattern, language or moment.language or tool.language, has_time=moment.has_time)


def _now(_meter: Meter, tool: DateTool) -> Moment:
    return tool.now()


METHODS: dict[str, tuple[Method, ...]] = {
    "format": (Method("so", _format), Method("sos", _format)),
    "get": (Method("s", lambda meter, tool, pattern: _format(meter, tool, pattern, tool.now())),),
    "toDate": (Method("o", lambda _meter, tool, value: tool.moment(value)),),
    "getDate": (Method("", _now),),
    "getSystemDate": (Method("", _now),),
    "getYear": (Method("", lambda _meter, tool: tool.now().at.year),),
}
