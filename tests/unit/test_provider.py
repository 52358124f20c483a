"""What Airflow reads about the package."""

from __future__ import annotations

import inspect
import json
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import walk_packages

import airflow
import jsonschema
import yaml
from airflow.sdk import BaseHook, BaseNotifier, BaseOperatorLink

from promo_campaigns import __version__
from promo_campaigns.provider_info import get_provider_info
from provider_page import ROOT, registry_file

PLUGINS = ROOT / "plugins" / "promo_campaigns"


def test_the_provider_s_description_fits_airflow_s_schema() -> None:
    schema = json.loads((Path(airflow.__path__[0]) / "provider_info.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(get_provider_info(), schema)
    assert get_provider_info()["versions"] == [__version__]


def test_the_registry_s_file_says_what_airflow_is_told_and_fits_its_schema() -> None:
    """Renew it with: PYTHONPATH=plugins:tests python -m provider_page."""
    file = yaml.safe_load((ROOT / "provider.yaml").read_text(encoding="utf-8"))
    assert file == registry_file()
    schema = json.loads((Path(airflow.__path__[0]) / "provider.yaml.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(file, schema)


def test_airflow_is_told_of_every_block_notifier_and_link() -> None:
    info = get_provider_info()
    for kind, room in (("operators", "operators"), ("sensors", "sensors"), ("triggers", "triggers")):
        (said,) = info[kind]
        modules = {
            module.name
            for module in walk_packages([str(PLUGINS / room)], f"promo_campaigns.{room}.")
            if not module.ispkg and ".base." not in module.name and not module.name.endswith(".assets")
        }
        assert modules == set(said["python-modules"])
    (hooks,) = info["hooks"]
    for module in hooks["python-modules"]:
        assert any(issubclass(one, BaseHook) for one in _classes(module))
    named = [*info["notifications"], *info["extra-links"]]
    found = [getattr(import_module(name.rpartition(".")[0]), name.rpartition(".")[2]) for name in named]
    assert all(issubclass(one, BaseNotifier | BaseOperatorLink) for one in found)
    homes = ("notifications.alerts", "notifications.run_report", "hooks.page_links", "operators.base.run_page")
    ours = {f"{one.__module__}.{one.__name__}" for home in homes for one in _classes(f"promo_campaigns.{home}")}
    bases = {"alerts.AlertNotifier", "page_links.PageLink"}
    assert {name for name in ours if ".".join(name.split(".")[-2:]) not in bases} == set(named)


def _classes(module: str) -> list[type]:
    members = inspect.getmembers(import_module(module), inspect.isclass)
    return [member for _, member in members if member.__module__ == module]


def test_the_entry_points_lead_to_what_they_name() -> None:
    ours = "promo_campaigns.provider_info:get_provider_info"
    (provider,) = (entry for entry in entry_points(group="apache_airflow_provider") if entry.value == ours)
    (plugin,) = entry_points(group="airflow.plugins", name="promo_campaigns")
    assert provider.load() is get_provider_info
    assert plugin.load().name == "promo_campaigns"


def test_airflow_s_connection_form_has_a_field_for_each_extra() -> None:
    from airflow.providers_manager import ProvidersManager
    from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

    from promo_campaigns.connections.settings import LIMITS
    from promo_campaigns.http.endpoint import EXTRAS

    manager = ProvidersManager()  # type: ignore[no-untyped-call]  # Airflow's classes have no types
    form = {
        name.removeprefix("extra__promo_http__") for name in manager.connection_form_widgets if "promo_http" in name
    }
    assert form == {*EXTRAS, *LIMITS}
    hook = ProvidersManagerTaskRuntime().hooks["promo_http"]  # type: ignore[no-untyped-call]
    assert hook is not None
    assert (hook.hook_class_name, hook.connection_id_attribute_name) == (
        "promo_campaigns.hooks.data_source.DataSourceHook",
        "data_source_conn_id",
    )
