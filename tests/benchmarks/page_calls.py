"""What bench_pages asks of each route of the pages: the calls of a person who looks, pages on, and searches."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from promo_campaigns.postgres.connection import Connection

_BLOCK = re.compile(r"^-- ([a-z_]+) --\n(.*?)(?=^-- [a-z_]+ --$|\Z)", re.MULTILINE | re.DOTALL)
SQL = dict(_BLOCK.findall(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")))
REGULAR = 1
"""The contact that was in a tenth of all runs."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request below ``/promo/api/``."""

    method: str
    path: str
    body: dict[str, Any] | bytes | None = None


Calls: TypeAlias = "Generator[Call, Any, None]"
"""Calls without end, each of which may come from what the one before was answered."""


@dataclass(frozen=True, slots=True)
class Known:
    """What there is to ask for.

    :ivar live: the newest run, which is under way and the largest
    :ivar large: a closed run with a fortieth of the ledger
    :ivar runs: some closed ones
    :ivar contacts: some contacts that the live run reached
    :ivar unknown: some of whom nobody knows whether it did
    :ivar codes: some codes that contacts hold
    :ivar files: the newest code file, whose rejects are many, and some others
    :ivar messages: some of what the inbox kept
    """

    live: int
    large: int
    paused: int
    runs: Sequence[int]
    contacts: Sequence[int]
    unknown: Sequence[int]
    codes: Sequence[str]
    files: Sequence[int]
    messages: Sequence[str]
    workflows: Sequence[str]
    pools: Sequence[tuple[str, int]]


