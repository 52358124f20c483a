"""A dry run that is kept in the store, contact by contact, so that every server can turn its pages.

What is kept holds no text of a profile: ids, states, reasons and masked codes. The texts of a page are rendered when it
is asked for, by the definition that the dry run was made with.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from psycopg.types.json import Jsonb

from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
from promo_campaigns.model.errors import ConfigurationError
from promo_campaigns.model.limits import NO_LIMITS, limit_parameters
from promo_campaigns.model.redaction import redacted
from promo_campaigns.model.run_spec import Audience, RunSpec
from promo_campaigns.postgres.connection import connect
from promo_campaigns.postgres.snapshot import reading
from promo_campaigns.postgres.sql import queries
from promo_campaigns.preview.dry_run import audience_parts, make_recipient, write_preview
from promo_campaigns.preview.rows import REJECTED, SEND, SKIPPED, Candidate, Previewer, Row
from promo_campaigns.preview.shown_message import list_hidden_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from promo_campaigns.delivery.opening.start import StartRequest
    from promo_campaigns.postgres.background_jobs import Job
    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.tables.writers import Rows

DRY_RUN = "dry run"
"""The kind of job."""
STATES = {SEND: "read_parts_to_send", SKIPPED: "read_parts_skipped", REJECTED: "read_parts_rejected"}
"""What a page can be narrowed to, and the query that finds its parts."""
_SQL = queries(__name__)
_PARTS_AT_ONCE, _MOST_PARTS = 4, 100
_NEVER = datetime.max.replace(tzinfo=timezone.utc)
_TEXTS = ("title", "body", "html", "request_path", "request_body")


class KeptRow(NamedTuple):
    """A contact of a dry run, as it is kept.

    :ivar code_type: of the code that it would get; empty in one that was kept before this was, as ``discount`` is None
    """

    contact_id: int
    state: str
    reason: str
    code: str
    expires_at: str | None
    warnings: str
    code_type: str = ""
    discount: int | None = None


class Page(NamedTuple):
    """Some contacts of a dry run.

    :ivar following: asks for the next ones; None behind the last
    """

    rows: list[KeptRow]
    following: str | None


def job_terms(spec: RunSpec, answers: Mapping[str, object]) -> dict[str, Any]:
    """Return what a dry run is made with, as it is kept: the definition without its audience, examples of answers."""
    nobody = replace(spec, audience=Audience(name=spec.audience.name))
    return {"spec": nobody.as_dict(), "answers": dict(answers)}


def keep_dry_run(
    dsn: str,
    job: Job,
    spec: RunSpec,
    start: StartRequest,
    tell: Callable[[int], None],
) -> dict[str, Any]:
    """Make a dry run, keep it part by part, and return its report as plain values.

    :param job: whose dry run it is
    :param start: how Start is to open the run
    :param tell: called with the number of contacts that are done
    :raises DefinitionError: the audience's SELECT fails
    """
    with connect(dsn) as source, connect(dsn) as store:
        keeper = _Keeper(store, job.background_job_id, tell)
        answers = job.terms["answers"]
        report = write_preview(source, CompiledCampaign(spec), [keeper.keep], answers=answers, start=start)
    told = report.as_dict()
    return {name: value for name, value in told.items() if name not in {"files", "sha256"}}


class _Keeper:
    """Keeps the rows of a dry run as they come."""

    def __init__(self, store: Connection, job_id: int, tell: Callable[[int], None]) -> None:
        self._store, self._job_id, self._tell = store, job_id, tell
        self._part, self._done = 0, 0

    def keep(self, rows: Rows) -> None:
        """Keep the next rows."""
        kept = [_kept(Row(*row)) for row in rows]
        states = Counter(row.state for row in kept)
        counts = {name: states[name] for name in (SEND, SKIPPED, REJECTED)}
        self._store.execute(
            _SQL["keep_part"],
            {"job_id": self._job_id, "part": self._part, "contacts": Jsonb([list(row) for row in kept]), **counts},
        )
        self._part += 1
        self._done += len(kept)
        self._tell(self._done)


def _kept(row: Row) -> KeptRow:
    expires_at = row.expires_at.isoformat() if row.expires_at else None
    code = (row.code, expires_at, row.warnings, row.code_type, row.discount)
    return KeptRow(row.contact_id, row.state, row.reason, *code)


def count_contacts(connection: Connection, job: Job) -> dict[str, int]:
    """Return how many contacts a dry run has looked at so far, in all and by state."""
    return dict(connection.execute(_SQL["count_parts"], {"job_id": job.background_job_id}).fetchall()[0])


def read_page(connection: Connection, job: Job, *, after: str = "", state: str = "", limit: int = 50) -> Page:
    """Return the next contacts of a dry run, in the order of their ids.

    A page may hold fewer than ``limit``: where those of a state are rare, so many parts are looked through and no more.

    :param after: what the page before says
    :param state: one of ``STATES``; empty for all
    :raises ConfigurationError: there is no such place or state
    """
    if state and state not in STATES:
        msg = f"there is no state {state!r}; there are {', '.join(STATES)}"
        raise ConfigurationError(msg)
    part, place = _place(after)
    found: list[KeptRow] = []
    for number, rows in _parts(connection, job, STATES.get(state, "read_parts"), part):
        for at, row in enumerate(rows):
            if (number, at) < (part, place) or (state and row.state != state):
                continue
            if len(found) == limit:
                return Page(found, f"{number}:{at}")
            found.append(row)
        last = number
        if number - part >= _MOST_PARTS:
            return Page(found, f"{last + 1}:0")
    return Page(found, None)


def _parts(connection: Connection, job: Job, query: str, part: int) -> Iterator[tuple[int, list[KeptRow]]]:
    asked = {"job_id": job.background_job_id, "limit": _PARTS_AT_ONCE}
    while rows := connection.execute(_SQL[query], {**asked, "part": part}).fetchall():
        yield from ((row["part"], [KeptRow(*one) for one in row["contacts"]]) for row in rows)
        part = rows[-1]["part"] + 1


def _place(after: str) -> tuple[int, int]:
    part, _, place = after.partition(":")
    try:
        return (int(part), int(place)) if after else (0, 0)
    except ValueError:
        msg = "this is no place in a dry run: ask with what the page before says"
        raise ConfigurationError(msg) from None


def render_page(connection: Connection, job: Job, rows: Sequence[KeptRow], *, reveal: bool = False) -> list[Row]:
    """Return contacts of a dry run with the texts that they would get by what their profiles say now.

    :param reveal: addresses are shown; codes never are
    """
    if not rows:
        return []
    spec = RunSpec.from_dict(job.terms["spec"])
    wanted = replace(spec, audience=Audience(name="page", contact_ids=tuple(row.contact_id for row in rows)))
    kept = {row.contact_id: row for row in rows}
    with reading(connection), closing(audience_parts(connection, wanted, limits=limit_parameters(NO_LIMITS))) as parts:
        found = [row for part in parts for row in part]
    candidates = [_candidate(row, kept[row[0]], spec, job.terms["answers"]) for row in found]
    rendered = {row.contact_id: row for row in Previewer(CompiledCampaign(wanted)).rows(candidates)}
    masks = list_hidden_values(connection, list(rendered), reveal=reveal)
    channel = spec.message.channel
    return [_shown(row, rendered.get(row.contact_id), masks.get(row.contact_id, {}), channel) for row in rows]


def _candidate(row: tuple[Any, ...], kept: KeptRow, spec: RunSpec, answers: Mapping[str, object]) -> Candidate:
    expires_at = datetime.fromisoformat(kept.expires_at) if kept.expires_at else _NEVER
    reason = kept.reason if kept.state == SKIPPED else ""
    recipient = make_recipient(row, spec, expires_at, answers)
    if kept.discount is not None:
        recipient = replace(recipient, code_type=kept.code_type, discount=kept.discount)
    return Candidate(recipient, reason)


def _shown(kept: KeptRow, now: Row | None, masks: Mapping[str, str], channel: str) -> Row:
    """Return a contact as it was found, with its texts of now; with none where it is gone or would be sent nothing."""
    expires_at = datetime.fromisoformat(kept.expires_at) if kept.expires_at else None
    told = Row(
        contact_id=kept.contact_id,
        state=kept.state,
        reason=kept.reason,
        channel=channel,
        code=kept.code,
        code_type=kept.code_type,
        discount=kept.discount,
        expires_at=expires_at,
        warnings=kept.warnings,
    )
    if now is None or kept.state != SEND:
        return told
    texts: dict[str, Any] = {name: redacted(getattr(now, name), [], masks) for name in _TEXTS}
    return told._replace(**texts)
