"""What a receiver, or an export, tells of sends that the store has forgotten, one row of a file at a time."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from promo_campaigns.model.assignment_state import DELIVERED, WITH_CODE
from promo_campaigns.model.contact_rules import clean_external_id, clean_field_id
from promo_campaigns.model.errors import FileError
from promo_campaigns.tables.any_table import AnyTable
from promo_campaigns.tables.known_columns import KnownColumns
from promo_campaigns.tables.sheet_text import find_damage, undo_harmless

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from promo_campaigns.model.load_report import Rejects
    from promo_campaigns.tables.table import Kind

COLUMNS = ("contact_id", "external_id", "code", "run_key", "workflow", "sent_at", "accepted_at", "state")
"""What may be told of a send."""
CONTACT_ID, CODE, STATE = COLUMNS[0], COLUMNS[2], COLUMNS[-1]
PASSED_OVER = ("type", "discount", "expires_at", "recorded_at", "reused_at")
"""Columns of an export that say nothing of a send."""
_KINDS: dict[str, Kind] = {"sent_at": "moment", "accepted_at": "moment"}
_MASKED = "…"
_TAKEN = {state.value for state in DELIVERED}
_STATES = {state.value for state in WITH_CODE}


class ToldFileError(FileError):
    """A file of sends cannot be read at all; nothing of it was kept."""


class ToldSend(NamedTuple):
    """A send that somebody told of, as it is staged.

    :ivar accepted: whether the receiver took it; else the contact has the code, and nobody knows more
    """

    line: int
    run_key: str | None
    workflow: str | None
    contact_id: int | None
    external_id: str | None
    code: str
    sent_at: datetime | None
    accepted: bool


class ToldSends:
    """The sends that a file tells of; its bytes tell the format, packed with gzip or not.

    :param stream: read once, from where it stands, and never closed
    :param file: base name, for errors
    :param rejects: where rejected rows are noted
    """

    def __init__(self, stream: BinaryIO, *, file: str, rejects: Rejects) -> None:
        self._table = AnyTable(stream, _layout(file))
        self._rejects = rejects

    @property
    def row_noun(self) -> str:
        """What numbers the rows."""
        return self._table.row_noun

    def __iter__(self) -> Iterator[ToldSend]:
        for line, cells in self._table.rows(self._rejects):
            told = {name: _text(cell) for name, cell in zip(COLUMNS, cells, strict=True)}
            if not any(told.values()):
                continue
            try:
                yield _send_of(line, told)
            except _RuleError as broken:
                self._rejects.add(line, broken.column, str(broken))


def _layout(file: str) -> KnownColumns:
    return KnownColumns(
        file=file, names=COLUMNS, kinds=_KINDS, passed_over=PASSED_OVER, lacks=_lacks, error=ToldFileError
    )


def _lacks(known: Sequence[str]) -> tuple[str, str] | None:
    if "code" in known and {"contact_id", "external_id"} & {*known}:
        return None
    return "it names no codes, or no contacts", "Needed are code, and contact_id or external_id"


class _RuleError(ValueError):
    """A value breaks a rule; the message holds no value."""

    def __init__(self, column: str, reason: str) -> None:
        self.column = column
        super().__init__(reason)


def _send_of(line: int, told: Mapping[str, str]) -> ToldSend:
    state = told["state"].lower()
    if state and state not in _STATES:
        raise _RuleError(STATE, "nobody of this state has a code")
    external_id, contact_id = _cleaned("external_id", told), _cleaned("contact_id", told)
    if external_id is None and contact_id is None:
        raise _RuleError(CONTACT_ID, "it names no contact")
    return ToldSend(
        line=line,
        run_key=told["run_key"] or None,
        workflow=told["workflow"] or None,
        contact_id=contact_id,
        external_id=external_id,
        code=_code(told["code"]),
        sent_at=_moment("sent_at", told["sent_at"]) or _moment("accepted_at", told["accepted_at"]),
        accepted=not state or state in _TAKEN,
    )


def _text(cell: Any) -> str:  # noqa: ANN401  (what a cell of a workbook holds)
    return cell.isoformat() if isinstance(cell, datetime) else undo_harmless(str(cell)).strip()


def _code(text: str) -> str:
    if not text:
        raise _RuleError(CODE, "empty")
    if _MASKED in text:
        raise _RuleError(CODE, "it is masked; export the runs with --reveal")
    if damage := find_damage(text):
        raise _RuleError(CODE, damage)
    return text


def _cleaned(column: str, told: Mapping[str, str]) -> Any:  # noqa: ANN401  (a number, or a text)
    if not told[column]:
        return None
    try:
        return (clean_field_id if column == CONTACT_ID else clean_external_id)(told[column])
    except ValueError:
        raise _RuleError(column, "it is no id of a contact") from None


def _moment(column: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise _RuleError(column, "not a time: write 2027-03-31T18:05:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
