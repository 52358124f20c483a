"""What one schedule plays in: a few contacts and codes, one pool, receivers with their habits, and rates of faults."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from faults.virtual_clock import EPOCH_S
from integration.scenario import EVERYBODY, POINTS, PROFILE, PUSH
from promo_campaigns.ledger.event_queue import listen
from promo_campaigns.model.events import EventTerms, Reentry
from promo_campaigns.model.limits import NO_LIMITS, Limits
from promo_campaigns.model.oversight.first_share import StartWith
from promo_campaigns.model.reuse import Reuse
from promo_campaigns.model.run_spec import Audience, CodeRequest, FallbackCode, Pool, RunSpec

if TYPE_CHECKING:
    from promo_campaigns.postgres.connection import Connection

DAY_S = 86400.0
WINDOW_S = 1800.0
SPRING = Pool(type="Spring", discount=5)
"""The second pool of a chain, which holds every second code."""
SHARED_CODE = "CODE-999999"
"""What those share for whom the pool has none, where there is such a code."""
_FALLBACK = FallbackCode(code=SHARED_CODE, type="Shared", discount=1, expires="2030-05-31")
ZONES = ("Etc/GMT-1", "UTC")
"""Of contacts with even and odd ids; the first is an hour ahead. A schedule begins on a Sunday at 17:46 UTC."""
THEN_S = 300.0
"""How long those wait who come after a first share: no longer than the shortest rest."""
REST_S, LONG_REST_S = 400.0, 2000.0
"""The longer one is beyond the window in which a receiver recognises a key."""
WORKFLOW = "welcome"
EVENT, MOST_EVENTS = "OrderPaid", 3
"""What a workflow answers in a scenario of events, and how many of them in one run."""
RIVAL = "rival"
"""What the occurrences of the second workflow begin with."""

SOURCES = {"asks": POINTS, "tells": replace(POINTS, path="/points/$contact_id?code=$promocode")}
TOGETHER = replace(
    PROFILE,
    path="/api/v1/contacts",
    body='[#foreach($c in $batch)#if($foreach.index > 0),#end{"contact": $c.contact_id, "code": "$c.promocode"}#end]',
)
READS = replace(PUSH, body="Code: $!data.get('promocode'), $data.get('points').get('points')")

_CLEAR = """
set session_replication_role = replica;
delete from promo.answer; delete from promo.attempt; delete from promo.assignment; delete from promo.run;
delete from promo.receiver; delete from promo.rate_budget; delete from promo.code_stock; delete from promo.code_demand;
delete from promo.restored_send; delete from promo.restored_run; delete from promo.store_restore;
delete from promo.unknown_send; delete from promo.first_share; delete from promo.run_count;
delete from promo.sending_stop; delete from promo.audit;
delete from promo.event_queue; delete from promo.event; delete from promo.event_listener;
delete from promo.archive_file; delete from promo.archived_code;
delete from promo.promo_code; delete from promo.code_file; delete from promo.contact_channel; delete from promo.contact;
set session_replication_role = origin;
select setval('promo.lease_token', 1, false),
       setval(pg_get_serial_sequence('promo.run', 'run_id'), 1, false),
       setval(pg_get_serial_sequence('promo.attempt', 'attempt_id'), 1, false),
       setval(pg_get_serial_sequence('promo.event', 'event_id'), 1, false),
       setval(pg_get_serial_sequence('promo.code_file', 'code_file_id'), 2, false),
       setval(pg_get_serial_sequence('promo.promo_code', 'promo_code_id'), 1000000, false)
"""
_CONTACTS = """
with people as (
  insert into promo.contact (contact_id, first_name, time_zone) overriding system value
  select n, 'Name ' || n, case when n %% 2 = 0 then %(even_zone)s end
  from generate_series(1, %(contacts)s) n returning contact_id
), file as (
  insert into promo.code_file (code_file_id, name, sha256, row_count, inserted, updated, unchanged, rejected)
  overriding system value values (1, 'codes.csv', sha256('codes'), 0, 0, 0, 0, 0)
)
insert into promo.contact_channel (contact_id, type, value)
select contact_id, 'mobilepush', 'token-' || contact_id from people
"""
_CODES = """
insert into promo.promo_code (promo_code_id, code, type, discount, expires_at, retired, code_file_id, line)
overriding system value
select %(first)s + n, 'CODE-' || lpad((%(first)s + n)::text, 6, '0'),
       case when %(chained)s and n %% 2 = 0 then 'Spring' else 'Welcome' end,
       case when %(chained)s and n %% 2 = 0 then 5 else 10 end, to_timestamp(at), false, 1, n
