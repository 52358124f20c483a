"""Bugs that a ledger's author might make, planted from outside: a search that does not find them proves nothing."""

from __future__ import annotations

import itertools
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from faults import receiver_truth, schedule
from promo_campaigns.contacts import event_store
from promo_campaigns.delivery import bulk, rendering
from promo_campaigns.delivery import retry_loop as sending
from promo_campaigns.delivery.throttle import rate_limit_store
from promo_campaigns.delivery.throttle.breaker import FREE
from promo_campaigns.delivery.throttle.breaker_store import PostgresBreaker
from promo_campaigns.delivery.throttle.rate_limit_store import PostgresRateLimiter
from promo_campaigns.http import client, kept_connections
from promo_campaigns.http.kept_connections import KeptConnections
from promo_campaigns.ledger import answered_ledger, claiming, event_queue, fallback, halts, ledger, runs
from promo_campaigns.ledger.archive import old_runs
from promo_campaigns.ledger.archive.shelf import Content
from promo_campaigns.ledger.ledger import PostgresLedger
from promo_campaigns.ledger.oversight import first_share
from promo_campaigns.ledger.restores import deciding, restoring, told_sends
from promo_campaigns.model import run_key as occurrence
from promo_campaigns.model.assignment_state import DELIVERED, MAYBE_DELIVERED
from promo_campaigns.model.outcome import DeliveryResult, Outcome
from promo_campaigns.model.run import Mode, Purpose

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from aiohttp.connector import Connection

    from faults.stage import Stage
    from promo_campaigns.delivery.bulk import BulkAnswer
    from promo_campaigns.delivery.throttle.breaker import Admission
    from promo_campaigns.http.client import Answer
    from promo_campaigns.ledger.archive.shelf import Rows, Shelf
    from promo_campaigns.model.run import Lease, Recipient, Run
    from promo_campaigns.tables.writers import Column

    Patch = Callable[[], AbstractContextManager[Any]]
    Edit = tuple[str, str, str]


_NAMED = (
    (answered_ledger, "_ANSWER"),
    (ledger, "_ATTEMPT"),
    (ledger, "_ASSIGNMENT"),
    (claiming, "_ATTEMPT"),
    (claiming, "_ASSIGNMENT"),
    (runs, "_ASSIGNMENT"),
    (runs, "_SQL"),
    (halts, "_SQL"),
    (halts, "_ASSIGNMENT"),
    (first_share, "_SQL"),
    (fallback, "_SQL"),
    (event_queue, "_SQL"),
    (event_store, "_SQL"),
    (rate_limit_store, "_SQL"),
    (restoring, "_SQL"),
    (told_sends, "_SQL"),
    (deciding, "_SQL"),
    (old_runs, "_SQL"),
)
"""Where the named queries are that a bug may edit."""


@dataclass(frozen=True, slots=True)
class PlantedBug:
    """One mistake.

    :ivar edits: of named queries: name, what stands there, what the bug makes of it
    :ivar patches: of methods and functions
    :ivar statements: run against the store first
    """

    name: str
    edits: tuple[Edit, ...] = ()
    patches: tuple[Patch, ...] = ()
    statements: tuple[str, ...] = ()
    budget: int = field(default=200)

    def __str__(self) -> str:
        """Return its name, for the test's."""
        return self.name


@contextmanager
def planted(bug: PlantedBug, stage: Stage) -> Iterator[None]:
    """Make the mistake while the context lasts; the store is not to be used for anything else afterwards."""
    for statement in bug.statements:
        stage.books.execute(statement)
    with ExitStack() as patches:
        for module, attribute in _NAMED:
            patches.enter_context(patch.object(module, attribute, _edited(getattr(module, attribute), bug.edits)))
        for one in bug.patches:
            patches.enter_context(one())
        yield


def _edited(named: Mapping[str, str], edits: Sequence[Edit]) -> dict[str, str]:
    changed = dict(named)
    for name, right, wrong in edits:
        if name in changed:
            if right not in changed[name]:
                msg = f"{name} does not hold {right!r} any more; plant the bug anew"
                raise AssertionError(msg)
            changed[name] = changed[name].replace(right, wrong)
    return changed


