"""What Airflow is told of the pages. The only module that knows its experimental key ``react_apps``.

A fault of ours must not keep Airflow's API server from starting: it is logged, and the pages are left out.
"""

from __future__ import annotations

import logging
from typing import Any

from promo_campaigns.ui.static_files import STATIC, version

URL_PREFIX = "/promo"
_MODULE = "promo.js"
_ENTRIES = (
    {"name": "Promo", "destination": "nav", "url_route": "promo", "nav_top_level": True},
    {"name": "Promo runs", "destination": "dag", "url_route": "promo-runs"},
    {"name": "Promo run", "destination": "dag_run", "url_route": "promo-run"},
    {"name": "Promo strip", "destination": "dashboard", "url_route": "promo-strip"},
)
"""Where the pages appear. The name is both the label and the global variable under which the module sets its component;
Airflow keeps one ``url_route`` of each name, so none may be left out or stand twice."""
_log = logging.getLogger(__name__)


def fastapi_apps() -> list[dict[str, Any]]:
    """Return the application of routes for Airflow to mount; none if it cannot be made."""
    try:
        from promo_campaigns.ui.app import create_app  # noqa: PLC0415  (only an API server pays for the routes)

        return [{"app": create_app(), "url_prefix": URL_PREFIX, "name": "Promo campaigns"}]
    except Exception:  # noqa: BLE001  (whatever a newer Airflow has moved, its own pages must come up)
        _log.exception("The pages of promo_campaigns are left out: their routes do not fit this Airflow")
        return []


def react_apps() -> list[dict[str, Any]]:
    """Return the entries of Airflow's UI; none if the package was built without the modules of the pages."""
    if not (STATIC / _MODULE).is_file():
        return []
    base = f"{URL_PREFIX.removeprefix('/')}/static/{version()}"  # relative: Airflow may have a base path
    shown = {"bundle_url": f"{base}/{_MODULE}", "icon": f"{base}/icon.svg"}
    return [{**shown, **entry} for entry in _ENTRIES]
