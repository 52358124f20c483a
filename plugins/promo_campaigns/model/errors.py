"""Every error the product raises, in one tree.

    PromoError
    ├── ConfigurationError            a setting, connection or parameter is wrong
    │   ├── DatabaseNotFoundError     no DSN given and none to be found
    │   ├── CannotCarryError          a message does not fit its transport
    │   ├── SettingError              a setting of a workflow is wrong
    │   └── DefinitionError           a workflow, message, data source or audience file is wrong
    ├── DatabaseUnavailableError      the store does not answer
    ├── TemplateError                 a Velocity template
    │   ├── TemplateSyntaxError       cannot be compiled
    │   ├── TemplateRenderError       cannot be rendered for this contact
    │   └── LimitExceededError        asked for more steps, depth or output than it may have
    ├── FileError                     a file somebody wrote is wrong
    │   ├── DefinitionError           (as above)
    │   └── CodeFileError             a code file cannot be loaded
    │       ├── CodeFileRejectedError strict, and a row was rejected
    │       └── ContactFileError      a contact file cannot be loaded
    ├── UnknownCodeFileError          there is no such code file
    ├── ContactError                  a contact's values cannot be stored
    ├── StoreError                    the database refused a statement
    │   └── StoreUnavailableError     it does not answer now, or other writers were faster
    │       └── ContactHeldError      another transaction holds the row to be written
    ├── LedgerError
    │   ├── RunSpecChangedError       the occurrence was started with another definition
    │   ├── RunNotFinishedError       a run cannot be closed yet
    │   ├── RunClosedError            a closed run may not be run again
    │   ├── RunCancelledError         a person cancelled the run
    │   ├── RepeatedRunError          the same was opened minutes ago
    │   ├── StartRefusedError         a preview found that Start will not open the run
    │   ├── NotApprovedError          a person is to approve the run first
    │   ├── HeldUpError               contacts can be worked on only later
    │   │   ├── LeaseHeldError        another worker holds them, or did until it was killed
    │   │   ├── QuietHoursError       they are in their quiet hours
    │   │   ├── FirstShareError       the run goes to a first share before them
    │   │   └── RunHaltedError        the run is paused, or all sending is stopped
    │   ├── InvariantBrokenError      the ledger contradicts itself
    │   ├── PoolShortageError         fewer codes in stock than contacts
    │   │   └── StockAwaitedError     and the run is to wait for more
    │   └── LedgerConflictError       what XCom says and what the ledger says differ
    ├── SendError                     a receiver could not be used as it is set up
    │   ├── CallRefusedError          a transport's call, for what may be the fault of one of its messages
    │   ├── ReceiverRefusesError      every call is refused, and no waiting helps
    │   └── ReceiverUnavailableError  worth trying again later
    ├── ServerError                   the embedded Postgres
    └── DemoError                     bin/demo

Messages say what happened, where, and what to do. They never hold an address, a token or an unmasked code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.model.redaction import printable_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.model.load_report import LoadReport


class PromoError(Exception):
    """Base of every error raised on purpose by this product."""

    retryable = False
    """Whether the same call may succeed later with nothing changed by hand."""


class ConfigurationError(PromoError):
    """A setting, connection or parameter is missing or wrong."""


class DatabaseNotFoundError(ConfigurationError):
    """No database was named and none could be found."""


class CannotCarryError(ConfigurationError):
    """A transport cannot carry a message.

    :param problem: what is wrong, as a sentence without a full stop
    :param setting: the setting of the message that is at fault
    :param hint: what to write instead
    """

    def __init__(self, problem: str, *, setting: str, hint: str = "") -> None:
        self.problem, self.setting, self.hint = problem, setting, hint
        super().__init__(problem + (f". {hint}" if hint else ""))


class SettingError(ConfigurationError):
    """A setting of a workflow is wrong, wherever the workflow is written.

    :param problem: what is wrong, as a sentence without a full stop
    :param setting: the way to it, such as ``("promo_code", "discount")``; empty for the workflow itself
    :param hint: what to write instead
    :ivar others: what else is wrong with the settings, where that was looked for
    """

    others: Sequence[SettingError] = ()

    def __init__(self, problem: str, *, setting: tuple[str | int, ...] = (), hint: str = "") -> None:
        self.problem, self.setting, self.hint = problem, setting, hint
        super().__init__(problem + (f". {hint}" if hint else ""))


class DatabaseUnavailableError(PromoError):
    """The store cannot be reached just now."""

    retryable = True


class FileError(PromoError):
    """A file somebody wrote is wrong.

    :param problem: what is wrong, as a sentence without a full stop
    :param file: the file as its author knows it
    :param line: 1-based line, when known
    :param hint: what to write instead
    :param excerpt: the line at fault, of a file that holds nothing to be kept secret
    """

    def __init__(self, problem: str, *, file: str, line: int | None = None, hint: str = "", excerpt: str = "") -> None:
        self.problem, self.hint, self.file, self.line, self.excerpt = problem, hint, file, line, excerpt
        place = f"{printable_name(file)}:{line}" if line else printable_name(file)
        shown = f"\n    {excerpt}" if excerpt else ""
        super().__init__(f"{place}: {problem}" + (f". {hint}" if hint else "") + shown)


class DefinitionError(FileError, ConfigurationError):
    """A workflow, message, data source or audience file is wrong."""


class TemplateError(PromoError):
    """A template cannot be compiled or rendered.

    :param problem: what is wrong, as a sentence without a full stop; never holds a rendered value
    :param line: 1-based line of the template, 0 when the error has no place
    :param column: 1-based column, counted in characters, 0 when the error has no place
    :param excerpt: the template's line at fault
    :param hint: what to write instead
    """

    def __init__(self, problem: str, *, line: int = 0, column: int = 0, excerpt: str = "", hint: str = "") -> None:
        self.problem, self.hint, self.line, self.column, self.excerpt = problem, hint, line, column, excerpt
        place = f"line {line}, column {column}: " if line else ""
        shown = f" in {excerpt!r}" if excerpt else ""
        super().__init__(f"{place}{problem}{shown}" + (f". {hint}" if hint else ""))


class TemplateSyntaxError(TemplateError):
    """The template is not Velocity, or uses a directive that is refused."""


class TemplateRenderError(TemplateError):
    """The template cannot be rendered with this contact's values."""