def _accepted_before_the_call() -> AbstractContextManager[Any]:
    begin = PostgresLedger.begin_messages

    def begin_and_record(self: PostgresLedger, *args: Any, **kwargs: Any) -> Lease:  # noqa: ANN401  (as they come)
        lease = begin(self, *args, **kwargs)
        self.record_message_outcomes(
            lease, [DeliveryResult(contact_id=to.contact_id, outcome=Outcome.OK) for to in lease.recipients]
        )
        return lease

    return patch.object(PostgresLedger, "begin_messages", begin_and_record)


def _intent_not_committed() -> AbstractContextManager[Any]:
    begin = PostgresLedger.begin_messages

    def begin_and_roll_back(self: PostgresLedger, *args: Any, **kwargs: Any) -> Lease:  # noqa: ANN401  (likewise)
        with self._connection.transaction(force_rollback=True):
            return begin(self, *args, **kwargs)

    return patch.object(PostgresLedger, "begin_messages", begin_and_roll_back)


def _key_of_the_try() -> AbstractContextManager[Any]:
    tries = itertools.count()
    key = occurrence.idempotency_key
    return patch.object(rendering, "idempotency_key", lambda *args, **more: f"{key(*args, **more)}-{next(tries)}")


def _however_late() -> AbstractContextManager[Any]:
    real = PostgresRateLimiter._token_comes  # noqa: SLF001  (what is broken on purpose)

    async def comes(self: PostgresRateLimiter, deadline: float, weight: int) -> bool:
        if self.budget.per_s is None:
            return await real(self, deadline, weight)
        moment = await self._moment(1 / self.budget.per_s, deadline, weight)
        if moment is None or moment >= deadline:
            return False
        await self._sleep_until(moment)
        return True

    return patch.object(PostgresRateLimiter, "_token_comes", comes)


def _nobody_else_hears() -> AbstractContextManager[Any]:
    """As the product had it: who has no token to lease never hears of a Retry-After, nor who has leased one."""

    async def broken(self: PostgresRateLimiter, query: str, terms: Mapping[str, object]) -> dict[str, Any]:
        return await self._ask(query, terms)

    return patch.object(PostgresRateLimiter, "_hear", broken)


def _key_of_the_dag_run() -> AbstractContextManager[Any]:
    return patch.object(schedule, "run_key", lambda **parts: f"{parts['workflow']}/run/{parts['run_id']}")


def _key_without_the_workflow() -> AbstractContextManager[Any]:
    key = occurrence.run_key
    return patch.object(schedule, "run_key", lambda **parts: key(**{**parts, "workflow": "any"}))


def _answers_under_a_new_key_each_try() -> AbstractContextManager[Any]:
    tries = itertools.count()
    key = occurrence.idempotency_key

    def broken(run_key: str, contact_id: int, purpose: Purpose, *args: Any, **more: Any) -> str:  # noqa: ANN401  (as they come)
        tried = f"-{next(tries)}" if purpose is Purpose.ANSWER else ""
        return f"{key(run_key, contact_id, purpose, *args, **more)}{tried}"

    return patch.object(rendering, "idempotency_key", broken)


def _the_mode_is_ignored() -> AbstractContextManager[Any]:
    open_run = runs.open_run

    def broken(*args: Any, mode: Mode | None, **more: Any) -> Run:  # noqa: ANN401  (as they come)
        return open_run(*args, mode=mode and Mode.MISSING, **more)

    return patch.object(runs, "open_run", broken)


def _no_deadline() -> AbstractContextManager[Any]:
    call = receiver_truth.Caller.call
    return patch.object(
        receiver_truth.Caller, "call", lambda self, who, key, body, _: call(self, who, key, body, float("inf"))
    )


