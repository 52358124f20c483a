"""What Airflow reads about this provider."""

from __future__ import annotations

from typing import Any

from promo_campaigns import __version__

_HTTP: dict[str, Any] = {
    "connection-type": "promo_http",
    "hook-class-name": "promo_campaigns.hooks.data_source.DataSourceHook",
    "hook-name": "Promo HTTP receiver",
    "ui-field-behaviour": {
        "hidden-fields": [],
        "relabeling": {"schema": "Scheme", "password": "Password, token or key"},
        "placeholders": {"host": "api.example.com", "schema": "https"},
    },
    "conn-fields": {
        "auth": {
            "label": "Auth",
            "description": "How requests are signed; the secret is the password. Empty: basic where there is a login.",
            "schema": {"type": ["string", "null"], "enum": ["none", "basic", "bearer", "header", "query"]},
        },
        "key_name": {
            "label": "Name of the key",
            "description": "For the auth header or query: which header or query parameter carries the key.",
            "schema": {"type": ["string", "null"]},
        },
        "timeout_s": {
            "label": "Time-out",
            "description": "Seconds for one request, 30 unless given.",
            "schema": {"type": ["number", "null"], "minimum": 0.1, "maximum": 55},
        },
        "concurrency": {
            "label": "Concurrency",
            "description": "Requests under way at a time in all tasks together; empty: 32 in each task.",
            "schema": {"type": ["integer", "null"], "minimum": 1, "maximum": 1000},
        },
        "requests_per_s": {
            "label": "Requests per second",
            "description": "Of all tasks together; empty for no limit.",
            "schema": {"type": ["number", "null"], "minimum": 0.1, "maximum": 10000},
        },
        "messages_per_s": {
            "label": "Messages per second",
            "description": "For transports, in place of requests per second: of all tasks together.",
            "schema": {"type": ["number", "null"], "minimum": 0.1, "maximum": 10000},
        },
        "ca_file": {
            "label": "CA file",
            "description": "Certificates of a private authority in PEM form, trusted in place of the system's.",
            "schema": {"type": ["string", "null"]},
        },
        "allow_private": {
            "label": "Allow private addresses",
            "description": "Whether the host may lead into a private network.",
            "schema": {"type": ["boolean", "null"]},
        },
        "allow_insecure": {
            "label": "Allow plain http",
            "description": "For tests only: anyone on the way can read the requests.",
            "schema": {"type": ["boolean", "null"]},
        },
    },
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
