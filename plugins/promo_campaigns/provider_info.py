"""What Airflow reads about this provider."""

from __future__ import annotations

from typing import Any

from promo_campaigns import __version__
from promo_campaigns.http.form_fields import HTTP_FIELDS

_HTTP: dict[str, Any] = {
    "connection-type": "promo_http",
    "hook-class-name": "promo_campaigns.hooks.data_source.DataSourceHook",
    "hook-name": "Promo HTTP receiver",
    "ui-field-behaviour": {
        "hidden-fields": [],
        "relabeling": {"schema": "Scheme", "password": "Password, token or key"},
        "placeholders": {"host": "api.example.com", "schema": "https"},
    },
    "conn-fields": HTTP_FIELDS,
}


def get_provider_info() -> dict[str, Any]:
    """Describe the provider in the form of Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "airflow-provider-promo-campaigns",
        "name": "Promo campaigns",
        "description": "Promo-code campaigns: one unique code per contact, sent and recorded on the profile.",
        "versions": [__version__],
        "connection-types": [_HTTP],
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
                    },
                    "preview_folder": {
                        "description": "Where previews are written, on any storage; empty: previews beside the DAGs.",
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "s3://my_aws@bucket/previews",
                        "default": "",
                    },
                    "upload_limit_mb": {
                        "description": "Megabytes of a code file that the pages take; a proxy may take less.",
                        "version_added": "0.1.0",
                        "type": "integer",
                        "example": "500",
                        "default": "200",
                    },
                },
            }
        },
    }