def _deadline_from_after_the_intent() -> AbstractContextManager[Any]:
    """As the product had it until the search found it: reckoned anew at the call."""
    taken: Any = sending.__dict__["_Taken"]
    return patch.object(
        taken, "deadline", property(lambda self: sending.__dict__["time"].monotonic() + self.lease.seconds / 2)
    )


def _client_repeats() -> AbstractContextManager[Any]:
    """As the product had it: aiohttp sends an idempotent request again when a connection breaks before an answer."""
    real = KeptConnections.connect

    async def broken(self: KeptConnections, *args: Any, **more: Any) -> Connection:  # noqa: ANN401  (as they come)
        kept_connections.__dict__["_CALL"].get().kept = None
        return await real(self, *args, **more)

    return patch.object(KeptConnections, "connect", broken)


def _probe_lost() -> AbstractContextManager[Any]:
    """As the product had it until seed 1571: a probe that calls for nobody keeps its place."""
    report = PostgresBreaker.report

    def report_calls(self: PostgresBreaker, results: Sequence[DeliveryResult], admission: Admission = FREE) -> None:
        if results:
            report(self, results, admission)

    return patch.object(PostgresBreaker, "report", report_calls)


def _each_worker_takes_all() -> AbstractContextManager[Any]:
    work = sending.RetryLoop._work  # noqa: SLF001  (what is broken on purpose)

    async def broken(self: sending.RetryLoop, waiting: deque[int], most: int, *rest: Any) -> None:  # noqa: ANN401
        del most
        await work(self, waiting, self.size, *rest)

    return patch.object(sending.RetryLoop, "_work", broken)


def _named_are_recorded() -> AbstractContextManager[Any]:
    real: Callable[..., DeliveryResult] = bulk.__dict__["_result"]

    def broken(one: Recipient, outcome: Outcome, detail: str, answer: BulkAnswer | None = None) -> DeliveryResult:
        return real(one, Outcome.OK if answer is None else outcome, detail, answer)

    return patch.object(bulk, "_result", broken)


def _unnamed_are_recorded() -> AbstractContextManager[Any]:
    result: Callable[..., DeliveryResult] = bulk.__dict__["_result"]

    def broken(_: object, one: Recipient, answer: BulkAnswer, *, together: int) -> DeliveryResult:
        del together
        return result(one, answer.outcome, answer.detail, answer)

    return patch.object(bulk.__dict__["_Search"], "_told", broken)


def _broken_is_refused() -> AbstractContextManager[Any]:
    real: Callable[..., Awaitable[Answer]] = client.__dict__["_called"]

    async def broken(*args: Any, **more: Any) -> Answer:  # noqa: ANN401  (as they come)
        answer = await real(*args, **more)
        is_broken = answer.detail.startswith("the connection broke")
        return replace(answer, outcome=Outcome.REFUSED) if is_broken else answer

    return patch.object(client, "_called", broken)


def _files_are_not_read_back() -> AbstractContextManager[Any]:
    """Each is opened, which is when the harness loses one, and nobody looks into it."""

    def write(shelf: Shelf, path: str, columns: Sequence[Column], parts: Iterable[Rows]) -> Content:
        content = Content()
        with shelf.opened(path, columns) as write_rows:
            for rows in parts:
                write_rows(rows)
                content.add(rows)
        with suppress(OSError), shelf.reading(path):
            return content
        return content

    return patch.object(old_runs, "write_checked", write)


def _no_demand() -> AbstractContextManager[Any]:
    return patch.object(runs, "count_demand", lambda *_: None)


def _unknown_counts_as_accepted() -> AbstractContextManager[Any]:
    states = PostgresLedger.states

    def hopeful(self: PostgresLedger, run_id: int, contact_ids: Sequence[int]) -> dict[int, str]:
        told = states(self, run_id, contact_ids)
        return {who: "accepted" if state in MAYBE_DELIVERED - DELIVERED else state for who, state in told.items()}

    return patch.object(PostgresLedger, "states", hopeful)


