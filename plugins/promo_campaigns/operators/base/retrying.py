"""Which failures of a block are worth a retry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import RetryAction, RetryPolicy
from airflow.sdk.definitions.retry_policy import RetryDecision

from promo_campaigns.model.errors import PromoError

if TYPE_CHECKING:
    from airflow.sdk import Context


MOST_REASON = 500


class RetryWhatMayPass(RetryPolicy):
    """Fails at once on an error that only a person can fix; leaves every other to the task's own retries."""

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,  # noqa: ARG002  (Airflow's signature)
        max_tries: int,  # noqa: ARG002
        context: Context | None = None,  # noqa: ARG002
    ) -> RetryDecision:
        """Decide by the error's own ``retryable``."""
        if isinstance(exception, PromoError) and not exception.retryable:
            return RetryDecision(action=RetryAction.FAIL, reason=f"no retry corrects this: {exception}"[:MOST_REASON])
        return RetryDecision(action=RetryAction.DEFAULT)

    def serialize(self) -> dict[str, Any]:
        """Return the form Airflow keeps; the policy has no settings."""
        return {}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> RetryWhatMayPass:  # noqa: ARG003  (Airflow's signature)
        """Rebuild the policy."""
        return cls()
