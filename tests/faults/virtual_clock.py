"""The time of a schedule: one number that the store, the send path and the simulated receivers all read."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING
from unittest.mock import patch

from promo_campaigns.core import sending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from promo_campaigns.adapters.postgres import Connection

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
def virtual_send_path(clock: VirtualClock, sleep: Callable[[float], None]) -> Iterator[None]:
    """Give ``core.sending`` this clock and this way to sleep while the context lasts."""

    async def pause(seconds: float) -> None:
        sleep(seconds)

    with (
        patch.object(sending, "asyncio", SimpleNamespace(sleep=pause)),
        patch.object(sending, "time", SimpleNamespace(monotonic=lambda: clock.now)),
    ):
        yield