class LimitExceededError(TemplateError):
    """The template asked for more steps, depth, list or output than its limits allow."""


class CodeFileError(FileError):
    """A code file cannot be loaded at all; nothing of it was loaded."""


class CodeFileRejectedError(CodeFileError):
    """Rows of a code file were rejected, all of them or loaded strictly, so nothing of it was loaded.

    :param report: counts the rows and names the rejected ones
    """

    def __init__(self, report: LoadReport) -> None:
        self.report = report
        first = report.rejected[0]
        rows = "1 row is" if report.rejected_count == 1 else f"{report.rejected_count:,} rows are"
        is_all = report.rejected_count == report.rows > 1
        place = f"{first.column}: " if first.column else ""
        super().__init__(
            f"{'all ' if is_all else ''}{rows} rejected, here the first ({place}{first.reason}); nothing was loaded",
            file=report.file,
            line=first.line,
            hint="Correct them" if report.rejected_count == report.rows else "Correct them, or load without strict",
        )


class UnknownCodeFileError(PromoError):
    """There is no code file with this id."""


class ContactFileError(CodeFileError):
    """A contact file cannot be loaded at all; nothing of it was loaded."""


class ContactError(PromoError):
    """The values of a contact cannot be stored; none of them was.

    :param problem: what is wrong, as a sentence without a full stop; never holds the value
    :param place: the part at fault, such as ``channels[1]`` or ``field 17``
    """

    def __init__(self, problem: str, *, place: str = "") -> None:
        self.problem, self.place = problem, place
        super().__init__(f"{place}: {problem}" if place else problem)


