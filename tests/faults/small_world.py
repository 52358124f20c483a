"""What one schedule plays in: a few contacts and codes, one pool, receivers with their habits, and rates of faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from faults.virtual_clock import EPOCH_S
from integration.world import EVERYBODY, PROFILE, PUSH
from promo_campaigns.core.models import CodeRequest, RunSpec
from promo_campaigns.core.reuse import Reuse

if TYPE_CHECKING:
    import random

    from promo_campaigns.adapters.postgres import Connection

DAY_S = 86400.0
WINDOW_S = 1800.0
LANES = 0.5
STRATEGIES = ("uniform", "targeted", "priorities")
FAULTS = ("kill", "pause", "jump", "drop", "duplicate", "clear", "run", "person", "unsubscribe")

_CLEAR = """
set session_replication_role = replica;
delete from promo.attempt; delete from promo.assignment; delete from promo.run; delete from promo.receiver;
delete from promo.promo_code; delete from promo.code_file; delete from promo.contact_channel; delete from promo.contact;
set session_replication_role = origin;
select setval('promo.lease_token', 1, false),
       setval(pg_get_serial_sequence('promo.run', 'run_id'), 1, false),
       setval(pg_get_serial_sequence('promo.attempt', 'attempt_id'), 1, false)
"""
_CONTACTS = """
with people as (
  insert into promo.contact (contact_id, first_name) overriding system value
  select n, 'Name ' || n from generate_series(1, %s) n returning contact_id
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
select %(first)s + n, 'CODE-' || lpad((%(first)s + n)::text, 6, '0'), 'Welcome', 10, to_timestamp(at), false, 1, n
from unnest(%(expiries)s::float8[]) with ordinality e (at, n)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Drawn from the seed.

    :ivar fine: workers are interleaved between the statements of a transaction, not between transactions alone
    :ivar window_s: how long the receiver of messages recognises a key, 0 for never
    :ivar life_s: how long each code is valid from the start
    :ivar send_by_s: when the runs' send-by is, or None
    :ivar lanes: workers have the ledger beside their calls, in two lanes, as the product's have
    :ivar warm: how many tasks of the first DAG runs are done before anything bad happens
    :ivar steps: how long faults go on; a third of the worlds, which these tell, gives contacts again what they hold
    :ivar survivors: how many workers live on when they end, at most
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
    lanes: bool
    batch_size: int
    warm: int
    steps: int
    survivors: int
    rates: dict[str, float]
    message_habits: dict[str, float]
    profile_habits: dict[str, float]

    @property
    def spec(self) -> RunSpec:
        """The definition of every run."""
        codes = CodeRequest(type="Welcome", discount=10, days=self.days)
        sources = (PROFILE,) if self.records else ()
        reuse = Reuse.NEW if self.steps % 3 else Reuse.SAME
        return RunSpec(
            workflow="welcome", audience=EVERYBODY, codes=codes, message=PUSH, data_sources=sources, reuse=reuse
        )


def draw_world(rng: random.Random) -> World:
    """Draw a world; each has its own mixture of faults, so that some are rid of those that hide others."""
    contacts, days = rng.randint(3, 6), rng.randint(0, 2)
    enough = rng.choice((contacts - 1, contacts + 1, 2 * contacts, 2 * contacts + 2))
    life = [days * DAY_S + (rng.uniform(300, 4000) if rng.random() < 0.3 else 30 * DAY_S) for _ in range(enough)]
    rates = {name: rng.choice((0.0, 0.01, 0.03, 0.08)) for name in FAULTS}
    lanes = rng.random() < LANES
    return World(
        strategy=rng.choice(STRATEGIES),
        fine=rng.random() < 0.3,
        contacts=contacts,
        life_s=tuple(life),
        days=days,
        window_s=rng.choice((0.0, WINDOW_S)),
        records=rng.random() < 0.7,
        send_by_s=rng.uniform(200, 4000) if rng.random() < 0.35 else None,
        in_flight=rng.randint(2, 4) if lanes else rng.randint(1, 3),
        lanes=lanes,
        batch_size=rng.choice((2, 10)),
        warm=rng.choice((0, 3, 3)),
        steps=rng.randint(40, 160),
        survivors=rng.choice((0, 0, 1, 6)),
        rates=rates | {"unsubscribe": rates["unsubscribe"] / 8},
        message_habits=_habits(rng),
        profile_habits=_habits(rng),
    )


def lay_out(connection: Connection, world: World) -> None:
    """Clear the store and put the world into it, with the same ids every time."""
    connection.execute(_CLEAR, prepare=False)
    connection.execute(_CONTACTS, [world.contacts])
    add_codes(connection, 0, [EPOCH_S + life for life in world.life_s])


def add_codes(connection: Connection, first: int, expiries: list[float]) -> None:
    """Load codes, as a person does when the pool has run out."""
    connection.execute(_CODES, {"first": first, "expiries": expiries})


def _habits(rng: random.Random) -> dict[str, float]:
    bad = ("refused", "later", "lost", "unanswered", "delayed")
    share = rng.choice((0.0, 0.4, 1.5))
    weights = {name: rng.choice((0.0, 1.0, 2.0)) for name in bad}
    total = sum(weights.values()) or 1.0
    return {"ok": 1.0} | {name: share * weight / total for name, weight in weights.items() if share and weight}
