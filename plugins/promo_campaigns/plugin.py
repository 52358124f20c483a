"""The Airflow plugin."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin


class PromoCampaignsPlugin(AirflowPlugin):
    """Registers the package with Airflow."""

    name = "promo_campaigns"
