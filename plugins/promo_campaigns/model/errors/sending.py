"""What a receiver refuses, or cannot do now."""

from __future__ import annotations

from promo_campaigns.model.errors.base import PromoError


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
