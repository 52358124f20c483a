"""Checks the rows of a code file."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from promo_campaigns.code_files.expiration_date import FORMATS, expires_at
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.masking import PLACEHOLDER, is_placeholder, mask, show_cell
from promo_campaigns.tables.layout import (
    CODE,
    COLUMNS,
    DISCOUNT,
    EXPIRATION_DATE,
    GENERAL,
    IN_USE,
    TYPE,
    Layout,
    Row,
    is_header,
)
from promo_campaigns.tables.sheet_text import (
    find_damage,
    find_error,
    find_lost_letters,
    may_be_mangled,
    parse_flag,
    parse_whole,
    undo_harmless,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import tzinfo

    from promo_campaigns.model.load_report import Rejects
    from promo_campaigns.tables.table import NumberedRow

MAX_CODE_LENGTH = 255
"""Characters."""

MAX_TYPE_LENGTH = 100
"""Characters."""

MAX_TYPES = 1_000
"""Types in one file; more of them mean that columns were mixed up."""

_CACHED_TEXTS = 10_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # noqa: RUF001  (full-width forms, refused too)
# What is worth a closer look: a formula, the placeholder, a quotation mark, an error, a number, a word for nothing.
_suspicious = re.compile(
    rf"[{re.escape(''.join(_FORMULA))}#\"'`<(\[\\{{"  # marks
    r"\u2018-\u201f\u2039\u203a\u00ab\u00bb\uff02\u300c\u300e\u275d\u2033\u00b4]"
    r"|[Tt][Ee]"  # the placeholder
    r"|[0-9 ]*(?:[.,\u066b]|[0-9][eE]\+)"  # 0.5 and 1E+17
    r"|[NnUuIi][A-Za-z/]{1,8}\Z|[NnKk\u041d\u043d][./]|[Nn](?:ot|icht) |[Ll]oading"  # NULL and its like
    r"|[\W_]+\Z"  # marks alone
    r"|(?:[Ee][Rr]|[Ff][Ee]|[Ff][Oo]|[Vv][Ii]|[Hh][IiAa]|[Cc][Hh]|[Bb]\u0142|[^\x00-\x7f])[^:]*:"  # Err:502
).match
_MAX_DISCOUNT = 99


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

    def saw_expired(self, now: datetime) -> bool:
        """Tell whether a row so far has a date that is over."""
        return any(datetime.fromisoformat(moment) <= now for moment in self._dates.values())

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
                and not _suspicious(code)
                and "&" not in code
                and (code.isascii() or not may_be_mangled(code))
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
        """Check one row rule by rule; remember the texts that are right. An empty row is no row.

        Nor is one that holds no more than a box that is not ticked: a sheet has such boxes down to its end.
        """
        if not any(text.strip() for text in row[:-1]) and (not row[-1].strip() or parse_flag(row[-1]) is False):
            return None
        try:
            return self._checked(line, row)
        except BrokenRuleError as broken:
            if is_header(row):
                self._refuse_header(line)
            value = row[COLUMNS.index(broken.column)].strip()
            shown = mask(value) if broken.column == CODE else show_cell(value)
            self._rejects.add(line, broken.column, str(broken), shown if value else "")
            return None

    def _checked(self, line: int, row: Row) -> AcceptedRow:
        checked = AcceptedRow(
            line,
            check_code(row[0]),
            _remembered(self._dates, row[1], self._date),
            _remembered(self._discounts, row[2], check_discount),
            self._types.get(row[3]) or check_type(row[3]),
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
        _refuse_error(EXPIRATION_DATE, text)
        try:
            return expires_at(undo_harmless(text), self._zone).isoformat()
        except ValueError as error:
            raise BrokenRuleError(EXPIRATION_DATE, f"not a date: write {FORMATS}") from error

    def _flag(self, text: str) -> str:
        if not text.strip() and not self._layout.strict:
            return "f"
        _refuse_error(IN_USE, text)
        flag = parse_flag(text)
        if flag is None:
            raise BrokenRuleError(IN_USE, "not true or false")
        return "t" if flag else "f"


def _remembered(cache: dict[str, str], text: str, check: Callable[[str], str]) -> str:
    known = cache.get(text)
    if known is None:
        known = check(text)
        if len(cache) >= _CACHED_TEXTS:
            cache.clear()
        cache[text] = known
    return known


def _refuse_error(column: str, text: str) -> None:
    if error := find_error(text):
        raise BrokenRuleError(column, error)


def check_code(text: str) -> str:
    """Return a code as it is kept.

    :raises BrokenRuleError: it cannot be one
    """
    code = undo_harmless(text)
    if not code:
        raise BrokenRuleError(CODE, "empty")
    if damage := find_damage(code):
        raise BrokenRuleError(CODE, damage)
    if code.startswith(_FORMULA):
        # An export would have to change it so that no spreadsheet runs it.
        raise BrokenRuleError(
            CODE, "begins with = + - @, a tab or a line break: a spreadsheet would take it for a formula"
        )
    if is_placeholder(code):
        raise BrokenRuleError(CODE, f"begins with {PLACEHOLDER}, which stands for a code in tests")
    _check_text(CODE, code, MAX_CODE_LENGTH)
    return code


def check_type(text: str) -> str:
    """Return a type as it is kept.

    :raises BrokenRuleError: it cannot be one
    """
    name = check_label(TYPE, text, MAX_TYPE_LENGTH)
    if not name:
        raise BrokenRuleError(TYPE, "empty")
    return name


def check_label(column: str, text: str, limit: int) -> str:
    """Return a short text as it is kept; it may be empty.

    :raises BrokenRuleError: a spreadsheet spoilt it, it is longer than the limit, or cannot be seen
    """
    label = undo_harmless(text)
    _refuse_error(column, label)
    if lost := find_lost_letters(label):
        raise BrokenRuleError(column, lost)
    _check_text(column, label, limit)
    return label


def _check_text(column: str, text: str, limit: int) -> None:
    if len(text) > limit:
        raise BrokenRuleError(column, f"longer than {limit} characters")
    if not text.isprintable():
        raise BrokenRuleError(column, "holds a character that cannot be seen: control, zero width or a special space")


def check_discount(text: str) -> str:
    """Return a discount as it is kept.

    :raises BrokenRuleError: it cannot be one
    """
    _refuse_error(DISCOUNT, text)
    number = parse_whole(text)
    if number is None or number > _MAX_DISCOUNT:
        raise BrokenRuleError(DISCOUNT, "not a whole number from 0 to 99")
    return str(number)