_FOLD, _BEGIN, _OVERDUE = "fold_assignments", "begin_messages", "expire_overdue"
_NOT_EXPIRED, _EXPIRED = "and p.expires_at > moment.at", "or p.expires_at <= moment.at"
_ATTEMPTED = (
    "exists (select from promo.attempt t where t.run_id = a.run_id and t.contact_id = a.contact_id"
    " and t.purpose = 'message')"
)
_UNANSWERED = (
    "and not promo.is_answered(a.run_id, a.contact_id, a.promo_code_id, a.resend_counter, %(source)s::smallint)"
)
_COUNTED = "from decided where needs_code"
_OF_STATES = "state = any(%(states)s::promo.assignment_state[])"
_COUNTS_STAY = "select * from promo.run_count where run_id = %(run_id)s"
_BY_HOLDER = "(a.state = 'sending' and a.lease_token = %(token)s) or a.state = 'unknown'"

_WITHOUT_KEY = "alter table promo.assignment drop constraint if exists assignment_code_is_the_contacts"

LEASED_TWICE = PlantedBug("two may lease one contact", ((_BEGIN, "for update of a skip locked", ""),))
"""Too rare to be searched for: a scenario of its own shows it."""

BUGS = (
    PlantedBug(
        "an unknown send gives its code back", ((_FOLD, "fold.unknown then 'unknown'", "fold.unknown then 'rejected'"),)
    ),
    PlantedBug("accepted before the call", patches=(_accepted_before_the_call,)),
    PlantedBug("the intent is not committed", patches=(_intent_not_committed,)),
    PlantedBug("a new key each try", patches=(_key_of_the_try,)),
    PlantedBug("the run key is Airflow's run id", patches=(_key_of_the_dag_run,)),
    PlantedBug(
        "an unknown send is sent again though the receiver has no keys",
        ((_BEGIN, "%(resend_within_s)s", "greatest(%(resend_within_s)s, 900)"),),
    ),
    PlantedBug(
        "the receiver's window is ignored", ((_BEGIN, "%(resend_within_s)s", "least(1e9, %(resend_within_s)s * 1e6)"),)
    ),
    PlantedBug(
        "profiles are written on an unknown send",
        (("begin_profiles", "a.state = 'accepted'", "a.state in ('accepted', 'unknown', 'sending')"),),
        (_unknown_counts_as_accepted,),
    ),
    PlantedBug(
        "expiry is never checked",
        ((_BEGIN, _NOT_EXPIRED, ""), (_OVERDUE, _EXPIRED, ""), ("return_short", "p.expires_at <=", "null <=")),
    ),
    PlantedBug(
        "expiry is checked before the first attempt only",
        (
            (_BEGIN, _NOT_EXPIRED, f"and (p.expires_at > moment.at or {_ATTEMPTED})"),
            (_OVERDUE, _EXPIRED, f"or (p.expires_at <= moment.at and not {_ATTEMPTED})"),
        ),
        budget=400,
    ),
    PlantedBug("calls begin after their deadline", patches=(_no_deadline,)),
    PlantedBug("the deadline is counted from after the intent", patches=(_deadline_from_after_the_intent,)),
    PlantedBug(
        "a refusal after an unknown outcome gives the code back",
        ((_FOLD, "fold.unknown then 'unknown'", "fold.unknown and e.outcome <> 'refused' then 'unknown'"),),
    ),
    PlantedBug("a late ok is dropped", ((_FOLD, _BY_HOLDER, "a.state = 'sending' and a.lease_token = %(token)s"),)),
    PlantedBug("runs share codes", (("claim_codes", "and p.issued_at is null", ""),)),
    PlantedBug(
        "a lapsed lease is simply tried again",
        (("fold_lapsed", "when fold.ok then 'accepted' when fold.unknown then 'unknown' else", "when true then"),),
    ),
    PlantedBug("a lapsed lease is never folded", (("fold_lapsed", "a.lease_until <= promo.clock()", "false"),)),
    PlantedBug("a lease is shorter than its calls", ((_BEGIN, "secs => %(lease_s)s", "secs => %(lease_s)s / 100"),)),
    PlantedBug("a refused code is not given back", ((_FOLD, "n.gives_back and", "false and"),)),
    PlantedBug(
        "unknown sends are reopened with the missing",
        (("reopen_missing", "state in ('skipped',", "state in ('unknown', 'skipped',"),),
    ),
    PlantedBug(
        "a late refusal for now leaves a send unknown for ever",
        (
            (
                _FOLD,
                "a.contact_id = n.contact_id;",
                "a.contact_id = n.contact_id and not (a.state = 'unknown' and n.state = 'assigned');",
            ),
        ),
    ),
    PlantedBug(
        "a closed run stays closed while its unknown sends are sent again",
        statements=("drop trigger assignment_reopens_run on promo.assignment",),
        budget=400,
    ),
    PlantedBug(
        "unsubscribed contacts are never recorded",
        (("read_recipients", "(h.unsubscribed_at is null or %(purpose)s = 'profile')", "h.unsubscribed_at is null"),),
    ),
    PlantedBug("each of two workers takes as many as both may", patches=(_each_worker_takes_all,)),
    PlantedBug("the run key leaves its workflow out", patches=(_key_without_the_workflow,)),
    PlantedBug("the mode of a re-run is ignored", patches=(_the_mode_is_ignored,)),
    PlantedBug("a data source is asked under a new key each try", patches=(_answers_under_a_new_key_each_try,)),
    PlantedBug(
        "a code that a data source was told goes back to the pool",
        ((_FOLD, "promo.was_seen(folded.run_id, folded.contact_id, folded.promo_code_id)", "false"),),
    ),
    PlantedBug(
        "a code that was told goes back when it is too late",
        ((_OVERDUE, "promo.was_seen(a.run_id, a.contact_id, a.promo_code_id)", "false"),),
    ),
    PlantedBug(
        "a code that was told is exchanged",
        (("return_short", "t.purpose = 'answer' and", "false and"),),
    ),
    PlantedBug(
        "a data source is asked about two codes under one key",
        (("reopen_missing", "when state = 'rejected' or", "when state = 'rejected' or false and"),),
    ),
    PlantedBug("a message does not wait for its answer", ((_BEGIN, "r.before = '{}' or", "true or"),)),
    PlantedBug("answered contacts are asked for again", (("begin_answers", _UNANSWERED, ""),)),
    PlantedBug("a run is closed while somebody is in flight", patches=(lambda: patch.object(runs, "IN_FLIGHT", ()),)),
    PlantedBug(
        "a refusal frees a code that another run gave too",
        (
            (_FOLD, "case when p.again > 0 then p.issued_at end", "null"),
            (_FOLD, "case when p.again > 0 then p.held_by end", "null"),
            (_FOLD, "greatest(p.again - 1, 0)", "0"),
        ),
        statements=(_WITHOUT_KEY,),
    ),
    PlantedBug("a code is given again and not counted", (("reuse_codes", "again = p.again + 1", "again = p.again"),)),
    PlantedBug("contacts an answer names as refused are recorded", patches=(_named_are_recorded,), budget=600),
    PlantedBug("contacts an answer does not name are recorded", patches=(_unnamed_are_recorded,), budget=600),
    PlantedBug(
        "an unknown send does not count towards the cap",
        (("skip_capped", "t.outcome is distinct from 'refused'", "t.outcome = 'ok'"),),
        budget=600,
    ),
    PlantedBug(
        "a code that is about to be sent does not count towards the cap",
        (("skip_capped", "o.state in ('assigned', 'sending') or", "false or"),),
        budget=600,
    ),
    PlantedBug("the HTTP client repeats what is idempotent", patches=(_client_repeats,)),
    PlantedBug("a halted run goes on", (("read_halt", "promo.halt_of(%(run_id)s)", "promo.halt_of(-1)"),)),
    PlantedBug(
        "a cancelled run gives back what may have arrived",
        (("skip_cancelled", "is distinct from 'refused'", "= 'never'"),),
        budget=600,
    ),
    PlantedBug("others do not wait for the first share", (("read_first", "where exists", "where true or exists"),)),
    PlantedBug(
        "codes are claimed from whatever pool",
        (("claim_codes", "p.type = %(type)s and p.discount = %(discount)s and", ""),),
    ),
    PlantedBug(
        "a claim still counts as demand", (("claim_codes", f"-count(*) {_COUNTED}", f"0 {_COUNTED}"),), budget=100
    ),
    PlantedBug(
        "those for whom it is too late still count as demand",
        ((_OVERDUE, f"-count(*) {_COUNTED}", f"0 {_COUNTED}"),),
        budget=400,
    ),
    PlantedBug(
        "the counts of a run do not follow its states",
        statements=("drop trigger assignment_changed on promo.assignment",),
        budget=100,
    ),
    PlantedBug(
        "sends of unknown outcome are not kept apart",
        statements=("drop trigger assignment_keeps_unknown on promo.assignment",),
    ),
    PlantedBug(
        "the stock does not follow claims",
        statements=("drop trigger promo_code_changed on promo.promo_code",),
        budget=100,
    ),
    PlantedBug(
        "a run is closed before its codes are on the profiles",
        (
            (
                "count_open",
                _OF_STATES,
                _OF_STATES.replace("any(", "any(array_remove(").replace("[])", "[], 'accepted'))"),
            ),
        ),
    ),
    PlantedBug(
        "an answer counts as an accepted message",
        ((_FOLD, "t.contact_id = e.contact_id and t.purpose = 'message'", "t.contact_id = e.contact_id"),),
    ),
    PlantedBug(
        "only the newest try is asked whether its outcome is known",
        ((_FOLD, "bool_or(t.outcome is null)", "bool_or(t.outcome is null and t.lease_token = %(token)s)"),),
    ),
    PlantedBug("a broken connection counts as a refusal", patches=(_broken_is_refused,), budget=400),
    PlantedBug(
        "a profile is recorded whatever was answered",
        (("fold_profiles", "case when e.outcome = 'ok' and not exists", "case when not exists"),),
    ),
    PlantedBug(
        "a contact that was refused is sent to anew under its old keys",
        (("reopen_missing", "when state = 'rejected' or", "when"),),
        budget=400,
    ),
    PlantedBug(
        "the send-by is looked at when a code is given only",
        (
            (_BEGIN, "and (r.send_by is null or r.send_by > moment.at)", ""),
            (_OVERDUE, "(r.send_by <= moment.at or p.expires_at <= moment.at)", "p.expires_at <= moment.at"),
        ),
    ),
    PlantedBug(
        "a closed run counts its contacts twice",
        (("close_run", "delete from promo.run_count where run_id = %(run_id)s returning *", _COUNTS_STAY),),
        budget=100,
    ),
    PlantedBug(
        "those who cannot be reached still count as demand",
        (("skip_unreachable", f"-count(*) {_COUNTED}", f"0 {_COUNTED}"),),
    ),
    PlantedBug("an opening counts no demand", patches=(_no_demand,), budget=100),
    PlantedBug(
        "a code that went back short is not counted as demand",
        (("return_short", "count(*) from decided having", "0 from decided having"),),
        budget=400,
    ),
    PlantedBug(
        "quiet hours are looked at when a code is given only",
        ((_BEGIN, "(r.quiet_hours is null", "(true"), ("due_messages", "(r.quiet_hours is null", "(true")),
        budget=400,
    ),
    PlantedBug(
        "those who are held out are given a code",
        (("skip_unreachable", "r.hold_out > 0 and promo.held_out(r.workflow, a.contact_id, r.hold_out) or", ""),),
    ),
    PlantedBug(
        "those who are given the fallback code still count as demand",
        (("give_fallback", f"-count(*) {_COUNTED}", f"0 {_COUNTED}"),),
        budget=1_500,
    ),
    PlantedBug(
        "an event that is told again is another event",
        (("add_event", "%(params)s::jsonb, %(token)s::uuid", "%(params)s::jsonb, gen_random_uuid()"),),
        budget=400,
    ),
    PlantedBug(
        "a contact enters by each of its events though it is to enter once",
        (("refuse_events", "%(reentry)s", "'each_time'"), ("take_events", "%(reentry)s", "'each_time'")),
        budget=400,
    ),
    PlantedBug(
        "an event is taken and its contact is not in the run",
        (("take_events", "from taken join", "from (select * from taken where contact_id > 1) taken join"),),
    ),
    PlantedBug(
        "each worker may call as often as all may together",
        (("lease_tokens", "set next_at = d.begins_at +", "set next_at = b.next_at + 0 *"),),
        budget=400,
    ),
    PlantedBug(
        "who held a code when the backup was taken was not sent to since",
        (("freeze_sends", "a.state in ('assigned', 'sending')", "a.state = 'sending'"),),
        budget=600,
    ),
    PlantedBug(
        "a forgotten run begins with nothing that was told of it",
        (("has_told", "where r.run_id = %(run_id)s", "where r.run_id = %(run_id)s and r.opened_at < s.said_at"),),
        budget=600,
    ),
    PlantedBug(
        "codes that are withdrawn after a restore stay free", (("withdraw_free", "not retired", "false"),), budget=600
    ),
    PlantedBug("a call begins though the moment of its token is long over", patches=(_however_late,), budget=600),
    PlantedBug(
        "a run is archived though its sends are unknown",
        (("list_due", ") is not null then 'has", ") is null and false then 'has"),),
        budget=400,
    ),
    PlantedBug("files of the archive are not read back", patches=(_files_are_not_read_back,), budget=600),
    PlantedBug(
        "each worker has as many calls under way as all may together",
        (("renew_slots", "%(concurrency)s - fair.held", "%(concurrency)s"), ("renew_slots", "- fair.wanted", "")),
        budget=600,
    ),
    PlantedBug(
        "a slot is held until it is to be renewed, and not until its call is over",
        (("renew_slots", "secs => %(hold_s)s", "secs => least(%(hold_s)s, 2)"),),
        budget=900,
    ),
    PlantedBug(
        "a worker that makes room gives slots away that are in use",
        (("renew_slots", "greatest(share, %(in_use)s::integer)", "share"),),
        budget=1200,
    ),
    PlantedBug(
        "the slots of a killed worker never come back",
        (("renew_slots", "and (e.value ->> 'until')::float8 > extract(epoch from promo.clock())", ""),),
        budget=400,
    ),
    PlantedBug("other workers do not hear what a receiver asks for", patches=(_nobody_else_hears,), budget=1500),
)

