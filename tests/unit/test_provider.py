"""What Airflow reads about the package."""

from __future__ import annotations

import json
from importlib.metadata import entry_points
from pathlib import Path

import airflow
import jsonschema

from promo_campaigns import __version__
from promo_campaigns.provider_info import get_provider_info


def test_the_provider_s_description_fits_airflow_s_schema() -> None:
    schema = json.loads((Path(airflow.__path__[0]) / "provider_info.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(get_provider_info(), schema)
    assert get_provider_info()["versions"] == [__version__]


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
