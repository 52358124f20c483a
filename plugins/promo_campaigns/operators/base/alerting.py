"""How a block tells of alerts and metrics."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from promo_campaigns.operators.base.store_operator import StoreOperator

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from airflow.sdk import Context

    from promo_campaigns.monitoring.alerts import Alert, AlertNews
    from promo_campaigns.monitoring.metrics import Measurement
    from promo_campaigns.postgres.connection import Connection


class AlertLog(BaseNotifier):
    """Tells of an alert in the task's log, as a warning."""

    def notify(self, context: Context) -> None:
        """Log it."""
        alert: dict[str, Any] = context["alert"]  # type: ignore[typeddict-item]  # put there by the block that found it
        self.log.warning("%s. To do: %s", alert["text"], alert["hint"])


class AlertingOperator(StoreOperator):
    """A block that tells notifiers of alerts, of each once until it is over.

    Every notifier of Airflow will do; its templates and its ``notify`` find ``alert.kind``, ``alert.subject``,
    ``alert.text``, ``alert.hint`` and ``alert.facts`` in the context. A notifier that fails fails the task, and is
    called again when the task is retried.

    :param notifiers: who is told; by default the task's log
    :param promo_db_conn_id: connection of the store (templated)
    """

    def __init__(self, *, notifiers: Sequence[BaseNotifier] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.notifiers = notifiers

    def tell(
        self,
        context: Context,
        connection: Connection,
        kinds: Collection[str],
        found: Sequence[Alert],
        more: Callable[[Alert], dict[str, Any]] = lambda _: {},
    ) -> AlertNews:
        """Tell of what is new, and note it; return what has changed.

        :param kinds: what was looked at: whatever of it was not found is over
        :param more: what a notifier finds in the context beside ``alert``
        """
        from promo_campaigns.monitoring.alerts import note_told, read_news

        news = read_news(connection, kinds, found)
        for kind, subject in news.over:
            self.log.info("Over: %s of %s", kind.replace("_", " "), subject)
        for alert in news.new:
            for notifier in self.notifiers or (AlertLog(),):
                # A notifier renders its own templates in place, and is to be used again.
                copy.copy(notifier)({**context, "alert": alert.as_dict(), **more(alert)})
            note_told(connection, alert)
        return news


def tell_metrics(measurements: Iterable[Measurement]) -> None:
    """Tell Airflow's stats what was measured: StatsD, Datadog or OpenTelemetry, as ``[metrics]`` says, or nobody."""
    from airflow.sdk.observability import stats

    for one in measurements:
        if one.metric.kind == "gauge":
            stats.gauge(one.name, one.value, tags=one.tags)
        else:
            stats.incr(one.name, int(one.value), tags=one.tags)
