"""Low stock: who is told, and when."""

from __future__ import annotations

import copy
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from promo_campaigns.hooks.include import include_folder
from promo_campaigns.operators.assets import POOLS, PROMO_STOCK, member
from promo_campaigns.operators.base.store_operator import StoreOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from promo_campaigns.code_files.stock_levels import LevelState


class LowStockLog(BaseNotifier):
    """Tells of low stock in the task's log, as a warning."""

    def notify(self, context: Context) -> None:
        """Log it."""
        stock: dict[str, Any] = context["stock"]  # type: ignore[typeddict-item]  # put there by CheckCodeStockOperator
        self.log.warning(
            "%s: %d codes of type %r are left, the level is %d",
            stock["level"].capitalize(),
            stock["free"],
            stock["type"],
            stock["amount"],
        )


class CheckCodeStockOperator(StoreOperator):
    """Compares the free codes of each type with its levels, and tells of each level that was reached, once.

    A level is told of again only after the stock was above it. Every notifier of Airflow will do; its templates and its
    ``notify`` find ``stock.type``, ``stock.level``, ``stock.amount`` and ``stock.free`` in the context. A notifier that
    fails fails the task, and is called again when the task is retried. Each level that is told of is an event of the
    asset ``promo_stock/<type>/low`` as well.

    Returns ``{"reached": 2, "told": 1}``.

    :param levels: name of the file in the include folder that sets the levels (templated)
    :param notifiers: who is told; by default the task's log
    :param include_folder: by default option ``[promo_campaigns] include_folder``, else ``include`` beside the DAGs
    :param promo_db_conn_id: connection of the store (templated)
    :raises DefinitionError: the file is missing or wrong
    """

    template_fields: Sequence[str] = ("levels", "promo_db_conn_id")
    ui_color = "#e8e3f4"

    def __init__(
        self,
        *,
        levels: str = "stock_levels.yaml",
        notifiers: Sequence[BaseNotifier] = (),
        include_folder: str | None = None,
        **kwargs: Any,
    ) -> None:
        assets: dict[str, Any] = {"inlets": [POOLS], "outlets": [PROMO_STOCK]}
        super().__init__(**assets | kwargs)
        self.levels = levels
        self.notifiers = notifiers
        self.include_folder = include_folder

    def execute(self, context: Context) -> dict[str, int]:
        """Tell of what is new."""
        from promo_campaigns.code_files.stock_levels import check_levels, note_told
        from promo_campaigns.definitions.stock_level_file import read_stock_levels

        levels = read_stock_levels(include_folder(self.include_folder) / self.levels)
        with self.hook.connect() as connection:
            reached = [state for state in check_levels(connection, levels) if state.reached]
            news = [state for state in reached if state.told_at is None]
            for state in news:
                self._tell(context, state)
                note_told(connection, state)
        return {"reached": len(reached), "told": len(news)}

    def _tell(self, context: Context, state: LevelState) -> None:
        stock = {name: value for name, value in asdict(state).items() if name != "told_at"}
        for notifier in self.notifiers or (LowStockLog(),):
            # A notifier renders its own templates in place, and is to be used again.
            copy.copy(notifier)({**context, "stock": stock})
        context["outlet_events"][PROMO_STOCK].add(member(PROMO_STOCK, f"{state.type}/low"), extra=stock)