class StoreError(PromoError):
    """The database refused a statement. The message holds its error code and no value."""


class StoreUnavailableError(StoreError):
    """The database does not answer, or other writers were faster; the same call may succeed later."""

    retryable = True


class ContactHeldError(StoreUnavailableError):
    """Another transaction holds the row to be written for longer than the time-out of a lock."""


class LedgerError(PromoError):
    """The ledger refuses a request."""


class RunSpecChangedError(LedgerError):
    """The occurrence already has a run that was opened with another definition."""


class RunNotFinishedError(LedgerError):
    """The run still has contacts without an outcome, so it cannot be closed; ``named`` says how many, by state."""

    retryable = True
    named = ""


class RunClosedError(LedgerError):
    """The run is closed, and its mode refuses to run it again."""


class RunCancelledError(LedgerError):
    """The run was cancelled: nobody of it is given a code or sent anything any more."""


class HeldUpError(LedgerError):
    """Some of the contacts can be worked on only later.

    :param message: what happened
    :param wait_s: seconds after which looking again makes sense
    """

    retryable = True

    def __init__(self, message: str, *, wait_s: float) -> None:
        self.wait_s = wait_s
        super().__init__(message)


class RunHaltedError(HeldUpError):
    """The run is paused, or all sending is stopped; it says by whom and when, and what lets it go on."""


class RepeatedRunError(LedgerError):
    """The same workflow, definition and audience was opened minutes ago, and nobody said that it is meant twice."""


class NotApprovedError(LedgerError):
    """The run waits for an approval; no contact of it is given a code or sent anything."""


class LeaseHeldError(HeldUpError):
    """Another worker is sending to some of the contacts, or was killed while it did; its lease is over then."""


class QuietHoursError(HeldUpError):
    """Some of the contacts are in their quiet hours; the first of them may be written to then."""


class FirstShareError(HeldUpError):
    """The run goes to a first share of its contacts before these; it says how far it is with them."""


class InvariantBrokenError(LedgerError):
    """An invariant of the ledger does not hold; nothing more is sent."""


class PoolShortageError(LedgerError):
    """The pool holds fewer valid codes than the run needs; nothing was sent."""


class StockAwaitedError(PoolShortageError):
    """The pool holds too few codes so far; the run is opened once there are enough."""

    retryable = True


class StartRefusedError(LedgerError):
    """A preview found that Start will not open the run.

    :param refusals: what for, each a line
    :param files: where the preview lies
    """

    def __init__(self, refusals: Sequence[str], files: Sequence[str]) -> None:
        where = f" The preview lies in {', '.join(files)}" if files else ""
        super().__init__(f"Start will refuse: {'; '.join(refusals)}.{where}")


class LedgerConflictError(LedgerError):
    """The contacts and codes that a task was given do not agree with the ledger."""


class SendError(PromoError):
    """A receiver cannot be used as it is set up; nothing was sent."""


class CallRefusedError(SendError):
    """The receiver definitely refused a whole call; one of its messages may be the cause.

    :param detail: why, in words free of addresses, codes and answers
    """

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(detail)


class ReceiverRefusesError(SendError):
    """The receiver refuses every call for a reason that only a person can correct; no contact is lost."""


class ReceiverUnavailableError(SendError):
    """The receiver did not take everything; the rest may be tried again later.

    :param message: what happened
    :param wait_s: seconds after which a try makes sense, when that is known
    """

    retryable = True

    def __init__(self, message: str, *, wait_s: float | None = None) -> None:
        self.wait_s = wait_s
        super().__init__(message)


class ServerError(PromoError):
    """The embedded Postgres cannot be started, reached or stopped."""


class DemoError(PromoError):
    """The demo cannot be started, or one of its parts failed."""
