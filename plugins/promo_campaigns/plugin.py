"""The Airflow plugin."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.plugins_manager import AirflowPlugin


class PromoCampaignsPlugin(AirflowPlugin):
    """Registers the package with Airflow, and its pages with an API server.

    Every part of Airflow loads plugins; only an API server asks for pages, so only there they are imported.
    """

    name = "promo_campaigns"

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]  # a list of Airflow's, made when asked for
        """The routes under ``/promo``."""
        from promo_campaigns.ui.registration import fastapi_apps  # noqa: PLC0415  (likewise)

        return fastapi_apps()

    @cached_property
    def react_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]  # likewise
        """The pages in Airflow's navigation, on its DAGs and runs, and on its first page."""
        from promo_campaigns.ui.registration import react_apps  # noqa: PLC0415  (likewise)

        return react_apps()
