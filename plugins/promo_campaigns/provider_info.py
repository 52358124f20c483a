"""What Airflow reads about this provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promo_campaigns import __version__
from promo_campaigns.http.form_fields import HTTP_FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence

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


_OURS = "Promo campaigns"
_SEED = "https://docs.reteno.com/docs/passing-promo-code-from-message-to-user-profile"
_INTEGRATIONS = [{"integration-name": _OURS, "external-doc-url": _SEED, "tags": ["service"]}]
_OPERATORS = (
    "approval",
    "contact",
    "contacts",
    "data_source",
    "dry_run",
    "end",
    "event_stream",
    "events",
    "message",
    "preview",
    "promo_code",
    "promo_codes",
    "shop.generate",
    "shop.redemptions",
    "start",
    "test_send",
    "upkeep.export",
    "upkeep.reconcile",
    "upkeep.retention",
    "upkeep.stock_levels",
    "upkeep.uplift",
    "upkeep.watch",
)
_LINKS = ("RunsPageLink", "CodesPageLink", "ContactsPageLink", "WorkflowsPageLink", "ReceiversPageLink")


_ASSET_URIS = "promo_campaigns.operators.base.asset_uris"


def _modules(room: str, names: Sequence[str]) -> list[dict[str, Any]]:
    modules = [f"promo_campaigns.{room}.{name}" for name in names]
    return [{"integration-name": _OURS, "python-modules": modules}]


def get_provider_info() -> dict[str, Any]:
    """Describe the provider in the form of Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "airflow-provider-promo-campaigns",
        "name": "Promo campaigns",
        "description": "Promo-code campaigns: one unique code per contact, sent and recorded on the profile.",
        "versions": [__version__],
        "integrations": _INTEGRATIONS,
        "operators": _modules("operators", _OPERATORS),
        "sensors": _modules("sensors", ["promo_code_file"]),
        "hooks": _modules("hooks", ["data_source", "store"]),
        "triggers": _modules("triggers", ["events", "promo_code_file"]),
        "notifications": [
            "promo_campaigns.notifications.alerts.StockNotifier",
            "promo_campaigns.notifications.alerts.StuckRunNotifier",
            "promo_campaigns.notifications.run_report.RunReportNotifier",
        ],
        "extra-links": [
            "promo_campaigns.operators.base.run_page.RunPageLink",
            *(f"promo_campaigns.hooks.page_links.{name}" for name in _LINKS),
        ],
        "asset-uris": [
            {
                "schemes": ["promo"],
                "handler": f"{_ASSET_URIS}.sanitize_uri",
                "factory": f"{_ASSET_URIS}.create_asset",
                "to_openlineage_converter": f"{_ASSET_URIS}.convert_asset_to_openlineage",
            }
        ],
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
