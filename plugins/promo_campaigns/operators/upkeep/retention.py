"""Erases what the store holds of people and nobody needs any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.hooks.page_links import RunsPageLink
from promo_campaigns.model.parameters import MAX_DAYS, whole_number
from promo_campaigns.operators.base.store_operator import StoreOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context


class EraseOldDataOperator(StoreOperator):
    """Erases answers of data sources once their run is closed, and keys and parameters of events after some days.

    An answer for a contact whose send is unknown stays, since the same may be sent again; after as many days it goes
    as well. Events that still wait then are refused. What audiences of other databases told of contacts goes as many
    days after their run was opened.

    Returns what was done: ``{"answers": 1000, "audience_values": 0, "match_values": 0, "refused": 0, "erased": 340,
    "deleted": 12}``.

    :param days: how long to keep, at least 1 (templated)
    :param promo_db_conn_id: connection of the store (templated)
    """

    template_fields: Sequence[str] = ("days", "promo_db_conn_id")
    operator_extra_links = (RunsPageLink(),)
    ui_color = "#e8e3f4"

    def __init__(self, *, days: int | str = 30, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.days = days

    def execute(self, context: Context) -> dict[str, int]:  # noqa: ARG002  (Airflow's signature)
        """Erase it."""
        from promo_campaigns.ledger.retention import erase_old

        days = whole_number("days", self.days, least=1, most=MAX_DAYS)
        with self.hook.connect() as connection:
            done = erase_old(connection, days=days)
        self.log.info("Done: %s", done)
        return done
