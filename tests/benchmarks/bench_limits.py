"""What this machine can do by hand: the parts of a campaign without what makes it safe, one after the other, summed.

    PYTHONPATH=plugins:tests python tests/benchmarks/bench_limits.py --contacts 100000 --codes 120000 --profiles bulk

`COPY` of the codes into a table with a key, one statement that claims a code for each contact, a bare aiohttp loop that
posts bodies which are ready (3,000 profiles in a request, or one each with ``--profiles post``), and the bare insert of
the rows that the inbox and the ledger keep. Nothing is checked, retried, limited or told apart from anything else. The
median of the rounds counts. PROMO_TEST_DSN names a server, else one is started with durable commits.

These are no aims: bench_campaign states how many times their sum a whole campaign takes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.bench_send_path import bare, running_receiver, store_dsn
from benchmarks.figures import Figure, keep
from promo_campaigns.model.outcome import OutgoingRequest
from promo_campaigns.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from promo_campaigns.postgres.connection import Connection

BULK = 3000
_BLOCK = re.compile(r"^-- ([a-z_]+) --\n(.*?)(?=^-- [a-z_]+ --$|\Z)", re.MULTILINE | re.DOTALL)
SQL = dict(_BLOCK.findall(Path(__file__).with_name("by_hand.sql").read_text(encoding="utf-8")))


def copy_codes(connection: Connection, codes: int) -> None:
    """Load so many codes."""
    with connection.cursor().copy(SQL["copy_codes"]) as copy:
        copy.write("".join(f"CODE-{number:09}\t2035-12-31\n" for number in range(codes)))


def requests_for(contacts: int, profiles: str) -> list[OutgoingRequest]:
    """Return the requests that record so many codes, ready to be posted."""
    each = BULK if profiles == "bulk" else 1
    fields = [
        {"externalCustomerId": str(who), "fields": [{"id": 12345, "value": f"CODE-{who:09}"}]}
        for who in range(contacts)
    ]
    return [
        OutgoingRequest(
            contact_id=first,
            method="POST",
            path="/api/v1/contacts",
            headers={"Content-Type": "application/json"},
            body=json.dumps(fields[first : first + each]),
            idempotency_key=str(first),
        )
        for first in range(0, contacts, each)
    ]


def taken(work: Callable[[], object]) -> float:
    """Return how many seconds the work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def one_round(connection: Connection, url: str, contacts: int, codes: int, profiles: str) -> dict[str, float]:
    """Return the seconds of each part."""
    connection.execute("drop schema if exists by_hand cascade")
    connection.execute(SQL["lay_out"])
    requests = requests_for(contacts, profiles)
    parts = {"copy": taken(lambda: copy_codes(connection, codes))}
    connection.execute("analyze by_hand.code")
    parts["claim"] = taken(lambda: connection.execute(SQL["claim"], {"contacts": contacts}))
    parts["post"] = taken(lambda: asyncio.run(bare(url, requests)))
    parts["insert_messages"] = taken(lambda: connection.execute(SQL["insert_messages"]))
    parts["insert_attempts"] = taken(lambda: connection.execute(SQL["insert_attempts"]))
    return parts


def limits(contacts: int, codes: int, profiles: str, rounds: int) -> dict[str, float]:
    """Return the seconds of each part by hand, the median of the rounds, on a database of their own."""
    with store_dsn() as dsn, connect(dsn) as connection, running_receiver() as url:
        each = [one_round(connection, url, contacts, codes, profiles) for _ in range(rounds)]
        rows = connection.execute(
            "select (select count(*) from by_hand.assignment) + (select count(*) from by_hand.attempt) as n"
        ).fetchone()
    assert rows is not None
    assert rows["n"] == 3 * contacts
    return {part: median(one[part] for one in each) for part in each[0]}


def main() -> int:
    """Measure, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--codes", type=int, default=120_000)
    parser.add_argument("--profiles", choices=("bulk", "post"), default="bulk")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    found = limits(options.contacts, options.codes, options.profiles, options.rounds)
    whole_s = sum(found.values())
    figures = [
        *(Figure(name=part, value=round(seconds, 3), unit="s") for part, seconds in found.items()),
        Figure(name="sum", value=round(options.contacts / whole_s), unit="contacts/s, all of it by hand"),
    ]
    return keep("limits", figures, options)


if __name__ == "__main__":
    sys.exit(main())
