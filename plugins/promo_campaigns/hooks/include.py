"""Where campaign authors keep their messages, data sources and audiences."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk.configuration import conf


def include_folder(given: str | None) -> Path:
    """Return the folder given, else option ``[promo_campaigns] include_folder``, else ``include`` beside the DAGs."""
    if given:
        return Path(given)
    configured = conf.get("promo_campaigns", "include_folder", fallback="")
    return Path(configured) if configured else Path(conf.get("core", "dags_folder")).parent / "include"
