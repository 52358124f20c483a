"""What the trigger form of a DAG written by hand offers."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from airflow.sdk import get_parsing_context

from promo_campaigns.hooks.include import include_folder
from promo_campaigns.model.errors import DefinitionError


def offered_values(message: str, audience: str, *, include: str | None = None) -> dict[str, dict[str, Any]]:
    """Return what the trigger form of a DAG by hand offers, as keywords of ``Param`` for type, message and audience.

    Messages are those with the same data sources as the DAG's own. Nothing is offered while a task is run, nor where
    the include folder lacks what the DAG has by default, so that the DAG is there all the same.

    :param message: the name of the DAG's own message
    :param audience: the name of its audience by default
    :param include: the include folder; by default option ``[promo_campaigns] include_folder``, else beside the DAGs
    """
    nothing: dict[str, dict[str, Any]] = {"type": {}, "message": {}, "audience": {}}
    if get_parsing_context().dag_id is not None:
        return nothing
    from promo_campaigns.definitions.workflow_files import IncludeFolder  # noqa: PLC0415  (no task needs to load it)
    from promo_campaigns.workflows.trigger_form import offers  # noqa: PLC0415  (nor this)

    files = IncludeFolder(include_folder(include))
    with suppress(DefinitionError):
        return nothing | (offers(message, files) if audience in files.audiences else {})
    return nothing
