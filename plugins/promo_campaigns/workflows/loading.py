"""The workflows that are written in YAML."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from airflow.sdk import get_parsing_context

from promo_campaigns.definitions.workflow_files import IncludeFolder, read_workflow
from promo_campaigns.hooks.include import include_folder
from promo_campaigns.workflows.broken import BrokenWorkflow
from promo_campaigns.workflows.promo_workflow import PromoWorkflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from promo_campaigns.definitions.workflow import Workflow


def load_workflows(include: str | None = None, *, kind: type[PromoWorkflow] = PromoWorkflow) -> list[PromoWorkflow]:
    """Build a DAG from each file of ``include/workflows``.

    A broken file is an import error of Airflow's under its own name, and the others are built. Where Airflow parses
    to run a task, that task's workflow is all that is read.

    :param include: the include folder; by default option ``[promo_campaigns] include_folder``, else beside the DAGs
    :param kind: the class to build each from
    :raises DefinitionError: the workflow whose task is to be run is broken
    """
    files = IncludeFolder(include_folder(include))
    wanted = get_parsing_context().dag_id
    build = partial(kind, include=files)
    if wanted is not None:
        return [read_workflow(files, wanted, build)] if wanted in files.workflow_ids else []
    return list(_built(files, build))


def _built(files: IncludeFolder, build: Callable[[Workflow], PromoWorkflow]) -> Iterator[PromoWorkflow]:
    for workflow_id in files.workflow_ids:
        try:
            yield read_workflow(files, workflow_id, build)
        except Exception as error:  # noqa: BLE001, PERF203  (whatever is wrong with one file, it takes down no other)
            BrokenWorkflow.of(files.path / "workflows" / f"{workflow_id}.yaml", error)
