"""Checks the rows of a code file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from promo_campaigns.code_files.expiration_date import FORMATS, expires_at
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.masking import PLACEHOLDER, is_placeholder
from promo_campaigns.tables.layout import (
    CODE,
    DISCOUNT,
    EXPIRATION_DATE,
    GENERAL,
    IN_USE,
    TYPE,
    Layout,
    NumberedRow,
    Row,
    is_header,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import tzinfo

    from promo_campaigns.model.load_report import Rejects

MAX_CODE_LENGTH = 255
"""Characters."""

MAX_TYPE_LENGTH = 100
"""Characters."""

MAX_TYPES = 1_000
"""Types in one file; more of them mean that columns were mixed up."""

_CACHED_TEXTS = 10_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # noqa: RUF001  (full-width forms, refused too)
_NOT_QUICKLY = (
    *_FORMULA,
    "TE",
    "Te",
    "tE",
    "te",
)  # a formula or the placeholder may begin so, and needs the full check
_DISCOUNT = re.compile(r"\d{1,2}", re.ASCII)
_FLAGS = {"true": "t", "false": "f"}


class AcceptedRow(NamedTuple):
    """An accepted row, its values as text that Postgres reads.

    :param line: 1-based line the row begins on
    :param code: trimmed
    :param expires_at: ISO 8601 in UTC
    :param discount: ``0`` to ``99``
    :param type: trimmed
    :param retired: ``t`` or ``f``
    """

    line: int
    code: str
    expires_at: str
    discount: str
    type: str
    retired: str


class BrokenRuleError(Exception):
    """A field breaks a rule; the message is the reason and never holds the field's value."""

    def __init__(self, column: str, reason: str) -> None:
        self.column = column
        super().__init__(reason)


class RowRules:
    """Checks the rows of one file, and notes rejected rows in ``rejects``.

    A file of millions has few different dates, discounts, types and flags, so each text is checked once.

    :param layout: what the file is expected to hold
    :param zone: time zone of the pool, in which dates are read
    :param rejects: where rejected rows are noted
    """

    def __init__(self, layout: Layout, zone: tzinfo, rejects: Rejects) -> None:
        self._layout = layout
        self._zone = zone
        self._rejects = rejects
        self._dates: dict[str, str] = {}
        self._discounts: dict[str, str] = {}
        self._types: dict[str, str] = {}
        self._flags: dict[str, str] = {}
        if layout.expiration is not None:
            self._dates[""], self._discounts[""], self._flags[""] = self._only_date(layout.expiration), "0", "f"
            self._types[""] = GENERAL

    @property
    def saw_retired(self) -> bool:
        """Return whether any row so far says that its code is in use."""
        return "t" in self._flags.values()

    @property
    def types(self) -> tuple[str, ...]:
        """The types of the rows accepted so far, sorted."""
        return tuple(sorted(set(self._types.values())))

    def accepted(self, rows: Iterator[NumberedRow]) -> Iterator[tuple[int, str, str, str, str, str]]:
        """Return the accepted rows, one by one, in the form of ``AcceptedRow``.

        :raises CodeFileError: a header stands between the rows, or there are too many types
        """
        date_of, discount_of, type_of, parse_flag = (
            cache.get for cache in (self._dates, self._discounts, self._types, self._flags)
        )
        for line, row in self._without_headers(rows) if self._layout.code_only else rows:
            code = row[0].strip(" ")
            expires, discount, name, retired = date_of(row[1]), discount_of(row[2]), type_of(row[3]), parse_flag(row[4])
            if (
                code
                and expires
                and discount
                and name
                and retired
                and code.isprintable()
                and not code.startswith(_NOT_QUICKLY)
                and len(code) <= MAX_CODE_LENGTH
            ):
                yield line, code, expires, discount, name, retired
            elif checked := self._look_closely(line, row):
                yield checked

    def _without_headers(self, rows: Iterator[NumberedRow]) -> Iterator[NumberedRow]:
        for line, row in rows:
            if is_header(row):
                self._refuse_header(line)
            yield line, row

    def _refuse_header(self, line: int) -> NoReturn:
        hint = "Were two files put together? Load them one by one"
        self._layout.refuse("a second header stands in the file", line, hint)

    def _look_closely(self, line: int, row: Row) -> AcceptedRow | None:
        """Check one row rule by rule, and remember the texts that are valid."""
        try:
            return self._checked(line, row)
        except BrokenRuleError as broken:
            if is_header(row):
                self._refuse_header(line)
            self._rejects.add(line, broken.column, str(broken))
            return None

    def _checked(self, line: int, row: Row) -> AcceptedRow:
        checked = AcceptedRow(
            line,
            _code(row[0]),
            _remembered(self._dates, row[1], self._date),
            _remembered(self._discounts, row[2], _discount),
            self._types.get(row[3]) or _type(row[3]),
            _remembered(self._flags, row[4], self._flag),
        )
        # A type counts only once its row is accepted, since the types of a file are announced as assets.
        self._types[row[3]] = checked.type
        if len(self._types) > MAX_TYPES:
            problem = f"the file has more than {MAX_TYPES:,} types"
            self._layout.refuse(problem, line, "Are its columns mixed up?")
        return checked

    def _only_date(self, text: str) -> str:
        try:
            return self._date(text)
        except BrokenRuleError as broken:
            msg = f"the expiration of the codes is {broken}"
            raise ConfigurationError(msg) from broken

    def _date(self, text: str) -> str:
        try:
            return expires_at(text.strip(" "), self._zone).isoformat()
        except ValueError as error:
            raise BrokenRuleError(EXPIRATION_DATE, f"not a date: write {FORMATS}") from error

    def _flag(self, text: str) -> str:
        shown = text.strip(" ").lower()
        if not shown and not self._layout.strict:
            return "f"
        flag = _FLAGS.get(shown)
        if flag is None:
            raise BrokenRuleError(IN_USE, "not true or false")
        return flag


def _remembered(cache: dict[str, str], text: str, check: Callable[[str], str]) -> str:
    known = cache.get(text)
    if known is None:
        known = check(text)
        if len(cache) >= _CACHED_TEXTS:
            cache.clear()
        cache[text] = known
    return known


def _code(text: str) -> str:
    code = text.strip(" ")
    if not code:
        raise BrokenRuleError(CODE, "empty")
    if code.startswith(_FORMULA):
        # An export would have to change it so that no spreadsheet runs it.
        raise BrokenRuleError(
            CODE, "begins with = + - @, a tab or a line break: a spreadsheet would take it for a formula"
        )
    if is_placeholder(code):
        raise BrokenRuleError(CODE, f"begins with {PLACEHOLDER}, which stands for a code in tests")
    _check_text(CODE, code, MAX_CODE_LENGTH)
    return code


def _type(text: str) -> str:
    name = text.strip(" ")
    if not name:
        raise BrokenRuleError(TYPE, "empty")
    _check_text(TYPE, name, MAX_TYPE_LENGTH)
    return name


def _check_text(column: str, text: str, limit: int) -> None:
    if len(text) > limit:
        raise BrokenRuleError(column, f"longer than {limit} characters")
    if not text.isprintable():
        raise BrokenRuleError(column, "holds a character that cannot be seen: control, zero width or a special space")


def _discount(text: str) -> str:
    if not _DISCOUNT.fullmatch(text.strip(" ")):
        raise BrokenRuleError(DISCOUNT, "not a whole number from 0 to 99")
    return str(int(text))
