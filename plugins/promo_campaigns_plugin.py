"""Registers the plugin when this folder is PLUGINS_FOLDER; an installed wheel registers itself."""

from importlib.metadata import entry_points

if not entry_points(group="airflow.plugins", name="promo_campaigns"):
    from promo_campaigns.plugin import PromoCampaignsPlugin  # noqa: F401  (Airflow scans module globals)
