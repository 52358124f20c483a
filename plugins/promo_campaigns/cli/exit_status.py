"""What the exit statuses of ``promo`` mean: this table is the only one."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promo_campaigns.model.errors import PromoError


class ExitStatus(IntEnum):
    """How a command ended."""

    OK = 0
    NO = 1
    WRONG = 2
    AGAIN = 3
    FAULT = 70
    INTERRUPTED = 130
    CLOSED_PIPE = 141


MEANINGS: dict[ExitStatus, str] = {
    ExitStatus.OK: "Done; what was checked holds.",
    ExitStatus.NO: "The command ran and the answer is no: an invariant is broken, a code file was refused, a stock "
    "level is reached, a message was not accepted, a workflow file is wrong, Start would refuse the run, a run was "
    "decided otherwise before.",
    ExitStatus.WRONG: "The command could not run as it was given: a wrong option, file, address, password, or name. "
    "The same command will fail again.",
    ExitStatus.AGAIN: "The command cannot run now: the store does not answer, is overloaded or read-only, or somebody "
    "else holds what is needed. The same command may succeed later.",
    ExitStatus.FAULT: "A fault of promo itself. PROMO_TRACEBACK=1 shows where.",
    ExitStatus.INTERRUPTED: "Interrupted by Ctrl-C.",
    ExitStatus.CLOSED_PIPE: "The program that read the output stopped reading, as head does.",
}


def status_of(error: PromoError) -> ExitStatus:
    """Return the status of a command that an error ended."""
    return ExitStatus.AGAIN if error.retryable else ExitStatus.WRONG
