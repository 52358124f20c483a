"""What an HTTP answer, or its absence, proves."""

from __future__ import annotations

from promo_campaigns.model.outcome import Outcome

LOCKED_OUT = frozenset({401, 403})
"""The receiver refuses whoever calls: nothing about the contact, and worth another try once credentials are mended."""

_LATER = frozenset({429}) | LOCKED_OUT
_REFUSED = frozenset({400, 404, 405, 406, 410, 411, 413, 414, 415, 422, 431})


def classify_status(status: int) -> Outcome:
    """Classify an answer by its status.

    Only a status by which the receiver says that it did nothing is a refusal; anything else outside 2xx may have been
    carried out ([reliability] section 3, outcome classes).
    """
    if 200 <= status < 300:  # noqa: PLR2004  (the class of success statuses, RFC 9110 section 15.3)
        return Outcome.OK
    if status in _LATER:
        return Outcome.LATER
    if status in _REFUSED:
        return Outcome.REFUSED
    return Outcome.UNKNOWN
