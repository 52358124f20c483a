"""Every sync point of a process: each round trip to Postgres, and each request to a receiver, seen from inside.

The list is not written by hand: psycopg waits for the server in one place, and aiohttp sends in one, so that a new
query is a new point by itself.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import aiohttp
import psycopg

from named_sql import sql_files
from promo_campaigns.ledger.invariants import invariants
from promo_campaigns.postgres.sql import queries

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg.abc import PQGen

PHASES = ("before", "sent", "after")
"""Nothing has left; it has left and nobody has heard; it is answered."""


@dataclass(frozen=True, slots=True)
class Point:
    """One place where the scenario may end.

    :ivar call: a named query (``ledger.attempts.begin_messages``), ``begin``, ``commit``, ``rollback``, or a request
    :ivar phase: one of ``PHASES``
    :ivar nth: how often this call came before, from 0
    """

    call: str
    phase: str
    nth: int

    def __str__(self) -> str:
        """Return the form a replay takes: ``ledger.attempts.begin_messages:sent:1``."""
        return f"{self.call}:{self.phase}:{self.nth}"

    @classmethod
    def parse(cls, text: str) -> Point:
        """Read that form."""
        call, phase, nth = text.rsplit(":", 2)
        return cls(call, phase, int(nth))


def trace(arrived: Callable[[Point], None]) -> None:
    """Have a function called at every sync point of this process, from now on and for good."""
    seen: Counter[str] = Counter()
    driver_wait = psycopg.Connection.wait
    client_request = aiohttp.ClientSession._request  # noqa: SLF001  (the one place every request passes)

    def wait(connection: psycopg.Connection[Any], gen: PQGen[Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  (psycopg's own signature)
        call, nth = _counted(seen, _name_of(gen))
        arrived(Point(call, "before", nth))
        answer = driver_wait(connection, _halved(gen, lambda: arrived(Point(call, "sent", nth))), *args, **kwargs)
        arrived(Point(call, "after", nth))
        return answer

    async def request(
        session: aiohttp.ClientSession,
        method: str,
        url: object,
        **kwargs: Any,  # noqa: ANN401  (aiohttp's own signature)
    ) -> aiohttp.ClientResponse:
        call, nth = _counted(seen, f"{method} /{PurePath(str(url).partition('?')[0]).name}")
        arrived(Point(call, "before", nth))
        answer = await client_request(session, method, url, **kwargs)  # type: ignore[arg-type]  # whatever aiohttp was given
        arrived(Point(call, "after", nth))
        return answer

    psycopg.Connection.wait = wait  # type: ignore[assignment,method-assign]  # this process exists to be traced
    aiohttp.ClientSession._request = request  # type: ignore[assignment,method-assign]  # noqa: SLF001  (the same)


def _counted(seen: Counter[str], call: str) -> tuple[str, int]:
    nth = seen[call]
    seen[call] += 1
    return call, nth


def _halved(gen: PQGen[Any], sent: Callable[[], None]) -> PQGen[Any]:
    """Run a round trip, and tell when its bytes have left: psycopg yields first when it has to wait for the answer."""
    try:
        wanted = next(gen)
        sent()
        while True:
            ready = yield wanted
            wanted = gen.send(ready)
    except StopIteration as end:
        return end.value


def _name_of(gen: PQGen[Any]) -> str:
    frame = gen.gi_frame  # type: ignore[attr-defined]  # a generator function's, always
    query = frame.f_locals.get("query")
    if query is None:
        leaving = frame.f_locals.get("exc_type") is not None
        function = str(frame.f_code.co_name)
        return {"_enter_gen": "begin", "_exit_gen": "rollback" if leaving else "commit"}.get(function, function)
    text = query if isinstance(query, str) else str(query.as_string(None))
    return _known().get(_head(text), _head(text))


def _head(text: str) -> str:
    """Return the line of intent, which every named query starts with."""
    return text.splitlines()[0]


@cache
def _known() -> dict[str, str]:
    named = {
        _head(text): f"{file}.{name}"
        for file in sql_files()
        for name, text in queries(f"promo_campaigns.{file}").items()
    }
    return named | {_head(text): f"invariants.{name}" for name, text in invariants().items()}
