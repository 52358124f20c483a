"""Codes: the stock and how long it lasts, the files it came from, what was rejected of them, and withdrawal."""

from __future__ import annotations

import io
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from promo_campaigns.code_files.load import withdraw_code_file
from promo_campaigns.code_files.stock import CodeFile, code_files, count_withdrawal, list_rejects, read_code_file
from promo_campaigns.code_files.stock_levels import LevelState, read_levels
from promo_campaigns.definitions.stock_level_file import read_stock_levels
from promo_campaigns.hooks.include import include_folder
from promo_campaigns.ledger.lookups.pools import read_burn, read_pools
from promo_campaigns.model.errors import DefinitionError
from promo_campaigns.model.load_report import Reject, group_rejects
from promo_campaigns.postgres.connection import Connection
from promo_campaigns.tables.writers import Column, csv_writer
from promo_campaigns.ui.effects import counted, effect
from promo_campaigns.ui.page_store import StoreDep
from promo_campaigns.ui.paging import AfterQuery, LimitQuery, page, page_of, read_after
from promo_campaigns.ui.rights import CallerDep, Right, needs
from promo_campaigns.ui.shared_reads import SharedDep

router = APIRouter(prefix="/codes")
_MAY_LOAD = [Depends(needs(Right.EXPORT))]
_NEWEST = 2**63 - 1
_STOCK_AGE_S = 5.0
_LEVELS = "stock_levels.yaml"


class Withdrawal(BaseModel):
    """Why a file is withdrawn, for the audit."""

    reason: Annotated[str, Field(max_length=500)] = ""


@router.get("/stock")
async def read_stock(shared: SharedDep) -> list[dict[str, Any]]:
    """Return each pool: free codes, what runs out soon, what open runs count on, and how long it lasts."""
    return await shared.get("stock", _stock, age_s=_STOCK_AGE_S)


@router.get("/burn")
async def list_burn(
    store: StoreDep,
    type: str,  # noqa: A002  (the name in the URL)
    discount: int,
    days: Annotated[int, Query(ge=1, le=366)] = 30,
) -> list[dict[str, Any]]:
    """Return how many codes of a pool were given in the runs of each day."""
    return await store.read(lambda connection: read_burn(connection, type, discount, days))


@router.get("/files")
async def list_files(store: StoreDep, after: AfterQuery = "", limit: LimitQuery = 50) -> dict[str, Any]:
    """Return a page of the files that were loaded, newest first."""
    before = read_after(after, _NEWEST)
    files = await store.read(lambda connection: code_files(connection, limit + 1, before=before))
    return page_of([_file(file) for file in files], [file.code_file_id for file in files], limit)


@router.get("/files/{code_file_id}/rejects")
async def list_rejected(
    store: StoreDep, code_file_id: int, after: AfterQuery = "", limit: LimitQuery = 50
) -> dict[str, Any]:
    """Return a page of the rows of a file that were not loaded, of those that are kept, and how many by reason."""
    begin = read_after(after, 0)

    def read(connection: Connection) -> tuple[CodeFile, list[Reject]]:
        return read_code_file(connection, code_file_id), list_rejects(connection, code_file_id)

    file, rejects = await store.read(read)
    part = [{"line": one.line, "column": one.column, "reason": one.reason} for one in rejects]
    reasons = {f"{one.column}: {one.reason}".removeprefix(": "): one.count for one in group_rejects(rejects)}
    more = begin + limit < len(part)
    return {
        "file": _file(file),
        "reasons": reasons,
        **page(part[begin : begin + limit], begin + limit if more else None),
    }


@router.get("/files/{code_file_id}/rejects.csv", response_class=Response)
async def download_rejected(store: StoreDep, code_file_id: int) -> Response:
    """Return the rows of a file that were not loaded, of those that are kept, as CSV."""
    rejects = await store.read(lambda connection: list_rejects(connection, code_file_id))
    text = io.StringIO(newline="")
    write = csv_writer(text, (Column("line", "number"), Column("column"), Column("reason")))
    if rejects:
        write([(one.line, one.column, one.reason) for one in rejects])
    headers = {"Content-Disposition": f'attachment; filename="rejected-rows-{code_file_id}.csv"'}
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/files/{code_file_id}/withdraw/effect", dependencies=_MAY_LOAD)
async def read_withdrawal_effect(store: StoreDep, code_file_id: int) -> dict[str, Any]:
    """Return what withdrawing a file would do."""
    row = await store.read(lambda connection: count_withdrawal(connection, code_file_id))
    sentence = (
        f"{counted(row['free'], 'free code')} of {row['name']} would leave the pool; {counted(row['issued'], 'code')} "
        "that contacts hold stay theirs, and never become free again"
    )
    return effect(sentence, withdrawn=row["free"], issued=row["issued"])


@router.post("/files/{code_file_id}/withdraw", dependencies=_MAY_LOAD)
async def withdraw(caller: CallerDep, store: StoreDep, code_file_id: int, why: Withdrawal) -> dict[str, Any]:
    """Take the codes of a file out of the pool."""

    def act(connection: Connection) -> dict[str, Any]:
        report = withdraw_code_file(connection, code_file_id, by=caller.name, reason=why.reason)
        return {"name": report.file, "withdrawn": report.withdrawn, "issued": report.issued_count}

    return await store.act(act)


def _file(file: CodeFile) -> dict[str, Any]:
    told = asdict(file)
    return {"rows": told.pop("row_count"), **told}


def _stock(connection: Connection) -> list[dict[str, Any]]:
    levels = _levels(connection)
    return [{**pool, "level": levels.get(pool["type"])} for pool in read_pools(connection)]


def _levels(connection: Connection) -> dict[str, dict[str, Any]]:
    """Return the level of each type that matters most now; none where this server cannot read the file of levels."""
    try:
        levels = read_stock_levels(include_folder(None) / _LEVELS)
    except DefinitionError:
        return {}
    by_type: dict[str, list[LevelState]] = {}
    for state in read_levels(connection, levels):
        by_type.setdefault(state.type, []).append(state)
    return {name: _told(states) for name, states in by_type.items()}


def _told(states: list[LevelState]) -> dict[str, Any]:
    """Return the lowest level that was reached, or else the next one that will be."""
    reached = [state for state in states if state.reached]
    one = min(reached, key=lambda state: state.amount) if reached else max(states, key=lambda state: state.amount)
    return {"level": one.level, "amount": one.amount, "reached": one.reached, "free": one.free}
