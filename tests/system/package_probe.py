"""Run by the interpreter of an environment under test: prints what its Airflow makes of the package, as JSON."""

from __future__ import annotations

import json
import sys
from importlib.metadata import entry_points
from pathlib import Path

from airflow import plugins_manager
from airflow.configuration import conf
from airflow.dag_processing.dagbag import DagBag
from airflow.providers_manager import ProvidersManager

import promo_campaigns
from promo_campaigns.delivery.transports.registry import GROUP, load_transport, transport_names


def main() -> None:
    """Print the findings."""
    plugins_manager.ensure_plugins_loaded()
    plugins_folder = conf.get("core", "plugins_folder")
    dags = DagBag(conf.get("core", "dags_folder"))
    providers = ProvidersManager()  # type: ignore[no-untyped-call]  # Airflow's class has no types here
    provider = providers.providers.get("airflow-provider-promo-campaigns")
    shadowed = [
        name
        for name, module in list(sys.modules.items())
        if name in sys.stdlib_module_names and (getattr(module, "__file__", None) or "").startswith(plugins_folder)
    ]
    loose = [
        name
        for name, module in list(sys.modules.items())
        if (getattr(module, "__file__", None) or "").startswith(
            (str(Path(promo_campaigns.__file__).parent), plugins_folder)
        )
        and not name.startswith("promo_campaigns")
    ]
    told = plugins_manager.get_plugin_info()
    found = {
        "package": str(Path(promo_campaigns.__file__).parent),
        "plugins": [each["name"] for each in told],
        "mounted": [app["url_prefix"] for each in told for app in each["fastapi_apps"]],
        "plugin_errors": plugins_manager.get_import_errors(),
        "provider": None if provider is None else provider.version,
        "dags": sorted(dags.dags),
        "dag_errors": dags.import_errors,
        "transports": {name: load_transport(name).__module__ for name in sorted({*transport_names()} - {"fcm"})},
        "transport_entry_points": sorted(entry.name for entry in entry_points(group=GROUP)),
        "shadowed": shadowed,
        "loose": loose,
    }
    sys.stdout.write(f"\nFOUND {json.dumps(found)}")


main()
