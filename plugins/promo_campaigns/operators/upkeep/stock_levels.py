"""Low stock: who is told, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.hooks.include import include_folder
from promo_campaigns.hooks.page_links import CodesPageLink
from promo_campaigns.operators.assets import POOLS, PROMO_STOCK, member
from promo_campaigns.operators.base.alerting import AlertingOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context


class CheckCodeStockOperator(AlertingOperator):
    """Compares the free codes of each type with its levels, and tells of each level that was reached, once.

    A level is told of again only after the stock was above it. A notifier finds ``stock.type``, ``stock.level``,
    ``stock.amount`` and ``stock.free`` in the context, beside the ``alert``. Each level that is told of is an event of
    the asset ``promo_stock/<type>/low`` as well.

    Returns ``{"reached": 2, "told": 1}``.

    :param levels: name of the file in the include folder that sets the levels (templated)
    :param include_folder: by default option ``[promo_campaigns] include_folder``, else ``include`` beside the DAGs
    :raises DefinitionError: the file is missing or wrong
    """

    template_fields: Sequence[str] = ("levels", "promo_db_conn_id")
    operator_extra_links = (CodesPageLink(),)
    ui_color = "#e8e3f4"

    def __init__(self, *, levels: str = "stock_levels.yaml", include_folder: str | None = None, **kwargs: Any) -> None:
        assets: dict[str, Any] = {"inlets": [POOLS], "outlets": [PROMO_STOCK]}
        super().__init__(**assets | kwargs)
        self.levels = levels
        self.include_folder = include_folder

    def execute(self, context: Context) -> dict[str, int]:
        """Tell of what is new."""
        from promo_campaigns.definitions.stock_level_file import read_stock_levels
        from promo_campaigns.monitoring.alerts import LOW_STOCK, find_low_stock

        levels = read_stock_levels(include_folder(self.include_folder) / self.levels)
        with self.hook.connect() as connection:
            reached = find_low_stock(connection, levels)
            news = self.tell(context, connection, [LOW_STOCK], reached, lambda alert: {"stock": alert.facts})
        for alert in news.new:
            name = member(PROMO_STOCK, f"{alert.facts['type']}/low")
            context["outlet_events"][PROMO_STOCK].add(name, extra=alert.facts)
        return {"reached": len(reached), "told": len(news.new)}