# What chance hardly ever meets has a scenario of its own.
LAST_ANSWER = PlantedBug(
    "the last answer beats an earlier ok", ((_FOLD, "fold.ok then", "fold.ok and e.outcome <> 'refused' then"),)
)
NO_FENCE = PlantedBug("no fence at recording", ((_FOLD, _BY_HOLDER, "a.state in ('sending', 'unknown')"),))
NO_LOCK = PlantedBug("evidence is not locked", (("lock_assignments", "for update", ""),))
EXPIRED_UNKNOWN = PlantedBug(
    "an unknown send that expires gives its code back",
    ((_OVERDUE, "is distinct from 'refused'", "= 'never'"),),
    budget=600,
)
NO_CLAIM_LOCK = PlantedBug(
    "a code is claimed without lock and key",
    (("claim_codes", "for update skip locked", ""),),
    statements=(_WITHOUT_KEY,),
)
CONTACTS_NOT_LOCKED = PlantedBug(
    "two runs that reuse codes do not wait for each other", (("lock_contacts", "for no key update", ""),)
)
LATE_OK = PlantedBug(
    "a late ok is dropped for an unknown send to be sent again",
    ((_FOLD, "'assigned' and fold.ok", "'assigned' and false"),),
)
PROBE_LOST = PlantedBug("a probe that calls for nobody keeps its place", patches=(_probe_lost,))
