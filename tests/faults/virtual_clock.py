"""The time of a schedule: one number that the store, the send path and the simulated receivers all read."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from promo_campaigns.delivery import bulk
from promo_campaigns.delivery import retry_loop as sending

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from faults.workers import Worker
    from promo_campaigns.postgres.connection import Connection

EPOCH_S = 1_900_000_000.0
"""Where every schedule starts, in seconds since 1970."""

SETTING = "promo.virtual_now"


class VirtualClock:
    """Seconds since 1970, moved on by the scheduler alone."""

    def __init__(self) -> None:
        self.now = EPOCH_S

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now = round(self.now + seconds, 3)


def virtualise(connection: Connection) -> None:
    """Make the store's clock read each session's setting, in this database only."""
    connection.execute(
        "create or replace function promo.clock() returns timestamptz language sql stable parallel safe"
        f" return to_timestamp(current_setting('{SETTING}')::float8)"
    )


@contextmanager
def virtual_send_path(clock: VirtualClock, running: Callable[[], Worker]) -> Iterator[None]:
    """Give ``delivery.retry_loop`` this clock while the context lasts; its waiting and its workers are steps.

    The requests for several contacts that ``delivery.bulk`` makes beside each other are made in turn.
    """

    async def sleep(seconds: float) -> None:
        running().sleep(seconds)

    async def gather(*works: Coroutine[Any, Any, object], return_exceptions: bool) -> list[object]:
        assert return_exceptions, "a worker that fails must not leave the other to itself"
        return await running().gather(*works)

    async def one_by_one(*works: Coroutine[Any, Any, object]) -> list[object]:
        try:
            return [await work for work in works]
        finally:
            for work in works:
                work.close()  # killed before it began

    with (
        patch.object(bulk, "asyncio", SimpleNamespace(gather=one_by_one)),
        patch.object(sending, "asyncio", SimpleNamespace(sleep=sleep, gather=gather)),
        patch.object(sending, "time", SimpleNamespace(monotonic=lambda: clock.now)),
    ):
        yield
