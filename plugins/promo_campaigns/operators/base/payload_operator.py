"""The side of a block that receives what the block before it hands over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.delivery.batch_payload import BatchPayload, is_batch_payload
from promo_campaigns.operators.base.run_page import RunPageLink
from promo_campaigns.operators.base.store_operator import MAPPED_NAME, StoreOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class HandedOver(StoreOperator):
    """Wraps a handed-over batch while fields are rendered, so that its codes are not stored with rendered fields.

    :param map_index_template: by default a mapped task is called by its contacts, such as ``contacts 1 to 1000``
    """

    operator_extra_links = (RunPageLink(),)

    def __init__(self, *, map_index_template: str | None = MAPPED_NAME, **kwargs: Any) -> None:
        super().__init__(map_index_template=map_index_template, **kwargs)

    @property
    def mapped_name(self) -> str:
        """The contacts of the batch."""
        batch = vars(self).get("assignments", vars(self).get("contacts"))
        return batch.name if isinstance(batch, BatchPayload) else ""

    def render_template(self, content: Any, context: Context, *args: Any, **kwargs: Any) -> Any:
        """Render as Airflow does, then wrap."""
        rendered = super().render_template(content, context, *args, **kwargs)
        return BatchPayload.from_xcom(rendered) if is_batch_payload(rendered) else rendered
