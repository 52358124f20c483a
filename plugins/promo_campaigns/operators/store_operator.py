"""What every block stands on: a connection to the store."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.sdk import BaseOperator

from promo_campaigns.hooks.store import PromoStoreHook


class StoreOperator(BaseOperator):
    """A block that works on the store.

    :param promo_db_conn_id: connection of the store (templated)
    """

    def __init__(
        self,
        *,
        promo_db_conn_id: str = PromoStoreHook.default_conn_name,
        **kwargs: Any,  # noqa: ANN401  (BaseOperator's)
    ) -> None:
        super().__init__(**kwargs)
        self.promo_db_conn_id = promo_db_conn_id

    @cached_property
    def hook(self) -> PromoStoreHook:
        """The way to the store."""
        return PromoStoreHook(self.promo_db_conn_id)
