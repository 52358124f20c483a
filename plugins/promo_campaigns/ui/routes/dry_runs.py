"""The dry run of a workflow, contact by contact: begun in the background, and paged by whichever server is asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Annotated, Any
from uuid import UUID

import anyio
from airflow.sdk.exceptions import AirflowNotFoundException
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from promo_campaigns.connections.lookup import airflow_connection
from promo_campaigns.definitions.names.check import Texts
from promo_campaigns.definitions.names.store_check import require_fields_read
from promo_campaigns.definitions.receiver_checks import check_receivers
from promo_campaigns.definitions.sample_answers import read_sample_answers
from promo_campaigns.delivery.receivers import Receivers
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.run_spec import RunSpec
from promo_campaigns.postgres.background_jobs import Job, begin_job, newest_job, read_job, work_off
from promo_campaigns.postgres.connection import Connection, connect
from promo_campaigns.preview.kept_dry_run import (
    DRY_RUN,
    count_contacts,
    job_terms,
    keep_dry_run,
    read_page,
    render_page,
)
from promo_campaigns.preview.rows import Row
from promo_campaigns.preview.start import AS_USUAL, as_start_would
from promo_campaigns.ui.campaign_files import CampaignFiles, campaign_files
from promo_campaigns.ui.page_errors import PageError
from promo_campaigns.ui.page_store import PageStore, StoreDep
from promo_campaigns.ui.rights import Caller, CallerDep

router = APIRouter()
_SUMMARY = ("contacts", "strangers", "states", "reasons", "warnings", "languages", "forecast")
_DEFAULT_LIMIT, _MOST = 50, 200


class Wanted(BaseModel):
    """What is dry run: the workflow, with another audience or message if they are named."""

    audience: str | None = Field(default=None, max_length=250)
    message: str | None = Field(default=None, max_length=250)


@router.post("/workflows/{dag_id}/dry-run", status_code=202)
async def begin(dag_id: str, wanted: Wanted, caller: CallerDep, store: StoreDep) -> dict[str, Any]:
    """Begin a dry run, and return the token that it is read by. Nothing is opened, given out or sent."""
    return await anyio.to_thread.run_sync(_begun, dag_id, wanted, caller, store)


@router.get("/workflows/{dag_id}/dry-run")
async def read_newest(dag_id: str, caller: CallerDep, store: StoreDep) -> dict[str, Any] | None:
    """Return the newest dry run of a workflow without its contacts; null if none is kept."""

    def read(connection: Connection) -> dict[str, Any] | None:
        caller.require_view_of(dag_id, f"workflow {dag_id}")
        job = newest_job(connection, DRY_RUN, dag_id)
        return _told(connection, job) if job else None

    return await store.read(read)


@router.get("/workflows/{dag_id}/dry-run/{token}")
async def read_one(  # noqa: PLR0913  (a page of a table, one keyword each)
    dag_id: str,
    token: UUID,
    *,
    caller: CallerDep,
    store: StoreDep,
    after: str = "",
    state: str = "",
    limit: Annotated[int, Query(ge=1, le=_MOST)] = _DEFAULT_LIMIT,
) -> dict[str, Any]:
    """Return a dry run as far as it is, and a page of its contacts, in the order of their ids."""

    def read(connection: Connection) -> dict[str, Any]:
        caller.require_view_of(dag_id, f"workflow {dag_id}")
        job = read_job(connection, DRY_RUN, token)
        if job is None or job.subject != dag_id:
            raise PageError(404, "there is no such dry run; one is kept for a day, and until another is made")
        try:
            page = read_page(connection, job, after=after, state=state, limit=limit)
        except ConfigurationError as error:
            raise PageError(400, str(error)) from None
        items = [_item(row) for row in render_page(connection, job, page.rows)]
        return {**_told(connection, job), "items": items, "next": page.following}

    return await store.read(read)


def _begun(dag_id: str, wanted: Wanted, caller: Caller, store: PageStore) -> dict[str, Any]:
    caller.require_view_of(dag_id, f"workflow {dag_id}")
    caller.require_act_on(dag_id)
    files, dsn = campaign_files(), store.address()
    spec = files.spec(dag_id, **wanted.model_dump())
    answers = read_sample_answers(files.folder.path, spec)
    with connect(dsn) as connection:
        job = begin_job(connection, DRY_RUN, dag_id, actor=caller.name, terms=job_terms(spec, answers))
        if job is None:
            other = newest_job(connection, DRY_RUN, dag_id)
            by = f", by {other.actor}" if other else ""
            raise PageError(409, f"a dry run of {dag_id} is under way{by}; look at that one, or wait for its end")
    work_off(dsn, job, lambda tell: _work(dsn, job, files, spec, tell))
    return {"token": job.token, "state": "running"}


def _work(dsn: str, job: Job, files: CampaignFiles, spec: RunSpec, tell: Callable[[int], None]) -> dict[str, Any]:
    workflow = files.outline(spec.workflow).workflow
    start = as_start_would(workflow, datetime.now(tz=timezone.utc)) if workflow else AS_USUAL
    report = keep_dry_run(dsn, job, spec, start, tell)
    found = _wrong(dsn, files, spec)
    return {**report, "refusals": [*report["refusals"], *found]}


def _wrong(dsn: str, files: CampaignFiles, spec: RunSpec) -> list[str]:
    """Return what Start would refuse beside what a dry run weighs: connections, and fields that the store lacks."""
    path = files.folder.path
    try:
        check_receivers(path, spec, Receivers("", airflow_connection), missing=(AirflowNotFoundException,))
        with connect(dsn) as connection:
            require_fields_read(connection, path, Texts.of(spec, event=None, shows_code=False))
    except ConfigurationError as error:
        return [str(error)]
    return []


def _told(connection: Connection, job: Job) -> dict[str, Any]:
    result = job.result or {}
    return {
        "token": job.token,
        "state": job.state,
        "by": job.actor,
        "begun_at": job.begun_at,
        "finished_at": job.finished_at,
        "contacts": count_contacts(connection, job)["contacts"],
        "error": job.problem,
        "summary": {name: result[name] for name in _SUMMARY} if job.result else None,
        "refusals": result.get("refusals", []),
        "notes": result.get("notes", []),
    }


def _item(row: Row) -> dict[str, Any]:
    told = row._asdict()
    return {**told, "code_masked": told.pop("code"), "warnings": [*filter(None, row.warnings.split("; "))]}
