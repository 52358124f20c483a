"""Tells of low stock and of runs that are stuck: what a block found, or what the store says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.hooks.include import include_folder
from promo_campaigns.notifications.chat import ChatNotifier

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from airflow.sdk import Context

    from promo_campaigns.monitoring.alerts import Alert
    from promo_campaigns.postgres.connection import Connection

ALERT_TEXT = "{{ alert.text }}. To do: {{ alert.hint }}"


class AlertNotifier(ChatNotifier):
    """Base of notifiers of alerts: of the one that a block found, or, as a callback, of those that are new.

    An alert is told once until it is over: the blocks and the notifiers share what was told.
    Its text finds ``alert.kind``, ``alert.subject``, ``alert.text``, ``alert.hint`` and ``alert.facts``.

    :param text: what is told; by default what happened and what to do
    """

    kinds: Collection[str] = ()

    def __init__(self, *, text: str = ALERT_TEXT, **kwargs: Any) -> None:
        super().__init__(text=text, **kwargs)

    def look(self, connection: Connection) -> Sequence[Alert]:
        """Return the alerts that there are."""
        raise NotImplementedError

    def find(self, context: Context) -> Iterator[dict[str, Any]]:
        """Yield the alert of the block, if it is of a kind that this notifier tells of; else each that is new."""
        from promo_campaigns.monitoring.alerts import note_told, read_news

        found: Any = context.get("alert")
        if found is not None:
            if found["kind"] in self.kinds:
                yield {"alert": found}
            return
        with self.hook.connect() as connection:
            for alert in read_news(connection, self.kinds, self.look(connection)).new:
                yield {"alert": alert.as_dict()}
                note_told(connection, alert)


class StockNotifier(AlertNotifier):
    """Tells of levels that the stock of codes has reached: for ``CheckCodeStockOperator``, or as a callback of any DAG.

    :param levels: the file in the include folder that sets the levels
    :param include_folder: by default option ``[promo_campaigns] include_folder``, else ``include`` beside the DAGs
    """

    kinds = ("low_stock",)

    def __init__(
        self,
        *,
        levels: str = "stock_levels.yaml",
        include_folder: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.levels = levels
        self.include_folder = include_folder

    def look(self, connection: Connection) -> Sequence[Alert]:
        """Return the levels that are reached."""
        from promo_campaigns.definitions.stock_level_file import read_stock_levels
        from promo_campaigns.monitoring.alerts import find_low_stock

        return find_low_stock(connection, read_stock_levels(include_folder(self.include_folder) / self.levels))


class StuckRunNotifier(AlertNotifier):
    """Tells of runs in which nothing moves, or that stopped themselves.

    For ``WatchCampaignsOperator``, or as a callback of any DAG.

    :param stuck_after_minutes: how long nothing may move in a run, as a callback
    """

    kinds = ("run_stuck", "run_stopped")

    def __init__(self, *, stuck_after_minutes: int = 60, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stuck_after_minutes = stuck_after_minutes

    def look(self, connection: Connection) -> Sequence[Alert]:
        """Return the runs."""
        from promo_campaigns.monitoring.alerts import find_stuck

        return find_stuck(connection, stuck_after_s=60.0 * self.stuck_after_minutes)
