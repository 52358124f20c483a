"""The outcomes of a lease's calls, as parameters of the statements that record them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promo_campaigns.postgres.arrays import bigint_array, text_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promo_campaigns.model.outcome import DeliveryResult
    from promo_campaigns.model.run import Lease


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
