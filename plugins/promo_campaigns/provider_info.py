"""What Airflow reads about this provider."""

from __future__ import annotations

from typing import Any

from promo_campaigns import __version__


def get_provider_info() -> dict[str, Any]:
    """Describe the provider in the form of Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "airflow-provider-promo-campaigns",
        "name": "Promo campaigns",
        "description": "Promo-code campaigns: one unique code per contact, sent and recorded on the profile.",
        "versions": [__version__],
        "config": {
            "promo_campaigns": {
                "description": "Promo campaigns.",
                "options": {
                    "include_folder": {
                        "description": "Where messages, data sources and audiences are; empty: beside the DAGs.",
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "/opt/airflow/include",
                        "default": "",
                    }
                },
            }
        },
    }
