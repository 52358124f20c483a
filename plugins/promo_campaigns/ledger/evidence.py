"""The outcomes of a lease's calls, as parameters of the statements that record them, and as closings of channels."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from promo_campaigns.model.outcome import Outcome
from promo_campaigns.postgres.arrays import bigint_array, text_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.model.contacts import Closing
    from promo_campaigns.model.outcome import DeliveryResult
    from promo_campaigns.model.run import Lease

_LOG = logging.getLogger(__name__)
ALL_AT_ONCE = 10
"""If so many contacts are called for and every locator is said to be dead, it is not they who are at fault."""


def evidence(lease: Lease, results: Sequence[DeliveryResult]) -> dict[str, object]:
    """Return the parameters under which the outcomes of a lease are recorded."""
    return {
        "run_id": lease.run_id,
        "token": lease.token,
        "purpose": lease.purpose.value,
        "contact_ids": bigint_array([result.contact_id for result in results]),
        "outcomes": text_array([result.outcome.value for result in results]),
        "details": text_array([result.detail for result in results]),
        "source": lease.source,
        "shows_code": lease.shows_code,
    }


def closings_of(results: Sequence[DeliveryResult]) -> list[Closing]:
    """Return what the receiver said of locators with its last word; a refusal that may pass closes nothing."""
    closings = [one.closes for one in results if one.closes is not None and one.outcome is Outcome.REFUSED]
    if len(closings) >= ALL_AT_ONCE and len(closings) == sum(one.called for one in results):
        _LOG.warning(
            "the receiver said of all %d contacts at once that their locators are dead: no channel is closed; look at "
            "the receiver",
            len(closings),
        )
        return []
    return closings
