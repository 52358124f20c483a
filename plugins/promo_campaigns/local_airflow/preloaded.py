"""Runs a component of Airflow that forks, once everything is loaded that each fork would load anew.

    python -m promo_campaigns.local_airflow.preloaded scheduler

A scheduler forks a process for each task, a Celery worker does too, and a DAG processor forks one for each reading of a
file. More than half of what these take is to load Airflow's task runner, the blocks and the drivers. Code that changes
is read after a restart.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from runpy import run_module

NEEDED = (
    "airflow.dag_processing.dagbag",
    "airflow.dag_processing.processor",
    "airflow.sdk.definitions.asset.metadata",
    "airflow.sdk.definitions.connection",
    "airflow.sdk.definitions.decorators.setup_teardown",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "babel.dates",
    "babel.numbers",
    "jinja2.ext",
    "promo_campaigns.contacts.store",
    "promo_campaigns.definitions.names.check",
    "promo_campaigns.definitions.receiver_checks",
    "promo_campaigns.delivery.compiled_campaign",
    "promo_campaigns.delivery.opening.start",
    "promo_campaigns.delivery.receivers",
    "promo_campaigns.delivery.service",
    "promo_campaigns.operators.data_source",
    "promo_campaigns.operators.end",
    "promo_campaigns.operators.events",
    "promo_campaigns.operators.message",
    "promo_campaigns.operators.promo_code",
    "promo_campaigns.workflows",
)
"""Modules that tasks and DAG files load, those of Airflow as version 3.3 has them."""


def main() -> None:
    """Load the modules, and be ``airflow`` with the same arguments."""
    import_module("airflow")  # it configures itself before a part of it is loaded
    for name in NEEDED:
        with suppress(ImportError):  # another version may have it elsewhere; then the forks load it, as they always do
            import_module(name)
    run_module("airflow", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
