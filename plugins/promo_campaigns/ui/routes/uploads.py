"""Code files that a browser brings: streamed into the inbox, from which the DAG ``load_promo_codes`` loads them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import anyio
from airflow.configuration import conf
from airflow.models.variable import Variable
from fastapi import APIRouter, Depends, Query
from starlette.requests import ClientDisconnect, Request

from promo_campaigns.hooks.inbox_uploads import InboxUpload, upload_name, upload_state
from promo_campaigns.postgres.audit import audited
from promo_campaigns.postgres.connection import Connection
from promo_campaigns.ui.dag_runs import is_paused
from promo_campaigns.ui.page_errors import PageError
from promo_campaigns.ui.page_store import StoreDep
from promo_campaigns.ui.rights import CallerDep, Right, needs

router = APIRouter(prefix="/codes/uploads")
LOADER = "load_promo_codes"
_PIECE_BYTES = 1_000_000
_MEGABYTE = 1_000_000
_LIMIT_MB = 200
_MOST_NAMES = 50
_SHOWN = ("rows", "inserted", "updated", "unchanged", "rejected_count", "rejected_by_reason", "types", "already_loaded")


@router.put("", status_code=201, dependencies=[Depends(needs(Right.EXPORT))])
async def upload(
    caller: CallerDep,
    store: StoreDep,
    request: Request,
    name: Annotated[str, Query(max_length=255, description="The file's name")],
) -> dict[str, Any]:
    """Take a code file as the raw body; it is in the inbox once it is whole, and nothing is left of one that is not."""
    most = conf.getint("promo_campaigns", "upload_limit_mb", fallback=_LIMIT_MB) * _MEGABYTE
    size = request.headers.get("content-length", "")
    if size.isdecimal() and int(size) > most:
        raise _too_large(most)
    wanted = upload_name(name)
    received = await anyio.to_thread.run_sync(lambda: InboxUpload(inbox(), wanted))
    try:
        await _receive(request, received, most)

        def act(connection: Connection) -> None:
            with audited(connection, "upload", f"code file {wanted}", actor=caller.name) as entry:
                received.finish()
                entry.rows = 1

        await store.act(act)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(received.discard)
    loader = {"dag_id": LOADER, "paused": await anyio.to_thread.run_sync(is_paused, LOADER)}
    return {"name": wanted, "bytes": received.size, "sha256": received.sha256, "loader": loader}


@router.get("")
async def list_states(
    names: Annotated[list[str], Query(min_length=1, max_length=_MOST_NAMES, description="One for each file")],
) -> list[dict[str, Any]]:
    """Return what became of uploaded files."""
    return await anyio.to_thread.run_sync(lambda: [_state(name) for name in names])


def inbox() -> str:
    """Return where code files arrive: as the DAG ``load_promo_codes`` finds it."""
    beside = Path(conf.get_mandatory_value("core", "dags_folder")).resolve().parent / "code_inbox"
    return str(Variable.get("promo_code_inbox", default_var=str(beside)))


async def _receive(request: Request, received: InboxUpload, most: int) -> None:
    """Write the body piece by piece, in threads: the event loop serves Airflow's own pages meanwhile."""
    waiting = bytearray()
    threads = anyio.CapacityLimiter(1)
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                raise _too_large(most)
            waiting += chunk
            if len(waiting) >= _PIECE_BYTES:
                await anyio.to_thread.run_sync(received.write, bytes(waiting), limiter=threads)
                waiting.clear()
    except ClientDisconnect:
        raise PageError(400, "the browser left before the file was whole; nothing of it was kept") from None
    await anyio.to_thread.run_sync(received.write, bytes(waiting), limiter=threads)
    if not size:
        raise PageError(400, "the file is empty")


def _too_large(most: int) -> PageError:
    return PageError(
        413,
        f"the file is larger than {most // _MEGABYTE:,} MB; pack it with gzip or cut it, or raise upload_limit_mb in "
        "the section promo_campaigns of Airflow's configuration",
    )


def _state(name: str) -> dict[str, Any]:
    told = upload_state(inbox(), name)
    report = told["report"] or {}
    return {
        "name": name,
        "state": told["state"],
        "code_file_id": report.get("code_file_id"),
        "sha256": report.get("sha256"),
        "report": {key: report[key] for key in _SHOWN if key in report} or None,
        "error": report.get("error"),
    }
