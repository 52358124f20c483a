"""A campaign in rehearsal: who would get what, read from the store in one moment's view that nothing is written in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from psycopg.rows import tuple_row

from promo_campaigns.adapters.audiences import audience_query
from promo_campaigns.adapters.forecast import count_ahead, count_codes
from promo_campaigns.adapters.templates import compile_data_source, compile_message
from promo_campaigns.core.forecast import Forecast
from promo_campaigns.core.message_diff import DiffReport, MessageDiff
from promo_campaigns.core.models import Audience, Recipient
from promo_campaigns.core.placeholder import PLACEHOLDER
from promo_campaigns.core.preview import NO_CODE, Candidate, Previewer, PreviewReport
from promo_campaigns.core.reuse import Reuse
from promo_campaigns.sql import queries

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from promo_campaigns.adapters.postgres import Connection
    from promo_campaigns.adapters.table_files import WriteRows
    from promo_campaigns.core.models import Message, RunSpec

_SQL = queries("preview")
SAMPLES = 5
_PART = 2_000
_REASON, _HELD = 6, 8
_NEVER = datetime.max.replace(tzinfo=timezone.utc)


def write_preview(
    connection: Connection,
    spec: RunSpec,
    tables: Sequence[WriteRows],
    *,
    at: datetime | None = None,
    run_id: int | None = None,
) -> PreviewReport:
    """Write what a run of this definition would do to each contact, with bounded memory, and count it.

    Codes are shown by their masks, in the order they would be claimed if batches ran one after another; texts hold the
    placeholder. Nothing is consumed, and the ledger is not touched.

    :param at: when it is to be sent, if that is later than now
    :param run_id: the run of this definition, if it is open: its audience is whoever waits in it
    :raises DefinitionError: the audience's SELECT fails
    """
    report = PreviewReport(workflow=spec.workflow, message=spec.message.name, sha256=spec.sha256.hex())
    if run_id is not None:
        spec = replace(spec, audience=Audience(name=f"run {run_id}", sql=_SQL["waiting"].format(run_id=int(run_id))))
    previewer = _previewer(spec)
    with reading(connection):
        ahead, pool = count_ahead(connection, spec.codes, besides=run_id), count_codes(connection, spec.codes, at=at)
        with closing(_Cast(connection, spec, ahead=ahead, at=at)) as cast_of:
            for candidates in cast_of.parts():
                rows = previewer.rows(candidates)
                report.count(rows)
                for write in tables:
                    write(rows)
    report.forecast = Forecast(demand=cast_of.demand, ahead=ahead, stock=pool.stock, expiring=pool.expiring)
    return report


def write_diff(  # noqa: PLR0913  (what is compared, over whom, and where it goes)
    connection: Connection,
    spec: RunSpec,
    tables: Sequence[WriteRows],
    *,
    old: Message,
    new: Message,
    samples: int = SAMPLES,
) -> DiffReport:
    """Write which texts two versions of a message differ in, over those whom a run of this definition would reach.

    :param spec: whose audience and pool it is; its message says the channel
    :param samples: how many differences the report spells out
    :raises DefinitionError: the audience's SELECT fails
    """
    report = DiffReport(old=old.name, new=new.name)
    diff = MessageDiff(compile_message(old), compile_message(new), report, samples=samples)
    with reading(connection), closing(_Cast(connection, spec, ahead=0, at=None)) as cast_of:
        for candidates in cast_of.parts():
            rows = diff.rows([one.recipient for one in candidates if one.reason in {"", NO_CODE}])
            for write in tables:
                write(rows)
    return report


@contextmanager
def reading(connection: Connection) -> Iterator[None]:
    """Open a transaction that sees one moment and can write nothing."""
    with connection.transaction():
        connection.execute(_SQL["begin_reading"])
        yield


def audience_parts(
    connection: Connection, spec: RunSpec, *, at: datetime | None = None
) -> Generator[list[tuple[Any, ...]]]:
    """Return the audience in order, some thousands at a time, each row as the query ``audience`` says.

    :param at: when it is to be sent, if that is later than now
    """
    parameters = {
        "workflow": spec.workflow,
        "hold_out": spec.hold_out,
        "channel": spec.message.channel,
        "reuses": spec.reuse is Reuse.SAME,
        "at": at,
        **_pool(spec),
    }
    with (
        connection.cursor("audience", row_factory=tuple_row) as cursor,
        audience_query(spec.audience, _SQL["audience"]) as (query, whose),
    ):
        cursor.execute(query, {**parameters, **whose})
        while part := cursor.fetchmany(_PART):
            yield part


def recipient_of(row: tuple[Any, ...], spec: RunSpec, expires_at: datetime) -> Recipient:
    """Return a row of the audience as a template sees it, with the placeholder for a code."""
    contact_id, external_id, first_name, last_name, language, locator, _, fields, *_ = row
    return Recipient(
        contact_id=contact_id,
        generation=0,
        external_id=external_id,
        first_name=first_name,
        last_name=last_name,
        language=language,
        locator=locator,
        code=PLACEHOLDER,
        code_type=spec.codes.type,
        discount=spec.codes.discount,
        expires_at=expires_at,
        fields=fields,
    )


class _Cast:
    """The audience with the codes it would be given."""

    def __init__(self, connection: Connection, spec: RunSpec, *, ahead: int, at: datetime | None) -> None:
        self._spec = spec
        self._audience = audience_parts(connection, spec, at=at)
        self._codes = connection.cursor("codes", row_factory=tuple_row)
        self._codes.execute(_SQL["codes"], {**_pool(spec), "at": at, "ahead": ahead})
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self.demand = 0

    def close(self) -> None:
        """Stop reading."""
        self._thread.shutdown(cancel_futures=True)
        self._audience.close()
        self._codes.close()

    def parts(self) -> Iterator[list[Candidate]]:
        """Return the audience part by part, each read while the one before is worked on."""
        coming = self._thread.submit(self._next_part)
        while candidates := coming.result():
            coming = self._thread.submit(self._next_part)
            yield candidates

    def _next_part(self) -> list[Candidate]:
        rows = next(self._audience, [])
        wanted = sum(1 for row in rows if not row[_REASON] and row[_HELD] is None)
        self.demand += wanted
        codes = iter(self._codes.fetchmany(wanted) if wanted else [])
        return [self._candidate(row, codes) for row in rows]

    def _candidate(self, row: tuple[Any, ...], codes: Iterator[tuple[str, datetime]]) -> Candidate:
        reason: str = row[_REASON]
        held = None if row[_HELD] is None else (row[_HELD], row[_HELD + 1])
        code, expires_at = ("", _NEVER) if reason else held or next(codes, ("", _NEVER))
        recipient = recipient_of(row, self._spec, expires_at)
        return Candidate(recipient, reason or ("" if code else NO_CODE), code)


def _pool(spec: RunSpec) -> dict[str, Any]:
    return {"type": spec.codes.type, "discount": spec.codes.discount, "days": spec.codes.days}


def _previewer(spec: RunSpec) -> Previewer:
    requests = {source.name: compile_data_source(source, place) for place, source in enumerate(spec.data_sources)}
    return Previewer(compile_message(spec.message), requests)
