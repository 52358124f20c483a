"""Who got which code of a run, as a CSV file; the audit knows of it before the first row leaves."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from promo_campaigns.ledger.lookups.export import COLUMNS, exported_rows
from promo_campaigns.model.run_key import run_file_name
from promo_campaigns.postgres.connection import Connection
from promo_campaigns.tables.writers import csv_writer
from promo_campaigns.ui.page_store import StoreDep
from promo_campaigns.ui.rights import CallerDep, Right, needs
from promo_campaigns.ui.run_access import visible_run

router = APIRouter()


class Export(BaseModel):
    """What of a run is taken out."""

    reveal: bool = False
    reason: Annotated[str, Field(max_length=500)] = ""


@router.post("/runs/{run_id}/export", dependencies=[Depends(needs(Right.EXPORT))], response_class=StreamingResponse)
async def export(caller: CallerDep, store: StoreDep, run_id: int, wanted: Export) -> StreamingResponse:
    """Return who holds which code of a run as CSV, masked unless it is to be revealed."""
    run = await store.read(lambda connection: visible_run(connection, caller, run_id))

    def produce(connection: Connection) -> Iterator[bytes]:
        subject = f"run {run['run_key']}"
        text = io.StringIO(newline="")
        write = csv_writer(text, COLUMNS)
        rows_of = exported_rows(
            connection, [run_id], subject=subject, reveal=wanted.reveal, actor=caller.name, reason=wanted.reason
        )
        for rows in rows_of:
            write(rows)
            yield _taken(text)
        yield _taken(text)

    parts = store.stream(produce)
    first = await anext(parts)  # what goes wrong before the first row is an error, not a broken file
    headers = {"Content-Disposition": f'attachment; filename="{run_file_name(run["run_key"])}.csv"'}
    return StreamingResponse(_chained(first, parts), media_type="text/csv; charset=utf-8", headers=headers)


async def _chained(first: bytes, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in parts:
        yield part


def _taken(text: io.StringIO) -> bytes:
    """Return what was written so far, and forget it."""
    written = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return written
