"""Checks the values of a contact, and masks them for display.

The rules follow the vendor's documentation (docs/vendor.md); a docstring says "ours" where that is silent.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from promo_campaigns.model.errors import ContactError
from promo_campaigns.model.limits import is_time_zone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NAME_LENGTH = 40
EXTERNAL_ID_LENGTH = 255
VALUE_LENGTH = 10_000
LOCATOR_BYTES = 2_000
"""Longest locator, in bytes of UTF-8: an index entry of Postgres takes no more than 2,704."""

FIELD_TYPES = ("textfield", "textarea", "combobox", "checkboxlist", "date", "datetime", "number", "decimal")

_LAST_ID = 2**63 - 1
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_NOT_IN_NAMES = re.compile(r"[<>{}\[\]\\|^$#]")
_CHANNEL_TYPE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@(?=.{4,190}\Z)[^\W_](?:[\w-]*\w)?(?:\.[^\W_](?:[\w-]*\w)?)+")
_PHONE_DECORATION = re.compile(r"[ ().\-\u00a0]")
_PHONE = re.compile(r"[1-9][0-9]{6,14}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,18})?")


def clean_channel_type(text: str) -> str:
    """Return the type of a channel: ``email``, ``sms``, ``mobilepush``, or another lower-case name.

    :raises ValueError: the text is not such a name
    """
    if not _CHANNEL_TYPE.fullmatch(text):
        msg = "a channel type is a lower-case name such as email, sms or mobilepush"
        raise ValueError(msg)
    return text


def clean_locator(channel_type: str, text: str) -> str:
    """Return the value of a channel, checked by its type.

    :param channel_type: ``email`` takes an address, ``sms`` digits with the country code (a plus sign, spaces, dots,
        hyphens and parentheses are dropped), any other type a token without control characters
    :raises ValueError: the value does not fit the type; the message does not hold it
    """
    value = text.strip()
    if channel_type == "email":
        problem = None if _EMAIL.fullmatch(value) and not _CONTROL.search(value) else "not an e-mail address"
    elif channel_type == "sms":
        value = _PHONE_DECORATION.sub("", value).removeprefix("+")
        problem = None if _PHONE.fullmatch(value) else "not a number of 7 to 15 digits with the country code"
    else:
        problem = _token_problem(value)
    if problem:
        raise ValueError(problem)
    return value


def _token_problem(value: str) -> str | None:
    if not value:
        return "empty"
    if _CONTROL.search(value):
        return "control characters are not allowed"
    if len(value.encode()) > LOCATOR_BYTES:
        return f"longer than {LOCATOR_BYTES} bytes"
    return None


def clean_name(text: str) -> str:
    r"""Return a first or last name, trimmed.

    :raises ValueError: over 40 characters, or with a control character or one of ``<>{}[]\|^$#``
        (the documentation forbids characters without naming them; these are markup and template characters)
    """
    value = text.strip()
    if len(value) > NAME_LENGTH:
        msg = f"a name has at most {NAME_LENGTH} characters"
        raise ValueError(msg)
    if _CONTROL.search(value) or _NOT_IN_NAMES.search(value):
        msg = r"a name holds neither control characters nor any of <>{}[]\|^$#"
        raise ValueError(msg)
    return value


def clean_external_id(text: str) -> str:
    """Return an external id, trimmed.

    :raises ValueError: empty, over 255 characters, or with a control character
    """
    value = text.strip()
    if not value or len(value) > EXTERNAL_ID_LENGTH or _CONTROL.search(value):
        msg = f"an external id has 1 to {EXTERNAL_ID_LENGTH} characters and no control characters"
        raise ValueError(msg)
    return value


def clean_language(text: str) -> str:
    """Return a language code such as ``uk`` or ``pt-BR``.

    :raises ValueError: the text is not a language code
    """
    value = text.strip()
    if not _LANGUAGE.fullmatch(value):
        msg = "not a language code such as en or pt-BR"
        raise ValueError(msg)
    return value


def clean_time_zone(text: str) -> str:
    """Return the name of a time zone such as ``Europe/Kyiv``; the vendor has no such value.

    :raises ValueError: there is no time zone of this name
    """
    value = text.strip()
    if not is_time_zone(value):
        msg = "not an IANA time zone such as Europe/Kyiv"
        raise ValueError(msg)
    return value


def clean_address_part(text: str) -> str:
    """Return a part of a postal address, trimmed.

    :raises ValueError: over 255 characters, or with a control character
    """
    value = text.strip()
    if len(value) > EXTERNAL_ID_LENGTH or _CONTROL.search(value):
        msg = f"a part of an address has at most {EXTERNAL_ID_LENGTH} characters and no control characters"
        raise ValueError(msg)
    return value


def clean_field_name(text: str) -> str:
    """Return the name of an additional field, trimmed.

    :raises ValueError: empty, over 255 characters, or with a control character
    """
    value = text.strip()
    if not value or len(value) > EXTERNAL_ID_LENGTH or _CONTROL.search(value):
        msg = f"the name of a field has 1 to {EXTERNAL_ID_LENGTH} characters and no control characters"
        raise ValueError(msg)
    return value


def clean_field_id(raw: str | float) -> int:
    """Return the numeric id of an additional field, which callers send as a number or as a string.

    :raises ValueError: it is not a whole number above 0
    """
    if isinstance(raw, bool) or not re.fullmatch(r"[0-9]{1,19}", str(raw)) or not 0 < int(raw) <= _LAST_ID:
        msg = "a field id is a whole number above 0"
        raise ValueError(msg)
    return int(raw)


def clean_field_value(field_type: str, text: str) -> str:
    """Return a value for an additional field of this type.

    :raises ValueError: it does not fit; the message does not hold the value
    """
    if _UNSTORABLE.search(text) or len(text) > VALUE_LENGTH:
        msg = f"a value has at most {VALUE_LENGTH} characters, none of them NUL or half of a surrogate pair"
        raise ValueError(msg)
    fits, problem = _FORMS.get(field_type, _ANYTHING)
    if text.strip() and not fits(text.strip()):
        raise ValueError(problem)
    return text


def _is_time(text: str, *forms: str) -> bool:
    for form in forms:
        try:
            datetime.strptime(text, form)  # noqa: DTZ007  (only the form is checked; the zone is the account's)
        except ValueError:
            continue
        return True
    return False


_ANYTHING: tuple[Callable[[str], object], str] = (lambda _: True, "")
_FORMS: Mapping[str, tuple[Callable[[str], object], str]] = {
    "number": (_NUMBER.fullmatch, "this field takes a whole number"),
    "decimal": (_DECIMAL.fullmatch, "this field takes a decimal number"),
    "date": (lambda text: _is_time(text, "%Y-%m-%d"), "this field takes a date as YYYY-MM-DD"),
    "datetime": (
        lambda text: _is_time(text, "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"),
        "this field takes a time as YYYY-MM-DDTHH:MM",
    ),
}


def clean_values(values: Mapping[int, str | None], types: Mapping[int, str]) -> dict[int, str | None]:
    """Return the values of a contact's additional fields, checked against the fields that exist.

    :param types: type by field id
    :raises ContactError: a field does not exist (it must be created first), or a value does not fit it
    """
    checked: dict[int, str | None] = {}
    for field_id, value in values.items():
        if field_id not in types:
            problem = "there is no such field; create it first"
            raise ContactError(problem, place=f"field {field_id}")
        try:
            checked[field_id] = None if value is None else clean_field_value(types[field_id], value)
        except ValueError as error:
            raise ContactError(str(error), place=f"field {field_id}") from error
    return checked


def mask_value(text: str) -> str:
    """Return a masked address, token or profile value, such as ``an…om``; never more than half of it."""
    shown = min(2, len(text) // 4)
    return text[:shown] + "…" + (text[-shown:] if shown else "")
