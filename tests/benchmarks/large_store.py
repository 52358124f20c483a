"""A store as it is after years: many codes, a long ledger, many runs. Made by set-based SQL, behind the ledger's back.

It keeps every promise of the product, which a test checks: what is measured on it, and what is pictured, is what a long
use would have made. Runs are of several workflows; the newest of them is live with a tenth of the ledger.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from integration.scenario import PROFILE, PUSH, SPEC
from promo_campaigns.contacts.store import create_field
from promo_campaigns.ledger.runs import open_run
from promo_campaigns.model.run_spec import Audience, CodeRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from promo_campaigns.postgres.connection import Connection

_BLOCK = re.compile(r"^-- ([a-z_]+) --\n(.*?)(?=^-- [a-z_]+ --$|\Z)", re.MULTILINE | re.DOTALL)
SQL = dict(_BLOCK.findall(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")))
NOBODY = Audience(name="nobody", sql="select contact_id from promo.contact where false")
POOLS = [(kind, discount) for kind in ("Welcome", "Birthday", "Loyalty", "Winback") for discount in (10, 20)]
"""Type and discount of the codes; the first workflow's are the first, and so on in turn."""
LOYALTY = replace(PROFILE, name="loyalty_points", connection="loyalty")
"""Where every other of the workflows that record codes records them: a receiver that refuses."""
CODES_A_FILE = 20_000
CONTACT = "case when i = 0 and p.run_id % 10 = 0 then 1 else 2 + (p.first + i) % ({contacts} - 1) end"
"""A contact stands in a run once; the first contact is a regular, in a tenth of all runs."""
STATE = """case
  when p.kind = 'awaiting' then 'pending'
  when p.kind = 'cancelled' and i >= p.people / 2 then 'skipped'
  when p.kind in ('live', 'paused') and i >= p.people * 7 / 10 then 'pending'
  when i % 20 = 19 then 'skipped'
  when p.kind in ('live', 'paused') and i >= p.people * 65 / 100 then 'assigned'
  when i % 100 = 13 then 'rejected'
  when i % case when p.kind = 'live' then 100 else 1000 end = 7 then 'unknown'
  when r.records then 'recorded'
  else 'accepted' end"""
"""Where the i-th contact of a run stands."""
_FILLED = (
    "files",
    "rejects",
    "planned_codes",
    "free_codes",
    "stock",
    "assignments",
    "messages",
    "profiles",
    "counts",
    "demand",
    "unknown",
    "inbox",
    "audit",
    "receivers",
    "sequences",
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large a store is.

    :ivar codes: promo codes; more than there are rows
    :ivar rows: contacts of all runs, about
    :ivar runs: at least 20
    """

    codes: int
    rows: int
    runs: int

    @property
    def contacts(self) -> int:
        """Contacts: each stands in ten runs, about."""
        return max(self.rows // 10, 100)

    def divided(self, by: int) -> Sizes:
        """Return a smaller store's."""
        return Sizes(self.codes // by, self.rows // by, self.runs // by)


WHOLE = Sizes(codes=20_000_000, rows=10_000_000, runs=100_000)


def fill(
    connection: Connection, sizes: Sizes, workflows: Sequence[str], *, tell: Callable[[str], object] = str
) -> None:
    """Fill a store that has no rows yet.

    :param workflows: whose runs there are, one after the other; every other of them writes profiles
    :param tell: is told of each part before it is made: a large store takes an hour
    """
    connection.execute("set timezone = 'UTC'")
    # The models stand behind the runs, which are numbered from one on.
    connection.execute("select setval(pg_get_serial_sequence('promo.run', 'run_id'), %s)", [sizes.runs])
    models = _models(connection, workflows)
    create_field(connection, "Loyalty level", "textfield")
    _run(connection, "plan", runs=sizes.runs, rows=sizes.rows, contacts=sizes.contacts, models=models)
    _run(connection, "index_plan")
    planned = connection.execute(SQL["planned"]).fetchone()
    assert planned is not None
    asked = {
        "codes": max(sizes.codes, planned["rows"]),
        "rows": planned["rows"],
        "runs": sizes.runs,
        "contacts": sizes.contacts,
        "a_file": CODES_A_FILE,
    }
    # No trigger: what they keep is counted once, at the end.
    connection.execute("set session_replication_role = replica")
    for block in ("people", "channels"):
        tell(block)
        _run(connection, block, **asked)
    _run(connection, "runs")
    _run(connection, "drop_models", models=models)
    indexes = connection.execute(SQL["indexes"]).fetchall()
    for index in indexes:
        connection.execute(f"drop index {index['name']}")
    for block in _FILLED:
        tell(block)
        _run(connection, block, **asked)
        if block == "free_codes":
            for index in indexes:
                tell(f"index {index['name']}")
                connection.execute(index["made"])
    connection.execute("set session_replication_role = origin")
    connection.execute("drop table plan")
    tell("vacuum")
    connection.execute("vacuum analyze")


def _models(connection: Connection, workflows: Sequence[str]) -> list[int]:
    """Open a run of each workflow by the product's own way, whose definition the others are given."""
    opened = []
    for place, workflow in enumerate(workflows):
        kind, discount = POOLS[place % len(POOLS)]
        spec = replace(
            SPEC,
            workflow=workflow,
            audience=NOBODY,
            codes=CodeRequest(type=kind, discount=discount, days=7),
            message=PUSH,
            data_sources=((PROFILE,), (), (LOYALTY,), ())[place % 4],
        )
        opened.append(open_run(connection, spec, run_key=f"{workflow}/model").run_id)
    return opened


def _run(connection: Connection, block: str, **asked: object) -> None:
    contact = CONTACT.format(contacts=asked.get("contacts")).replace("%", "%%")
    text = SQL[block].replace("/* contact */", contact).replace("/* state */", STATE.replace("%", "%%"))
    connection.execute(text, asked or None)
