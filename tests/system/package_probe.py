"""Run by the interpreter of an environment under test: prints what its Airflow makes of the package, as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from airflow import plugins_manager
from airflow.configuration import conf
from airflow.dag_processing.dagbag import DagBag
from airflow.providers_manager import ProvidersManager

import promo_campaigns


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
    found = {
        "package": str(Path(promo_campaigns.__file__).parent),
        "plugins": [each["name"] for each in plugins_manager.get_plugin_info()],
        "plugin_errors": plugins_manager.get_import_errors(),
        "provider": None if provider is None else provider.version,
        "dags": sorted(dags.dags),
        "dag_errors": dags.import_errors,
        "shadowed": shadowed,
        "loose": loose,
    }
    sys.stdout.write(f"\nFOUND {json.dumps(found)}")


main()
