"""What every block stands on: the store, and the service that delivers."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from promo_campaigns.connections.lookup import airflow_connection
from promo_campaigns.hooks.run_conf import require_known_conf
from promo_campaigns.hooks.store import PromoStoreHook
from promo_campaigns.operators.base.retrying import RetryWhatMayPass

if TYPE_CHECKING:
    from airflow.sdk import Context, RetryPolicy

    from promo_campaigns.delivery.service import DeliveryService


MAPPED_NAME = "{{ task.mapped_name }}"
"""Airflow's template for the name of a mapped task: what it works on, in place of its number."""


class StoreOperator(BaseOperator):
    """A block that works on the store.

    :param promo_db_conn_id: connection of the store (templated)
    :param retry_policy: by default an error that only a person can fix is not retried
    """

    def __init__(
        self,
        *,
        promo_db_conn_id: str = PromoStoreHook.default_conn_name,
        retry_policy: RetryPolicy | None = RetryWhatMayPass(),  # noqa: B008  (it has no state)
        **kwargs: Any,
    ) -> None:
        super().__init__(retry_policy=retry_policy, **kwargs)
        self.promo_db_conn_id = promo_db_conn_id

    def pre_execute(self, context: Context) -> None:
        """Refuse a run that was triggered with a name its DAG does not take, before anything is done.

        :raises ConfigurationError: it was
        """
        require_known_conf(context)

    @property
    def mapped_name(self) -> str:
        """What the task works on, in a few words, once its fields are rendered; empty for nothing in particular."""
        return ""

    @cached_property
    def hook(self) -> PromoStoreHook:
        """The hook that opens the store."""
        return PromoStoreHook(self.promo_db_conn_id)

    @cached_property
    def delivery(self) -> DeliveryService:
        """The service that does a block's work on a run, with Airflow's connections."""
        from promo_campaigns.delivery.service import DeliveryService

        return DeliveryService(self.hook.dsn, airflow_connection)
