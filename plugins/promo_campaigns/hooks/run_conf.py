"""Refuses names that a DAG run was triggered with and that its DAG does not take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.configuration import conf

from promo_campaigns.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow.sdk import Context


def require_known_conf(context: Context) -> None:
    """Refuse a run that was triggered with a name which its DAG does not take.

    Airflow itself checks the values of the names that a DAG takes, and passes over any other name: a misspelt
    ``audience`` would leave the default audience, and a misspelt ``dry_run`` would really send.

    :raises ConfigurationError: a name is unknown, or Airflow is set to pass over all of them
    """
    given = dict(context["dag_run"].conf or {})
    if not given:
        return
    dag = context["dag"]
    known = [*dag.params, *(name for name in context["task"].params if name not in dag.params)]
    if unknown := [name for name in given if name not in known]:
        raise ConfigurationError(_unknown(dag.dag_id, unknown, known))
    if not conf.getboolean("core", "dag_run_conf_overrides_params"):
        msg = f"Airflow would pass over {', '.join(given)}: its option [core] dag_run_conf_overrides_params is off"
        raise ConfigurationError(msg)


def _unknown(dag_id: str, unknown: list[str], known: Collection[str]) -> str:
    from promo_campaigns.definitions.settings.setting_errors import nearest

    if not known:
        return f"{dag_id} takes no parameters, and this run was triggered with {', '.join(map(repr, unknown))}"
    each = "; ".join(f"{name!r}: {nearest(name, known)}" for name in unknown)
    return f"{dag_id} has no such parameters as this run was triggered with: {each}. Nothing was done; trigger it again"
