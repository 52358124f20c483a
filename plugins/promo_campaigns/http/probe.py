"""Whether a receiver lets us in: one GET of its base path."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from promo_campaigns.http.client import Call, HttpClient
from promo_campaigns.model.outcome import Outcome

if TYPE_CHECKING:
    from promo_campaigns.http.client import Answer
    from promo_campaigns.http.target import Endpoint

_SERVER_ERRORS = 500
_UNAUTHORIZED = 401


def probe(endpoint: Endpoint) -> tuple[bool, str]:
    """Return whether a receiver answers and lets us in, and what it said, in words free of secrets.

    :raises SendError: the host has a private address and the endpoint does not allow one
    """
    with ThreadPoolExecutor(1) as thread:  # the caller may have an event loop already
        answer = thread.submit(lambda: asyncio.run(_asked(endpoint))).result()
    return _told(answer)


async def _asked(endpoint: Endpoint) -> Answer:
    client = HttpClient(endpoint)
    async with client.connected():
        call = Call(method="GET", path="?" if urlsplit(endpoint.base_url).path else "/")
        deadline = time.monotonic() + 2 * endpoint.timeout_s
        (answer,) = await client.send_all([call], deadline=deadline)
        if answer.status == _UNAUTHORIZED and not answer.locked_out:  # of a token that other tasks had left
            (answer,) = await client.send_all([call], deadline=deadline)
        return answer


def _told(answer: Answer) -> tuple[bool, str]:
    if not answer.status or answer.locked_out:
        return False, f"{answer.detail}; {answer.look_at}" if answer.look_at else answer.detail
    if answer.outcome is Outcome.OK:
        return True, f"the receiver answers: HTTP {answer.status}"
    if answer.outcome is Outcome.LATER or answer.status >= _SERVER_ERRORS:
        return False, f"the receiver is there and answers {answer.detail}"
    return True, (
        f"the receiver is there and answers {answer.detail} to a GET of its base path; whether it takes our login, "
        "only a request of a data source shows: promo data-source test"
    )
