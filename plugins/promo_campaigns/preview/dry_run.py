"""The dry run: who would get what, read from one snapshot of the store, with nothing written."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from psycopg.rows import tuple_row

from promo_campaigns.code_files.starts import start_codes
from promo_campaigns.contacts.audience_values import known_values, parse_values
from promo_campaigns.contacts.audiences import audience_query
from promo_campaigns.definitions.sample_answers import notes_on_answers
from promo_campaigns.delivery.pictures import shows_pictures
from promo_campaigns.delivery.templates import compile_message
from promo_campaigns.ledger.chains.forecast import pool_arrays
from promo_campaigns.ledger.fallback import end_of
from promo_campaigns.ledger.matching.contacts import match_arrays
from promo_campaigns.ledger.stock_forecast import weigh
from promo_campaigns.model.audience.columns import example_values
from promo_campaigns.model.limits import NO_LIMITS, limit_parameters
from promo_campaigns.model.links.unsubscribing import UnsubscribeLinks
from promo_campaigns.model.masking import PLACEHOLDER
from promo_campaigns.model.picture_link import PictureLinks
from promo_campaigns.model.run import Recipient
from promo_campaigns.model.run_spec import Audience
from promo_campaigns.postgres.arrays import bigint_array, text_array
from promo_campaigns.postgres.snapshot import reading
from promo_campaigns.postgres.sql import queries
from promo_campaigns.preview.examples import Examples
from promo_campaigns.preview.message_diff import DiffReport, MessageDiff
from promo_campaigns.preview.pool_codes import PoolCode, PoolCodes
from promo_campaigns.preview.quiet_hours import PreviewHours
from promo_campaigns.preview.rows import NO_CODE, Candidate, Previewer, PreviewReport
from promo_campaigns.preview.start import AS_USUAL, weigh_start

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from promo_campaigns.delivery.compiled_campaign import CompiledCampaign
    from promo_campaigns.delivery.opening.start import StartRequest
    from promo_campaigns.model.forecast import Forecast
    from promo_campaigns.model.run_spec import Message, RunSpec
    from promo_campaigns.postgres.connection import Connection
    from promo_campaigns.tables.writers import WriteRows

_SQL = queries(__name__)
SAMPLES = 5
_PART = 2_000
_NO_CODE = PoolCode("", datetime.max.replace(tzinfo=timezone.utc), "UTC", 0)
REASON = 6
_ZONE, _HELD, _TOLD, _PLACE, _HAS = 8, 9, 12, 13, 14
FALLBACK = "the fallback code"
"""The warning of a contact for whom the pool has no code."""
_WANTING = {"", "capped"}
"""Contacts that Start counts as needing a code."""


def write_preview(  # noqa: PLR0913  (what is previewed and for when, one keyword each)
    connection: Connection,
    campaign: CompiledCampaign,
    tables: Sequence[WriteRows],
    *,
    at: datetime | None = None,
    run_id: int | None = None,
    answers: Mapping[str, object] | None = None,
    start: StartRequest = AS_USUAL,
) -> PreviewReport:
    """Write what a run of this definition would do to each contact, with bounded memory, and count it.

    Codes are shown by their masks, in the order they would be claimed if batches ran one after another; texts hold the
    placeholder. No code is used, and the ledger is not touched.

    :param at: when it is to be sent, if that is later than now
    :param run_id: the open run of this definition, if there is one: its audience are the contacts that wait in it
    :param answers: examples of what data sources answer before the message, by their names
    :param start: how Start is to open the run
    :raises DefinitionError: the audience's SELECT fails
    """
    spec = campaign.spec
    report = PreviewReport(workflow=spec.workflow, message=spec.message.name, sha256=spec.sha256.hex())
    report.notes = notes_on_answers(spec, dict(answers or {}))
    if run_id is not None:
        waiting, columns = _SQL["waiting"].format(run_id=int(run_id)), spec.audience.columns
        spec = replace(spec, audience=Audience(name=f"run {run_id}", sql=waiting, columns=columns))
    previewer = Previewer(campaign)
    examples = Examples(previewer.file_of if previewer.has_variants else None)
    start_codes(connection)
    with reading(connection):
        forecast = weigh(connection, spec.codes, run_id=run_id, at=at)
        hours = PreviewHours(connection, campaign.limits, at=at, send_by=start.send_by)
        when: dict[str, Any] = {"at": at, "run_id": run_id, "forecast": forecast}
        audience = _AudienceReader(connection, spec, hours, limits=campaign.limits, answers=answers, **when)
        with closing(audience) as reader:
            for candidates in reader.parts():
                rows = previewer.rows(candidates)
                report.count(rows)
                examples.look_at(candidates, rows)
                for write in tables:
                    write(rows)
        report.languages = dict(previewer.languages)
        report.forecast = replace(forecast, demand=0 if hours.too_late else reader.wanted.total())
        if spec.codes.match:
            wanted = {} if hours.too_late else reader.wanted
            report.forecast = weigh(connection, spec.codes, run_id=run_id, at=at, wanted=wanted)
        weigh_start(connection, campaign.spec, report, start, run_id=run_id)
    report.examples = examples.kept
    return report


def write_diff(  # noqa: PLR0913  (what is compared, over whom, and where it goes)
    connection: Connection,
    spec: RunSpec,
    tables: Sequence[WriteRows],
    *,
    old: Message,
    new: Message,
    samples: int = SAMPLES,
    answers: Mapping[str, object] | None = None,
) -> DiffReport:
    """Write the texts in which two versions of a message differ, for the contacts a run of this definition would reach.

    :param spec: gives the audience, the pool and the channel
    :param samples: how many differences the report spells out
    :param answers: examples of what data sources answer before the message, by their names
    :raises DefinitionError: the audience's SELECT fails
    """
    report = DiffReport(old=old.name, new=new.name)
    shown = any(shows_pictures(replace(spec, message=version)) for version in (old, new))
    pictures = PictureLinks(url=spec.pictures_url) if shown else None
    url = spec.unsubscribe_url
    links = UnsubscribeLinks(url=url, channel=spec.message.channel) if url else None
    diff = MessageDiff(
        compile_message(old), compile_message(new), report, samples=samples, pictures=pictures, unsubscribing=links
    )
    limits = limit_parameters(NO_LIMITS)
    with reading(connection):
        hours = PreviewHours(connection, limits, at=None, send_by=None)
        with closing(_AudienceReader(connection, spec, hours, limits=limits, answers=answers)) as reader:
            for candidates in reader.parts():
                rows = diff.rows([one.recipient for one in candidates if one.reason in {"", NO_CODE}])
                for write in tables:
                    write(rows)
    return report


def audience_parts(
    connection: Connection,
    spec: RunSpec,
    *,
    limits: Mapping[str, Any],
    at: datetime | None = None,
    run_id: int | None = None,
) -> Generator[list[tuple[Any, ...]]]:
    """Return the audience in order, in parts of some thousands.

    Each row has the columns of the query ``audience``; the reason why a contact is not reached is at ``REASON``.

    :param limits: quiet hours and cap, as a compiled campaign has them
    :param at: when it is to be sent, if that is later than now
    :param run_id: the open run, if there is one: its own messages do not count for the cap
    """
    parameters = {
        "workflow": spec.workflow,
        "hold_out": spec.hold_out,
        "channel": spec.message.channel,
        "reuses": spec.reuse.gives_again,
        "at": at,
        "run_id": run_id,
        **pool_arrays(spec.codes.pools),
        **match_arrays(spec.codes),
        "days": spec.codes.days,
        **limits,
    }
    with (
        connection.cursor("audience", row_factory=tuple_row) as cursor,
        audience_query(spec.audience, _SQL["audience"]) as (query, whose),
    ):
        cursor.execute(query, {**parameters, **whose})
        while part := cursor.fetchmany(_PART):
            yield part


def make_recipient(  # noqa: PLR0913  (what a row lacks, one keyword each)
    row: tuple[Any, ...],
    spec: RunSpec,
    expires_at: datetime,
    answers: Mapping[str, object] | None = None,
    *,
    pool_zone: str = "UTC",
    told: Mapping[str, Sequence[str]] | None = None,
    place: int | None = None,
) -> Recipient:
    """Return a row of the audience as a template sees it, with the placeholder for a code.

    :param place: the place in the chain of the pool whose code it gets; by default of the code that it holds, else 0
    :param told: the values of the audience's columns; by default their examples
    """
    if told is None and spec.audience.columns:
        told = example_values(spec.audience.columns)
    contact_id, external_id, first_name, last_name, language, locator, _, fields, time_zone, *_ = row
    pool = spec.codes.pools[place if place is not None else (row[_PLACE] or 0)]
    return Recipient(
        contact_id=contact_id,
        resend_counter=0,
        external_id=external_id,
        first_name=first_name,
        last_name=last_name,
        language=language,
        locator=locator,
        code=PLACEHOLDER,
        code_type=pool.type,
        discount=pool.discount,
        expires_at=expires_at,
        fields=fields,
        time_zone=time_zone,
        pool_zone=pool_zone,
        answers=dict(answers) if answers else None,
        audience=told,
    )


class _AudienceReader:
    """The preview audience, with the codes it would be given."""

    def __init__(  # noqa: PLR0913  (what it is read for, one keyword each)
        self,
        connection: Connection,
        spec: RunSpec,
        hours: PreviewHours,
        *,
        limits: Mapping[str, Any],
        forecast: Forecast | None = None,
        at: datetime | None = None,
        run_id: int | None = None,
        answers: Mapping[str, object] | None = None,
    ) -> None:
        self._spec = spec
        self._hours = hours
        self._answers = answers
        self._told = known_values(connection, spec.audience)
        self._has_columns = bool(spec.audience.columns)
        self._audience = audience_parts(connection, spec, limits=limits, at=at, run_id=run_id)
        self._spare, self._spare_spec = _NO_CODE, spec
        if spec.fallback is not None:
            self._spare = PoolCode(spec.fallback.code, end_of(spec.fallback), spec.fallback.time_zone, 0)
            shared = replace(spec.codes, type=spec.fallback.type, discount=spec.fallback.discount, next_pools=())
            self._spare_spec = replace(spec, codes=shared)
        self._codes = PoolCodes(connection, spec.codes, forecast=forecast, at=at, run_id=run_id)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._connection = connection
        self._is_told = bool(self._told) and any(one.source.startswith("audience.") for one in spec.codes.match)
        self.wanted: Counter[str] = Counter()
        """How many contacts want a code, by what they have that codes must match."""

    def close(self) -> None:
        """Stop reading."""
        self._thread.shutdown(cancel_futures=True)
        self._audience.close()
        self._codes.close()

    def parts(self) -> Iterator[list[Candidate]]:
        """Return the audience part by part; the next part is read while the caller works on one."""
        coming = self._thread.submit(self._next_part)
        while candidates := coming.result():
            coming = self._thread.submit(self._next_part)
            yield candidates

    def _next_part(self) -> list[Candidate]:
        rows = next(self._audience, [])
        told = [self._reason(row) for row in rows]
        has = self._has(rows)
        new = [row[_HELD] is None for row in rows]
        self.wanted.update(
            one for row, one, is_new in zip(rows, has, new, strict=True) if is_new and row[REASON] in _WANTING
        )
        codes = self._codes.take(
            [one for one, (reason, _), is_new in zip(has, told, new, strict=True) if is_new and not reason]
        )
        return [self._candidate(row, reason, warning, codes) for row, (reason, warning) in zip(rows, told, strict=True)]

    def _has(self, rows: Sequence[tuple[Any, ...]]) -> list[str]:
        """Return what each contact has that codes must match."""
        if not self._is_told:
            return [row[_HAS] for row in rows]
        asked = {
            **match_arrays(self._spec.codes),
            "contact_ids": bigint_array(row[0] for row in rows),
            "told": text_array(self._told.get(row[0], "{}") for row in rows),
        }
        found = self._connection.execute(_SQL["told_attributes"], asked).fetchall()
        return [row["attributes"] for row in found]

    def _reason(self, row: tuple[Any, ...]) -> tuple[str, str]:
        """Return the reason why a run would send the contact nothing, and a warning; both mostly empty."""
        reason: str = row[REASON]
        if reason not in _WANTING:
            return reason, ""
        too_late, warning = self._hours.of(row[_ZONE])
        return (too_late or reason), ("" if reason else warning)

    def _candidate(
        self, row: tuple[Any, ...], reason: str, warning: str, codes: Iterator[PoolCode | None]
    ) -> Candidate:
        code, expires_at, pool_zone = row[_HELD : _HELD + 3]
        held = None if code is None else PoolCode(code, expires_at, pool_zone, row[_PLACE])
        given = _NO_CODE if reason else held or next(codes, None) or self._spare
        code, expires_at, pool_zone, place = given
        spec = self._spec
        if given is self._spare and code:
            spec, warning = self._spare_spec, "; ".join(filter(None, [warning, FALLBACK]))
        told = self._told.get(row[0], row[_TOLD] or "{}") if self._has_columns else None
        terms: dict[str, Any] = {"pool_zone": pool_zone, "told": parse_values(told), "place": place}
        recipient = make_recipient(row, spec, expires_at, self._answers, **terms)
        return Candidate(recipient, reason or ("" if code else NO_CODE), code, warning)
