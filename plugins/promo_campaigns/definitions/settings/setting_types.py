"""The kinds of text that a setting may be, each with its form in the JSON schema."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Annotated, TypeVar

from croniter import CroniterBadDateError, croniter  # type: ignore[import-untyped]  # it has no types
from pydantic import AfterValidator, Field, Strict

from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.limits import is_time_zone, parse_cap, quiet_minutes
from promo_campaigns.model.parameters import WEB_ADDRESS, parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable

Item = TypeVar("Item")

NO_SCHEDULE = "none"
PRESETS = ("@once", "@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")
_CRON_FIELDS = 5
_HOURS = r"([01][0-9]|2[0-3]):[0-5][0-9]"


def _text(is_one: Callable[[str], object]) -> AfterValidator:
    """Return a validator of texts."""

    def require(value: str) -> str:
        try:
            if is_one(value):
                return value
        except ConfigurationError as error:
            raise ValueError(str(error)) from error
        message = "another form is wanted"
        raise ValueError(message)

    return AfterValidator(require)


def _is_cron(value: str) -> bool:
    return len(value.split()) == _CRON_FIELDS and croniter.is_valid(value) and _comes(value)


def _comes(cron: str) -> bool:
    """Tell whether there is a moment that a cron expression names: there is no 31 February."""
    try:
        croniter(cron, datetime.now(tz=timezone.utc)).get_next()
    except CroniterBadDateError:
        return False
    return True


def _is_schedule(value: str) -> bool:
    return value == NO_SCHEDULE or value in PRESETS or _is_cron(value)


def _is_day(value: str) -> bool:
    return date.fromisoformat(value).isoformat() == value


def _is_deadline(value: str) -> bool:
    return bool(parse_duration(value)) or datetime.fromisoformat(value.replace("Z", "+00:00")).tzinfo is not None


def _unique(values: tuple[Item, ...]) -> tuple[Item, ...]:
    if len(set(values)) < len(values):
        message = "one stands twice"
        raise ValueError(message)
    return values


def _schedule(value: str) -> str | None:
    return None if value == NO_SCHEDULE else value


Text = Annotated[str, Field(min_length=1)]
FileName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 _-]*$",
        description="A name holds letters, digits, spaces, '_' and '-' only, and no ending",
    ),
]
AssetName = Annotated[Text, Field(description="The name of an asset, such as promo_codes/Welcome")]
ClassName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+$")]
Cron = Annotated[
    str,
    _text(_is_cron),
    Field(description="A cron expression, such as 0 9 * * 1", json_schema_extra={"format": "cron"}),
]
Schedule = Annotated[
    str, _text(_is_schedule), AfterValidator(_schedule), Field(json_schema_extra={"format": "schedule"})
]
TimeZone = Annotated[str, _text(is_time_zone), Field(json_schema_extra={"format": "time-zone"})]
Hours = Annotated[str, Field(pattern=f"^{_HOURS}-{_HOURS}$")]
WebAddress = Annotated[
    str,
    Field(
        pattern=f"^{WEB_ADDRESS}$",
        description="An address that begins with https:// and ends without a slash",
    ),
]
QuietHoursError = Annotated[str, _text(quiet_minutes), Field(json_schema_extra={"format": "quiet-hours"})]
FrequencyCap = Annotated[str, _text(parse_cap), Field(json_schema_extra={"format": "frequency-cap"})]
Span = Annotated[str, _text(parse_duration), Field(json_schema_extra={"format": "span"})]
Day = Annotated[str, _text(_is_day), Field(json_schema_extra={"format": "day"})]
Deadline = Annotated[str, _text(_is_deadline), Field(json_schema_extra={"format": "deadline"})]
CONVERTED = Strict(False)  # noqa: FBT003  (pydantic's mark takes its flag by position)
"""Marks what a file writes in another way than a model that cannot be changed keeps it: tuples, and words of enums."""
_UNIQUE = Field(json_schema_extra={"uniqueItems": True})
Unique = Annotated[tuple[Item, ...], CONVERTED, AfterValidator(_unique), _UNIQUE]
Several = Annotated[tuple[Item, ...], CONVERTED, Field(min_length=1), AfterValidator(_unique), _UNIQUE]
