"""Parses parameters that arrive from a trigger form or a template, mostly as text."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeVar, cast

from promo_campaigns.model.attributes import ATTRIBUTE, MAX_ATTRIBUTES, Match
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.run import Mode
from promo_campaigns.model.run_spec import CodeRequest, Pool

Word = TypeVar("Word", bound=Enum)

MAX_PERCENT = 99
ALL_PERCENT = 100
MAX_DAYS = 36500
MAX_POOLS = 10
MATCH_SOURCE = r"\$(contact|audience)\.[A-Za-z_]\w*"
"""Where a value of a contact is read: an additional field or a name of its profile, or a column of the audience."""
WEB_ADDRESS = r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*[A-Za-z0-9._~-])?"
_SHARE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,2})?", re.ASCII)
_PERCENT = re.compile(r"[0-9]{1,2}(\.[0-9]{1,2})?", re.ASCII)

_SPAN = re.compile(r"([1-9][0-9]{0,5})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def whole_number(name: str, value: object, *, least: int, most: int) -> int:
    """Return a whole number within bounds.

    :raises ConfigurationError: the value is not a whole number, or out of bounds
    """
    text = str(value).strip()
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if isinstance(value, bool) or not least <= number <= most:
        msg = f"{name} must be a whole number from {least} to {most}, not {text!r}"
        raise ConfigurationError(msg)
    return number


def parse_name(name: str, value: object) -> str:
    """Return a required text without surrounding blanks.

    :raises ConfigurationError: it is missing or empty
    """
    text = "" if value is None else str(value).strip()
    if text in {"", "None"}:
        msg = f"{name} is required"
        raise ConfigurationError(msg)
    return text


def optional_text(value: object) -> str:
    """Return a text without surrounding blanks; empty for None, also for a ``None`` that a template rendered."""
    text = "" if value is None else str(value).strip()
    return "" if text == "None" else text


def parse_web_address(name: str, value: str) -> str:
    """Return an address that begins with https:// and ends without a slash; empty for an empty one.

    :raises ConfigurationError: it is another
    """
    if value and not re.fullmatch(WEB_ADDRESS, value):
        msg = f"{name} must be an address such as https://codes.shop.example, without a slash at its end"
        raise ConfigurationError(msg)
    return value


def parse_names(name: str, value: object) -> list[str]:
    """Return names from a list, or from a text in which commas separate them; empty for nothing.

    :raises ConfigurationError: it is anything else
    """
    given = optional_text(value).split(",") if value is None or isinstance(value, str) else value
    if not isinstance(given, list | tuple) or not all(isinstance(item, str) for item in given):
        msg = f"{name} must be a list of names, or names with commas between them"
        raise ConfigurationError(msg)
    return [item.strip() for item in given if item.strip()]


def parse_contact_ids(value: object) -> list[int]:
    """Return contact ids from a list, or from the JSON text of one; empty for nothing.

    :raises ConfigurationError: it is anything else
    """
    given = _json_of(value) if isinstance(value, str) else value
    if given is None:
        return []
    if isinstance(given, int):
        given = [given]
    if not isinstance(given, list | tuple) or not all(type(item) is int for item in given):
        msg = "contact_ids must be a list of contact ids, such as [17, 42]"
        raise ConfigurationError(msg)
    return [int(item) for item in given]


def _json_of(text: str) -> object:
    """Read JSON text; None for nothing, the text itself where it is no JSON."""
    given = optional_text(text)
    if not given:
        return None
    try:
        return cast("object", json.loads(given))
    except ValueError:
        return given


def parse_time(name: str, value: object) -> datetime | None:
    """Return an instant from ISO 8601 text with an offset, or None for nothing.

    :raises ConfigurationError: the text is not ISO 8601, or has no offset
    """
    text = optional_text(value)
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        msg = f"{name} must be a time with an offset, such as 2026-12-24T18:00+02:00, not {text!r}"
        raise ConfigurationError(msg)
    return instant


def parse_duration(text: str) -> timedelta | None:
    """Return a duration such as ``90m``, ``2h`` or ``3d``; None for any other text."""
    span = _SPAN.fullmatch(text)
    return timedelta(**{_UNITS[span[2]]: int(span[1])}) if span else None


def parse_span(name: str, value: object) -> timedelta:
    """Return a span such as ``90m``, ``2h`` or ``3d``.

    :raises ConfigurationError: it is none
    """
    text = optional_text(value)
    span = parse_duration(text)
    if span is None:
        msg = f"{name} must be a span of time such as 10m, in m, h or d, not {text!r}"
        raise ConfigurationError(msg)
    return span


def parse_deadline(name: str, value: object, *, occurrence: datetime | None) -> datetime | None:
    """Return an instant from ISO 8601 text with an offset, or from a span such as ``2h`` after the occurrence.

    :param occurrence: aware; None where there is none to count from
    :raises ConfigurationError: it is neither, or there is no occurrence to count from
    """
    span = parse_duration(optional_text(value))
    if span is None:
        return parse_time(name, value)
    if occurrence is None:
        msg = f"{name} is a time after the occurrence, and this run stands for none; give a time with an offset"
        raise ConfigurationError(msg)
    return occurrence + span


def parse_flag(name: str, value: object) -> bool:
    """Return a boolean, also from the text that a template renders it to.

    :raises ConfigurationError: it is neither true nor false
    """
    text = str(value).strip().lower()
    if text not in {"true", "false"}:
        msg = f"{name} must be true or false, not {text!r}"
        raise ConfigurationError(msg)
    return text == "true"


def parse_choice(words: type[Word], name: str, value: object) -> Word:
    """Return the choice that a parameter names.

    :raises ConfigurationError: there is no such choice
    """
    text = optional_text(value)
    try:
        return words(text)
    except ValueError:
        msg = f"{name} must be {', '.join(word.value for word in words)}, not {text!r}"
        raise ConfigurationError(msg) from None


def parse_mode(value: object) -> Mode | None:
    """Return a mode of running a closed run again, or None for nothing.

    :raises ConfigurationError: there is no such mode
    """
    return parse_choice(Mode, "mode", value) if optional_text(value) else None


def parse_percent(name: str, value: object) -> float:
    """Return a share from 0 to 99 percent, in hundredths of a percent at the finest.

    :raises ConfigurationError: it is none
    """
    text = str(value).strip().removesuffix("%").strip()
    if isinstance(value, bool) or not _PERCENT.fullmatch(text) or not 0 <= float(text) <= MAX_PERCENT:
        msg = f"{name} must be a share from 0 to {MAX_PERCENT} percent with two decimals at most, not {text!r}"
        raise ConfigurationError(msg)
    return float(text)


def parse_share(name: str, value: object) -> float:
    """Return a share above 0 and up to 100 percent.

    :raises ConfigurationError: it is none
    """
    text = str(value).strip().removesuffix("%").strip()
    if isinstance(value, bool) or not _SHARE.fullmatch(text) or not 0 < float(text) <= ALL_PERCENT:
        msg = f"{name} must be a share above 0 and up to 100 percent with two decimals at most, not {text!r}"
        raise ConfigurationError(msg)
    return float(text)


def code_request(
    type: object,  # noqa: A002  (the vendor's name)
    discount: object,
    days: object,
    next_pools: object = (),
    match: object = None,
) -> CodeRequest:
    """Read the parameters that choose codes; the first three are required, and discount 0 is a value.

    :param next_pools: further pools, each ``{"type": ..., "discount": ...}``
    :param match: attributes that codes share with their contact, such as ``{"store": "$contact.store"}``
    :raises ConfigurationError: one is missing or out of bounds, or a pool stands twice
    """
    listed = next_pools or ()
    if not isinstance(listed, list | tuple):
        msg = f"next_pools must be a list of pools, each with a type and a discount, not {listed!r}"
        raise ConfigurationError(msg)
    codes = CodeRequest(
        type=parse_name("type", type),
        discount=whole_number("discount", discount, least=0, most=MAX_PERCENT),
        days=whole_number("days", days, least=0, most=MAX_DAYS),
        next_pools=tuple(map(_pool, listed)),
        match=_match(match),
    )
    twice = next((pool for place, pool in enumerate(codes.pools) if pool in codes.pools[:place]), None)
    if twice:
        msg = f"the pool {twice} stands twice; a chain takes codes of each of its pools once"
        raise ConfigurationError(msg)
    if len(codes.pools) > MAX_POOLS:
        msg = f"a chain has up to {MAX_POOLS} pools, not {len(codes.pools)}"
        raise ConfigurationError(msg)
    return codes


def _match(value: object) -> tuple[Match, ...]:
    if not value:
        return ()
    if not isinstance(value, dict) or len(value) > MAX_ATTRIBUTES:
        msg = f"match must name up to {MAX_ATTRIBUTES} attributes, such as {{'store': '$contact.store'}}, not {value!r}"
        raise ConfigurationError(msg)
    for name, source in value.items():
        if not ATTRIBUTE.fullmatch(str(name)) or not re.fullmatch(MATCH_SOURCE, str(source), re.ASCII):
            msg = (
                f"match cannot read {name!r} from {source!r}: the name of an attribute is letters, digits and _, and "
                "its value is $contact. and a field, or $audience. and a column"
            )
            raise ConfigurationError(msg)
    named = {name.lower(): source.removeprefix("$") for name, source in value.items()}
    return tuple(Match(name=name, source=named[name]) for name in sorted(named))


def _pool(value: object) -> Pool:
    if isinstance(value, Pool):
        return value
    if not isinstance(value, dict) or set(value) != {"type", "discount"}:
        msg = f"a pool of next_pools has a type and a discount and nothing else, unlike {value!r}"
        raise ConfigurationError(msg)
    return Pool(
        type=parse_name("next_pools type", value["type"]),
        discount=whole_number("next_pools discount", value["discount"], least=0, most=MAX_PERCENT),
    )
