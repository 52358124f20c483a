"""Carries out one command line: whatever goes wrong becomes one line and a status that ``exit_status`` lists."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from traceback import extract_tb
from typing import TYPE_CHECKING

import typer

from promo_campaigns.cli.app import root
from promo_campaigns.cli.exit_status import ExitStatus, status_of
from promo_campaigns.cli.terminal import has_colour
from promo_campaigns.model.errors import PromoError

if TYPE_CHECKING:
    from collections.abc import Sequence

TRACEBACK_VARIABLE = "PROMO_TRACEBACK"
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EIO}
_PYDANTIC = ": Value error, "  # what pydantic, by which Typer reads values, puts before a reason


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command and return its exit status.

    :param argv: the arguments after the command's name; those of this process when left out
    """
    words = list(sys.argv[1:] if argv is None else argv)
    with suppress(AttributeError, ValueError):  # a stream that somebody put in place of a real one
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # what cannot is passed over
    try:
        status: int | None = root().main(words or ["--help"], prog_name="promo", standalone_mode=False)
        print(end="", flush=True)  # a reader that is gone is found out here at the latest
    except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001  (each becomes a status)
        return int(_status_of(error))
    return int(status or ExitStatus.OK)


def _status_of(error: BaseException) -> ExitStatus:
    """Say what ended a command, in one line, and return its status."""
    if isinstance(error, BrokenPipeError) or isinstance(error.__context__, BrokenPipeError):
        _close_output()
        return ExitStatus.CLOSED_PIPE
    if isinstance(error, SystemExit):  # the shell's completion, which Typer ends itself
        raise error
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return ExitStatus.INTERRUPTED
    status, problem = _explained(error)
    if status is ExitStatus.FAULT and os.environ.get(TRACEBACK_VARIABLE):
        raise error
    _tell(problem)
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        _close_output()
    return status


def _explained(error: BaseException) -> tuple[ExitStatus, str]:
    if isinstance(error, PromoError):
        return status_of(error), str(error)
    if isinstance(error, typer.TyperException):
        return ExitStatus.WRONG, _usage(error)
    if isinstance(error, OSError) and error.filename is not None:
        return ExitStatus.WRONG, f"{os.fsdecode(error.filename)}: {error.strerror}"
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return ExitStatus.WRONG, f"the output cannot be written: {error.strerror}"
    where = f"a fault of promo itself: {_place(error)}"
    return ExitStatus.FAULT, f"{where}; set {TRACEBACK_VARIABLE}=1 to see all of it, and report it"


def _tell(problem: str) -> None:
    name = "\033[1;31mpromo:\033[0m" if has_colour(sys.stderr) else "promo:"
    print(f"{name} {problem}", file=sys.stderr)


def _usage(error: typer.TyperException) -> str:
    """Return what is wrong with a command line, what was meant, and where to look it up."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        return f"name one of the commands of {context.command_path}\n\n{error.message}" if context else error.message
    close = getattr(error, "possibilities", None) or []
    problem = error.message if close else error.format_message().replace(_PYDANTIC, ": ", 1)
    meant = f". Did you mean {' or '.join(sorted(close))}?" if close else ""
    where = f" See: {context.command_path} --help" if context else ""
    return f"{problem}{meant}{'' if meant or problem.endswith(('.', '?')) else '.'}{where}"


def _place(error: BaseException) -> str:
    """Return the kind of an error and the line that raised it; its text may hold what must not be shown."""
    frames = [frame for frame in extract_tb(error.__traceback__) if "promo_campaigns" in frame.filename]
    last = frames[-1] if frames else None
    file = last.filename.partition("promo_campaigns")[2].lstrip("/\\") if last else ""
    return f"{type(error).__name__} in {file} line {last.lineno}" if last else type(error).__name__


def _close_output() -> None:
    """Let the interpreter's last flush go nowhere: nobody reads any more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.__stdout__, sys.__stderr__):
        with suppress(OSError, ValueError, AttributeError):
            os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]  # there is none under pythonw
    os.close(nowhere)
