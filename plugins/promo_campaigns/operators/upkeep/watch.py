"""Metrics and alerts: what somebody should see, or be told of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns.hooks.page_links import ReceiversPageLink
from promo_campaigns.model.parameters import whole_number
from promo_campaigns.operators.base.alerting import AlertingOperator, tell_metrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

_A_YEAR = 366 * 24 * 60
_MOST = 1_000_000_000


class WatchCampaignsOperator(AlertingOperator):
    """Tells Airflow's stats the metrics of the store, and notifiers of each alert once, until it is over.

    There is an alert for a run that is stuck, one that stopped itself, one with too many sends of unknown outcome, a
    receiver that refuses everybody or whose circuit is open, and events that nobody takes. ``monitoring.metrics`` names
    the metrics.

    Returns ``{"metrics": 9, "alerts": 2, "told": 1, "over": 0}``.

    :param stuck_after_minutes: how long nothing may move in a run while somebody waits who may be written to, and how
        long an event may wait (templated)
    :param unknown_over: of how many sends of a run the outcome may be unknown (templated)
    """

    template_fields: Sequence[str] = ("stuck_after_minutes", "unknown_over", "promo_db_conn_id")
    operator_extra_links = (ReceiversPageLink(),)
    ui_color = "#e8e3f4"

    def __init__(self, *, stuck_after_minutes: int | str = 60, unknown_over: int | str = 100, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stuck_after_minutes = stuck_after_minutes
        self.unknown_over = unknown_over

    def execute(self, context: Context) -> dict[str, int]:
        """Measure, and tell of what is new."""
        from promo_campaigns.monitoring.alerts import WATCHED, find_alerts
        from promo_campaigns.monitoring.measure import measure
        from promo_campaigns.monitoring.metrics import OPEN_ALERTS, Measurement

        after_s = 60.0 * whole_number("stuck_after_minutes", self.stuck_after_minutes, least=1, most=_A_YEAR)
        over = whole_number("unknown_over", self.unknown_over, least=0, most=_MOST)
        with self.hook.connect() as connection:
            found = find_alerts(connection, stuck_after_s=after_s, unknown_over=over)
            measured = [*measure(connection), Measurement(OPEN_ALERTS, len(found))]
            tell_metrics(measured)
            for one in measured:
                self.log.info("%s: %g", one.name, one.value)
            news = self.tell(context, connection, WATCHED, found)
        return {"metrics": len(measured), "alerts": len(found), "told": len(news.new), "over": len(news.over)}