def know(store: Connection, workflows: Sequence[str], pools: Sequence[tuple[str, int]]) -> Known:
    """Return what there is to ask for in a store that was filled."""
    newest = store.execute(SQL["live"]).fetchone()
    assert newest is not None
    live, runs = newest["live"], newest["runs"]

    def column(block: str) -> list[Any]:
        return [next(iter(row.values())) for row in store.execute(SQL[block], {"live": live}).fetchall()]

    return Known(
        live=live,
        large=column("large")[0],
        paused=column("paused")[0],
        runs=range(live - 4, 0, -max(1, runs // 200)),
        contacts=column("reached"),
        unknown=column("unknown"),
        codes=column("held"),
        files=column("files"),
        messages=column("messages"),
        workflows=workflows,
        pools=pools,
    )


def get(path: str, **terms: object) -> Call:
    """Return a call that reads."""
    said = urlencode({name: value for name, value in terms.items() if value is not None})
    return Call("GET", f"{path}?{said}" if said else path)


def walk(path: str, **terms: object) -> Calls:
    """Turn page after page of a list, and begin again after the last."""
    after = None
    while True:
        answer = yield get(path, **terms, after=after)
        after = answer["next"]


def turns(calls: Iterable[Call]) -> Calls:
    """Make calls in turn."""
    for call in itertools.cycle(list(calls)):  # noqa: UP028  (an iterator has no use for what is sent in)
        yield call


def reads(known: Known) -> dict[str, Callable[[], Calls]]:
    """Return what is asked of each route that only reads; a variant of a route has its name behind an at sign."""
    return {**_runs(known), **_codes(known), **_people(known), **_the_rest(known)}


def _runs(known: Known) -> dict[str, Callable[[], Calls]]:
    few = known.runs[:60]
    live = f"runs/{known.live}"
    whom = known.unknown[:50]
    return {
        "GET me": lambda: turns([get("me")]),
        "GET strip": lambda: turns([get("strip")]),
        "GET runs": lambda: walk("runs", limit=50),
        "GET runs@workflow": lambda: walk("runs", workflow=known.workflows[0], limit=50),
        "GET runs@open": lambda: walk("runs", state="open", limit=50),
        "GET runs@cancelled": lambda: walk("runs", state="cancelled", limit=50),
        "GET runs/{run_id}": lambda: turns(get(f"runs/{run}") for run in few),
        "GET runs/{run_id}@live": lambda: turns([get(live)]),
        "GET runs/{run_id}@large": lambda: turns([get(f"runs/{known.large}")]),
        "GET runs/by-dag-run": lambda: turns(
            get("runs/by-dag-run", dag_id=known.workflows[0], run_id=f"manual__{number}") for number in range(50)
        ),
        "GET runs/{run_id}/people": lambda: walk(f"{live}/people", limit=50),
        "GET runs/{run_id}/people@rejected": lambda: walk(f"{live}/people", state="rejected", limit=50),
        "GET runs/{run_id}/people@pending": lambda: walk(f"{live}/people", state="pending", limit=50),
        "GET runs/{run_id}/people/{contact_id}": lambda: turns(
            get(f"{live}/people/{who}") for who in known.contacts[:60]
        ),
        "GET runs/{run_id}/cancel/effect": lambda: turns([get(f"{live}/cancel/effect")]),
        "GET runs/{run_id}/again/effect": lambda: turns(
            get(f"runs/{known.large}/again/effect", mode=mode) for mode in ("missing", "profiles")
        ),
        "GET runs/{run_id}/unknown": lambda: walk(f"{live}/unknown"),
        "GET runs/{run_id}/unknown/effect": lambda: turns(
            get(f"{live}/unknown/effect", decision=decision, contact_ids=whose)
            for decision in ("accept", "refuse", "resend")
            for whose in ("all", ",".join(map(str, whom)))
        ),
    }


def _codes(known: Known) -> dict[str, Callable[[], Calls]]:
    newest = f"codes/files/{known.files[0]}"
    return {
        "GET codes/stock": lambda: turns([get("codes/stock")]),
        "GET codes/burn": lambda: turns(
            get("codes/burn", type=kind, discount=discount, days=30) for kind, discount in known.pools
        ),
        "GET codes/files": lambda: walk("codes/files"),
        "GET codes/files/{code_file_id}/rejects": lambda: walk(f"{newest}/rejects"),
        "GET codes/files/{code_file_id}/withdraw/effect": lambda: turns(
            get(f"codes/files/{each}/withdraw/effect") for each in known.files
        ),
        "GET codes/uploads": lambda: turns([get("codes/uploads", names="codes-00001.csv,not-there.csv")]),
    }


def _people(known: Known) -> dict[str, Callable[[], Calls]]:
    def search(text: str) -> Call:
        return Call("POST", "people/search", {"text": text})

    few = known.contacts[:50]
    return {
        "POST people/search": lambda: turns(
            search(text)
            for who in few
            for text in (str(who), f"customer-{who}", f"customer{who}@example.com", f"+4470{who:08d}")
        ),
        "GET people/{contact_id}/codes": lambda: turns(get(f"people/{who}/codes") for who in few),
        "GET people/{contact_id}/codes@regular": lambda: walk(f"people/{REGULAR}/codes"),
        "POST codes/find": lambda: turns(Call("POST", "codes/find", {"code": code}) for code in known.codes),
        "POST runs/{run_id}/people/{contact_id}/reveal": lambda: turns(
            Call("POST", f"runs/{known.live}/people/{who}/reveal", {}) for who in few
        ),
    }


def _the_rest(known: Known) -> dict[str, Callable[[], Calls]]:
    built = [quote(each) for each in known.workflows]
    return {
        "GET workflows": lambda: turns([get("workflows")]),
        "GET workflows/{dag_id}": lambda: turns(get(f"workflows/{each}") for each in built),
        "POST workflows/{dag_id}/message": lambda: turns(
            Call("POST", f"workflows/{each}/message", {"contact_id": who})
            for each, who in itertools.product(built, (None, *known.contacts[:5]))
        ),
        "GET workflows/{dag_id}/trigger/effect": lambda: turns(
            get(f"workflows/{each}/trigger/effect") for each in built
        ),
        "GET workflows/{dag_id}/dry-run": lambda: turns(get(f"workflows/{each}/dry-run") for each in built),
        "GET contacts/{contact_id}": lambda: turns(get(f"contacts/{who}") for who in known.contacts),
        "GET contacts/{contact_id}@regular": lambda: turns([get(f"contacts/{REGULAR}")]),
        "GET contacts/{contact_id}/erase/effect": lambda: turns(
            get(f"contacts/{who}/erase/effect") for who in (REGULAR, *known.contacts[:50])
        ),
        "GET inbox": lambda: walk("inbox"),
        "GET inbox/{message_id}": lambda: turns(get(f"inbox/{each}") for each in known.messages),
        "GET receivers": lambda: turns([get("receivers")]),
        "GET checks": lambda: turns([get("checks")]),
        "GET audit": lambda: walk("audit"),
    }


def writes(known: Known) -> dict[str, Callable[[], Calls]]:
    """Return what is done with routes that change a little and can be done again and again."""

    def halts() -> Calls:
        return turns(Call("POST", f"runs/{known.paused}/{act}", {"reason": "measured"}) for act in ("resume", "pause"))

    return {
        "POST runs/{run_id}/pause": halts,
        "POST sending/stop": lambda: turns(
            Call("POST", f"sending/{act}", {"reason": "measured"}) for act in ("stop", "start")
        ),
        "POST runs/{run_id}/unknown": lambda: turns(
            Call("POST", f"runs/{known.live}/unknown", {"decision": "accept", "contact_ids": [who]})
            for who in known.unknown
        ),
        "PUT codes/uploads": lambda: (
            Call("PUT", f"codes/uploads?name=measured-{number}.csv", b"code\nA\n") for number in itertools.count()
        ),
    }


NOT_MEASURED = {
    "POST runs/{run_id}/cancel": "writes to every contact of the run",
    "POST runs/{run_id}/resume": "measured in turn with pause",
    "POST sending/start": "measured in turn with stop",
    "POST runs/{run_id}/again": "starts a DAG run",
    "POST runs/{run_id}/export": "streams a whole run",
    "GET codes/files/{code_file_id}/rejects.csv": "streams a whole file",
    "POST codes/files/{code_file_id}/withdraw": "writes to every code of the file",
    "POST workflows/{dag_id}/dry-run": "begins work in the background",
    "GET workflows/{dag_id}/dry-run/{token}": "needs a dry run of its own",
    "POST workflows/{dag_id}/test-send": "sends",
    "POST workflows/{dag_id}/trigger": "starts a DAG run",
    "POST contacts/{contact_id}/erase": "cannot be done twice",
    "POST checks/run": "begins work in the background",
}
"""Routes that are left out, each with its reason. A test fails for a route that is neither here nor asked."""
