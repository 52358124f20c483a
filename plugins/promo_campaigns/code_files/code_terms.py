"""What codes are to be made: their number, pattern and terms, and what they carry."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from promo_campaigns.code_files.code_pattern import CodePattern, parse_pattern
from promo_campaigns.code_files.expiration_date import FORMATS, expires_at, pool_time_zone, starts_at
from promo_campaigns.code_files.marks import attributes_as_json
from promo_campaigns.code_files.row_rules import BrokenRuleError, check_discount, check_type
from promo_campaigns.model.attributes import MAX_ATTRIBUTES
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.tables.layout import COLUMNS, START_DATE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, tzinfo

MOST_CODES = 10_000_000
"""Codes of one set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeTerms:
    """What codes are to be made.

    :param count: how many
    :param pattern: such as ``SPRING-????-????``
    :param expires: their expiration date, in a format of code files
    :param time_zone: IANA name of the zone in which the dates are read
    :param starts: before when they are not given, in a format of code files; empty for at once
    :param attributes: what their contacts must have, by name
    """

    count: int
    pattern: str
    type: str
    discount: int
    expires: str
    time_zone: str = "UTC"
    starts: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return them as plain JSON values, by which a set is told from another; without what is left out."""
        kept = asdict(self)
        return {name: value for name, value in kept.items() if value or name not in {"starts", "attributes"}}


@dataclass(frozen=True, slots=True)
class CheckedTerms:
    """Terms that can be, and what is made of them.

    :ivar attributes: as JSON; empty for none
    :ivar header: the first line of the file
    :ivar tail: what follows a code in its line
    """

    terms: CodeTerms
    pattern: CodePattern
    expires_at: datetime
    starts_at: datetime | None
    attributes: str
    header: bytes
    tail: str


def check_terms(terms: CodeTerms) -> CheckedTerms:
    """Return terms that can be.

    :raises ConfigurationError: they cannot
    """
    pattern = parse_pattern(terms.pattern)
    if not 0 < terms.count <= MOST_CODES:
        msg = f"a set has 1 to {MOST_CODES:,} codes, not {terms.count:,}"
        raise ConfigurationError(msg)
    try:
        check_discount(str(terms.discount))
        if check_type(terms.type) != terms.type:
            msg = f"the type {terms.type!r} has blanks or quotation marks around it"
            raise ConfigurationError(msg)
        attributes = _checked_attributes(terms.attributes)
    except BrokenRuleError as broken:
        msg = f"the {broken.column} of the codes is {broken}"
        raise ConfigurationError(msg) from broken
    zone = pool_time_zone(terms.time_zone)
    moment = _moment("expiration", terms.expires, zone, expires_at)
    start = _moment("start", terms.starts, zone, starts_at) if terms.starts else None
    if start and start >= moment:
        msg = f"codes that expire {terms.expires} cannot start {terms.starts}"
        raise ConfigurationError(msg)
    further = {START_DATE: terms.starts} if start else {}
    further |= {f"attr:{one}": terms.attributes[one] for one in attributes}
    header = _line([*COLUMNS[:-1], *further])
    tail = "," + _line([terms.expires, terms.discount, terms.type, *further.values()])
    kept = attributes_as_json(terms.attributes)
    return CheckedTerms(terms, pattern, moment, start, kept, header.encode(), tail)


def _checked_attributes(attributes: Mapping[str, str]) -> list[str]:
    """Return the names of attributes that codes can carry, as they will stand in the file.

    :raises ConfigurationError: there are too many, one is misnamed or empty, or would be another in the file
    """
    kept = json.loads(attributes_as_json(attributes) or "{}")
    if len(attributes) > MAX_ATTRIBUTES or not all(re.fullmatch(r"[a-z_][a-z0-9_]{0,49}", name) for name in attributes):
        msg = f"codes carry up to {MAX_ATTRIBUTES} attributes, whose names are small letters, digits and _"
        raise ConfigurationError(msg)
    if kept != dict(attributes):
        msg = "an attribute of the codes is empty, or has blanks or quotation marks around it"
        raise ConfigurationError(msg)
    return list(attributes)


def _moment(what: str, text: str, zone: tzinfo, read: Callable[[str, tzinfo], datetime]) -> datetime:
    try:
        return read(text, zone)
    except ValueError as error:
        msg = f"the {what} of the codes is no date: write {FORMATS}"
        raise ConfigurationError(msg) from error


def _line(cells: Sequence[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()