from unnest(%(expiries)s::float8[]) with ordinality e (at, n)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """A second workflow, whose codes come from the same pool; of a chain, from its second one."""

    audience: Audience
    days: int
    records: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Drawn from the seed.

    :ivar fine: workers are interleaved between the statements of a transaction, not between transactions alone
    :ivar window_s: how long the receiver of messages recognises a key, 0 for never
    :ivar life_s: how long each code is valid from the start
    :ivar send_by_s: when the runs' send-by is, or None
    :ivar two_workers: workers have the ledger beside their calls, and there are two of them, as the product's have
    :ivar warm: how many tasks of the first DAG runs are done before anything bad happens
    :ivar steps: how long faults go on; a third of the scenarios, which these tell, gives contacts again what they hold
    :ivar survivors: how many workers live on when they end, at most
    :ivar rest_s: how much time passes before each round of rest: longer than any lease, probe or pause of the breaker
    :ivar heals_late: receivers misbehave until the first round of rest is over
    :ivar rival: a second workflow, or None
    :ivar asks: the message reads what a data source answers before it: ``asks``, or ``tells`` where it shows the code
    :ivar together: how many profiles of the first workflow are written in one request, 0 for a request of its own each
    :ivar capped: a contact may be sent one message a week, whichever run it is of
    :ivar webhook: the method by which messages travel over real HTTP, and with them whatever else is called for one
        contact; empty where receivers are reached without it
    :ivar first: to how many contacts a run goes before all others, 0 for a run without a first share
    :ivar answers_s: how long that data source recognises a key, 0 for never
    :ivar chained: the first workflow takes its codes from a chain of two pools
    :ivar hold_out: percent of the contacts of the first workflow who are kept without a code, 0 for none
    :ivar quiet: quiet hours of all runs, empty for none
    :ivar events: the first workflow answers events: how often one makes a contact enter; None for other workflows
    :ivar max_age_s: after so many seconds they are not answered any more
    :ivar per_s: how many calls a second each receiver agreed to, 0 for any number
    :ivar archives: closed runs are archived as soon as nobody may need their rows, and more occurrences follow them
    :ivar concurrency: how many calls at a time each receiver agreed to, 0 for any number; such calls take their time
    :ivar asks_s: for how long such a receiver asks for no calls that takes one later
    :ivar shared: those for whom the pool of the first workflow has no code are given one that they share
    """

    strategy: str
    fine: bool
    contacts: int
    life_s: tuple[float, ...]
    days: int
    window_s: float
    records: bool
    send_by_s: float | None
    in_flight: int
    two_workers: bool
    batch_size: int
    warm: int
    steps: int
    survivors: int
    rates: dict[str, float]
    message_habits: dict[str, float]
    profile_habits: dict[str, float]
    rest_s: float = REST_S
    heals_late: bool = False
    rival: Rival | None = None
    asks: str = ""
    together: int = 0
    capped: bool = False
    webhook: str = ""
    first: int = 0
    answers_s: float = 0.0
    chained: bool = False
    hold_out: float = 0.0
    quiet: str = ""
    shared: bool = False
    per_s: float = 0.0
    concurrency: int = 0
    asks_s: float = 0.0
    events: Reentry | None = None
    max_age_s: float = DAY_S
    archives: bool = False
    answer_habits: dict[str, float] = field(default_factory=lambda: {"ok": 1.0})

    @property
    def traits(self) -> list[str]:
        """What this scenario has and others do not, for the figures."""
        traits = {
            "two workflows": self.rival is not None,
            self.asks: bool(self.asks),
            "re-runs": self.reruns,
            "long rests": self.rest_s > REST_S,
            "late healing": self.heals_late,
            "capped": self.capped,
            "halts": bool(self.rates.get("halt")),
            "first shares": bool(self.first),
            "chained": self.chained,
            "hold-outs": bool(self.hold_out),
            "quiet hours": bool(self.quiet),
            "fallback codes": self.shared,
            "paced": bool(self.per_s),
            "slots": bool(self.concurrency),
            "paced slots": bool(self.per_s and self.concurrency),
            "events": self.events is not None,
            "restores": "restore" in self.rates,
            "archives": self.archives,
            "in bulk": bool(self.together and self.records),
            f"{self.webhook} webhook": bool(self.webhook),
            "GET data source": bool(self.webhook and self.asks),
            "two_workers": self.two_workers,
            "fine": self.fine,
        }
        return [name for name, so in traits.items() if so]

    @property
    def reuse(self) -> Reuse:
        """Whether contacts are given again what they hold."""
        return Reuse.NEW if self.steps % 3 else Reuse.SAME

    @property
    def start_with(self) -> StartWith | None:
        """How a run begins."""
        return StartWith(contacts=self.first, then=timedelta(seconds=THEN_S)) if self.first else None

    @property
    def limits(self) -> Limits:
        """What is agreed with the contacts."""
        if not self.capped and not self.quiet:
            return NO_LIMITS
        zone = ZONES[1] if self.quiet else ""
        return Limits(frequency_cap="1/7d" if self.capped else "", quiet_hours=self.quiet, time_zone=zone)

    @property
    def reruns(self) -> bool:
        """Whether DAG runs are deleted and reprocessed, and runs may refuse to be run again."""
        return bool(self.rates.get("mode"))

    @property
    def occurrences(self) -> tuple[str, ...]:
        """What DAG runs may stand for."""
        return ("one", f"{RIVAL} one" if self.rival else "two")

    @property
    def terms(self) -> EventTerms | None:
        """Which events the first workflow answers; None if its runs have an audience."""
        if self.events is None:
            return None
        return EventTerms(
            workflow=WORKFLOW, type=EVENT, reentry=self.events, max_age_s=self.max_age_s, most=MOST_EVENTS
        )

    def terms_of(self, occurrence: str) -> EventTerms | None:
        """Return which events the workflow of an occurrence answers."""
        return None if self.rival is not None and occurrence.startswith(RIVAL) else self.terms

    @property
    def _codes(self) -> CodeRequest:
        further = (SPRING,) if self.chained else ()
        return CodeRequest(type="Welcome", discount=10, days=self.days, next_pools=further)

    @property
    def spec(self) -> RunSpec:
        """The definition of every run of the first workflow."""
        profile = replace(TOGETHER, records_per_request=self.together) if self.together else PROFILE
        sources = ((SOURCES[self.asks],) if self.asks else ()) + ((profile,) if self.records else ())
        return RunSpec(
            workflow=WORKFLOW,
            audience=self.terms.audience if self.terms else EVERYBODY,
            codes=self._codes,
            message=READS if self.asks else PUSH,
            data_sources=sources,
            limits=self.limits,
            hold_out=self.hold_out,
            reuse=self.reuse,
            fallback=_FALLBACK if self.shared else None,
        )

    def spec_of(self, occurrence: str) -> RunSpec:
        """Return the definition of an occurrence's run."""
        if self.rival is None or not occurrence.startswith(RIVAL):
            return self.spec
        pool = SPRING if self.chained else self._codes
        return RunSpec(
            workflow=RIVAL,
            audience=self.rival.audience,
            codes=CodeRequest(type=pool.type, discount=pool.discount, days=self.rival.days),
            message=PUSH,
            data_sources=(PROFILE,) if self.rival.records else (),
            limits=self.limits,
            reuse=self.reuse,
        )


def zone_of(contact_id: int) -> str:
    """Return the time zone of a contact, in a scenario with quiet hours."""
    return ZONES[contact_id % len(ZONES)]


def lay_out(connection: Connection, scenario: Scenario) -> None:
    """Clear the store and put the scenario into it, with the same ids every time."""
    connection.execute(_CLEAR, prepare=False)
    connection.execute(_CONTACTS, {"contacts": scenario.contacts, "even_zone": ZONES[0] if scenario.quiet else None})
    if scenario.terms:
        listen(connection, workflow=WORKFLOW, type_name=EVENT)
    add_codes(connection, 0, [EPOCH_S + life for life in scenario.life_s], chained=scenario.chained)


def add_codes(connection: Connection, first: int, expiries: list[float], *, chained: bool) -> None:
    """Load codes, as a person does when the pool has run out; those of a chain are of the one pool and the other."""
    connection.execute(_CODES, {"first": first, "expiries": expiries, "chained": chained})
