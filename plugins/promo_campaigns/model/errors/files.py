"""What is wrong with a file that somebody wrote, or with a contact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.model.errors.base import PromoError
from promo_campaigns.model.errors.configuration import ConfigurationError
from promo_campaigns.model.redaction import printable_name

if TYPE_CHECKING:
    from promo_campaigns.model.load_report import LoadReport


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
